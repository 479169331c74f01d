"""What a rule may be: moto keeps the rules, and would accept some that would never fire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lockgate_twin.errors import ApiError, NotImplementedByTwin
from lockgate_twin.services.eventbridge.operators import PatternError
from lockgate_twin.services.eventbridge.pattern import compile_pattern


def check_rule(parameters: Mapping[str, Any]) -> None:
    """Check a PutRule request.

    Raises:
        ApiError: InvalidEventPatternException (EventBridge API reference, PutRule).
        NotImplementedByTwin: a schedule, which nothing would start.
    """
    if parameters.get("ScheduleExpression"):
        raise NotImplementedByTwin("events:PutRule with a ScheduleExpression")
    try:
        if pattern := parameters.get("EventPattern"):
            compile_pattern(pattern)
    except PatternError as error:
        raise ApiError("InvalidEventPatternException", f"Event pattern is not valid. Reason: {error}") from error
