"""Run one job's program to its end: limits, stopping, and what to tell when it fails."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from lockgate_twin.jobs.sandbox import Box, Program, Sandbox, detect
from lockgate_twin.ports import Command, Process

STOP_GRACE_SECONDS = 120.0
_WITHOUT_NETWORK = frozenset({"AWS_REGION", "AWS_DEFAULT_REGION"})
TAIL_BYTES = 4000
TAIL_CHARACTERS = 600


@dataclass(frozen=True)
class Launcher:
    """Starts programs in their boxes; `python` is the interpreter that jobs use (first on their PATH)."""

    start: Callable[[Command], Process]
    python: Path

    @cached_property
    def sandbox(self) -> Sandbox:
        """Return this machine's way to confine jobs, found at the first use."""
        return detect(self.python)

    def run(self, name: str, box: Box, program: Program, log: Path) -> Process:
        """Start a program in its box; its output goes to `log`."""
        confined = self.sandbox.confine(box, program)
        env = {**self._base(), **confined.env}
        return self.start(Command(name=name, argv=confined.argv, env=env, cwd=Path(confined.cwd), log=log))

    def _base(self) -> dict[str, str]:
        path = os.pathsep.join([str(self.python.parent), "/usr/local/bin", "/usr/bin", "/bin"])
        return {"PATH": path, "LANG": "C.UTF-8", "HOME": "/tmp", "PYTHONUNBUFFERED": "1"}  # noqa: S108


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a job's programs ended; `instance` is the one that the exit code is of."""

    exit_code: int
    stopped: bool = False
    timed_out: bool = False
    instance: int = 0


class Run:
    """A job's programs being run, one on each instance; `stop()` may be called from any thread at any time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._processes: list[Process] = []
        self._stopped = False

    @property
    def stopped(self) -> bool:
        """Tell whether somebody asked to stop it."""
        return self._stopped

    def to_end(self, starts: Sequence[Callable[[], Process]], max_seconds: float) -> Ending:
        """Start the programs and wait for their end; past `max_seconds`, or once one failed, all are ended."""
        with self._lock:
            if self._stopped:
                return Ending(exit_code=-1, stopped=True)
            try:
                for start in starts:
                    self._processes.append(start())
            except BaseException:
                _stop(self._processes, 0.0)
                raise
        ended: queue.SimpleQueue[tuple[int, int]] = queue.SimpleQueue()
        for index, process in enumerate(self._processes):
            wait = partial(_wait, index, process, ended)
            threading.Thread(target=wait, name=f"instance {index + 1}", daemon=True).start()
        return self._ending(ended, max_seconds)

    def _ending(self, ended: queue.SimpleQueue[tuple[int, int]], max_seconds: float) -> Ending:
        deadline = time.monotonic() + max_seconds
        for _ in self._processes:
            try:
                index, code = ended.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                _stop(self._processes, STOP_GRACE_SECONDS)
                return Ending(exit_code=self._processes[0].wait(), timed_out=True)
            if code:
                _stop(self._processes, STOP_GRACE_SECONDS)
                return Ending(exit_code=code, stopped=self._stopped, instance=index)
        return Ending(exit_code=0, stopped=self._stopped)

    def stop(self, grace: float = STOP_GRACE_SECONDS) -> None:
        """End them: SIGTERM, then SIGKILL after `grace` seconds (StopTrainingJob gives 120)."""
        with self._lock:
            self._stopped = True
            processes = list(self._processes)
        _stop(processes, grace)


def _wait(index: int, process: Process, ended: queue.SimpleQueue[tuple[int, int]]) -> None:
    ended.put((index, process.wait()))


def _stop(processes: Sequence[Process], grace: float) -> None:
    """End all processes at the same time."""
    threads = [threading.Thread(target=process.stop, args=(grace,), daemon=True) for process in processes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def tail(log: Path) -> str:
    """Return the end of a log: what an uncaught error printed last."""
    if not log.is_file():
        return ""
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - TAIL_BYTES))
        text = stream.read().decode(errors="replace").strip()
    return text[-TAIL_CHARACTERS:]


def why(message: str | None, log: Path, exit_code: int) -> str:
    """Return the FailureReason of a failed program: its own message, or its log's end, and where the log is."""
    told = message[:TAIL_CHARACTERS] if message else tail(log) or "it printed nothing"
    return f"AlgorithmError: {told}, exit code: {exit_code}. Log: {log}"


def variables(session_environment: Mapping[str, str], *others: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a job: its role's, then each other set in turn."""
    merged = dict(session_environment)
    for other in others:
        merged.update(other)
    return merged


def role_variables(session_environment: Mapping[str, str], *, isolated: bool) -> dict[str, str]:
    """Return a container's variables of its role; under EnableNetworkIsolation it gets no credentials.

    Source: "Run Training and Inference Containers in Internet-Free Mode" (SageMaker Developer Guide).
    """
    if not isolated:
        return dict(session_environment)
    return {name: value for name, value in session_environment.items() if name in _WITHOUT_NETWORK}
