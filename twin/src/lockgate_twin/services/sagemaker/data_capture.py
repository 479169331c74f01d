"""Data capture: requests and answers of an endpoint as JSON lines in S3 (Developer Guide, "Capture data").

The delay: lines are buffered and written as one object 2 seconds after the first of them, when 100 are waiting, when
the endpoint is updated or deleted, and when the twin stops; AWS writes them after a couple of minutes.

Assumption: what the model's role may not write is dropped; an invocation never fails because of its capture.
"""

from __future__ import annotations

import base64
import json
import random
import threading
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from lockgate_twin.jobs import serving, staging
from lockgate_twin.jobs.errors import JobError
from lockgate_twin.ports import Session, utc_now
from lockgate_twin.services.timers import Scheduler

LINES_PER_OBJECT = 100
FLUSH_SECONDS = 2.0
PERCENT = 100


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One captured invocation."""

    request: serving.Request
    response: serving.Response
    inference_id: str | None


class DataCapture:
    """The capture of one variant of one endpoint, written with the model's role."""

    def __init__(self, config: Mapping[str, Any], prefix: str, session: Session, clock: Scheduler) -> None:
        self._config = config
        self._clock = clock
        self._prefix = prefix
        self._session = session
        self._lock = threading.Lock()
        self._lines: list[str] = []

    def record(self, exchange: Exchange) -> None:
        """Capture an invocation, if sampling picks it."""
        if random.random() * PERCENT >= self._config["InitialSamplingPercentage"]:  # noqa: S311  # sampling
            return
        line = json.dumps(self._line(exchange))
        with self._lock:
            self._lines.append(line)
            first, full = len(self._lines) == 1, len(self._lines) >= LINES_PER_OBJECT
        if first:
            self._clock.after(FLUSH_SECONDS, f"data capture of {self._prefix}", self.flush_if_possible)
        if full:
            self.flush_if_possible()

    def write_as(self, session: Session) -> None:
        """Write with these credentials from now on."""
        self._session = session

    def flush_if_possible(self) -> None:
        """Write what is buffered, if the model's role may."""
        with suppress(JobError):
            self.flush()

    def flush(self) -> None:
        """Write what is buffered to <destination>/<endpoint>/<variant>/yyyy/mm/dd/hh/<minute-second-…>.jsonl.

        Raises:
            JobError: the model's role may not write there.
        """
        with self._lock:
            lines, self._lines = self._lines, []
        if not lines:
            return
        now = utc_now()
        name = f"{now:%M-%S}-{now.microsecond // 1000:03d}-{uuid.uuid4()}.jsonl"
        where = staging.beneath(self._config["DestinationS3Uri"], self._prefix, f"{now:%Y/%m/%d/%H}", name)
        staging.put(self._session, where, "".join(f"{line}\n" for line in lines).encode())

    def _line(self, exchange: Exchange) -> dict[str, Any]:
        modes = {option["CaptureMode"] for option in self._config["CaptureOptions"]}
        both = "InputAndOutput" in modes
        captured = {}
        if both or "Input" in modes:
            request = exchange.request
            captured["endpointInput"] = self._side(request.body, request.content_type or "", "INPUT")
        if both or "Output" in modes:
            captured["endpointOutput"] = self._side(exchange.response.body, exchange.response.content_type, "OUTPUT")
        event = {"eventId": str(uuid.uuid4()), "inferenceTime": f"{utc_now():%Y-%m-%dT%H:%M:%SZ}"}
        if exchange.inference_id:
            event["inferenceId"] = exchange.inference_id
        return {"captureData": captured, "eventMetadata": event, "eventVersion": "0"}

    def _side(self, body: bytes, content_type: str, mode: str) -> dict[str, str]:
        """Return one side; only the content types named in CaptureContentTypeHeader are not base64."""
        headers: Mapping[str, Sequence[str]] = self._config.get("CaptureContentTypeHeader", {})
        plain = content_type.partition(";")[0].strip()
        encoding = "BASE64"
        if plain in headers.get("CsvContentTypes", ()):
            encoding = "CSV"
        elif plain in headers.get("JsonContentTypes", ()):
            encoding = "JSON"
        data = base64.b64encode(body).decode() if encoding == "BASE64" else body.decode(errors="replace")
        return {"observedContentType": content_type, "mode": mode, "data": data, "encoding": encoding}
