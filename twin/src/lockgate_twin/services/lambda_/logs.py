"""A function's output in CloudWatch Logs, written with the function's role and only if it may.

Source: Lambda Developer Guide, "Sending Lambda function logs to CloudWatch Logs": START, the function's output, END and
REPORT in one stream per execution environment. A role without permission has no logs there; nothing fails.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

from botocore.exceptions import ClientError

from lockgate_twin.ports import Session
from lockgate_twin.services.lambda_.invocation import Outcome

log = logging.getLogger(__name__)
_MOST_PER_CALL = 10_000


def report(request_id: str, outcome: Outcome, memory: int) -> list[str]:
    """Return the lines of one invocation, in Lambda's text format."""
    billed = int(outcome.duration + 0.999)
    line = f"REPORT RequestId: {request_id}\tDuration: {outcome.duration:.2f} ms\tBilled Duration: {billed} ms"
    line += f"\tMemory Size: {memory} MB"
    if outcome.init_duration is not None:
        line += f"\tInit Duration: {outcome.init_duration:.2f} ms"
    return [
        f"START RequestId: {request_id} Version: $LATEST",
        *(text for text in outcome.log.split("\n") if text),
        f"END RequestId: {request_id}",
        line,
    ]


class LogStream:
    """One stream. Lines are queued in order and sent together; sending may happen on any thread."""

    def __init__(self, session: Session, group: str, stream: str) -> None:
        self._session = session
        self._group = group
        self._stream = stream
        self._waiting: list[dict[str, Any]] = []
        self._queue_lock = threading.Lock()
        self._send_lock = threading.Lock()
        self._usable: bool | None = None

    def add(self, lines: list[str]) -> None:
        """Queue lines."""
        now = int(time.time() * 1000)
        with self._queue_lock:
            self._waiting += [{"timestamp": now, "message": line} for line in lines]

    def send(self) -> None:
        """Send what is queued; what the role may not write is left out."""
        with self._send_lock:
            with self._queue_lock:
                events, self._waiting = self._waiting, []
            if not events or self._usable is False:
                return
            try:
                self._put(events)
            except ClientError as error:
                self._usable = False
                log.info("No logs in %s: %s", self._group, error)

    def _put(self, events: list[dict[str, Any]]) -> None:
        client = self._session.client("logs")
        names = {"logGroupName": self._group, "logStreamName": self._stream}
        if self._usable is None:
            self._create(client, names)
            self._usable = True
        for start in range(0, len(events), _MOST_PER_CALL):
            client.put_log_events(**names, logEvents=events[start : start + _MOST_PER_CALL])

    def _create(self, client: Any, names: dict[str, str]) -> None:
        try:
            client.create_log_stream(**names)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            client.create_log_group(logGroupName=self._group)
            client.create_log_stream(**names)
