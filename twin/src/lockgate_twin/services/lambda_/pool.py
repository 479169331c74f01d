"""The execution environments of one revision of a function: reused while warm, more of them when needed at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from lockgate_twin.errors import ApiError
from lockgate_twin.services.lambda_.invocation import Invocation, Outcome
from lockgate_twin.services.lambda_.sandbox import Sandbox

# One machine, not a fleet: without a reserved concurrency, further invocations wait for a free environment.
_MOST_AT_ONCE = 8
_KEPT_WARM = 2
# The role's credentials in the environment are good for an hour.
_OLDEST_SECONDS = 3000.0


class Pool:
    """Gives every invocation an environment of its own while it runs."""

    def __init__(self, start: Callable[[], Sandbox], *, reserved: int | None) -> None:
        self._start = start
        self._reserved = reserved
        self._changed = threading.Condition()
        self._idle: list[Sandbox] = []
        self._busy: set[Sandbox] = set()
        self._starting = 0
        self._retired = False
        self._closed = False

    def invoke(self, invocation: Invocation) -> Outcome:
        """Run one invocation.

        Raises:
            ApiError: TooManyRequestsException when the function's reserved concurrency is used up.
        """
        sandbox = self._take()
        try:
            return sandbox.invoke(invocation)
        finally:
            self._give_back(sandbox)

    def retire(self) -> None:
        """End the idle environments; the busy ones end after their invocation."""
        with self._changed:
            self._retired = True
            ending, self._idle = self._idle, []
        for sandbox in ending:
            sandbox.stop()

    def close(self) -> None:
        """End all environments, also those at work."""
        self.retire()
        with self._changed:
            self._closed = True
            busy = list(self._busy)
        for sandbox in busy:
            sandbox.stop()

    def _take(self) -> Sandbox:
        sandbox = self._reuse()
        if sandbox is not None:
            return sandbox
        try:
            sandbox = self._start()
        except BaseException:
            with self._changed:
                self._starting -= 1
                self._changed.notify()
            raise
        with self._changed:
            self._starting -= 1
            self._busy.add(sandbox)
            closed = self._closed
        if closed:
            # It was being started while the others were ended; its invocation is told that it exited.
            sandbox.stop()
        return sandbox

    def _reuse(self) -> Sandbox | None:
        """Return a warm environment, or None when a new one may be started."""
        with self._changed:
            while True:
                while self._idle:
                    sandbox = self._idle.pop()
                    if sandbox.alive and time.monotonic() - sandbox.started < _OLDEST_SECONDS:
                        self._busy.add(sandbox)
                        return sandbox
                    sandbox.stop()
                if self._at_work() < self._limit():
                    self._starting += 1
                    return None
                if self._reserved is not None:
                    raise ApiError("TooManyRequestsException", "Rate Exceeded.", 429)
                self._changed.wait()

    def _give_back(self, sandbox: Sandbox) -> None:
        with self._changed:
            self._busy.discard(sandbox)
            keep = sandbox.alive and not self._retired and len(self._idle) < _KEPT_WARM
            if keep:
                self._idle.append(sandbox)
            self._changed.notify()
        if not keep:
            sandbox.stop()

    def _at_work(self) -> int:
        return len(self._busy) + self._starting

    def _limit(self) -> int:
        return _MOST_AT_ONCE if self._reserved is None else self._reserved
