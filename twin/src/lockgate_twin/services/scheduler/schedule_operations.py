"""CreateSchedule, UpdateSchedule, GetSchedule, DeleteSchedule, ListSchedules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Call, Context, Handler
from lockgate_twin.services.clock import Clock
from lockgate_twin.services.paging import limit, page
from lockgate_twin.services.scheduler.book import Book
from lockgate_twin.services.scheduler.record import DEFAULT_GROUP, Key, Schedule, utc
from lockgate_twin.services.scheduler.ticker import Ticker
from lockgate_twin.services.scheduler.validation import check

_VALUES = (
    "ScheduleExpression",
    "StartDate",
    "EndDate",
    "Description",
    "ScheduleExpressionTimezone",
    "State",
    "KmsKeyArn",
    "Target",
    "FlexibleTimeWindow",
    "ActionAfterCompletion",
)
_DEFAULTS = {"ScheduleExpressionTimezone": "UTC", "State": "ENABLED", "ActionAfterCompletion": "NONE"}
_INSTANT = timedelta(microseconds=1)


class ScheduleOperations:
    """The operations on schedules."""

    def __init__(self, context: Context, clock: Clock, book: Book, ticker: Ticker) -> None:
        self._context, self._clock, self._book, self._ticker = context, clock, book, ticker

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by operation name."""
        return {
            "CreateSchedule": self.create,
            "UpdateSchedule": self.update,
            "GetSchedule": self.get,
            "DeleteSchedule": self.delete,
            "ListSchedules": self.list,
        }

    def create(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Create a schedule; the same request with the same token again is the same schedule.

        Raises:
            ApiError: ConflictException, ResourceNotFoundException for the group, ValidationException.
        """
        key, token = _key(parameters, call), parameters.get("ClientToken")
        self._book.group(*key[:3])
        present = self._book.find(key)
        if present is not None and token is not None and present.token == token:
            return {"ScheduleArn": present.arn}
        self._check(parameters, call, key)
        now, values = self._clock.now(), _values(parameters)
        schedule = Schedule(
            account=key[0],
            region=key[1],
            group=key[2],
            name=key[3],
            values=values,
            created=now,
            modified=now,
            anchor=utc(values["StartDate"]) if values.get("StartDate") else now,
            done_until=now - _INSTANT,
            token=token,
        )
        self._book.add(schedule)
        self._ticker.arm(schedule)
        return {"ScheduleArn": schedule.arn}

    def update(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Replace a schedule as a whole: what the request leaves out takes its default.

        Assumption: a rate goes on counting from where it did unless the expression or the StartDate changes.

        Raises:
            ApiError: ResourceNotFoundException, ValidationException.
        """
        old = self._book.schedule(_key(parameters, call))
        self._check(parameters, call, old.key)
        now, values = self._clock.now(), _values(parameters)
        recounted = any(values.get(n) != old.values.get(n) for n in ("ScheduleExpression", "StartDate"))
        anchor = utc(values["StartDate"]) if values.get("StartDate") else now
        schedule = replace(
            old,
            values=values,
            modified=now,
            anchor=anchor if recounted else old.anchor,
            done_until=now - _INSTANT if recounted else max(old.done_until, now - _INSTANT),
            revision=old.revision + 1,
        )
        if not self._book.replace(schedule):
            raise ApiError("ConflictException", f"Schedule {old.name} is being changed by another request.", 409)
        self._ticker.arm(schedule)
        return {"ScheduleArn": schedule.arn}

    def get(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Describe a schedule."""
        schedule = self._book.schedule(_key(parameters, call))
        return {**_summary(schedule), **schedule.values}

    def delete(self, parameters: dict[str, Any], call: Call) -> None:
        """Delete a schedule."""
        self._book.remove(self._book.schedule(_key(parameters, call)).key)

    def list(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """List schedules of one group or of all.

        Raises:
            ApiError: ResourceNotFoundException for the group.
        """
        group, prefix, state = (parameters.get(name) for name in ("GroupName", "NamePrefix", "State"))
        if group:
            self._book.group(call.account, call.region, group)
        found = [
            s
            for s in self._book.of(call.account, call.region)
            if group in {None, s.group} and s.name.startswith(prefix or "") and state in {None, s.values["State"]}
        ]
        size = limit(parameters, "MaxResults", 100)
        shown, more = page(found, parameters.get("NextToken"), size=size, error="ValidationException")
        listed = [{**_summary(s), "State": s.values["State"], "Target": {"Arn": s.target["Arn"]}} for s in shown]
        return {"Schedules": listed, **({"NextToken": more["nextToken"]} if more else {})}

    def _check(self, parameters: Mapping[str, Any], call: Call, key: Key) -> None:
        check(parameters, call.account, call.region, self._clock.now())
        try:
            self._context.assume_role(
                parameters["Target"]["RoleArn"],
                service="scheduler.amazonaws.com",
                session_name="validation",
                region=call.region,
                source_arn=f"arn:aws:scheduler:{key[1]}:{key[0]}:schedule-group/{key[2]}",
            )
        except ApiError as error:
            message = "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
            raise ApiError("ValidationException", f"{message} ({error.message})") from error


def _key(parameters: Mapping[str, Any], call: Call) -> Key:
    return (call.account, call.region, parameters.get("GroupName") or DEFAULT_GROUP, parameters["Name"])


def _values(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {**_DEFAULTS, **{name: parameters[name] for name in _VALUES if parameters.get(name) is not None}}


def _summary(schedule: Schedule) -> dict[str, Any]:
    return {
        "Arn": schedule.arn,
        "GroupName": schedule.group,
        "Name": schedule.name,
        "CreationDate": schedule.created,
        "LastModificationDate": schedule.modified,
    }
