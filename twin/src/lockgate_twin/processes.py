"""Child processes that never outlive the twin.

Every child leads a process group of its own. The twin tells a guardian process each group it starts and ends;
when the twin dies, however it dies, the pipe between them closes and the guardian ends the groups that are left. A
child that is stopped takes its descendants with it, also those that have made a session of their own.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from lockgate_twin.guardian import end_family, family
from lockgate_twin.ports import Command

_REMEMBERED = 10_000


class GuardedProcess:
    """A running child (see `ports.Process`)."""

    def __init__(
        self, name: str, popen: subprocess.Popen[bytes], table: ProcessTable, on_end: Callable[[], None]
    ) -> None:
        self.name = name
        self.on_end = on_end
        self.pid = popen.pid
        self.started = time.monotonic()
        self._popen = popen
        self._table = table
        self._family: dict[int, str] = {}

    def poll(self) -> int | None:
        """Return the exit status, or None while it runs."""
        status = self._popen.poll()
        if status is not None:
            self._table.ended(self)
        return status

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end; raises subprocess.TimeoutExpired."""
        status = self._popen.wait(timeout)
        self._table.ended(self)
        return status

    def terminate(self) -> None:
        """Ask the whole group to end (SIGTERM); who descends from it is noted while that can still be told."""
        if self._popen.poll() is None:
            self._family |= family(self.pid)
            _signal_group(self.pid, signal.SIGTERM)

    def stop(self, grace: float = 5.0) -> None:
        """End the whole group and all descendants: SIGTERM, then SIGKILL after `grace` seconds."""
        if self._popen.poll() is None:
            self.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(grace)
        if self._popen.poll() is None:
            _signal_group(self.pid, signal.SIGKILL)
            self._popen.wait()
        end_family(self._family)
        # Members of the group can outlive its leader: `ended` kills them, once, while the id is still theirs.
        self._table.ended(self)


class Span(NamedTuple):
    """When a child ran, in seconds of the monotonic clock."""

    name: str
    start: float
    end: float


class ProcessTable:
    """Starts children and keeps account of them."""

    def __init__(self) -> None:
        self._running: dict[int, GuardedProcess] = {}
        self._finished: deque[Span] = deque(maxlen=_REMEMBERED)
        self._lock = threading.Lock()
        self._closed = False
        read_end, self._pipe = os.pipe()
        self._guardian = subprocess.Popen(
            [sys.executable, "-S", "-E", str(Path(__file__).with_name("guardian.py"))],
            stdin=read_end,
            start_new_session=True,
            close_fds=True,
        )
        os.close(read_end)

    def start(self, command: Command, on_end: Callable[[], None] = lambda: None) -> GuardedProcess:
        """Start a child in a group of its own, its output going to the command's log; `on_end` is called once."""
        command.log.parent.mkdir(parents=True, exist_ok=True)
        with command.log.open("ab") as log, self._lock:
            if self._closed:
                raise RuntimeError(f"The twin is stopping; '{command.name}' is not started.")
            popen = subprocess.Popen(
                list(command.argv),
                env=dict(command.env),
                cwd=command.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            process = GuardedProcess(command.name, popen, self, on_end)
            self._running[popen.pid] = process
            self._tell(f"+{popen.pid}\n")
        return process

    def ended(self, process: GuardedProcess) -> None:
        """Forget a child that has ended (and whatever is left of its group)."""
        with self._lock:
            if self._running.pop(process.pid, None) is None:
                return
            _signal_group(process.pid, signal.SIGKILL)
            self._finished.append(Span(process.name, process.started, time.monotonic()))
            self._tell(f"-{process.pid}\n")
        process.on_end()

    def finished(self) -> list[tuple[str, float]]:
        """Return the name and the run time, in seconds, of the last children that have ended (10,000 at most)."""
        with self._lock:
            return [(span.name, span.end - span.start) for span in self._finished]

    def spans(self) -> list[Span]:
        """Return when those children ran, and since when those run that have not ended."""
        now = time.monotonic()
        with self._lock:
            return [*self._finished, *(Span(p.name, p.started, now) for p in self._running.values())]

    def running(self) -> dict[int, str]:
        """Return the name of every child that runs, by process id."""
        with self._lock:
            return {pid: process.name for pid, process in self._running.items()}

    def close(self, grace: float = 2.0) -> None:
        """End every child: SIGTERM to all, then SIGKILL to those left after `grace` seconds."""
        with self._lock:
            self._closed = True
            left = list(self._running.values())
        for process in left:
            process.terminate()
        deadline = time.monotonic() + grace
        for process in left:
            process.stop(grace=max(0.0, deadline - time.monotonic()))
        os.close(self._pipe)
        self._guardian.wait(timeout=10)

    def _tell(self, line: str) -> None:
        os.write(self._pipe, line.encode())


def _signal_group(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
