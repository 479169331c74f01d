"""The hub's router function: a push starts its commit's build, an approval its model version's deployment.

Events are trusted for names only. They come at least once: a start's token is its commit's or approval's.
"""

from __future__ import annotations

import hashlib
import json
import re
from functools import lru_cache
from typing import Any

import boto3

Json = dict[str, Any]
_client = lru_cache(boto3.client)


class IgnoredError(Exception):
    """The event asks for nothing that may be done, now or later."""


def handler(event: Json, context: Any) -> Json:
    """Route one event; what AWS refuses is raised, for Lambda to retry and then dead-letter."""
    log = {"event": event.get("id"), "type": event.get("detail-type")}
    try:
        start = request(event, context.invoked_function_arn, _client)
    except IgnoredError as reason:
        log |= {"outcome": "ignored", "reason": str(reason)}
    else:
        run = _client("codepipeline").start_pipeline_execution(**start)
        log |= {"outcome": "started", "execution": run["pipelineExecutionId"], **start}
    print(json.dumps(log))
    return log


def request(event: Json, own_arn: str, client: Any) -> Json:
    """Return the StartPipelineExecution request an event is for."""
    detail, kind = event.get("detail", {}), event.get("detail-type")
    if kind == "CodeCommit Repository State Change":
        arn = str(*event.get("resources", [])[:1])
        _check(own_arn, arn, "codecommit", r"sagemaker-[\w-]+-modelbuild")
        return _build(arn.split(":")[5], detail, client)
    if kind == "SageMaker Model Package State Change":
        arn = str(detail.get("ModelPackageArn"))
        _check(own_arn, arn, "sagemaker", r"model-package/[\w-]+/\d+")
        return _deployment(arn, client)
    raise IgnoredError("no route")


def _check(own_arn: str, arn: str, service: str, resource: str) -> None:
    _, partition, _, region, account, *_ = own_arn.split(":")
    if not re.fullmatch(f"arn:{partition}:{service}:{region}:{account}:{resource}", arn):
        raise IgnoredError(f"{arn} is no project's in {account} {region}")


def _build(name: str, detail: Json, client: Any) -> Json:
    commit = str(detail.get("commitId"))
    if detail.get("referenceName") != "main" or not re.fullmatch("[0-9a-f]{40}", commit):
        raise IgnoredError("not a commit on main")
    runs = client("codepipeline").list_pipeline_executions(pipelineName=name)
    for run in runs["pipelineExecutionSummaries"]:
        # CodePipeline itself runs a new pipeline once, on the seed.
        if run.get("trigger", {}).get("triggerType") == "CreatePipeline":
            built = [r["revisionId"] for r in run.get("sourceRevisions", [])]
            seed = run["status"] == "InProgress" and detail.get("event") == "referenceCreated"
            if commit in built or (seed and not built):
                raise IgnoredError(f"{run['pipelineExecutionId']} builds {commit}")
    pin = {"actionName": "Source", "revisionType": "COMMIT_ID", "revisionValue": commit}
    return {"name": name, "sourceRevisions": [pin], "clientRequestToken": _token(name, commit)}


def _deployment(arn: str, client: Any) -> Json:
    version = client("sagemaker").describe_model_package(ModelPackageName=arn)
    if (status := version["ModelApprovalStatus"]) != "Approved":
        raise IgnoredError(f"{arn} is {status}")
    group = re.sub("package/(.+)/.+", r"package-group/\1", arn)
    tags = {t["Key"]: t["Value"] for t in client("sagemaker").list_tags(ResourceArn=group)["Tags"]}
    name, id_ = (tags.get(f"sagemaker:project-{key}") for key in ("name", "id"))
    if not (name and id_):
        raise IgnoredError(f"{group} has no project tags")
    decided = version.get("LastModifiedTime", version["CreationTime"]).timestamp()
    return {
        "name": f"sagemaker-{name}-{id_}-modeldeploy",
        "variables": [{"name": "ModelPackageArn", "value": arn}],
        "clientRequestToken": _token(arn, f"{decided:.3f}"),
    }


def _token(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
