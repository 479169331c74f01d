"""Starts the deployment of an approved model version whose event was lost, once.

The hub's router starts deployments by events; this looks, on a schedule, for what it never heard of: for every group of
a project the newest approved version, and never an older one. The token is the router's for the same approval, so that
an event that comes late after all and this start one deployment together.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import boto3
from botocore.exceptions import ClientError

from .arns import NotAVersionError, own

Json = dict[str, Any]
GRACE = dt.timedelta(minutes=5)
"""How long the event of an approval may be under way before the schedule steps in."""

OLDEST = dt.timedelta(days=90)
"""Older approvals are left to people: CodePipeline forgets executions after a year (ListPipelineExecutions)."""

MOST_STARTS = 50
"""Of one reconciliation; the next one continues."""

MOST_PAGES = 100
_client = lru_cache(boto3.client)


@dataclass(frozen=True)
class Approval:
    """An approved version: when it was registered, and when it was last changed, which is when it was approved."""

    arn: str
    registered: dt.datetime
    decided: dt.datetime


def handler(event: Json, context: Any) -> Json:
    """Answer the schedule; what AWS refuses is raised, for Lambda to retry and then dead-letter."""
    now = dt.datetime.now(dt.UTC)
    outcome = reconcile(_client("sagemaker"), _client("codepipeline"), context.invoked_function_arn, now)
    print(json.dumps({"event": event.get("id"), **outcome}))
    return outcome


def reconcile(sagemaker: Any, codepipeline: Any, function: str, now: dt.datetime) -> Json:
    """Start what is approved, newest of its group, and was never started; say how many approvals were looked at."""
    started: list[str] = []
    seen = 0
    for group in _groups(sagemaker):
        if len(started) == MOST_STARTS:
            break
        pipeline = _pipeline(group, sagemaker)
        approval = _newest_approval(group, function, sagemaker) if pipeline else None
        if pipeline is None or approval is None:
            continue
        seen += 1
        if GRACE <= now - approval.decided <= OLDEST and not _carried(pipeline, approval, codepipeline):
            codepipeline.start_pipeline_execution(**request(pipeline, approval))
            started.append(approval.arn)
    return {"outcome": "reconciled", "approved": seen, "started": started}


def request(pipeline: str, approval: Approval) -> Json:
    """Return the StartPipelineExecution request that the router makes of the event of the same approval."""
    token = hashlib.sha256(f"{approval.arn}\n{approval.decided.timestamp():.3f}".encode()).hexdigest()
    return {
        "name": pipeline,
        "variables": [{"name": "ModelPackageArn", "value": approval.arn}],
        "clientRequestToken": token,
    }


def _groups(sagemaker: Any) -> Iterator[Json]:
    asked = {"SortBy": "CreationTime", "SortOrder": "Descending", "MaxResults": 100}
    for page in _pages(sagemaker.list_model_package_groups, asked, "NextToken"):
        yield from page["ModelPackageGroupSummaryList"]


def _pipeline(group: Json, sagemaker: Any) -> str | None:
    """Return the name of the deploy pipeline of a group's project; None for a group of no project."""
    tags = {tag["Key"]: tag["Value"] for tag in sagemaker.list_tags(ResourceArn=group["ModelPackageGroupArn"])["Tags"]}
    name, id_ = (tags.get(f"sagemaker:project-{key}") for key in ("name", "id"))
    return f"sagemaker-{name}-{id_}-modeldeploy" if name and id_ else None


def _newest_approval(group: Json, function: str, sagemaker: Any) -> Approval | None:
    """Return the approval of a group's newest approved version; None where there is none, or not any more."""
    arn = _newest_approved(group, sagemaker)
    try:
        version = own(arn or "", function)
    except NotAVersionError:
        return None
    package: Json = sagemaker.describe_model_package(ModelPackageName=version.arn)
    if package["ModelApprovalStatus"] != "Approved":
        return None
    registered = package["CreationTime"]
    return Approval(version.arn, registered, package.get("LastModifiedTime") or registered)


def _newest_approved(group: Json, sagemaker: Any) -> str | None:
    asked = {
        "ModelPackageGroupName": group["ModelPackageGroupName"],
        "ModelApprovalStatus": "Approved",
        "SortBy": "CreationTime",
        "SortOrder": "Descending",
        "MaxResults": 1,
    }
    pages = _pages(sagemaker.list_model_packages, asked, "NextToken")
    return next((one["ModelPackageArn"] for page in pages for one in page["ModelPackageSummaryList"]), None)


def _carried(pipeline: str, approval: Approval, codepipeline: Any) -> bool:
    """Say whether an execution of the pipeline is about the version; those older than the version cannot be.

    Where that cannot be said, because there is no such pipeline or there are too many executions, nothing is started.
    """
    try:
        for page in _pages(codepipeline.list_pipeline_executions, {"pipelineName": pipeline}, "nextToken"):
            for summary in page["pipelineExecutionSummaries"]:
                young = summary["startTime"] >= approval.registered
                if young and approval.arn in _variables(pipeline, summary["pipelineExecutionId"], codepipeline):
                    return True
            if not page.get("nextToken"):
                return False
    except ClientError as error:
        if error.response["Error"]["Code"] != "PipelineNotFoundException":
            raise
    return True


def _variables(pipeline: str, execution: str, codepipeline: Any) -> set[str]:
    """Return the values of an execution's variables."""
    found = codepipeline.get_pipeline_execution(pipelineName=pipeline, pipelineExecutionId=execution)
    return {variable.get("resolvedValue", "") for variable in found["pipelineExecution"].get("variables", [])}


def _pages(call: Callable[..., Json], asked: Json, token: str) -> Iterator[Json]:
    for _ in range(MOST_PAGES):
        page = call(**asked)
        yield page
        if not page.get(token):
            return
        asked = {**asked, token: page[token]}
