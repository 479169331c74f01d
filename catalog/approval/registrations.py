"""Starts the examination of every registered model version, once.

An event is trusted for the ARN alone; everything else is asked of the registry. Events may come several times, late or
never: the execution's token is made of the ARN, and a schedule looks for versions whose event was lost or whose
examination failed.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import boto3

from .arns import PENDING, NotAVersionError, Version, own

Json = dict[str, Any]
RECONCILE = "reconcile"
GRACE = dt.timedelta(minutes=5)
"""How long the event of a new version may be under way before the schedule steps in."""

MOST_STARTS = 50
"""Of one reconciliation; the next one continues."""

MOST_PAGES = 100
ATTEMPTS = 3
"""How often an examination that failed or was stopped is begun anew."""

_ENDED_BADLY = {"Failed", "Stopped"}
_client = lru_cache(boto3.client)


class IgnoredError(Exception):
    """The version is not to be examined now; the text says why."""


def handler(event: Json, context: Any) -> Json:
    """Answer an event or a schedule; what AWS refuses is raised, for Lambda to retry and then dead-letter."""
    sagemaker, function = _client("sagemaker"), context.invoked_function_arn
    if event.get("action") == RECONCILE:
        outcome = reconcile(sagemaker, function, dt.datetime.now(dt.UTC))
    else:
        outcome = registered(event, sagemaker, function)
    print(json.dumps({"event": event.get("id"), **outcome}))
    return outcome


def registered(event: Json, sagemaker: Any, function: str) -> Json:
    """Start the examination of the version that an event names."""
    detail = event.get("detail")
    arn = str(detail.get("ModelPackageArn")) if isinstance(detail, dict) else "None"
    try:
        version = own(arn, function)
        check(version, sagemaker)
    except (IgnoredError, NotAVersionError) as reason:
        return {"outcome": "ignored", "reason": str(reason)}
    return {"outcome": "started", "version": arn, "execution": start(version, sagemaker)}


def reconcile(sagemaker: Any, function: str, now: dt.datetime) -> Json:
    """Start the examination of pending versions without a decision: those whose event was lost or whose run failed."""
    started: list[str] = []
    for summary in _pending(sagemaker):
        if len(started) == MOST_STARTS:
            break
        if now - summary["CreationTime"] < GRACE:
            continue
        try:
            version = own(summary["ModelPackageArn"], function)
            said = check(version, sagemaker).get("CustomerMetadataProperties", {})
        except (IgnoredError, NotAVersionError):
            continue
        # Not so for an event: whoever registers a version could state a decision to keep it from being examined.
        if "DecisionUri" not in said and _begun(version, sagemaker):
            started.append(version.arn)
    return {"outcome": "reconciled", "started": started}


def check(version: Version, sagemaker: Any) -> Json:
    """Ask the registry whether a version waits to be examined, and return what it says about it.

    Raises:
        IgnoredError: it is decided, not ready, or of no project.
    """
    package: Json = sagemaker.describe_model_package(ModelPackageName=version.arn)
    if (status := package.get("ModelApprovalStatus")) != PENDING:
        raise IgnoredError(f"{version.arn} is {status}")
    if (state := package.get("ModelPackageStatus")) != "Completed":
        raise IgnoredError(f"{version.arn} is {state}")
    tags = {tag["Key"] for tag in sagemaker.list_tags(ResourceArn=version.group_arn)["Tags"]}
    if "sagemaker:project-id" not in tags:
        raise IgnoredError(f"{version.group} is the group of no project")
    return package


def start(version: Version, sagemaker: Any, attempt: int = 0) -> str:
    """Start the examination; the same attempt again answers with the same execution.

    Source: StartPipelineExecution, ClientRequestToken: "an idempotent operation completes no more than once".
    """
    token = hashlib.sha256(f"{version.arn}\n{attempt}".encode()).hexdigest()
    answer = sagemaker.start_pipeline_execution(
        PipelineName=os.environ["APPROVAL_PIPELINE"],
        PipelineParameters=[{"Name": "ModelPackageArn", "Value": version.arn}],
        PipelineExecutionDescription=f"{version.folder}, attempt {attempt + 1} of {ATTEMPTS}",
        ClientRequestToken=token,
    )
    execution: str = answer["PipelineExecutionArn"]
    return execution


def _begun(version: Version, sagemaker: Any) -> bool:
    """Start the first attempt that has not ended badly; say whether one runs now."""
    for attempt in range(ATTEMPTS):
        execution = start(version, sagemaker, attempt)
        found = sagemaker.describe_pipeline_execution(PipelineExecutionArn=execution)
        if found["PipelineExecutionStatus"] not in _ENDED_BADLY:
            return True
    return False


def _pending(sagemaker: Any) -> Iterator[Json]:
    """Every pending version of every group, oldest first, page by page."""
    request: Json = {
        "ModelPackageType": "Versioned",
        "ModelApprovalStatus": PENDING,
        "SortBy": "CreationTime",
        "SortOrder": "Ascending",
        "MaxResults": 100,
    }
    for _ in range(MOST_PAGES):
        page = sagemaker.list_model_packages(**request)
        yield from page["ModelPackageSummaryList"]
        if not page.get("NextToken"):
            return
        request["NextToken"] = page["NextToken"]
