"""What a schedule may be. All mistakes of a request are reported together.

Source: EventBridge Scheduler API Reference, CreateSchedule, and User Guide, "Schedule types" and "Templated targets".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from lockgate_twin.errors import ApiError, NotImplementedByTwin
from lockgate_twin.services.scheduler.record import utc, zone_of
from lockgate_twin.services.scheduling import ExpressionError, parse

# The kinds of ARN whose templated API Scheduler has and the twin calls.
_TARGETS = (
    re.compile(r"arn:aws:lambda:[a-z0-9-]+:\d{12}:function:[\w-]+(:[\w$-]+)?"),
    re.compile(r"arn:aws:sagemaker:[a-z0-9-]+:\d{12}:pipeline/[A-Za-z0-9-]+"),
    re.compile(r"arn:aws:codepipeline:[a-z0-9-]+:\d{12}:[\w.@-]+"),
    re.compile(r"arn:aws:sqs:[a-z0-9-]+:\d{12}:[\w-]+(\.fifo)?"),
    re.compile(r"arn:aws:sns:[a-z0-9-]+:\d{12}:[\w-]+"),
    re.compile(r"arn:aws:events:[a-z0-9-]+:\d{12}:event-bus/[\w./-]+"),
)
_REFUSED_PARAMETERS = (
    "EcsParameters",
    "KinesisParameters",
    "EventBridgePutEventsV2Parameters",
    "EventBridgePutRawEventsParameters",
)
_LATE_START = timedelta(minutes=5)


def check(request: Mapping[str, Any], account: str, region: str, now: datetime) -> None:
    """Check a CreateSchedule or UpdateSchedule request.

    Raises:
        ApiError: ValidationException with every mistake.
        NotImplementedByTwin: a target that the twin does not call.
    """
    wrong = [*_expression(request), *_dates(request, now), *_window(request), *_target(request, account, region)]
    if wrong:
        raise ApiError("ValidationException", " ".join(wrong))


def _expression(request: Mapping[str, Any]) -> list[str]:
    wrong = []
    try:
        parse(request["ScheduleExpression"])
    except ExpressionError as error:
        wrong.append(f"Invalid Schedule Expression {request['ScheduleExpression']}: {error}.")
    zone = request.get("ScheduleExpressionTimezone")
    try:
        zone_of(zone)
    except (KeyError, ValueError):
        wrong.append(f"Invalid Schedule Expression Timezone {zone}: the twin's time zone database has none such.")
    return wrong


def _dates(request: Mapping[str, Any], now: datetime) -> list[str]:
    start, end = request.get("StartDate"), request.get("EndDate")
    wrong = []
    if start is not None and utc(start) < now - _LATE_START:
        wrong.append("The StartDate you specify cannot be earlier than 5 minutes ago.")
    if end is not None and utc(end) < now:
        wrong.append("The EndDate you specify cannot be in the past.")
    if start is not None and end is not None and utc(end) <= utc(start):
        wrong.append("The StartDate must come before the EndDate.")
    return wrong


def _window(request: Mapping[str, Any]) -> list[str]:
    window = request["FlexibleTimeWindow"]
    minutes = window.get("MaximumWindowInMinutes")
    if window["Mode"] == "FLEXIBLE" and minutes is None:
        return ["A FLEXIBLE FlexibleTimeWindow needs MaximumWindowInMinutes."]
    if window["Mode"] == "OFF" and minutes is not None:
        return ["MaximumWindowInMinutes is only valid with a FLEXIBLE FlexibleTimeWindow."]
    return []


def _target(request: Mapping[str, Any], account: str, region: str) -> list[str]:
    target = request["Target"]
    arn = str(target["Arn"])
    if refused := [name for name in _REFUSED_PARAMETERS if target.get(name)]:
        raise NotImplementedByTwin(f"A schedule's target with {', '.join(refused)}")
    if not any(pattern.fullmatch(arn) for pattern in _TARGETS):
        return _other_target(arn)
    wrong = _parameters(target, arn.split(":")[2], fifo=arn.endswith(".fifo"))
    if arn.split(":")[3] != region:
        wrong.append(f"The target {arn} must be in the schedule's region, {region}.")
    if target["RoleArn"].split(":")[4] != account:
        wrong.append(f"The execution role {target['RoleArn']} must be of the schedule's account, {account}.")
    return wrong


def _other_target(arn: str) -> list[str]:
    parts = arn.split(":")
    if not arn.startswith("arn:aws") or len(parts) < 6:
        return [f"Provided Arn is not in correct format: {arn}."]
    if arn.startswith("arn:aws:scheduler:::"):
        raise NotImplementedByTwin(f"The universal target {arn}; of templated targets the twin has: {_known()}. It")
    raise NotImplementedByTwin(f"A schedule's target of service {parts[2]} ({arn}); the twin has: {_known()}. It")


def _known() -> str:
    return "Lambda, SageMaker pipeline, CodePipeline, SQS, SNS, EventBridge"


def _parameters(target: Mapping[str, Any], service: str, *, fifo: bool) -> list[str]:
    own = {"EventBridgeParameters": "events", "SageMakerPipelineParameters": "sagemaker", "SqsParameters": "sqs"}
    wrong = [
        f"{name} is not valid for a target of {service}." for name in own if name in target and own[name] != service
    ]
    if service == "events" and "EventBridgeParameters" not in target:
        wrong.append("EventBridgeParameters must be specified for a target that is an event bus.")
    if fifo and not (target.get("SqsParameters") or {}).get("MessageGroupId"):
        wrong.append("SqsParameters.MessageGroupId must be specified for a FIFO queue.")
    return wrong
