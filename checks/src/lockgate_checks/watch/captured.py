"""Reads what an endpoint captured: JSON lines, each with one request and its answer.

Shape: SageMaker developer guide, "Capture data": `captureData.endpointInput` and `.endpointOutput`, each with
`observedContentType`, `encoding` (CSV, JSON or BASE64) and `data`; `eventMetadata` with `eventId` and `inferenceTime`.
A record that cannot be read is counted with its reason: traffic that nobody can read is news by itself.
"""

from __future__ import annotations

import base64
import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lockgate_checks.check import label
from lockgate_checks.errors import EvidenceError

Row = tuple[str, ...]
TEST = "lockgate-test"
"""The inference id of requests by which a deployment tests its endpoint: they are no traffic."""


@dataclass
class Captured:
    """The rows of captured records, each the features of one request row with its prediction behind them.

    `records` counts lines of traffic; `unread` those that could not be used, by reason. Both grow as `rows` is read.
    """

    features: tuple[str, ...]
    lines: Iterable[str | bytes]
    records: int = 0
    unread: Counter[str] = field(default_factory=Counter)
    _events: set[str] = field(default_factory=set)

    def rows(self) -> Iterator[Row]:
        """Yield the rows; a record delivered twice (by its eventId) counts once."""
        for line in self.lines:
            if not line.strip():
                continue
            try:
                rows = self._rows_of(line)
            except EvidenceError as error:
                self.records += 1
                self.unread[str(error)] += 1
                continue
            if rows is not None:
                self.records += 1
                yield from rows

    def _rows_of(self, line: str | bytes) -> list[Row] | None:
        """Return the rows of a record; None where it is no traffic, or was read before."""
        record = _object(line)
        metadata = _member(record, "eventMetadata")
        event = str(metadata.get("eventId", ""))
        if metadata.get("inferenceId") == TEST or (event and event in self._events):
            return None
        data = _member(record, "captureData")
        asked = _table(_member(data, "endpointInput"), "the request")
        answered = _table(_member(data, "endpointOutput"), "the answer")
        if len(asked) != len(answered):
            raise EvidenceError(f"{len(asked)} rows were asked and {len(answered)} answered")
        wrong = next((row for row in asked if len(row) != len(self.features)), None)
        if wrong is not None:
            raise EvidenceError(f"a request row has {len(wrong)} cells for {len(self.features)} features")
        self._events.add(event)
        return [(*row, answer[-1]) for row, answer in zip(asked, answered, strict=True)]


def read_captured(lines: Iterable[str | bytes], features: Sequence[str]) -> Captured:
    """Read captured lines of a model whose requests hold these features, in this order."""
    return Captured(tuple(features), lines)


def _object(line: str | bytes) -> Mapping[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        raise EvidenceError("the line is no JSON") from None
    if not isinstance(record, dict):
        raise EvidenceError("the line is no JSON object")
    return record


def _member(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = record.get(name)
    if not isinstance(found, dict):
        raise EvidenceError(f"{name} is missing")
    return found


def _table(side: Mapping[str, Any], what: str) -> list[list[str]]:
    kind = str(side.get("observedContentType", "")).partition(";")[0].strip()
    if kind != "text/csv":
        raise EvidenceError(f"{what} is {label(kind) or 'of no named type'}, not text/csv")
    rows = [row for row in csv.reader(io.StringIO(_text(side, what))) if row]
    if not rows:
        raise EvidenceError(f"{what} is empty")
    return rows


def _text(side: Mapping[str, Any], what: str) -> str:
    data = side.get("data")
    if not isinstance(data, str):
        raise EvidenceError(f"{what} has no data")
    if side.get("encoding") != "BASE64":
        return data
    try:
        return base64.b64decode(data, validate=True).decode("utf-8")
    except ValueError:
        raise EvidenceError(f"{what} is no base64 of UTF-8 text") from None
