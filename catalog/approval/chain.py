"""The record of decisions of one model package group: entries in S3, each with the digest of the one before.

The form of an entry and its digest are those of lockgate_checks.record. Entries are written once: a key that is taken
is never written again, so that two writers at the same time continue the chain one after the other.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from .store import Place, put_once, read

Json = dict[str, Any]
MOST_BYTES = 8 * 1024**2
ATTEMPTS = 100
TAIL = 50
"""How many of the last entries are searched for one that is being written again: repeated events come within a day."""


class BrokenRecordError(Exception):
    """The record was altered; the text says where."""


@dataclass(frozen=True)
class Kept:
    """An entry as it is kept: its document and its digest."""

    document: Json
    digest: str


def canonical(value: Any) -> bytes:
    """Return the value as JSON with sorted keys, no spaces and ASCII alone.

    Raises:
        ValueError: the value holds NaN or an infinity.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def digest_of(content: bytes) -> str:
    """Return sha256 hex."""
    return hashlib.sha256(content).hexdigest()


def read_chain(s3: Any, bucket: str, group: str) -> list[Kept]:
    """Return a group's record, oldest first.

    Raises:
        BrokenRecordError: an entry was altered, left out or inserted.
    """
    return _verified([_read(s3, bucket, key) for key in _keys(s3, bucket, group)], group, first=0)


def append(s3: Any, bucket: str, group: str, entry: Json) -> Kept:
    """Continue a group's record with an entry (subject, decision, perhaps person), unless it is there already.

    Raises:
        BrokenRecordError: the record does not take it after many attempts, or was altered.
    """
    known: dict[str, Kept] = {}
    for _ in range(ATTEMPTS):
        keys = _keys(s3, bucket, group)
        tail = keys[-TAIL:]
        known = {key: known.get(key) or _read(s3, bucket, key) for key in tail}
        _verified(list(known.values()), group, first=len(keys) - len(tail))
        if (same := next((kept for kept in known.values() if _same(kept.document, entry)), None)) is not None:
            return same
        previous = known[tail[-1]].digest if tail else None
        content = canonical({"schema": 1, "sequence": len(keys), "previous": previous, **entry})
        if put_once(s3, _place(bucket, group, len(keys)), content):
            return Kept(json.loads(content), digest_of(content))
    raise BrokenRecordError(f"The record of {group} does not take another entry; others are writing to it: try again.")


def _same(document: Json, entry: Json) -> bool:
    return all(document.get(key) == entry.get(key) for key in ("subject", "decision", "person"))


def _verified(entries: list[Kept], group: str, first: int) -> list[Kept]:
    """Check that each entry continues the one before; of the first one only its number, unless it begins the record."""
    previous = None
    for place, kept in enumerate(entries, first):
        continues = kept.document.get("previous") == previous or (place == first > 0)
        if kept.document.get("sequence") != place or not continues:
            raise BrokenRecordError(f"The record of {group} is broken at entry {place}: it does not continue the last.")
        previous = kept.digest
    return entries


def _read(s3: Any, bucket: str, key: str) -> Kept:
    content = read(s3, Place(bucket, key), MOST_BYTES)
    try:
        document = json.loads(content)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise BrokenRecordError(f"{key} is no entry of a record.")
    return Kept(document, digest_of(canonical(document)))


def _keys(s3: Any, bucket: str, group: str) -> list[str]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"record/{group}/entries/")
    return sorted(found["Key"] for page in pages for found in page.get("Contents", []))


def _place(bucket: str, group: str, sequence: int) -> Place:
    return Place(bucket, f"record/{group}/entries/{sequence:08d}.json")
