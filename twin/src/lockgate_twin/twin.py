"""The twin, put together: this file only wires the services."""

from __future__ import annotations

import hmac
import traceback
from collections.abc import Callable
from typing import Any

from lockgate_twin.audit import snapshot
from lockgate_twin.cloudformation import CloudFormation
from lockgate_twin.core import Core
from lockgate_twin.ports import Principal, Service, Settings, utc_now
from lockgate_twin.services import sagemaker
from lockgate_twin.services.codebuild import CodeBuild
from lockgate_twin.services.codecommit import CodeCommit, GitHttp
from lockgate_twin.services.codepipeline import CodePipeline
from lockgate_twin.services.eventbridge import (
    EventBus,
    QueueSender,
    SessionQueues,
    Wiring,
    check_rule,
    standard_targets,
)
from lockgate_twin.services.lambda_ import Lambda
from lockgate_twin.services.sagemaker_projects import Projects
from lockgate_twin.services.servicecatalog import ServiceCatalog


class Twin:
    """AWS on one machine."""

    def __init__(self, settings: Settings) -> None:
        self._started = utc_now()
        self.core = Core(settings)
        self._codecommit, self._codebuild = CodeCommit(self.core), CodeBuild(self.core)
        self._codepipeline = CodePipeline(
            self.core, sources=self._codecommit.archives, builds=self._codebuild.pipeline_builds
        )
        self._lambda = Lambda(self.core)
        self._sagemaker = sagemaker.assemble(self.core)
        self._catalog = ServiceCatalog(self.core)
        self._projects = Projects(self.core, self._catalog, self._sagemaker.tags)
        self.events = _event_bus(self.core, self._lambda)
        self.git = GitHttp(self._codecommit, self._authenticate)
        self.core.on_event = self.events.emit
        self.core.authorizer.register_resource_policies("lambda", self._lambda.resource_policy)
        self.core.authorizer.register_resource_policies("sagemaker", self._sagemaker.groups.resource_policy)
        self.core.authorizer.register_resource_tags("sagemaker", self._sagemaker.tags.known)
        self.core.authorizer.register_request_keys("servicecatalog", self._catalog.condition_keys)
        self.core.front.check_before_moto("events", "PutRule", check_rule)
        own: tuple[Service, ...] = (
            CloudFormation(self.core),
            self._codecommit,
            self._codebuild,
            self._codepipeline,
            self._lambda,
            self._catalog,
            self._projects,
            self.events,
        )
        for service in (*own, *self._sagemaker.services):
            self.core.front.register(service)

    def status(self) -> dict[str, Any]:
        """Tell what runs and how much time the users' own programs took."""
        finished, running = self.core.processes.finished(), self.core.processes.running()
        return {
            "endpoint_url": self.core.settings.endpoint_url,
            "state_dir": str(self.core.settings.state_dir),
            "running_processes": sorted(running.values()),
            "finished_processes": finished,
            "seconds_in_pipelines": self._sagemaker.executions.seconds(),
        }

    def roles(self) -> dict[str, Any]:
        """Tell what the roles may do, for an audit of the access log."""
        return snapshot.take(self.core, self._started)

    def close(self) -> None:
        """Stop everything that runs; nothing outlives the twin but its logs and what they need to be read."""
        closers: tuple[Callable[[], None], ...] = (
            lambda: snapshot.save(self.roles(), self.core.settings.state_dir),
            self.events.close,
            self._codepipeline.close,
            self._lambda.close,
            self._sagemaker.close,
            self.core.processes.close,
            self.core.log.close,
        )
        for close in closers:
            try:
                close()
            except Exception:  # noqa: BLE001 - one part that cannot stop must not keep the others running
                traceback.print_exc()

    def warm_up(self) -> None:
        """Do in the background, once, what the first calls and jobs would wait for."""
        self.core.in_background("warm-up moto", self.core.moto.warm_up)
        self.core.in_background("warm-up sagemaker", self._sagemaker.warm_up)

    def _authenticate(self, user: str, password: str) -> Principal | None:
        found = self.core.credentials.find(user)
        if found is None or not hmac.compare_digest(found.secret_access_key.encode(), password.encode()):
            return None
        return None if self.core.credentials.expired(found) else found.principal


def _event_bus(core: Core, functions: Lambda) -> EventBus:
    queues = SessionQueues(core, core.administrator.principal)
    may = core.authorizer.service_may
    wiring = Wiring(
        rules=core.moto.rules,
        targets=standard_targets(core, functions, queues, may),
        dead_letters=QueueSender(queues, may),
    )
    return EventBus(core, wiring)
