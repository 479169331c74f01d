"""The event `SageMaker Model Package State Change` (Developer Guide, "Model package state change")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from lockgate_twin.ports import Event
from lockgate_twin.services.sagemaker.names import Place

DETAIL_TYPE = "SageMaker Model Package State Change"
# Members of DescribeModelPackage that the documented event carries (or that were seen in real ones).
DETAIL_MEMBERS = (
    "ModelPackageGroupName",
    "ModelPackageVersion",
    "ModelPackageArn",
    "ModelPackageDescription",
    "CreationTime",
    "InferenceSpecification",
    "ModelPackageStatus",
    "ModelPackageStatusDetails",
    "CertifyForMarketplace",
    "ModelApprovalStatus",
    "ApprovalDescription",
    "CustomerMetadataProperties",
    "MetadataProperties",
    "ModelMetrics",
    "ModelLifeCycle",
    "LastModifiedTime",
)
# Request member of UpdateModelPackage -> the name that UpdatedModelPackageFields lists it under. ModelCard is not among
# the documented names. "sourceUri" is spelled so in the documentation.
UPDATED_FIELDS = {
    "ModelLifeCycle": "ModelLifeCycle",
    "ModelApprovalStatus": "ModelApprovalStatus",
    "ApprovalDescription": "ApprovalDescription",
    "SourceUri": "sourceUri",
    "CustomerMetadataProperties": "CustomerMetadataProperties",
    "CustomerMetadataPropertiesToRemove": "CustomerMetadataProperties",
    "InferenceSpecification": "InferenceSpecification",
}


def updated_fields(request: Mapping[str, Any]) -> list[str]:
    """Return UpdatedModelPackageFields of an update. Assumption: what the request sets, changed in value or not."""
    return list(dict.fromkeys(name for member, name in UPDATED_FIELDS.items() if member in request))


def state_change(place: Place, package: Mapping[str, Any], updated: Sequence[str] | None = None) -> Event:
    """Return the event for a package; `updated` only on updates (its member is absent when one is created)."""
    detail = {name: _json(package[name]) for name in DETAIL_MEMBERS if name in package}
    if updated is not None:
        detail["UpdatedModelPackageFields"] = list(updated)
    return Event(
        source="aws.sagemaker",
        detail_type=DETAIL_TYPE,
        detail=detail,
        account=place.account,
        region=place.region,
        resources=[package["ModelPackageArn"]],
    )


def _json(value: Any) -> Any:
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else value
