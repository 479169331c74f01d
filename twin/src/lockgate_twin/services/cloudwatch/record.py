"""An alarm: its configuration as it was asked for, its state, and how it came about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

OK, ALARM, INSUFFICIENT = "OK", "ALARM", "INSUFFICIENT_DATA"
Key = tuple[str, str, str]


@dataclass(frozen=True, kw_only=True)
class State:
    """A state with the reason that was given for it. `data` is JSON text, or None."""

    value: str
    reason: str
    data: str | None
    updated: datetime
    transitioned: datetime


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """A metric alarm; `values` are the members of PutMetricAlarm."""

    account: str
    region: str
    name: str
    values: Mapping[str, Any]
    state: State
    configured: datetime
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        """Return what identifies the alarm."""
        return (self.account, self.region, self.name)

    @property
    def arn(self) -> str:
        """Return the alarm's ARN."""
        return f"arn:aws:cloudwatch:{self.region}:{self.account}:alarm:{self.name}"

    @property
    def period(self) -> int:
        """Return the seconds of one data point."""
        return int(self.values["Period"])

    @property
    def periods(self) -> int:
        """Return N of "M out of N"."""
        return int(self.values["EvaluationPeriods"])

    @property
    def needed(self) -> int:
        """Return M of "M out of N"."""
        return int(self.values.get("DatapointsToAlarm") or self.periods)

    @property
    def statistic(self) -> str:
        """Return the statistic, or the percentile."""
        return str(self.values.get("Statistic") or self.values.get("ExtendedStatistic"))

    @property
    def dimensions(self) -> Mapping[str, str]:
        """Return the metric's dimensions."""
        return {d["Name"]: d["Value"] for d in self.values.get("Dimensions") or []}

    @property
    def missing(self) -> str:
        """Return how missing data is treated."""
        return str(self.values.get("TreatMissingData") or "missing")

    def actions(self, state: str) -> list[str]:
        """Return the ARNs of what happens when the alarm comes into a state, if actions are enabled."""
        members = {OK: "OKActions", ALARM: "AlarmActions", INSUFFICIENT: "InsufficientDataActions"}
        return list(self.values.get(members[state]) or []) if self.values.get("ActionsEnabled", True) else []


@dataclass(frozen=True, kw_only=True)
class HistoryItem:
    """One entry of an alarm's history. `data` is JSON text."""

    name: str
    kind: str
    summary: str
    data: str
    at: datetime
