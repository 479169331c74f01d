"""The bytes of a journal: a header with the format's version, then entries, each with its length and its CRC-32."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from lockgate_twin.errors import StartError

HEADER = b"lockgate journal 1\n"
_FRAME = struct.Struct("<II")  # length of the body, its CRC-32
_HEAD = struct.Struct("<cI")  # what is done, length of the key


class Kind(Enum):
    """What an entry does to its key."""

    PUT = b"+"
    REMOVE = b"-"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: what is done to which key, and where its record lies in the file."""

    kind: Kind
    key: str
    start: int
    end: int


def encoded(kind: Kind, key: str, record: bytes = b"") -> bytes:
    """Return an entry as it is written."""
    name = key.encode()
    body = b"".join((_HEAD.pack(kind.value, len(name)), name, record))
    return _FRAME.pack(len(body), zlib.crc32(body)) + body


def record_span(at: int, key: str, size: int) -> tuple[int, int]:
    """Return where the record of an entry of `size` bytes written at `at` starts and ends."""
    return at + _FRAME.size + _HEAD.size + len(key.encode()), at + size


def check_header(data: bytes, path: str) -> bool:
    """Tell whether the file has a header; one that ends within it has none yet.

    Raises:
        StartError: it is a journal of another format, or none.
    """
    if data.startswith(HEADER):
        return True
    if HEADER.startswith(data):
        return False
    raise StartError(
        f"{path} is not a journal that this version of the twin reads; start it with the version that wrote it, "
        "or empty with 'lockgate up --fresh'."
    )


def entries(data: bytes, path: str) -> Iterator[Entry]:
    """Yield the whole entries after the header; an entry that a killed twin had not finished is the end.

    Raises:
        StartError: an entry before the last one is damaged.
    """
    at = len(HEADER)
    while at + _FRAME.size <= len(data):
        length, crc = _FRAME.unpack_from(data, at)
        start, end = at + _FRAME.size, at + _FRAME.size + length
        if end > len(data):
            return
        if length < _HEAD.size or zlib.crc32(memoryview(data)[start:end]) != crc:
            _require_unfinished(data, at, end, path)
            return
        kind, size = _HEAD.unpack_from(data, start)
        record = start + _HEAD.size + size
        yield Entry(Kind(kind), data[start + _HEAD.size : record].decode(), record, end)
        at = end


def _require_unfinished(data: bytes, at: int, end: int, path: str) -> None:
    # A file system that lost power may leave zeros where the last entries were to be.
    if end == len(data) or not data[at:].strip(b"\0"):
        return
    raise StartError(f"{path} is damaged at byte {at}; start empty with 'lockgate up --fresh' or restore the file.")
