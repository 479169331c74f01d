"""Deliver a job's log to CloudWatch Logs with its role, after the job ended.

The delay: the twin delivers the whole log once, when the job is over (AWS streams it); the log file is complete
at any time. As on AWS a role that may not write logs does not fail its job; the log file then says so.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Session

MAX_EVENTS = 1000
MAX_EVENT_CHARACTERS = 50_000


def deliver(session: Session, group: str, stream: str, log: Path) -> None:
    """Write a log file's lines to a stream of a log group, making both."""
    from botocore.exceptions import ClientError

    if not log.is_file():
        return
    try:
        _write(session.client("logs"), group, stream, log)
    except (ClientError, ApiError) as error:
        with log.open("a") as out:
            out.write(f"lockgate twin: this log was not delivered to CloudWatch Logs: {error}\n")


def _write(logs: Any, group: str, stream: str, log: Path) -> None:
    for make, names in (
        (logs.create_log_group, {"logGroupName": group}),
        (logs.create_log_stream, {"logGroupName": group, "logStreamName": stream}),
    ):
        try:
            make(**names)
        except logs.exceptions.ResourceAlreadyExistsException:
            continue
    for events in _batches(log):
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def _batches(log: Path) -> Iterator[list[dict[str, Any]]]:
    now = int(time.time() * 1000)
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    events = [{"timestamp": now, "message": line[:MAX_EVENT_CHARACTERS]} for line in lines]
    for start in range(0, len(events), MAX_EVENTS):
        yield events[start : start + MAX_EVENTS]
