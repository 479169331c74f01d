"""Why an alarm is in its state, in CloudWatch's words.

Source: Amazon CloudWatch User Guide, "Alarm events and EventBridge" (samples of reason and reasonData).
Assumption: the wording for several points, missing data and "Insufficient Data" follows samples in AWS's announcements
and test events; it is not specified.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from lockgate_twin.services.cloudwatch.evaluation import Verdict, breaches
from lockgate_twin.services.cloudwatch.points import Point
from lockgate_twin.services.cloudwatch.record import ALARM, INSUFFICIENT, Alarm

_COMPARED = {
    "GreaterThanThreshold": "greater than",
    "GreaterThanOrEqualToThreshold": "greater than or equal to",
    "LessThanThreshold": "less than",
    "LessThanOrEqualToThreshold": "less than or equal to",
}


def stamp(moment: datetime) -> str:
    """Return a moment as CloudWatch writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}+0000"


def reason(alarm: Alarm, verdict: Verdict) -> str:
    """Return StateReason of a new state."""
    if verdict.state == INSUFFICIENT:
        count = alarm.periods
        return f"Insufficient Data: {_count(count, 'datapoint')} {_was(count)} unknown."
    told = [p for p in verdict.evaluated if breaches(alarm, p.value) == (verdict.state == ALARM)]
    filled = _filled(alarm, verdict.filled) if verdict.filled > 0 else ""
    if not told:
        return f"Threshold Crossed: no datapoints were received for {_count(alarm.periods, 'period')}{filled}."
    return f"Threshold Crossed: {_crossed(alarm, verdict, told)}{filled}{_transition(alarm, verdict)}."


def reason_data(alarm: Alarm, verdict: Verdict, now: datetime) -> str:
    """Return StateReasonData of a new state."""
    points = verdict.evaluated
    data: dict[str, Any] = {
        "version": "1.0",
        "queryDate": stamp(now),
        **({"startDate": stamp(points[0].at)} if points else {}),
        "statistic": alarm.statistic,
        "period": alarm.period,
        "recentDatapoints": [p.value for p in points],
        "threshold": float(alarm.values["Threshold"]),
        "evaluatedDatapoints": [
            {"timestamp": stamp(p.at), "sampleCount": p.count, "value": p.value} for p in reversed(points)
        ],
    }
    if unit := alarm.values.get("Unit"):
        data["unit"] = unit
    return json.dumps(data)


def _crossed(alarm: Alarm, verdict: Verdict, told: Sequence[Point]) -> str:
    values = ", ".join(f"{p.value} ({p.at:%d/%m/%y %H:%M:%S})" for p in reversed(told))
    negated = "" if verdict.state == ALARM else "not "
    compared = _COMPARED[alarm.values["ComparisonOperator"]]
    counted = f"{len(told)} out of the last {_count(len(verdict.evaluated), 'datapoint', always='s')}"
    return (
        f"{counted} [{values}] {_was(len(told))} {negated}{compared} the threshold ({float(alarm.values['Threshold'])})"
    )


def _transition(alarm: Alarm, verdict: Verdict) -> str:
    needed = alarm.needed if verdict.state == ALARM else alarm.periods - alarm.needed + 1
    arrow = "OK -> ALARM" if verdict.state == ALARM else "ALARM -> OK"
    return f" (minimum {_count(needed, 'datapoint')} for {arrow} transition)"


def _filled(alarm: Alarm, count: int) -> str:
    if alarm.missing not in {"breaching", "notBreaching"}:
        return ""
    treated = {"breaching": "Breaching", "notBreaching": "NonBreaching"}[alarm.missing]
    return f" and {_count(count, 'missing datapoint')} {_was(count)} treated as [{treated}]"


def _count(number: int, noun: str, *, always: str = "") -> str:
    return f"{number} {noun}{always or ('' if number == 1 else 's')}"


def _was(number: int) -> str:
    return "was" if number == 1 else "were"
