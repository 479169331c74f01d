"""Questions to the model registry about this project's model versions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

NEWEST = 100  # versions looked at; an older one with the same source is built again, which is harmless


@dataclass(frozen=True)
class ModelVersion:
    """One version of the model package group, as far as a build cares."""

    arn: str
    version: int
    approval_status: str
    properties: dict[str, str]


def find_by_source(sagemaker: Any, group: str, source_digest: str) -> ModelVersion | None:
    """The newest completed version that was built from the same source, if there is one."""
    for arn in _newest_arns(sagemaker, group):
        version = describe(sagemaker, arn)
        if version.properties.get("SourceDigest") == source_digest:
            return version
    return None


def describe(sagemaker: Any, arn: str) -> ModelVersion:
    """Read one version."""
    found = sagemaker.describe_model_package(ModelPackageName=arn)
    return ModelVersion(
        arn=found["ModelPackageArn"],
        version=found["ModelPackageVersion"],
        approval_status=found["ModelApprovalStatus"],
        properties=found.get("CustomerMetadataProperties", {}),
    )


def _newest_arns(sagemaker: Any, group: str) -> Iterator[str]:
    answer = sagemaker.list_model_packages(
        ModelPackageGroupName=group, SortBy="CreationTime", SortOrder="Descending", MaxResults=NEWEST
    )
    for summary in answer["ModelPackageSummaryList"]:
        if summary["ModelPackageStatus"] == "Completed":
            yield summary["ModelPackageArn"]
