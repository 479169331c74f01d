"""Waits for what is due and starts its invocation."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime, timedelta

from lockgate_twin.services.clock import Clock
from lockgate_twin.services.scheduler.book import Book
from lockgate_twin.services.scheduler.delivery import Delivery
from lockgate_twin.services.scheduler.invocation import Invocation
from lockgate_twin.services.scheduler.record import Schedule


class Ticker:
    """One waiting work per enabled schedule: its next occurrence."""

    def __init__(self, clock: Clock, book: Book, delivery: Delivery) -> None:
        self._clock, self._book, self._delivery = clock, book, delivery

    def arm(self, schedule: Schedule) -> None:
        """Wait for the next occurrence; a schedule that has none any more is complete."""
        if not schedule.enabled:
            return
        due = schedule.next_due()
        if due is None:
            self._complete(schedule)
            return
        self._clock.at(due + schedule.delay(due), schedule.arn, lambda: self._tick(schedule, due))

    def resume(self) -> None:
        """Wait again for everything, after the twin was down.

        Assumption: a one-time schedule that was missed fires late; what a recurring one missed is not made up for.
        """
        now = self._clock.now()
        for schedule in self._book.all():
            missed = not schedule.once and schedule.done_until < now - timedelta(minutes=1)
            self.arm(self._caught_up(schedule, now) if missed else schedule)

    def fire(self, schedule: Schedule) -> Invocation:
        """Call the target now, out of turn: the scheduled time that the target is told is now."""
        now = self._clock.now()
        invocation = replace(_invocation(schedule, now, now), on_demand=True)
        self._delivery.start(invocation)
        return invocation

    def _caught_up(self, schedule: Schedule, now: datetime) -> Schedule:
        # The occurrence that is due this very minute was not missed: the target is called within 60 seconds.
        current = replace(schedule, done_until=now - timedelta(minutes=1))
        self._book.replace(current)
        return current

    def _tick(self, armed: Schedule, due: datetime) -> None:
        current = self._book.find(armed.key)
        if current is None or current.revision != armed.revision:
            return
        self._delivery.start(_invocation(current, due, self._clock.now()))
        done = replace(current, done_until=due)
        if self._book.replace(done):
            self.arm(done)

    def _complete(self, schedule: Schedule) -> None:
        """Source: EventBridge Scheduler User Guide, "Deletion after schedule completion"."""
        fired = schedule.done_until >= schedule.modified
        if fired and schedule.values.get("ActionAfterCompletion") == "DELETE":
            self._book.remove(schedule.key)


def _invocation(schedule: Schedule, due: datetime, now: datetime) -> Invocation:
    """Assumption: an occurrence has one execution id, whatever the number of its attempts."""
    return Invocation(
        execution_id=secrets.token_hex(8),
        schedule_arn=schedule.arn,
        group_arn=schedule.group_arn,
        target=schedule.target,
        scheduled_time=due,
        since=now,
    )
