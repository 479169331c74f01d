"""The one model version to deploy, refused unless it is exactly what was approved."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

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
    evidence_uri: str | None
    evidence_digest: str | None

    @property
    def evaluation_plan_uri(self) -> str | None:
        """Where evaluation_plan.json is; None for a version registered without evidence of its own."""
        return f"{self.evidence_uri}evaluation_plan.json" if self.evidence_uri else None

    @property
    def verified(self) -> str:
        """What to tell once `deployable` has returned this version."""
        return f"version {self.version} is approved and has its registered bytes (sha256 {self.digest})"


def deployable(sagemaker: Any, s3: Any, environment: Environment) -> ModelPackage:
    """The environment's model version, approved now and byte for byte what was registered.

    Raises:
        RefusedError: as read_approved, or its model.tar.gz or its evidence is not what was registered.
    """
    package = read_approved(sagemaker, environment)
    check_bytes(s3, package)
    check_evidence(s3, package)
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
    actual = _digest(s3, package.model_data_uri, package)
    if actual != package.digest:
        raise RefusedError(
            f"The bytes of {package.model_data_uri} have the sha256 {actual}, but {package.arn} was "
            f"registered with {package.digest}: the archive was changed since then and is not deployed."
        )


def check_evidence(s3: Any, package: ModelPackage) -> None:
    """Refuse a version whose evidence is missing or not what was approved: endpoints are tested with it.

    A version registered without the digest of its evidence has none to be held against.
    """
    if not (package.evidence_uri and package.evidence_digest):
        return
    manifest = f"{package.evidence_uri}manifest.json"
    if _digest(s3, manifest, package) != package.evidence_digest:
        raise RefusedError(f"{manifest} is not the one that {package.arn} was registered with.")
    for name, digest in json.loads(storage.read_text(s3, manifest))["files"].items():
        if _digest(s3, f"{package.evidence_uri}{name}", package) != digest:
            raise RefusedError(
                f"{package.evidence_uri}{name} is not the one that {package.arn} was registered with."
            )


def _digest(s3: Any, uri: str, package: ModelPackage) -> str:
    try:
        return storage.sha256(s3, uri)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("NoSuchKey", "404"):
            raise
        raise RefusedError(f"{uri} does not exist any more; {package.arn} was registered with it.") from None


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
    return ModelPackage(
        arn=arn,
        version=found["ModelPackageVersion"],
        digest=digest,
        model_data_uri=model_data,
        evaluation_data_uri=evaluation_data,
        statistics_uri=statistics,
        evidence_uri=properties.get("EvidenceUri"),
        evidence_digest=properties.get("EvidenceDigest"),
    )
