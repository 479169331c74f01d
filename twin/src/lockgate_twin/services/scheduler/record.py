"""A schedule and a schedule group: what was asked for, and when the schedule is due next."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from lockgate_twin.services.scheduling import At, next_due, parse

DEFAULT_GROUP = "default"
Key = tuple[str, str, str, str]


@dataclass(frozen=True, kw_only=True)
class Group:
    """A schedule group."""

    account: str
    region: str
    name: str
    created: datetime
    modified: datetime
    tags: Mapping[str, str] = field(default_factory=dict)
    token: str | None = None

    @property
    def arn(self) -> str:
        """Return the group's ARN."""
        return group_arn(self.account, self.region, self.name)


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A schedule; `values` are the members of the request that made it, `done_until` its last occurrence so far.

    `anchor` is where a rate starts to count: the StartDate, else when the expression was given.
    """

    account: str
    region: str
    group: str
    name: str
    values: Mapping[str, Any]
    created: datetime
    modified: datetime
    anchor: datetime
    done_until: datetime
    revision: int = 1
    token: str | None = None

    @property
    def key(self) -> Key:
        """Return what identifies the schedule."""
        return (self.account, self.region, self.group, self.name)

    @property
    def arn(self) -> str:
        """Return the schedule's ARN."""
        return f"arn:aws:scheduler:{self.region}:{self.account}:schedule/{self.group}/{self.name}"

    @property
    def group_arn(self) -> str:
        """Return the ARN of its group, which is the aws:SourceArn of all it does."""
        return group_arn(self.account, self.region, self.group)

    @property
    def target(self) -> Mapping[str, Any]:
        """Return the target."""
        target: Mapping[str, Any] = self.values["Target"]
        return target

    @property
    def enabled(self) -> bool:
        """Tell whether it may be due at all."""
        return bool(self.values.get("State", "ENABLED") == "ENABLED")

    @property
    def once(self) -> bool:
        """Tell whether it is a one-time schedule."""
        return isinstance(parse(self.values["ScheduleExpression"]), At)

    def next_due(self) -> datetime | None:
        """Return the next occurrence after `done_until`, within StartDate and EndDate.

        Source: EventBridge Scheduler API Reference, CreateSchedule: one-time schedules ignore both dates.
        """
        expression, start, end = parse(self.values["ScheduleExpression"]), *self._dates()
        after = self.done_until
        if start is not None and not isinstance(expression, At):
            after = max(after, start - timedelta(microseconds=1))
        due = next_due(expression, after=after, anchor=self.anchor, zone=self._zone())
        late = due is not None and end is not None and due > end and not isinstance(expression, At)
        return None if late else due

    def delay(self, due: datetime) -> timedelta:
        """Return how long after `due` the target is called: a moment of the flexible time window.

        Assumption: the moment depends on the schedule and the time alone, so that a run can be repeated.
        """
        window = self.values["FlexibleTimeWindow"]
        if window["Mode"] == "OFF":
            return timedelta(0)
        chance = random.Random(f"{self.arn} {due.isoformat()}")  # noqa: S311 - spreads load, keeps no secret
        return timedelta(seconds=chance.randrange(int(window["MaximumWindowInMinutes"]) * 60))

    def _dates(self) -> tuple[datetime | None, datetime | None]:
        start, end = self.values.get("StartDate"), self.values.get("EndDate")
        return utc(start) if start else None, utc(end) if end else None

    def _zone(self) -> tzinfo:
        return zone_of(self.values.get("ScheduleExpressionTimezone"))


def group_arn(account: str, region: str, name: str) -> str:
    """Return a group's ARN."""
    return f"arn:aws:scheduler:{region}:{account}:schedule-group/{name}"


def utc(moment: datetime) -> datetime:
    """Return a moment aware, in UTC."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def zone_of(name: str | None) -> tzinfo:
    """Return a time zone of the IANA database.

    Raises:
        KeyError: there is no such zone (zoneinfo.ZoneInfoNotFoundError), ValueError for a malformed name.
    """
    return UTC if name in {None, "", "UTC"} else ZoneInfo(str(name))
