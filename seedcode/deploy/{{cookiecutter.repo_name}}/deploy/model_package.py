"""The one model version to deploy, refused unless it is exactly what was approved."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from deploy import storage
from deploy.environment import Environment
from deploy.errors import RefusedError

ARN = re.compile(
    r"arn:aws[a-z\-]*:sagemaker:(?P<region>[a-z0-9\-]+):[0-9]{12}:model-package/(?P<group>[a-zA-Z0-9\-]+)/[0-9]+"
)


@dataclass(frozen=True)
class ModelPackage:
    """An approved model version, with what is known about its bytes and its evaluation."""

    arn: str
    version: int
    digest: str
    model_data_uri: str
    evaluation_data_uri: str
    statistics_uri: str
    evaluation_plan_uri: str | None

    @property
    def verified(self) -> str:
        """What to tell once `deployable` has returned this version."""
        return f"version {self.version} is approved and has its registered bytes (sha256 {self.digest})"


def deployable(sagemaker: Any, s3: Any, environment: Environment) -> ModelPackage:
    """The environment's model version, approved now and byte for byte what was registered.

    Raises:
        RefusedError: as read_approved, or the sha256 of its model.tar.gz is not the registered one.
    """
    package = read_approved(sagemaker, environment)
    check_bytes(s3, package)
    return package


def read_approved(sagemaker: Any, environment: Environment) -> ModelPackage:
    """The environment's model version, if it may be deployed as far as the registry knows.

    Raises:
        RefusedError: the ARN is malformed or of another region or group, or the version is not approved.
    """
    check_arn(environment)
    arn = environment.model_package_arn
    found = sagemaker.describe_model_package(ModelPackageName=arn)
    group, wanted = found.get("ModelPackageGroupName"), environment.model_package_group
    if group != wanted:
        raise RefusedError(f"{arn} belongs to the group {group}, not to this project's {wanted}.")
    status = found["ModelApprovalStatus"]
    if status != "Approved":
        raise RefusedError(f"{arn} is {status}, not Approved: only an approved model version is deployed.")
    return _package(found)


def check_arn(environment: Environment) -> None:
    """Refuse what is no ARN of a model version of this region and group, before asking anybody about it."""
    arn = environment.model_package_arn
    parts = ARN.fullmatch(arn)
    if parts is None:
        raise RefusedError(f"{arn!r} is not the ARN of a model version (…:model-package/<group>/<number>).")
    if parts["region"] != environment.region:
        raise RefusedError(
            f"{arn} is in the region {parts['region']}, but this pipeline deploys in {environment.region}."
        )
    # SageMaker may write names in ARNs in small letters; the registry's answer has the exact name.
    if parts["group"].lower() != environment.model_package_group.lower():
        raise RefusedError(f"{arn} is not of this project's group {environment.model_package_group}.")


def check_bytes(s3: Any, package: ModelPackage) -> None:
    """Refuse a version whose archive is not byte for byte what was evaluated and approved."""
    actual = storage.sha256(s3, package.model_data_uri)
    if actual != package.digest:
        raise RefusedError(
            f"The bytes of {package.model_data_uri} have the sha256 {actual}, but {package.arn} was "
            f"registered with {package.digest}: the archive was changed since then and is not deployed."
        )


def _package(found: dict[str, Any]) -> ModelPackage:
    arn, containers = found["ModelPackageArn"], found["InferenceSpecification"]["Containers"]
    if len(containers) != 1:
        raise RefusedError(f"{arn} has {len(containers)} containers; this pipeline deploys exactly one.")
    properties = found.get("CustomerMetadataProperties", {})
    evidence = {
        "ModelDigest": properties.get("ModelDigest"),
        "EvaluationDataUri": properties.get("EvaluationDataUri"),
        "ModelDataUrl": containers[0].get("ModelDataUrl"),
        "model quality statistics": found.get("ModelMetrics", {})
        .get("ModelQuality", {})
        .get("Statistics", {})
        .get("S3Uri"),
    }
    missing = [name for name, value in evidence.items() if not value]
    if missing:
        raise RefusedError(f"{arn} was registered without {' and '.join(missing)}.")
    digest, evaluation_data, model_data, statistics = evidence.values()
    folder = properties.get("EvidenceUri")
    plan = f"{folder}evaluation_plan.json" if folder else None
    return ModelPackage(
        arn, found["ModelPackageVersion"], digest, model_data, evaluation_data, statistics, plan
    )
