"""The registry, the pipeline service and S3 in memory, as far as the hub's functions call them."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import botocore.session
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

ACCOUNT, REGION = "111122223333", "us-east-1"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:sagemaker-lockgate-registrations"
DECISIONS = f"sagemaker-lockgate-decisions-{ACCOUNT}-{REGION}"
PROJECT = "sagemaker-project-p-idy6c3e1fiqj"
GROUP = "credit-p-idy6c3e1fiqj"
LONG_AGO = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
NOW = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)


def arn_of(number: int, group: str = GROUP) -> str:
    """The ARN of a version."""
    return f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package/{group}/{number}"


def refused(operation: str, code: str, message: str = "no") -> ClientError:
    """The error botocore raises for this answer."""
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


@cache
def _model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def hold(service: str, operation: str, request: dict[str, Any]) -> None:
    """Hold a request against botocore's own model."""
    report = ParamValidator().validate(request, _model(service).operation_model(operation).input_shape)
    assert not report.has_errors(), report.generate_report()


class FakeContext:
    """What Lambda says about the invocation."""

    invoked_function_arn = FUNCTION


@dataclass
class FakeS3:
    """Objects by bucket and key, with conditional writes; `fail` raises before the n-th write from now."""

    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)
    writes: int = 0
    fail_at: int | None = None

    def put_object(self, **request: Any) -> dict[str, Any]:
        """Write an object; 412 where it is there and If-None-Match is `*`."""
        hold("s3", "PutObject", request)
        place = request["Bucket"], request["Key"]
        self.writes += 1
        if self.fail_at == self.writes:
            raise refused("PutObject", "ServiceUnavailable")
        if request.get("IfNoneMatch") == "*" and place in self.objects:
            raise refused("PutObject", "PreconditionFailed")
        self.objects[place] = request["Body"]
        return {}

    def get_object(self, **request: Any) -> dict[str, Any]:
        """Read an object."""
        content = self._content(request, "GetObject")
        return {"Body": io.BytesIO(content), "ContentLength": len(content), **self._names(content)}

    def head_object(self, **request: Any) -> dict[str, Any]:
        """Describe an object."""
        return self._names(self._content(request, "HeadObject"))

    def get_paginator(self, name: str) -> FakeS3:
        """The paginator of the one list there is."""
        assert name == "list_objects_v2"
        return self

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        """Keys, two a page."""
        hold("s3", "ListObjectsV2", request)
        keys = sorted(k for b, k in self.objects if b == request["Bucket"] and k.startswith(request["Prefix"]))
        for start in range(0, len(keys), 2):
            yield {"Contents": [{"Key": key} for key in keys[start : start + 2]]}
        if not keys:
            yield {}

    def _content(self, request: dict[str, Any], operation: str) -> bytes:
        hold("s3", operation, request)
        try:
            return self.objects[request["Bucket"], request["Key"]]
        except KeyError:
            raise refused(operation, "NoSuchKey") from None

    @staticmethod
    def _names(content: bytes) -> dict[str, Any]:
        return {"ETag": f'"{hashlib.md5(content).hexdigest()}"', "VersionId": str(len(content))}  # noqa: S324


