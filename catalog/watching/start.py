"""Starts the watch of every production endpoint, once per scheduled time.

A schedule comes at least once: the execution's token is made of the endpoint and the scheduled time. Watched is the
day (UTC) that the hour before the scheduled time belongs to, so that a watch just after midnight sees the whole day.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
from functools import lru_cache
from typing import Any

import boto3
from botocore.exceptions import ClientError

from .endpoints import UnwatchableError, Watchable, names, watchable

Json = dict[str, Any]
_client = lru_cache(boto3.client)


class NotStartedError(Exception):
    """AWS refused the watch of some endpoints; raised after all others were started, for Lambda to try again."""


def handler(event: Json, _context: Any) -> Json:
    """Answer a schedule, whose input is {"scheduled": "<aws.scheduler.scheduled-time>"}."""
    outcome = start_all(dt.datetime.fromisoformat(event["scheduled"]), _client("sagemaker"), _client("s3"))
    print(json.dumps(outcome))
    if outcome["refused"]:
        raise NotStartedError(json.dumps(outcome["refused"]))
    return outcome


def start_all(scheduled: dt.datetime, sagemaker: Any, s3: Any) -> Json:
    """Start a watch for each endpoint that has traffic; say which were started, which not and why."""
    started: Json = {}
    skipped: Json = {}
    refused: Json = {}
    for name in names(sagemaker):
        try:
            started[name] = _start(watchable(name, sagemaker), scheduled, sagemaker, s3)
        except UnwatchableError as reason:
            skipped[name] = str(reason)
        except ClientError as error:
            refused[name] = str(error)
    return {"started": started, "skipped": skipped, "refused": refused}


def _start(endpoint: Watchable, scheduled: dt.datetime, sagemaker: Any, s3: Any) -> str:
    day = f"{scheduled.astimezone(dt.UTC) - dt.timedelta(hours=1):%Y/%m/%d/}"
    captured = endpoint.captured + day
    bucket, _, prefix = captured.removeprefix("s3://").partition("/")
    if not s3.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1).get("KeyCount"):
        raise UnwatchableError(f"it captured nothing on {day.rstrip('/')}")
    values = {
        "EndpointName": endpoint.name,
        "ModelPackageArn": endpoint.model_package_arn,
        "CapturedUri": captured,
        "DecisionUri": f"{endpoint.decision.rstrip('/')}/",
    }
    answer = sagemaker.start_pipeline_execution(
        PipelineName=os.environ["WATCH_PIPELINE"],
        PipelineParameters=[{"Name": name, "Value": value} for name, value in values.items()],
        PipelineExecutionDescription=f"{endpoint.name}, {day.rstrip('/')}"[:3072],
        ClientRequestToken=hashlib.sha256(f"{endpoint.name}\n{scheduled.isoformat()}".encode()).hexdigest(),
    )
    execution: str = answer["PipelineExecutionArn"]
    return execution
