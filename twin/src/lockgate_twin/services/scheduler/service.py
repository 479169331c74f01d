"""The service `scheduler`, put together."""

from __future__ import annotations

from collections.abc import Mapping

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Context, Handler
from lockgate_twin.services.clock import Clock, WallClock
from lockgate_twin.services.scheduler.book import Book
from lockgate_twin.services.scheduler.delivery import Delivery, Ended
from lockgate_twin.services.scheduler.group_operations import GroupOperations
from lockgate_twin.services.scheduler.invocation import Invocation
from lockgate_twin.services.scheduler.schedule_operations import ScheduleOperations
from lockgate_twin.services.scheduler.ticker import Ticker
from lockgate_twin.services.timers import Timers


class ScheduleService:
    """EventBridge Scheduler of all accounts and regions."""

    name = "scheduler"

    def __init__(self, context: Context, clock: Clock | None = None) -> None:
        self._settings = context.settings
        self._clock = clock or WallClock(Timers(context.in_background))
        tables = (context.table("scheduler-schedules"), context.table("scheduler-groups"))
        self._book = Book(*tables, self._clock.now)
        self._delivery = Delivery(context, self._clock, context.table("scheduler-invocations"))
        self._ticker = Ticker(self._clock, self._book, self._delivery)
        self._schedules = ScheduleOperations(context, self._clock, self._book, self._ticker)
        self.groups = GroupOperations(self._clock, self._book)

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by operation name."""
        return {**self._schedules.operations(), **self.groups.operations()}

    def fire(self, group: str, name: str) -> Invocation:
        """Call a schedule's target now, out of turn, in the twin's own account and region.

        Raises:
            ApiError: ResourceNotFoundException; ConflictException for a schedule that is disabled.
        """
        schedule = self._book.schedule((self._settings.account, self._settings.region, group, name))
        if not schedule.enabled:
            raise ApiError("ConflictException", f"Schedule {name} is disabled; enable it to fire it.", 409)
        return self._ticker.fire(schedule)

    def ended(self) -> list[Ended]:
        """Return what became of the most recent invocations, oldest first."""
        return self._delivery.ended()

    def resume(self) -> None:
        """Wait again for what is due and go on with what was under way."""
        self._delivery.resume()
        self._ticker.resume()

    def close(self) -> None:
        """Give up all waiting; what waits is kept for the next twin in this folder."""
        self._clock.close()
