"""Endpoint configurations: Create, Describe, List, Delete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lockgate_twin.errors import ApiError, NotImplementedByTwin
from lockgate_twin.ports import Call, Context, Handler, utc_now
from lockgate_twin.services.sagemaker.errors import validation
from lockgate_twin.services.sagemaker.listing import Facts, Lister
from lockgate_twin.services.sagemaker.models import Models
from lockgate_twin.services.sagemaker.names import Named, Place, place
from lockgate_twin.services.sagemaker.registry import Registry
from lockgate_twin.services.sagemaker.resource_events import state_change
from lockgate_twin.services.sagemaker.tags import TagRegistry

REFUSED = ("AsyncInferenceConfig", "ExplainerConfig", "ShadowProductionVariants", "CrossRegionTrafficConfig")
REFUSED_VARIANT = ("ServerlessConfig", "ManagedInstanceScaling", "CapacityReservationConfig", "InstancePools")


@dataclass(frozen=True, kw_only=True)
class EndpointConfig:
    """An endpoint configuration."""

    key: Named
    request: Mapping[str, Any]
    created: datetime = field(default_factory=utc_now)

    @property
    def arn(self) -> str:
        """Return its ARN."""
        return self.key.place.arn("endpoint-config", self.key.name)

    @property
    def variants(self) -> list[dict[str, Any]]:
        """Return the production variants, each with its weight."""
        return [{"InitialVariantWeight": 1.0, **variant} for variant in self.request["ProductionVariants"]]

    @property
    def capture(self) -> Mapping[str, Any] | None:
        """Return the data capture configuration if capture is on."""
        found: Mapping[str, Any] = self.request.get("DataCaptureConfig", {})
        return found if found.get("EnableCapture") else None

    def summary(self) -> dict[str, Any]:
        """Return ListEndpointConfigs' members."""
        return {
            "EndpointConfigName": self.key.name,
            "EndpointConfigArn": self.arn,
            "CreationTime": self.created,
        }

    def described(self) -> dict[str, Any]:
        """Return DescribeEndpointConfig's members."""
        kept = {name: value for name, value in self.request.items() if name != "Tags"}
        return {**kept, **self.summary(), "ProductionVariants": self.variants}


LISTER: Lister[EndpointConfig] = Lister(
    "EndpointConfigs",
    facts=lambda config: Facts(name=config.key.name, created=config.created),
    summary=EndpointConfig.summary,
)


class EndpointConfigs:
    """The operations on endpoint configurations."""

    name = "sagemaker"

    def __init__(self, context: Context, models: Models, tags: TagRegistry) -> None:
        self._context = context
        self.models = models
        self.tags = tags
        self.configs: Registry[EndpointConfig] = Registry(context.table("sagemaker.endpoint-configs"))

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by operation name."""
        return {
            "CreateEndpointConfig": self.create,
            "DescribeEndpointConfig": self.describe,
            "ListEndpointConfigs": self.list_all,
            "DeleteEndpointConfig": self.delete,
        }

    def find(self, where: Place, name: str) -> EndpointConfig:
        """Return a configuration.

        Raises:
            ApiError: ValidationException when it does not exist.
        """
        return self.configs.find(Named(where, name), _missing(where, name))

    def create(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Create a configuration whose models exist."""
        config = EndpointConfig(key=Named(place(call), parameters["EndpointConfigName"]), request=parameters)
        taken = validation(f'Cannot create already existing endpoint configuration "{config.arn}".')
        if self.configs.get(config.key):
            raise taken
        _check(parameters)
        for variant in config.variants:
            self.models.find(config.key.place, variant["ModelName"])
        self.tags.register_for(self._context.session(call), config.arn, parameters.get("Tags", []))
        self.configs.add(config.key, config, taken)
        self._tell(config)
        return {"EndpointConfigArn": config.arn}

    def describe(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Describe a configuration."""
        return self.find(place(call), parameters["EndpointConfigName"]).described()

    def list_all(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """List configurations, newest first unless asked otherwise."""
        return LISTER.page(self.configs.here(place(call)), parameters)

    def delete(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Delete a configuration; endpoints that use it go on."""
        where, name = place(call), parameters["EndpointConfigName"]
        config = self.configs.remove(Named(where, name), _missing(where, name))
        self._tell(config)
        self.tags.forget(config.arn)
        return {}

    def _tell(self, config: EndpointConfig) -> None:
        tags = self.tags.known(config.arn)
        self._context.emit(state_change("Endpoint Config", config.key, config.arn, config.described(), tags))


def _check(request: Mapping[str, Any]) -> None:
    found = [name for name in REFUSED if request.get(name)]
    names = [variant["VariantName"] for variant in request["ProductionVariants"]]
    for variant in request["ProductionVariants"]:
        found += [f"variant {variant['VariantName']}: {name}" for name in REFUSED_VARIANT if name in variant]
        if "ModelName" not in variant:
            found.append(f"variant {variant['VariantName']}: no ModelName (inference components)")
    if found:
        raise NotImplementedByTwin(f"CreateEndpointConfig with {'; '.join(found)}")
    if len(names) != len(set(names)):
        raise validation("Variant names must be unique within an endpoint configuration.")


def _missing(where: Place, name: str) -> ApiError:
    return validation(f'Could not find endpoint configuration "{where.arn("endpoint-config", name)}".')
