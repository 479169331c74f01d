"""PutMetricAlarm, DescribeAlarms, DescribeAlarmsForMetric, DeleteAlarms and what switches actions on and off."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lockgate_twin.errors import NotImplementedByTwin
from lockgate_twin.ports import Call, Handler
from lockgate_twin.services.clock import Clock
from lockgate_twin.services.cloudwatch.book import AlarmBook
from lockgate_twin.services.cloudwatch.evaluator import Evaluator
from lockgate_twin.services.cloudwatch.record import INSUFFICIENT, Alarm, HistoryItem, State
from lockgate_twin.services.cloudwatch.validation import check
from lockgate_twin.services.paging import limit, page

_LISTS = ("OKActions", "AlarmActions", "InsufficientDataActions", "Dimensions")


class AlarmOperations:
    """The operations on metric alarms."""

    def __init__(self, clock: Clock, book: AlarmBook, evaluator: Evaluator) -> None:
        self._clock, self._book, self._evaluator = clock, book, evaluator

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by operation name."""
        return {
            "PutMetricAlarm": self.put,
            "DescribeAlarms": self.describe,
            "DescribeAlarmsForMetric": self.describe_for_metric,
            "DeleteAlarms": self.delete,
            "EnableAlarmActions": self.enable,
            "DisableAlarmActions": self.disable,
            "PutCompositeAlarm": self.refuse_composite,
        }

    def put(self, parameters: dict[str, Any], call: Call) -> None:
        """Create an alarm (INSUFFICIENT_DATA until it is evaluated) or replace its configuration; its state stays.

        Raises:
            ApiError: ValidationError.
            NotImplementedByTwin: metric math and what else `validation.check` names.
        """
        check(parameters)
        now, tags = self._clock.now(), parameters.get("Tags") or []
        values = {name: value for name, value in parameters.items() if name not in {"AlarmName", "Tags"}}
        with self._book.lock:
            old = self._book.find((call.account, call.region, parameters["AlarmName"]))
            new = State(
                value=INSUFFICIENT,
                reason="Unchecked: Initial alarm creation",
                data=None,
                updated=now,
                transitioned=now,
            )
            alarm = Alarm(
                account=call.account,
                region=call.region,
                name=parameters["AlarmName"],
                values={"ActionsEnabled": True, **values},
                state=old.state if old else new,
                configured=now,
                # PutMetricAlarm of an alarm that exists ignores Tags (API Reference).
                tags=old.tags if old else {tag["Key"]: tag["Value"] for tag in tags},
            )
            self._book.put(alarm)
            self._configured(alarm, "updated" if old else "created")
        self._evaluator.evaluate(alarm)
        self._evaluator.keep_watching()

    def describe(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Describe alarms by name, prefix, state or action; there are no composite alarms."""
        names, prefix = parameters.get("AlarmNames"), parameters.get("AlarmNamePrefix") or ""
        state, action = parameters.get("StateValue"), parameters.get("ActionPrefix") or ""
        found = [
            alarm
            for alarm in self._book.of(call.account, call.region)
            if (not names or alarm.name in names)
            and alarm.name.startswith(prefix)
            and state in {None, alarm.state.value}
            and (not action or any(arn.startswith(action) for arn in _all_actions(alarm)))
            and "MetricAlarm" in (parameters.get("AlarmTypes") or ["MetricAlarm"])
        ]
        size = limit(parameters, "MaxRecords", 100)
        shown, more = page(found, parameters.get("NextToken"), size=size, error="InvalidNextToken")
        answer = {"MetricAlarms": [shape(alarm) for alarm in shown], "CompositeAlarms": []}
        return {**answer, **({"NextToken": more["nextToken"]} if more else {})}

    def describe_for_metric(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Describe the alarms on one metric."""
        dimensions = {d["Name"]: d["Value"] for d in parameters.get("Dimensions") or []}
        wanted = {n: parameters[n] for n in ("Statistic", "ExtendedStatistic", "Period", "Unit") if parameters.get(n)}
        found = [
            alarm
            for alarm in self._book.of(call.account, call.region)
            if all(alarm.values[name] == parameters[name] for name in ("Namespace", "MetricName"))
            and dict(alarm.dimensions) == dimensions
            and all(alarm.values.get(name) == value for name, value in wanted.items())
        ]
        return {"MetricAlarms": [shape(alarm) for alarm in found]}

    def delete(self, parameters: dict[str, Any], call: Call) -> None:
        """Delete alarms; either all of those named exist or none is deleted.

        Raises:
            ApiError: ResourceNotFound.
        """
        with self._book.lock:
            alarms = [self._book.alarm((call.account, call.region, name)) for name in parameters["AlarmNames"]]
            for alarm in alarms:
                self._book.remove(alarm.key)
                self._configured(alarm, "deleted")

    def enable(self, parameters: dict[str, Any], call: Call) -> None:
        """Enable the actions of alarms."""
        self._switch(parameters, call, on=True)

    def disable(self, parameters: dict[str, Any], call: Call) -> None:
        """Disable the actions of alarms."""
        self._switch(parameters, call, on=False)

    def refuse_composite(self, _: dict[str, Any], __: Call) -> None:
        """Composite alarms are not evaluated, so there are none.

        Raises:
            NotImplementedByTwin: always.
        """
        raise NotImplementedByTwin("cloudwatch:PutCompositeAlarm")

    def _switch(self, parameters: Mapping[str, Any], call: Call, *, on: bool) -> None:
        for name in parameters["AlarmNames"]:
            key = (call.account, call.region, name)
            if self._book.find(key) is not None:
                self._book.change(key, lambda a: replace(a, values={**a.values, "ActionsEnabled": on}))

    def _configured(self, alarm: Alarm, what: str) -> None:
        now = self._clock.now()
        told = {"version": "1.0", "type": {"created": "Create", "updated": "Update", "deleted": "Delete"}[what]}
        item = HistoryItem(
            name=alarm.name,
            kind="ConfigurationUpdate",
            summary=f'Alarm "{alarm.name}" {what}',
            data=json.dumps(told),
            at=now,
        )
        self._book.note(alarm, item, now)


def shape(alarm: Alarm) -> dict[str, Any]:
    """Return an alarm in the shape of botocore's MetricAlarm."""
    return {
        "AlarmName": alarm.name,
        "AlarmArn": alarm.arn,
        "AlarmConfigurationUpdatedTimestamp": alarm.configured,
        **{name: [] for name in _LISTS},
        **alarm.values,
        "StateValue": alarm.state.value,
        "StateReason": alarm.state.reason,
        **({"StateReasonData": alarm.state.data} if alarm.state.data else {}),
        "StateUpdatedTimestamp": alarm.state.updated,
        "StateTransitionedTimestamp": alarm.state.transitioned,
    }


def _all_actions(alarm: Alarm) -> list[str]:
    return [arn for name in _LISTS[:3] for arn in alarm.values.get(name) or []]
