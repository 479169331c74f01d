"""The time of day, and doing something at a moment of it: the port and its real implementation."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from lockgate_twin.ports import utc_now
from lockgate_twin.services.timers import Scheduler, Work

# A machine that slept, or whose clock was set, is noticed after at most so many seconds.
_LONGEST_NAP = 60.0


class Clock(Protocol):
    """Tells the time and waits for moments of it; tests bring one that they move themselves."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""
        ...

    def at(self, moment: datetime, name: str, work: Work) -> None:
        """Run `work` once, in the background, when `moment` has come. `name` says what it is."""
        ...

    def close(self) -> None:
        """Forget all waiting work."""
        ...


class WallClock:
    """The machine's clock."""

    def __init__(self, timers: Scheduler) -> None:
        self._timers = timers

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""
        return utc_now()

    def at(self, moment: datetime, name: str, work: Work) -> None:
        """Run `work` once when `moment` has come."""
        left = (moment - self.now()) / timedelta(seconds=1)
        if left > _LONGEST_NAP:
            self._timers.after(_LONGEST_NAP, name, lambda: self.at(moment, name, work))
        else:
            self._timers.after(max(left, 0.0), name, work)

    def close(self) -> None:
        """Forget all waiting work."""
        self._timers.close()
