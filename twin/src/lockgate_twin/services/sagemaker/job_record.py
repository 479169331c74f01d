"""One processing or training job: its request, its course and how it ended."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from lockgate_twin.jobs.running import Run
from lockgate_twin.ports import utc_now
from lockgate_twin.services.kept import NOT_KEPT, Kept
from lockgate_twin.services.sagemaker.names import Named

MAX_REASON = 1024
FINAL = frozenset({"Completed", "Failed", "Stopped"})


@dataclass
class Job(Kept):
    """A job; `advance` is the only way its status changes."""

    key: Named
    kind: str
    request: Mapping[str, Any]
    directory: Path
    serial: int = 0
    status: str = "InProgress"
    secondary: str = "Starting"
    reason: str | None = None
    exit_message: str | None = None
    metrics: list[dict[str, Any]] = field(default_factory=list)
    created: datetime = field(default_factory=utc_now)
    started: datetime | None = None
    ended: datetime | None = None
    modified: datetime = field(default_factory=utc_now)
    transitions: list[dict[str, Any]] = field(default_factory=list)
    run: Run = field(default_factory=Run, metadata=NOT_KEPT)
    done: threading.Event = field(default_factory=threading.Event, metadata=NOT_KEPT)

    _lock: threading.Lock = field(default_factory=threading.Lock, metadata=NOT_KEPT)

    def __post_init__(self) -> None:
        self.transitions.append({"Status": self.secondary, "StartTime": self.created})

    @property
    def name(self) -> str:
        """Return the job's name."""
        return self.key.name

    @property
    def arn(self) -> str:
        """Return the job's ARN."""
        return self.key.place.arn(self.kind, self.name)

    @property
    def log(self) -> Path:
        """Return the file that holds everything the job printed."""
        return self.directory / "job.log"

    def log_of(self, instance: int) -> Path:
        """Return the file that holds what one instance of the job printed; the first one's is the job's."""
        return self.directory / f"job.algo-{instance + 1}.log" if instance else self.log

    def advance(self, secondary: str, status: str | None = None, reason: str | None = None) -> None:
        """Enter a secondary status, and a status with its reason if given; a final status is final."""
        with self._lock:
            if self.status not in FINAL:
                self._enter(secondary, status, reason)

    def request_stop(self) -> bool:
        """Enter Stopping; False if the job is over."""
        with self._lock:
            if self.status == "InProgress":
                self._enter("Stopping", "Stopping", None)
            return self.status not in FINAL

    def _enter(self, secondary: str, status: str | None, reason: str | None) -> None:
        now = utc_now()
        self.transitions[-1].setdefault("EndTime", now)
        self.transitions.append({"Status": secondary, "StartTime": now, "StatusMessage": reason or secondary})
        self.secondary, self.modified = secondary, now
        if reason is not None:
            self.reason = reason[:MAX_REASON]
        if status is None or status == self.status:
            return
        self.status = status
        if status in FINAL:
            self.ended = now
            self.transitions[-1]["EndTime"] = now