@dataclass
class FakeSagemaker:
    """Versions, group tags, cards and the executions of the approval pipeline. `updates` are writes to versions."""

    versions: dict[str, dict[str, Any]] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=lambda: {GROUP: {"sagemaker:project-id": PROJECT[18:]}})
    executions: dict[str, str] = field(default_factory=dict)
    status: dict[str, str] = field(default_factory=dict)
    started: list[str] = field(default_factory=list)
    cards: dict[str, dict[str, str]] = field(default_factory=dict)
    updates: list[dict[str, Any]] = field(default_factory=list)

    def register(self, number: int, **more: Any) -> str:
        """A pending version."""
        arn = arn_of(number)
        self.versions[arn] = {
            "ModelPackageArn": arn,
            "ModelPackageStatus": "Completed",
            "ModelApprovalStatus": "PendingManualApproval",
            "CreationTime": LONG_AGO,
            "CustomerMetadataProperties": {},
            **more,
        }
        return arn

    def describe_model_package(self, **request: Any) -> dict[str, Any]:
        """A version."""
        hold("sagemaker", "DescribeModelPackage", request)
        if request["ModelPackageName"] not in self.versions:
            raise refused("DescribeModelPackage", "ValidationException", "does not exist")
        return dict(self.versions[request["ModelPackageName"]])

    def list_model_packages(self, **request: Any) -> dict[str, Any]:
        """Versions by status, two a page."""
        hold("sagemaker", "ListModelPackages", request)
        found = [v for v in self.versions.values() if v["ModelApprovalStatus"] == request["ModelApprovalStatus"]]
        start = int(request.get("NextToken", "0"))
        more = {"NextToken": str(start + 2)} if start + 2 < len(found) else {}
        return {"ModelPackageSummaryList": found[start : start + 2], **more}

    def list_tags(self, **request: Any) -> dict[str, Any]:
        """A group's tags."""
        hold("sagemaker", "ListTags", request)
        tags = self.tags.get(request["ResourceArn"].rpartition("/")[2], {})
        return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def start_pipeline_execution(self, **request: Any) -> dict[str, str]:
        """Start an execution, or answer with the one of the same token."""
        hold("sagemaker", "StartPipelineExecution", request)
        token, (parameter,) = request["ClientRequestToken"], request["PipelineParameters"]
        if token not in self.executions:
            arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:pipeline/approval/execution/e{len(self.executions):011d}"
            self.executions[token], self.status[arn] = arn, "Executing"
            self.started.append(parameter["Value"])
        return {"PipelineExecutionArn": self.executions[token]}

    def describe_pipeline_execution(self, **request: Any) -> dict[str, Any]:
        """An execution's status."""
        hold("sagemaker", "DescribePipelineExecution", request)
        return {"PipelineExecutionStatus": self.status[request["PipelineExecutionArn"]], "FailureReason": "no capacity"}

    def list_pipeline_parameters_for_execution(self, **request: Any) -> dict[str, Any]:
        """An execution's parameters: the first version."""
        hold("sagemaker", "ListPipelineParametersForExecution", request)
        if request["PipelineExecutionArn"] not in self.status:
            raise refused("ListPipelineParametersForExecution", "ResourceNotFound")
        return {"PipelineParameters": [{"Name": "ModelPackageArn", "Value": arn_of(1)}]}

    def update_model_package(self, **request: Any) -> dict[str, Any]:
        """Change a version; customer metadata are merged."""
        hold("sagemaker", "UpdateModelPackage", request)
        known = self.versions[request["ModelPackageArn"]]
        said = {**known["CustomerMetadataProperties"], **request.get("CustomerMetadataProperties", {})}
        assert all(len(value) <= 256 for value in said.values())
        self.versions[request["ModelPackageArn"]] = {**known, **request, "CustomerMetadataProperties": said}
        self.updates.append(request)
        return {}

    def describe_model_card(self, **request: Any) -> dict[str, str]:
        """A card."""
        hold("sagemaker", "DescribeModelCard", request)
        if request["ModelCardName"] not in self.cards:
            raise refused("DescribeModelCard", "ResourceNotFound")
        return self.cards[request["ModelCardName"]]

    def create_model_card(self, **request: Any) -> dict[str, str]:
        """A new card."""
        hold("sagemaker", "CreateModelCard", request)
        self.cards[request["ModelCardName"]] = request
        return {}

    def update_model_card(self, **request: Any) -> dict[str, str]:
        """Another content or another status, not both (UpdateModelCard)."""
        hold("sagemaker", "UpdateModelCard", request)
        assert ("Content" in request) != ("ModelCardStatus" in request)
        self.cards[request["ModelCardName"]] = {**self.cards[request["ModelCardName"]], **request}
        return {}


def entries(s3: FakeS3, group: str = GROUP) -> list[dict[str, Any]]:
    """The record's entries."""
    prefix = f"record/{group}/entries/"
    found = sorted((key, body) for (bucket, key), body in s3.objects.items() if key.startswith(prefix))
    return [json.loads(body) for _, body in found]
