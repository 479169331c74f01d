"""A model's container: what it serves, with which environment, resolved from a definition or a model package."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lockgate_twin.errors import NotImplementedByTwin
from lockgate_twin.jobs import images
from lockgate_twin.services.sagemaker.errors import validation

REFUSED = ("ModelDataSource", "AdditionalModelDataSources", "MultiModelConfig", "InferenceSpecificationName")
Package = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Container:
    """An image, the model archive it gets and its environment."""

    image: str
    model_data_url: str
    environment: Mapping[str, str]

    @property
    def framework(self) -> images.Framework:
        """Return the image's framework.

        Raises:
            NotImplementedByTwin: the twin cannot serve with this image.
        """
        program = self.environment.get("SAGEMAKER_PROGRAM")
        return images.script_mode_framework(self.image, program=program, purpose="Hosting a model")


def container(request: Mapping[str, Any], package_of: Callable[[str], Package]) -> Container:
    """Return the single container of a CreateModel request; `package_of` finds model packages.

    Raises:
        ApiError: ValidationException, also for a package that is not Approved ("must be Approved to deploy").
        NotImplementedByTwin: several containers, or ways to give model data that the twin does not know.
    """
    definition = _definition(request)
    if refused := [name for name in REFUSED if name in definition]:
        raise NotImplementedByTwin(f"A model's container with {', '.join(refused)}")
    if definition.get("Mode") == "MultiModel":
        raise NotImplementedByTwin("A model's container with Mode MultiModel")
    own = definition.get("Environment", {})
    if "ModelPackageName" in definition:
        packaged = _packaged(definition, package_of(definition["ModelPackageName"]))
        return Container(
            image=packaged["Image"],
            model_data_url=packaged["ModelDataUrl"],
            environment={**packaged.get("Environment", {}), **own},
        )
    missing = [name for name in ("Image", "ModelDataUrl") if name not in definition]
    if missing:
        raise validation(f"The container definition needs {' and '.join(missing)}, or a ModelPackageName.")
    return Container(image=definition["Image"], model_data_url=definition["ModelDataUrl"], environment=own)


def _definition(request: Mapping[str, Any]) -> Mapping[str, Any]:
    containers = request.get("Containers", [])
    if ("PrimaryContainer" in request) == bool(containers):
        raise validation("Exactly one of PrimaryContainer and Containers must be given.")
    if len(containers) > 1:
        raise NotImplementedByTwin("A model with several containers")
    found: Mapping[str, Any] = request["PrimaryContainer"] if "PrimaryContainer" in request else containers[0]
    return found


def _packaged(definition: Mapping[str, Any], package: Package) -> Mapping[str, Any]:
    if "Image" in definition or "ModelDataUrl" in definition:
        raise validation("Image and ModelDataUrl cannot be given together with ModelPackageName.")
    arn, status = package["ModelPackageArn"], package["ModelApprovalStatus"]
    if status != "Approved":
        raise validation(
            f"Model package {arn} has ModelApprovalStatus {status}; only an Approved model package can be deployed."
        )
    containers = package.get("InferenceSpecification", {}).get("Containers", [])
    if len(containers) != 1:
        raise NotImplementedByTwin(f"A model from {arn}, which has {len(containers)} containers (only one)")
    found: Mapping[str, Any] = containers[0]
    if "ModelDataUrl" not in found:
        raise NotImplementedByTwin(f"A model from {arn}, whose container has no ModelDataUrl")
    return found
