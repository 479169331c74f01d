"""Doing something later: the port and its real implementation, one thread for all waiting work."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from typing import Protocol

Work = Callable[[], None]


class Scheduler(Protocol):
    """Waits in seconds of its own clock; tests bring one whose time they move themselves."""

    def now(self) -> float:
        """Return the current time in seconds; only differences mean something."""
        ...

    def after(self, seconds: float, name: str, work: Work) -> None:
        """Run `work` once, `seconds` from now, in the background. `name` says what it is."""
        ...

    def close(self) -> None:
        """Forget all waiting work."""
        ...


class Timers:
    """The scheduler of a running twin. `run` starts work on a worker thread (`Context.in_background`)."""

    def __init__(self, run: Callable[[str, Work], None]) -> None:
        self._run = run
        self._due: list[tuple[float, int, str, Work]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    def now(self) -> float:
        """Return the monotonic clock's seconds."""
        return time.monotonic()

    def after(self, seconds: float, name: str, work: Work) -> None:
        """Run `work` once, `seconds` from now, on a worker thread."""
        with self._changed:
            if self._closed:
                return
            heapq.heappush(self._due, (self.now() + seconds, next(self._order), name, work))
            if self._thread is None:
                self._thread = threading.Thread(target=self._wait_and_start, name="timers", daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self) -> None:
        """Forget all waiting work and end the thread."""
        with self._changed:
            self._closed = True
            self._due.clear()
            self._changed.notify()

    def _wait_and_start(self) -> None:
        while True:
            with self._changed:
                if self._closed:
                    return
                wait = self._due[0][0] - self.now() if self._due else None
                if wait is None or wait > 0:
                    self._changed.wait(wait)
                    continue
                _, _, name, work = heapq.heappop(self._due)
            self._run(name, work)
