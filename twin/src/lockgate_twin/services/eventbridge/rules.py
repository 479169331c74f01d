"""What a rule may be: moto keeps the rules, and would accept some that would never fire."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lockgate_twin.errors import ApiError, NotImplementedByTwin
from lockgate_twin.services.eventbridge.operators import PatternError
from lockgate_twin.services.eventbridge.pattern import compile_pattern
from lockgate_twin.services.scheduling import At, ExpressionError, Rate, parse

# What the twin delivers to; "events" is another event bus.
_TARGETS = ("codepipeline", "events", "lambda", "logs", "sagemaker", "sns", "sqs")
_REFUSED_MEMBERS = (
    "AppSyncParameters",
    "BatchParameters",
    "EcsParameters",
    "HttpParameters",
    "KinesisParameters",
    "RedshiftDataParameters",
    "RunCommandParameters",
)
# moto keeps these, and nothing would come of them.
REFUSED_OPERATIONS = (
    "CreateApiDestination",
    "CreateArchive",
    "CreateConnection",
    "CreatePartnerEventSource",
    "StartReplay",
    "UpdateArchive",
)


def refuse(operation: str) -> Callable[[Mapping[str, Any]], None]:
    """Return a check that refuses an operation by name."""

    def check(_: Mapping[str, Any]) -> None:
        raise NotImplementedByTwin(f"events:{operation}")

    return check


def check_targets(parameters: Mapping[str, Any]) -> None:
    """Check a PutTargets request.

    Raises:
        NotImplementedByTwin: a kind of target that the twin does not deliver to.
    """
    for target in parameters.get("Targets") or []:
        service = (str(target.get("Arn", "")).split(":") + [""] * 3)[2]
        if service and service not in _TARGETS:
            raise NotImplementedByTwin(f"An EventBridge target of service {service} (there are {', '.join(_TARGETS)})")
        if refused := [name for name in _REFUSED_MEMBERS if target.get(name)]:
            raise NotImplementedByTwin(f"An EventBridge target with {', '.join(refused)}")


def check_rule(parameters: Mapping[str, Any]) -> None:
    """Check a PutRule request.

    Raises:
        ApiError: InvalidEventPatternException (EventBridge API reference, PutRule), or ValidationException for a
            schedule expression: rules know rate() and cron(), and a unit that agrees with its number (EventBridge
            User Guide, "Setting a schedule pattern for scheduled rules").
    """
    if expression := parameters.get("ScheduleExpression"):
        _check_schedule(expression)
    try:
        if pattern := parameters.get("EventPattern"):
            compile_pattern(pattern)
    except PatternError as error:
        raise ApiError("InvalidEventPatternException", f"Event pattern is not valid. Reason: {error}") from error


def _check_schedule(text: str) -> None:
    try:
        expression = parse(text)
    except ExpressionError as error:
        raise ApiError("ValidationException", f"Parameter ScheduleExpression is not valid. {error}") from error
    if isinstance(expression, At) or (isinstance(expression, Rate) and not expression.well_spelled):
        raise ApiError("ValidationException", "Parameter ScheduleExpression is not valid.")
