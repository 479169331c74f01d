"""A clock that tests move themselves: waiting work runs when the time is moved, on the caller's thread."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from lockgate_twin.services.timers import Work


@dataclass(order=True)
class Waiting:
    """Work that waits for its time."""

    due: float
    number: int
    name: str = field(compare=False)
    work: Work = field(compare=False)


class ManualScheduler:
    """Keeps what is scheduled until `advance` or `wait_for_work` is called."""

    def __init__(self) -> None:
        self.delays: list[float] = []
        self._time = 0.0
        self._changed = threading.Condition()
        self._waiting: list[Waiting] = []

    def now(self) -> float:
        """Return the scheduler's own time."""
        return self._time

    def after(self, seconds: float, name: str, work: Work) -> None:
        """Keep the work."""
        with self._changed:
            self.delays.append(seconds)
            self._waiting.append(Waiting(self._time + seconds, len(self.delays), name, work))
            self._changed.notify_all()

    def close(self) -> None:
        """Forget everything."""
        self._waiting.clear()

    def wait_for_work(self, timeout: float = 20.0) -> None:
        """Wait until something is scheduled (by a background thread), then move the time to it and run it."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._waiting, timeout), "nothing was scheduled"
            first = min(self._waiting)
            self._waiting.remove(first)
            self._time = first.due
        first.work()
