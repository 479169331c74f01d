"""A build's log: a file while the build runs, and CloudWatch Logs at its end."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Session
from lockgate_twin.services.codebuild.errors import PhaseError, said
from lockgate_twin.services.codebuild.order import BuildOrder

# Quotas of PutLogEvents (CloudWatch Logs API Reference).
_MOST_EVENTS, _MOST_BYTES, _EVENT_OVERHEAD, _LONGEST = 10_000, 1_048_576, 26, 262_118
_TIME = re.compile(r"\[Container\] (\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) ")
_FORMAT = "%Y/%m/%d %H:%M:%S"


class BuildLog:
    """The log file of one build; the build's commands append their output to it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)

    def say(self, text: str) -> None:
        """Append one line the way CodeBuild's agent does (local time, as the commands' lines)."""
        now = datetime.now().astimezone().strftime(_FORMAT)
        with self.path.open("a", encoding="utf-8") as log:
            log.write(f"[Container] {now} {text}\n")

    def end_phase(self, name: str, state: str, context: tuple[str, str]) -> None:
        """Append the two lines that end a phase."""
        self.say(f"Phase complete: {name} State: {state}")
        self.say(f"Phase context status code: {context[0]} Message: {context[1]}")

    def batches(self) -> Iterator[list[dict[str, Any]]]:
        """Yield the log's lines as events for PutLogEvents, within its quotas."""
        batch: list[dict[str, Any]] = []
        size, now = 0, int(time.time() * 1000)
        moment = now
        for line in self.path.read_text(encoding="utf-8", errors="replace").splitlines():
            moment = max(moment, _moment(line)) if batch else _moment(line) or now
            event = {"timestamp": moment, "message": line[: _LONGEST // 4] or " "}
            length = len(line.encode()) + _EVENT_OVERHEAD
            if batch and (len(batch) == _MOST_EVENTS or size + length > _MOST_BYTES):
                yield batch
                batch, size = [], 0
            batch.append(event)
            size += length
        if batch:
            yield batch


def open_stream(order: BuildOrder, session: Session) -> None:
    """Make the build's log stream as its service role; the log group, too, if it does not exist.

    Source: the message that CodeBuild gives to a build whose role may not write logs.

    Raises:
        PhaseError: ACCESS_DENIED.
    """
    if order.log_group is None:
        return
    names = {"logGroupName": order.log_group, "logStreamName": order.log_stream}
    try:
        client = session.client("logs")
        try:
            client.create_log_stream(**names)
        except client.exceptions.ResourceNotFoundException:
            client.create_log_group(logGroupName=order.log_group)
            client.create_log_stream(**names)
    except (ApiError, ClientError) as error:
        message = (
            f"Service role {order.service_role} does not allow AWS CodeBuild to create Amazon CloudWatch Logs "
            f"log streams for build {order.arn}. Error message: {said(error)}"
        )
        raise PhaseError("ACCESS_DENIED", message) from error


def ship(order: BuildOrder, log: BuildLog, session: Session) -> None:
    """Send the whole log to the build's stream.

    Raises:
        PhaseError: the service role may not.
    """
    if order.log_group is None:
        return
    try:
        client = session.client("logs")
        for batch in log.batches():
            client.put_log_events(logGroupName=order.log_group, logStreamName=order.log_stream, logEvents=batch)
    except (ApiError, ClientError) as error:
        raise PhaseError("CLIENT_ERROR", f"the log cannot be sent to CloudWatch Logs: {said(error)}") from error


def _moment(line: str) -> int:
    """Return the line's own time in milliseconds since 1970, 0 if it has none."""
    found = _TIME.match(line)
    if found is None:
        return 0
    local = datetime.strptime(found[1], _FORMAT).astimezone()
    return int(local.astimezone(UTC).timestamp() * 1000)
