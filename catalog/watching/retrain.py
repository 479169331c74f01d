"""Starts a build when drift raises the alarm of an endpoint whose project asks for it.

An event is trusted for the alarm's name alone: its state, its endpoint and the endpoint's project are asked of AWS.
The same alarm, delivered again, has the same token, so it starts one build.
"""

from __future__ import annotations

import hashlib
import json
import re
from functools import lru_cache
from typing import Any

import boto3

from .endpoints import tags

Json = dict[str, Any]
ALARM = re.compile(r"sagemaker-[\w-]+-(staging|prod)-drift")
LONGEST_REASON = 900
_client = lru_cache(boto3.client)


class IgnoredError(Exception):
    """The alarm asks for nothing; the text says why."""


def handler(event: Json, _context: Any) -> Json:
    """Answer an alarm; what AWS refuses is raised, for Lambda to retry and then dead-letter."""
    log: Json = {"event": event.get("id")}
    try:
        start = request(event, _client("cloudwatch"), _client("sagemaker"))
    except IgnoredError as reason:
        log |= {"outcome": "ignored", "reason": str(reason)}
    else:
        run = _client("codepipeline").start_pipeline_execution(**start)
        log |= {"outcome": "started", "execution": run["pipelineExecutionId"], **start}
    print(json.dumps(log))
    return log


def request(event: Json, cloudwatch: Any, sagemaker: Any) -> Json:
    """Return the StartPipelineExecution request that an alarm is for.

    Raises:
        IgnoredError: it is no drift alarm, is over, or its project does not want to be retrained.
    """
    detail = event.get("detail")
    name = str(detail.get("alarmName")) if isinstance(detail, dict) else ""
    if not ALARM.fullmatch(name):
        raise IgnoredError(f"{name!r} is no alarm of an endpoint")
    alarm = next(iter(cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]), None)
    if alarm is None or alarm["StateValue"] != "ALARM":
        raise IgnoredError(f"{name} is {alarm['StateValue'] if alarm else 'gone'}")
    endpoint = next((d["Value"] for d in alarm.get("Dimensions", []) if d["Name"] == "EndpointName"), "")
    found = tags(sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointArn"], sagemaker) if endpoint else {}
    project, id_ = found.get("sagemaker:project-name"), found.get("sagemaker:project-id")
    if not project or not id_ or not name.startswith(f"sagemaker-{project}-{id_}-"):
        raise IgnoredError(f"{name} is not the alarm of {endpoint}'s project")
    if found.get("retrain-on-drift") != "true":
        raise IgnoredError(f"{endpoint} is not to be retrained on drift")
    since = alarm["StateUpdatedTimestamp"].isoformat()
    reason = f"{endpoint} drifted: {alarm.get('StateReason', 'no reason given')}"
    return {
        "name": f"sagemaker-{project}-{id_}-modelbuild",
        "variables": [{"name": "RetrainReason", "value": reason[:LONGEST_REASON]}],
        "clientRequestToken": hashlib.sha256(f"{name}\n{since}".encode()).hexdigest(),
    }
