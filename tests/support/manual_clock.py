"""A time of day that tests move themselves: what is due runs, in order, on the thread that moves it."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Work = Callable[[], None]


class ManualClock:
    """Starts at a moment and stands still until `move`."""

    def __init__(self, start: datetime | None = None) -> None:
        self._now = start or datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
        self._lock = threading.Lock()
        self._order = itertools.count()
        self._waiting: list[tuple[datetime, int, Work]] = []

    def now(self) -> datetime:
        """Return the clock's time."""
        return self._now

    def at(self, moment: datetime, name: str, work: Work) -> None:
        """Keep the work until its moment."""
        del name
        with self._lock:
            self._waiting.append((max(moment, self._now), next(self._order), work))

    def close(self) -> None:
        """Forget everything."""
        with self._lock:
            self._waiting.clear()

    def move(self, **by: float) -> None:
        """Let time pass (`move(minutes=5)`); everything that falls due runs at its own moment."""
        end = self._now + timedelta(**by)
        while (first := self._pop(end)) is not None:
            self._now = first[0]
            first[2]()
        self._now = end

    def _pop(self, end: datetime) -> tuple[datetime, int, Work] | None:
        with self._lock:
            due = sorted((item for item in self._waiting if item[0] <= end), key=lambda item: item[:2])
            if not due:
                return None
            self._waiting.remove(due[0])
            return due[0]
