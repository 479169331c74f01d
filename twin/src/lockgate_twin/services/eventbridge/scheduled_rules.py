"""Rules with a ScheduleExpression: a "Scheduled Event" for the rule's own targets whenever it is due.

Source: EventBridge User Guide, "Creating a scheduled rule (legacy)": in UTC, on the default bus only; a rate starts to
count when the rule is made, so its first event comes after one period.
Assumption: other rules do not see these events.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from lockgate_twin.services.clock import Clock
from lockgate_twin.services.eventbridge.ports import Scheduled
from lockgate_twin.services.scheduling import next_due, parse

OPERATIONS = ("PutRule", "EnableRule", "DisableRule", "DeleteRule")
Fire = Callable[[Scheduled, datetime], object]


class ScheduledRules:
    """Waits for what is due. The rules themselves are kept elsewhere; `rules` returns the enabled ones."""

    def __init__(self, clock: Clock, rules: Callable[[], Sequence[Scheduled]], fire: Fire) -> None:
        self._clock, self._rules, self._fire = clock, rules, fire
        self._lock = threading.Lock()
        self._armed: dict[str, tuple[str, int]] = {}
        self._number = itertools.count(1)

    def changed(self, _: Mapping[str, Any], account: str, region: str) -> None:
        """Look at the rules of an account and region again, after one of `OPERATIONS`."""
        self._arm_new(f"arn:aws:events:{region}:{account}:")

    def resume(self) -> None:
        """Wait for the rules that an earlier twin in this folder knew."""
        self._arm_new("arn:aws:events:")

    def close(self) -> None:
        """Give up all waiting."""
        self._clock.close()

    def _arm_new(self, prefix: str) -> None:
        now, present = self._clock.now(), {rule.arn: rule for rule in self._rules() if rule.arn.startswith(prefix)}
        with self._lock:
            for arn in [a for a in self._armed if a.startswith(prefix) and a not in present]:
                del self._armed[arn]
            new = [r for r in present.values() if self._armed.get(r.arn, ("", 0))[0] != r.expression]
            for rule in new:
                self._armed[rule.arn] = (rule.expression, next(self._number))
        for rule in new:
            self._arm(rule, after=now, anchor=now)

    def _arm(self, rule: Scheduled, *, after: datetime, anchor: datetime) -> None:
        armed = self._armed.get(rule.arn)
        due = next_due(parse(rule.expression), after=after, anchor=anchor, zone=UTC)
        if armed is not None and due is not None:
            self._clock.at(due, rule.arn, lambda: self._tick(rule.arn, armed, due, anchor))

    def _tick(self, arn: str, armed: tuple[str, int], due: datetime, anchor: datetime) -> None:
        rule = next((r for r in self._rules() if r.arn == arn), None)
        if rule is None or self._armed.get(arn) != armed:
            return
        self._fire(rule, due)
        self._arm(rule, after=due, anchor=anchor)
