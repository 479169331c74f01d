"""Batch transform's handling of data: records, requests, filters and joining, without knowing any model.

Source: SageMaker Developer Guide, "Use Batch Transform" and "Associate Prediction Results with Input Records" (the
JSONPath operators that DataProcessing supports); API reference, TransformInput, TransformOutput, DataProcessing.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lockgate_twin.jobs.errors import JobError

CSV = "text/csv"
JSON = "application/json"
JSON_LINES = "application/jsonlines"
_STEP = re.compile(r"\.([A-Za-z_][\w-]*)|\['([^']+)'\]|\[([-\d:, *]+)\]")


def records(body: bytes, split: str) -> list[bytes]:
    """Return the records of an object: its lines without their ends, or all of it."""
    return [line for line in body.splitlines() if line] if split == "Line" else [body]


def requests(items: Sequence[bytes], *, many: bool, limit: int) -> Iterator[list[bytes]]:
    """Group records into requests: one each, or as many as fit into `limit` bytes.

    Raises:
        JobError: a record alone is larger.
    """
    batch: list[bytes] = []
    size = 0
    for item in items:
        if len(item) > limit:
            raise JobError(f"ClientError: a record has {len(item)} bytes, more than MaxPayloadInMB allows ({limit}).")
        if batch and (not many or size + 1 + len(item) > limit):
            yield batch
            batch, size = [], 0
        size += len(item) + bool(batch)
        batch.append(item)
    if batch:
        yield batch


@dataclass(frozen=True, kw_only=True)
class Processing:
    """DataProcessing: what of a record the model sees, and what of the record and the answer is written."""

    input_filter: str = "$"
    output_filter: str = "$"
    join: bool = False

    @property
    def idle(self) -> bool:
        """Tell whether it changes nothing."""
        return self.input_filter == self.output_filter == "$" and not self.join

    def before(self, record: bytes, content_type: str) -> bytes:
        """Return what the model sees of a record."""
        if self.input_filter == "$":
            return record
        return spelled(select(read(record, content_type), self.input_filter), content_type)

    def after(self, record: bytes, answer: bytes, content_type: str, accept: str) -> bytes:
        """Return what is written for a record and its answer."""
        found = read(answer, accept)
        if self.join:
            found = joined(read(record, content_type), found, content_type)
        return spelled(select(found, self.output_filter), content_type if self.join else accept)


def read(text: bytes, content_type: str) -> Any:
    """Return a record as a value: the cells of a CSV line, or a JSON value.

    Raises:
        JobError: it is neither.
    """
    kind = content_type.partition(";")[0].strip()
    if kind == CSV:
        return next(csv.reader(io.StringIO(text.decode())), [])
    if kind in {JSON, JSON_LINES}:
        try:
            return json.loads(text)
        except ValueError as error:
            raise JobError(f"ClientError: a record is not JSON: {error}") from error
    raise JobError(f"ClientError: DataProcessing needs CSV, JSON or JSON Lines, not {content_type!r}.")


def spelled(value: Any, content_type: str) -> bytes:
    """Return a value as a record."""
    if content_type.partition(";")[0].strip() != CSV:
        return json.dumps(value).encode()
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(value if isinstance(value, list) else [value])
    return out.getvalue().encode()


def joined(record: Any, answer: Any, content_type: str) -> Any:
    """Return a record with its answer: more columns, or the member SageMakerOutput."""
    if content_type.partition(";")[0].strip() == CSV:
        return [*record, *(answer if isinstance(answer, list) else [answer])]
    if isinstance(record, dict):
        return {**record, "SageMakerOutput": answer}
    return {"SageMakerInput": record, "SageMakerOutput": answer}


def select(value: Any, path: str) -> Any:
    """Return what a JSONPath of DataProcessing selects.

    Raises:
        JobError: the path is not one that batch transform supports, or selects nothing.
    """
    check_path(path)
    for name, quoted, indexes in _STEP.findall(path[1:]):
        try:
            value = _indexed(value, indexes) if indexes else value[name or quoted]
        except (KeyError, IndexError, TypeError) as error:
            raise JobError(f"ClientError: the filter {path!r} selects nothing in a record.") from error
    return value


def check_path(path: str) -> None:
    """Check a JSONPath.

    Raises:
        JobError: it uses more than names, indexes, lists of indexes and slices.
    """
    if not path.startswith("$") or _STEP.sub("", path[1:]):
        raise JobError(f"ClientError: the filter {path!r} is not one that batch transform supports, such as $[1:].")


def _indexed(value: Any, indexes: str) -> Any:
    parts = [part.strip() for part in indexes.split(",")]
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is no list")
    if len(parts) == 1 and parts[0].lstrip("-").isdigit():
        return value[int(parts[0])]
    found: list[Any] = []
    for part in parts:
        if part == "*":
            found += value
        elif ":" in part:
            first, _, last = part.partition(":")
            found += value[int(first) if first else None : int(last) if last else None]
        else:
            found.append(value[int(part)])
    return found
