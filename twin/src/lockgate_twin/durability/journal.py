"""A table kept in an append-only file."""

from __future__ import annotations

import os
import pickle
import threading
from pathlib import Path
from typing import Any

from lockgate_twin.durability.entries import HEADER, Kind, check_header, encoded, entries, record_span
from lockgate_twin.durability.files import open_owned, read_all, write_at
from lockgate_twin.errors import StartError

# Below this, what is no longer valid costs less than writing the rest anew.
_WORTH_COMPACTING = 1 << 20


class JournalTable:
    """Records by key; every change is appended to the file before the call that makes it returns.

    `found` is how many there were when the file was opened. The file is not synchronized with the disk: the bar is
    the end of the process, not of the machine.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._handle: int | None = None
        self._closed = False
        self._spans: dict[str, tuple[int, int]] = {}
        self._end = 0
        self._valid = 0
        self.found = 0
        if path.exists():
            self._load()

    def put(self, key: str, record: Any) -> None:
        """Keep a record under a key; a key keeps the place in the order that its first record had."""
        data = encoded(Kind.PUT, key, pickle.dumps(record, protocol=pickle.HIGHEST_PROTOCOL))
        with self._lock:
            at = self._append(data)
            self._forget(key)
            span = record_span(at, key, len(data))
            self._spans[key] = span
            self._valid += span[1] - span[0]
            self._compact_if_worth_it()

    def remove(self, key: str) -> None:
        """Forget a key; one that is not there is none."""
        with self._lock:
            if key in self._spans:
                self._append(encoded(Kind.REMOVE, key))
                self._forget(key)
                del self._spans[key]
                self._compact_if_worth_it()

    def items(self) -> list[tuple[str, Any]]:
        """Return what is kept, oldest first.

        Raises:
            StartError: a record cannot be read by this version of the twin.
        """
        with self._lock:
            data = self._bytes()
            spans = list(self._spans.items())
        return [(key, self._record(data[start:end])) for key, (start, end) in spans]

    def close(self) -> None:
        """Give the file back; a later change is an error."""
        with self._lock:
            self._closed = True
            if self._handle is not None:
                os.close(self._handle)
                self._handle = None

    def _load(self) -> None:
        self._handle = open_owned(self._path)
        data = self._bytes()
        if check_header(data, str(self._path)):
            self._end = len(HEADER)
            for entry in entries(data, str(self._path)):
                self._apply(entry.kind, entry.key, (entry.start, entry.end))
        self.found = len(self._spans)
        # What a killed twin had not finished would make the next entry unreadable.
        os.ftruncate(self._handle, self._end)
        self._compact_if_worth_it()

    def _apply(self, kind: Kind, key: str, span: tuple[int, int]) -> None:
        self._forget(key)
        self._end = span[1]
        if kind is Kind.PUT:
            self._spans[key] = span
            self._valid += span[1] - span[0]
        else:
            self._spans.pop(key, None)

    def _forget(self, key: str) -> None:
        start, end = self._spans.get(key, (0, 0))
        self._valid -= end - start

    def _append(self, data: bytes) -> int:
        if self._closed:
            raise RuntimeError(f"{self._path} is closed: the twin has ended.")
        if self._handle is None:
            self._handle = open_owned(self._path)
        head = b"" if self._end else HEADER
        at = self._end + len(head)
        write_at(self._handle, head + data, self._end)
        self._end = at + len(data)
        return at

    def _bytes(self) -> bytes:
        return read_all(self._handle) if self._handle is not None else b""

    def _record(self, data: bytes) -> Any:
        try:
            return pickle.loads(data)  # noqa: S301 - only files that this user alone can write are read
        except Exception as error:
            raise StartError(
                f"{self._path} holds a record that this version of the twin cannot read ({error}); start it with the "
                "version that wrote it, or empty with 'lockgate up --fresh'."
            ) from error

    def _compact_if_worth_it(self) -> None:
        if self._end - self._valid > max(_WORTH_COMPACTING, 2 * self._valid):
            self._compact()

    def _compact(self) -> None:
        data, at = self._bytes(), len(HEADER)
        parts, spans = [HEADER], {}
        for key, (start, end) in self._spans.items():
            part = encoded(Kind.PUT, key, data[start:end])
            spans[key] = record_span(at, key, len(part))
            parts.append(part)
            at += len(part)
        self._replace(b"".join(parts))
        self._spans, self._end = spans, at

    def _replace(self, data: bytes) -> None:
        # A twin killed here leaves either file whole under the journal's name.
        partial = self._path.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        handle = open_owned(partial)
        write_at(handle, data, 0)
        partial.replace(self._path)
        if self._handle is not None:
            os.close(self._handle)
        self._handle = handle
