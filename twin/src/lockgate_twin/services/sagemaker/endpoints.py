"""Endpoints: Create, Describe, List, Update, Delete; the models are really served."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from lockgate_twin.errors import ApiError, NotImplementedByTwin
from lockgate_twin.jobs.errors import JobError
from lockgate_twin.jobs.running import Launcher
from lockgate_twin.ports import Call, Context, Handler, utc_now
from lockgate_twin.services.sagemaker.endpoint_configs import EndpointConfig, EndpointConfigs
from lockgate_twin.services.sagemaker.endpoint_record import Endpoint
from lockgate_twin.services.sagemaker.errors import validation
from lockgate_twin.services.sagemaker.fleet import Fleet, FleetStarter, Variant
from lockgate_twin.services.sagemaker.fleet_watch import FleetWatch
from lockgate_twin.services.sagemaker.listing import Facts, Lister
from lockgate_twin.services.sagemaker.names import Named, Place, place
from lockgate_twin.services.sagemaker.registry import Registry
from lockgate_twin.services.timers import Scheduler

CLOSE_GRACE_SECONDS = 1.0
LISTER: Lister[Endpoint] = Lister(
    "Endpoints",
    facts=lambda e: Facts(name=e.name, created=e.created, modified=e.modified, status=e.status),
    summary=Endpoint.summary,
)


class Endpoints:
    """The operations on endpoints."""

    name = "sagemaker"

    def __init__(self, context: Context, launcher: Launcher, configs: EndpointConfigs, clock: Scheduler) -> None:
        self._context = context
        models, tags = configs.models, configs.tags
        self._models = models
        self._configs = configs
        self._tags = tags
        self._starter = FleetStarter(context=context, launcher=launcher, models=models.find)
        self._watch = FleetWatch(starter=self._starter, revived=self._revived)
        self._clock = clock
        self._closed = False
        self.endpoints: Registry[Endpoint] = Registry(context.table("sagemaker.endpoints"))

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by operation name."""
        return {
            "CreateEndpoint": self.create,
            "DescribeEndpoint": self.describe,
            "ListEndpoints": self.list_all,
            "UpdateEndpoint": self.update,
            "DeleteEndpoint": self.delete,
        }

    def find(self, where: Place, name: str) -> Endpoint:
        """Return an endpoint.

        Raises:
            ApiError: ValidationException when it does not exist.
        """
        missing = validation(f'Could not find endpoint "{where.arn("endpoint", name)}".')
        return self.endpoints.find(Named(where, name), missing)

    def create(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Create an endpoint; it is InService when every variant answers /ping.

        Raises:
            ApiError: ValidationException, or NotImplemented for a model whose image has no stand-in.
        """
        where, name = place(call), parameters["EndpointName"]
        check_deployment(parameters.get("DeploymentConfig"))
        config = self._servable(where, parameters["EndpointConfigName"])
        endpoint = Endpoint(Named(where, name), config, deployment=parameters.get("DeploymentConfig"), target=config)
        taken = validation(f'Cannot create already existing endpoint "{endpoint.arn}".')
        if self.endpoints.get(endpoint.key):
            raise taken
        self._tags.register_for(self._context.session(call), endpoint.arn, parameters.get("Tags", []))
        self.endpoints.add(endpoint.key, endpoint, taken)
        self._tell(endpoint)
        self._context.in_background(f"create endpoint {name}", lambda: self._roll_out(endpoint, config))
        return {"EndpointArn": endpoint.arn}

    def update(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Serve another configuration: a new fleet starts, all traffic switches to it, the old one drains and stops.

        If the new fleet does not become healthy the old one goes on, with the FailureReason.
        """
        where = place(call)
        check_deployment(parameters.get("DeploymentConfig"))
        if parameters.get("RetainAllVariantProperties") or parameters.get("RetainDeploymentConfig"):
            raise NotImplementedByTwin("UpdateEndpoint with RetainAllVariantProperties or RetainDeploymentConfig")
        endpoint = self.find(where, parameters["EndpointName"])
        config = self._servable(where, parameters["EndpointConfigName"])
        with endpoint.lock:
            if endpoint.status == "Failed":
                raise validation(f'Cannot update failed endpoint "{endpoint.arn}"; delete it and create it again.')
            if endpoint.status != "InService":
                raise validation(f'Cannot update in-progress endpoint "{endpoint.arn}" ({endpoint.status}).')
            endpoint.deployment, endpoint.target = parameters.get("DeploymentConfig"), config
            self._enter(endpoint, "Updating")
        self._context.in_background(f"update endpoint {endpoint.name}", lambda: self._roll_out(endpoint, config))
        return {"EndpointArn": endpoint.arn}

    def describe(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Describe an endpoint."""
        return self.find(place(call), parameters["EndpointName"]).described()

    def list_all(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """List endpoints, newest first unless asked otherwise."""
        return LISTER.page(self.endpoints.here(place(call)), parameters)

    def delete(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Delete an endpoint: it takes no more requests, its processes end, then it is gone."""
        endpoint = self.find(place(call), parameters["EndpointName"])
        with endpoint.lock:
            if endpoint.status == "Deleting":
                return {}
            fleet, endpoint.fleet = endpoint.fleet, None
            self._enter(endpoint, "Deleting")
        self._context.in_background(f"delete endpoint {endpoint.name}", lambda: self._remove(endpoint, fleet))
        return {}

    def resume(self) -> None:
        """Serve again what an earlier twin served, and go on with what it had begun.

        Until its servers are healthy again an endpoint that was InService is Updating, and its callers wait.
        """
        for endpoint in self.endpoints.all():
            self._starter.tidy(endpoint.name)
            if endpoint.status == "Deleting":
                self._remove(endpoint, None)
            elif endpoint.status != "Failed":
                if endpoint.status != "Creating":
                    endpoint.status, endpoint.restoring = "Updating", threading.Event()
                self._context.in_background(f"resume endpoint {endpoint.name}", partial(self._resume, endpoint))

    def close(self) -> None:
        """Stop every endpoint's processes, after writing what data capture has buffered."""
        self.endpoints.close()
        self._closed = True
        for endpoint in self.endpoints.all():
            with endpoint.lock:
                fleet, endpoint.fleet = endpoint.fleet, None
            self._flush(endpoint)
            if fleet:
                fleet.stop(CLOSE_GRACE_SECONDS)

    def _servable(self, where: Place, name: str) -> EndpointConfig:
        """Return a configuration whose models exist and whose images the twin can stand in for."""
        config = self._configs.find(where, name)
        for variant in config.variants:
            _ = self._models.find(where, variant["ModelName"]).container.framework
        return config

    def _roll_out(self, endpoint: Endpoint, config: EndpointConfig) -> None:
        """Start a configuration's fleet and put it in service, or keep what serves."""
        try:
            fleet = self._starter.start(endpoint.name, config)
        except JobError as error:
            self._failed(endpoint, str(error))
            return
        except Exception as error:
            self._failed(endpoint, f"InternalServerError: {type(error).__name__}: {error}")
            raise
        with endpoint.lock:
            gone = endpoint.status == "Deleting" or self._closed
            if not gone:
                self._flush(endpoint)
                old, endpoint.target = endpoint.put_in_service(fleet, self._clock), None
                self._enter(endpoint, "InService")
        if gone:
            fleet.stop(CLOSE_GRACE_SECONDS)
            return
        self._watch.watch(endpoint.name, fleet)
        if old:
            old.drain()

    def _resume(self, endpoint: Endpoint) -> None:
        """Start the fleet that served; then, if another one was on its way, that."""
        if endpoint.restoring is not None:
            try:
                self._restore(endpoint)
            finally:
                endpoint.restoring.set()
        if endpoint.target is not None:
            self._roll_out(endpoint, endpoint.target)

    def _restore(self, endpoint: Endpoint) -> None:
        try:
            fleet = self._starter.start(endpoint.name, endpoint.config, endpoint.models)
        except JobError as error:
            if endpoint.target is None:
                self._failed(endpoint, str(error))
            return
        with endpoint.lock:
            gone = endpoint.status == "Deleting" or self._closed
            if not gone:
                endpoint.put_back(fleet, self._clock)
        if gone:
            fleet.stop(CLOSE_GRACE_SECONDS)
        else:
            self._watch.watch(endpoint.name, fleet)

    def _revived(self, fleet: Fleet, variant: Variant) -> None:
        """Let data capture write with the credentials of the server that answers now."""
        for endpoint in self.endpoints.all():
            with endpoint.lock:
                if endpoint.fleet is fleet and variant.name in endpoint.captures:
                    endpoint.captures[variant.name].write_as(variant.session)

    def _failed(self, endpoint: Endpoint, reason: str) -> None:
        with endpoint.lock:
            if endpoint.status != "Deleting":
                endpoint.target = None
                self._enter(endpoint, "InService" if endpoint.fleet else "Failed", reason)

    def _remove(self, endpoint: Endpoint, fleet: Fleet | None) -> None:
        self._flush(endpoint)
        if fleet:
            fleet.drain()
        with suppress(ApiError):
            self.endpoints.remove(endpoint.key, validation(f'Could not find endpoint "{endpoint.arn}".'))
        self._tags.forget(endpoint.arn)

    def _flush(self, endpoint: Endpoint) -> None:
        for capture in endpoint.captures.values():
            capture.flush_if_possible()

    def _enter(self, endpoint: Endpoint, status: str, reason: str | None = None) -> None:
        endpoint.status, endpoint.reason, endpoint.modified = status, reason, utc_now()
        self.endpoints.keep(endpoint.key, endpoint)
        self._tell(endpoint)

    def _tell(self, endpoint: Endpoint) -> None:
        self._context.emit(endpoint.event(self._tags.of(endpoint.arn)))


def check_deployment(config: Mapping[str, Any] | None) -> None:
    """Check a DeploymentConfig: blue/green with all traffic at once.

    Raises:
        NotImplementedByTwin: rolling updates, canary or linear traffic, automatic rollback on alarms.
    """
    if not config:
        return
    routing = config.get("BlueGreenUpdatePolicy", {}).get("TrafficRoutingConfiguration", {})
    found = [name for name in ("RollingUpdatePolicy",) if name in config]
    if routing.get("Type", "ALL_AT_ONCE") != "ALL_AT_ONCE":
        found.append(f"traffic routing {routing['Type']}")
    if config.get("AutoRollbackConfiguration", {}).get("Alarms"):
        found.append("AutoRollbackConfiguration")
    if found:
        raise NotImplementedByTwin(f"A DeploymentConfig with {', '.join(found)}")
