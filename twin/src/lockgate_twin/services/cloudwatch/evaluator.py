"""Evaluates alarms: when data arrive, when an alarm is put, and every minute."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from lockgate_twin.services.clock import Clock
from lockgate_twin.services.cloudwatch.actions import Actions
from lockgate_twin.services.cloudwatch.book import AlarmBook
from lockgate_twin.services.cloudwatch.evaluation import EXTRA_PERIODS, Slots, evaluate
from lockgate_twin.services.cloudwatch.points import DataSource, Metric, period_start, points
from lockgate_twin.services.cloudwatch.reasons import reason, reason_data
from lockgate_twin.services.cloudwatch.record import Alarm, HistoryItem, State

_EVERY = timedelta(minutes=1)


class Evaluator:
    """Knows when alarms are to be evaluated, and what a change of state entails."""

    def __init__(self, clock: Clock, book: AlarmBook, data: DataSource, actions: Actions) -> None:
        self._clock, self._book, self._data, self._actions = clock, book, data, actions
        self._ticking = False

    def arrived(self, parameters: Mapping[str, Any], account: str, region: str) -> None:
        """Evaluate the alarms on the metrics of a PutMetricData request."""
        named = {(parameters["Namespace"], datum["MetricName"]) for datum in parameters.get("MetricData") or []}
        for alarm in self._book.of(account, region):
            if (alarm.values["Namespace"], alarm.values["MetricName"]) in named:
                self.evaluate(alarm)

    def keep_watching(self) -> None:
        """See to it that alarms are evaluated every minute, as long as there are any."""
        with self._book.lock:
            if self._ticking or not self._book.all():
                return
            self._ticking = True
        self._clock.at(self._clock.now() + _EVERY, "evaluation of alarms", self._tick)

    def evaluate(self, alarm: Alarm) -> None:
        """Evaluate one alarm and do what a change of its state entails."""
        with self._book.lock:
            current = self._book.find(alarm.key)
            if current is None:
                return
            slots = self._slots(current)
            if slots is None:
                return
            verdict = evaluate(current, slots)
            if verdict.state is None or verdict.state == current.state.value:
                return
            data = reason_data(current, verdict, self._clock.now())
            changed = self.move(current, verdict.state, reason(current, verdict), data)
        self._actions.perform(changed, current.state)

    def move(self, alarm: Alarm, value: str, why: str, data: str | None) -> Alarm:
        """Give an alarm a state and write that into its history; return the alarm as it is now."""
        now = self._clock.now()
        since = alarm.state.transitioned if value == alarm.state.value else now
        state = State(value=value, reason=why, data=data, updated=now, transitioned=since)
        changed = replace(alarm, state=state)
        self._book.put(changed)
        if value != alarm.state.value:
            self._book.note(changed, _update(changed, alarm.state), now)
        return changed

    def _tick(self) -> None:
        with self._book.lock:
            self._ticking = False
        for alarm in self._book.all():
            self.evaluate(alarm)
        self.keep_watching()

    def _slots(self, alarm: Alarm) -> Slots | None:
        """Return the evaluation range, oldest period first; None if there are too few samples for a percentile."""
        step, now = timedelta(seconds=alarm.period), self._clock.now()
        last = period_start(now, alarm.period)
        first = last - step * (alarm.periods + EXTRA_PERIODS)
        metric = Metric(
            namespace=alarm.values["Namespace"],
            name=alarm.values["MetricName"],
            dimensions=alarm.dimensions,
            unit=alarm.values.get("Unit"),
        )
        data = [d for d in self._data(alarm.account, alarm.region, metric, first) if first <= d.at <= now]
        if _too_few(alarm, sum(d.count for d in data)):
            return None
        found = points(data, alarm.statistic, alarm.period)
        newest = last if last in found else last - step
        starts = [newest - step * back for back in range(alarm.periods + EXTRA_PERIODS - 1, -1, -1)]
        return [found.get(start) for start in starts]


def _too_few(alarm: Alarm, samples: float) -> bool:
    """Source: CloudWatch User Guide, "Percentile-based alarms and low data samples"."""
    if alarm.values.get("EvaluateLowSampleCountPercentile") != "ignore":
        return False
    share = float(alarm.statistic[1:]) / 100
    rare = 1 - share if share >= 0.5 else share
    return rare > 0 and samples < 10 / rare


def _update(alarm: Alarm, old: State) -> HistoryItem:
    def told(state: State) -> dict[str, Any]:
        data = {"stateReasonData": json.loads(state.data)} if state.data else {}
        return {"stateValue": state.value, "stateReason": state.reason, **data}

    return HistoryItem(
        name=alarm.name,
        kind="StateUpdate",
        summary=f"Alarm updated from {old.value} to {alarm.state.value}",
        data=json.dumps({"version": "1.0", "oldState": told(old), "newState": told(alarm.state)}),
        at=alarm.state.updated,
    )
