"""SetAlarmState, DescribeAlarmHistory, and alarms' tags."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Call, Handler
from lockgate_twin.services.cloudwatch.actions import Actions
from lockgate_twin.services.cloudwatch.book import AlarmBook
from lockgate_twin.services.cloudwatch.evaluator import Evaluator
from lockgate_twin.services.cloudwatch.record import Alarm, HistoryItem, Key
from lockgate_twin.services.paging import limit, page


class StateOperations:
    """The operations on alarms' states, history and tags."""

    def __init__(self, book: AlarmBook, evaluator: Evaluator, actions: Actions) -> None:
        self._book, self._evaluator, self._actions = book, evaluator, actions

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by operation name."""
        return {
            "SetAlarmState": self.set_state,
            "DescribeAlarmHistory": self.history,
            "TagResource": self.tag,
            "UntagResource": self.untag,
            "ListTagsForResource": self.list_tags,
        }

    def set_state(self, parameters: dict[str, Any], call: Call) -> None:
        """Set a state for a time: until the next evaluation finds another. Its actions are performed.

        Raises:
            ApiError: ResourceNotFound; InvalidFormat for reason data that are no JSON.
        """
        data = parameters.get("StateReasonData")
        try:
            json.loads(data or "{}")
        except ValueError as error:
            raise ApiError("InvalidFormat", f"StateReasonData is not JSON: {error}.") from error
        with self._book.lock:
            alarm = self._book.alarm((call.account, call.region, parameters["AlarmName"]))
            changed = self._evaluator.move(alarm, parameters["StateValue"], parameters["StateReason"], data)
        if changed.state.value != alarm.state.value:
            self._actions.perform(changed, alarm.state)

    def history(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Return the history of one alarm or of all, newest first unless ScanBy says otherwise."""
        items = [i for i in self._book.history(call.account, call.region) if _wanted(i, parameters)]
        if parameters.get("ScanBy") != "TimestampAscending":
            items.reverse()
        size = limit(parameters, "MaxRecords", 100)
        shown, more = page(items, parameters.get("NextToken"), size=size, error="InvalidNextToken")
        answer = {"AlarmHistoryItems": [_shape(item) for item in shown]}
        return {**answer, **({"NextToken": more["nextToken"]} if more else {})}

    def tag(self, parameters: dict[str, Any], call: Call) -> None:
        """Add tags to an alarm."""
        added = {tag["Key"]: tag["Value"] for tag in parameters["Tags"]}
        self._book.change(_named(parameters, call), lambda a: replace(a, tags={**a.tags, **added}))

    def untag(self, parameters: dict[str, Any], call: Call) -> None:
        """Remove tags of an alarm."""
        gone = set(parameters["TagKeys"])
        self._book.change(_named(parameters, call), lambda a: replace(a, tags=_without(a.tags, gone)))

    def list_tags(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Return the tags of an alarm."""
        alarm = self._book.alarm(_named(parameters, call))
        return {"Tags": [{"Key": k, "Value": v} for k, v in alarm.tags.items()]}

    def known_tags(self, arn: str) -> Mapping[str, str]:
        """Return the tags of an alarm, for authorization; none for an ARN that is not known."""
        found: Alarm | None = next((a for a in self._book.all() if a.arn == arn), None)
        return found.tags if found else {}


def _without(tags: Mapping[str, str], gone: set[str]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if key not in gone}


def _wanted(item: HistoryItem, parameters: Mapping[str, Any]) -> bool:
    name, kind = parameters.get("AlarmName"), parameters.get("HistoryItemType")
    start, end = parameters.get("StartDate"), parameters.get("EndDate")
    return (
        name in {None, item.name}
        and kind in {None, item.kind}
        and (start is None or item.at >= _aware(start))
        and (end is None or item.at <= _aware(end))
    )


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _named(parameters: Mapping[str, Any], call: Call) -> Key:
    parts = str(parameters["ResourceARN"]).split(":", 6)
    if len(parts) < 7 or parts[5] != "alarm":
        raise ApiError("ResourceNotFoundException", f"{parameters['ResourceARN']} is no alarm.", 404)
    return (call.account, call.region, parts[6])


def _shape(item: HistoryItem) -> dict[str, Any]:
    return {
        "AlarmName": item.name,
        "AlarmType": "MetricAlarm",
        "Timestamp": item.at,
        "HistoryItemType": item.kind,
        "HistorySummary": item.summary,
        "HistoryData": item.data,
    }
