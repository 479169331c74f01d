"""In which state is an alarm, by its data points? Pure functions.

Source: Amazon CloudWatch User Guide, "Evaluating an alarm" and "Configuring how CloudWatch alarms treat missing data"
(the tables there are this module's tests).
Assumption: the evaluation range is two periods longer than EvaluationPeriods, as in the guide's examples; AWS does not
publish it. The period that has not ended yet counts as soon as it has data.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lockgate_twin.services.cloudwatch.points import Point
from lockgate_twin.services.cloudwatch.record import ALARM, INSUFFICIENT, OK, Alarm

EXTRA_PERIODS = 2
Slots = Sequence[Point | None]
COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What follows from the data: a state (None: the current one stays), from which points, how many filled in."""

    state: str | None
    evaluated: tuple[Point, ...]
    filled: int


def evaluate(alarm: Alarm, slots: Slots) -> Verdict:
    """Judge the periods of the evaluation range, oldest first; None stands for missing data."""
    real = [point for point in slots if point is not None][-alarm.periods :]
    bad = sum(breaches(alarm, point.value) for point in real)
    filled = alarm.periods - len(real)
    return Verdict(state=_state(alarm, slots, bad, filled), evaluated=tuple(real), filled=filled)


def breaches(alarm: Alarm, value: float) -> bool:
    """Tell whether a value is outside the threshold."""
    return COMPARISONS[alarm.values["ComparisonOperator"]](value, float(alarm.values["Threshold"]))


def _state(alarm: Alarm, slots: Slots, bad: int, filled: int) -> str | None:
    if alarm.missing == "breaching":
        return ALARM if bad + filled >= alarm.needed else OK
    if bad >= alarm.needed:
        return ALARM
    if filled <= 0 or alarm.missing == "notBreaching" or bad < alarm.periods - filled:
        return OK
    # Nothing but breaching data points, and too few of them.
    if alarm.missing == "ignore":
        return None
    return ALARM if _old_enough(alarm, slots) else INSUFFICIENT


def _old_enough(alarm: Alarm, slots: Slots) -> bool:
    """Tell whether the oldest (breaching) data point is at least as old as DatapointsToAlarm."""
    oldest = next((place for place, point in enumerate(slots) if point is not None), None)
    return oldest is not None and len(slots) - oldest >= alarm.needed
