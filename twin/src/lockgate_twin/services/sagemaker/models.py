"""Models: Create, Describe, List, Delete. Creating one checks its role, its model data and its model package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Call, Context, Handler, Session, utc_now
from lockgate_twin.services.sagemaker import model_data
from lockgate_twin.services.sagemaker.containers import Container, container
from lockgate_twin.services.sagemaker.errors import validation
from lockgate_twin.services.sagemaker.listing import Facts, Lister
from lockgate_twin.services.sagemaker.model_packages import ModelPackages
from lockgate_twin.services.sagemaker.names import Named, Place, place
from lockgate_twin.services.sagemaker.registry import Registry
from lockgate_twin.services.sagemaker.resource_events import state_change
from lockgate_twin.services.sagemaker.tags import TagRegistry

PRINCIPAL = "sagemaker.amazonaws.com"
# Recorded, not enforced: the twin has no networks of its own.
KEPT = ("PrimaryContainer", "Containers", "InferenceExecutionConfig", "ExecutionRoleArn", "VpcConfig")


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model and the container that serves it."""

    key: Named
    request: Mapping[str, Any]
    container: Container
    created: datetime = field(default_factory=utc_now)

    @property
    def arn(self) -> str:
        """Return the model's ARN."""
        return self.key.place.arn("model", self.key.name)

    @property
    def isolated(self) -> bool:
        """Tell whether its containers get no credentials.

        Assumption: AWS also cuts their network; the twin's model servers keep it, for requests come over it.
        """
        return bool(self.request.get("EnableNetworkIsolation", False))

    def summary(self) -> dict[str, Any]:
        """Return ListModels' members."""
        return {"ModelName": self.key.name, "ModelArn": self.arn, "CreationTime": self.created}

    def described(self) -> dict[str, Any]:
        """Return DescribeModel's members."""
        kept = {name: self.request[name] for name in KEPT if name in self.request}
        return {**self.summary(), **kept, "EnableNetworkIsolation": self.isolated}

    def session(self, context: Context) -> Session:
        """Act as the model's execution role.

        Raises:
            ApiError: AccessDenied.
        """
        return context.assume_role(
            self.request["ExecutionRoleArn"],
            service=PRINCIPAL,
            session_name="SageMaker",
            region=self.key.place.region,
            source_arn=self.arn,
        )


LISTER: Lister[Model] = Lister(
    "Models", facts=lambda model: Facts(name=model.key.name, created=model.created), summary=Model.summary
)


class Models:
    """The operations on models."""

    name = "sagemaker"

    def __init__(self, context: Context, packages: ModelPackages, tags: TagRegistry) -> None:
        self._context = context
        self._packages = packages
        self._tags = tags
        self.models: Registry[Model] = Registry(context.table("sagemaker.models"))

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by operation name."""
        return {
            "CreateModel": self.create,
            "DescribeModel": self.describe,
            "ListModels": self.list_all,
            "DeleteModel": self.delete,
        }

    def find(self, where: Place, name: str) -> Model:
        """Return a model.

        Raises:
            ApiError: ValidationException when it does not exist.
        """
        return self.models.find(Named(where, name), _missing(where, name))

    def create(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Create a model.

        Raises:
            ApiError: ValidationException for its role, its model data or a package that is not Approved.
        """
        key = Named(place(call), parameters["ModelName"])
        taken = validation(f'Cannot create already existing model "{key.place.arn("model", key.name)}".')
        if self.models.get(key):
            raise taken
        if "ExecutionRoleArn" not in parameters:
            raise validation("ExecutionRoleArn is required to create a model.")
        found = container(parameters, lambda name: self._packages.find(call, name))
        model = Model(key=key, request=parameters, container=found)
        model_data.etag(self._session(model), found.model_data_url)
        self._tags.register_for(self._context.session(call), model.arn, parameters.get("Tags", []))
        self.models.add(key, model, taken)
        self._tell(model)
        return {"ModelArn": model.arn}

    def _session(self, model: Model) -> Session:
        try:
            return model.session(self._context)
        except ApiError as error:
            raise validation(
                f"Could not assume role {model.request['ExecutionRoleArn']}. Please ensure that the role exists and "
                f"allows principal '{PRINCIPAL}' to assume the role. ({error.message})"
            ) from error

    def describe(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Describe a model."""
        return self.find(place(call), parameters["ModelName"]).described()

    def list_all(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """List models, newest first unless asked otherwise."""
        return LISTER.page(self.models.here(place(call)), parameters)

    def delete(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Delete a model; endpoints that serve it go on."""
        where, name = place(call), parameters["ModelName"]
        model = self.models.remove(Named(where, name), _missing(where, name))
        self._tell(model)
        self._tags.forget(model.arn)
        return {}

    def _tell(self, model: Model) -> None:
        tags = self._tags.known(model.arn)
        self._context.emit(state_change("Model", model.key, model.arn, model.described(), tags))


def _missing(where: Place, name: str) -> ApiError:
    return validation(f'Could not find model "{where.arn("model", name)}".')
