"""The versions of S3 objects and their tags: one record for each version."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lockgate_twin.moto_state.contents import Content, Contents
from lockgate_twin.moto_state.pickling import dumps, loads, object_state, object_without_body
from lockgate_twin.ports import Table

_SEPARATOR = "\0"


@dataclass(frozen=True)
class _Known:
    """What is written down of a version: of which object in memory, where its body is, and the record."""

    entry: Any
    content: Content
    data: bytes


class Versions:
    """All versions of all objects. Not safe for use by several threads: its owner has a lock."""

    def __init__(self, table: Table, contents: Contents) -> None:
        self._table = table
        self._contents = contents
        self._known: dict[tuple[str, str], dict[str, _Known]] = {}

    def load(self, backends: dict[str, Any]) -> None:
        """Give every bucket (with its backend, by name) its versions back."""
        for key, (data, content) in self._table.items():
            bucket, name, version = key.split(_SEPARATOR)
            backend = backends.get(bucket)
            if backend is None:
                self._table.remove(key)
                continue
            entry = self._restored(backend, data, content)
            dict.setdefault(backend.buckets[bucket].keys, name, []).append(entry)
            self._known.setdefault((bucket, name), {})[version] = _Known(entry, content, data)

    def contents(self) -> Iterator[Content]:
        """Yield the bodies in use."""
        return (known.content for versions in self._known.values() for known in versions.values())

    def keep(self, backend: Any, bucket: str, name: str, version: str | None = None) -> None:
        """Write down what has become of an object; `version` is the one that was changed, if not the newest."""
        current = _versions(backend, bucket, name)
        known = self._known.setdefault((bucket, name), {})
        for position, (number, entry) in enumerate(current.items()):
            before = known.get(number)
            if before is None or before.entry is not entry or number == version or position == len(current) - 1:
                self._put(backend, (bucket, name, number), entry, before)
        for number in [n for n in known if n not in current]:
            self._remove((bucket, name, number))
        if not known:
            del self._known[bucket, name]

    def forget_bucket(self, bucket: str) -> None:
        """Write down that a bucket is gone."""
        for where, name in [key for key in self._known if key[0] == bucket]:
            for number in list(self._known[where, name]):
                self._remove((where, name, number))
            del self._known[where, name]

    def _put(self, backend: Any, key: tuple[str, str, str], entry: Any, before: _Known | None) -> None:
        bucket, name, number = key
        same = before is not None and before.entry is entry
        content = before.content if same and before else self._body(entry)
        data = dumps((_is_marker(entry), _state(entry), _tags(backend, entry)))
        if before is None or before.data != data or not same:
            self._table.put(_SEPARATOR.join(key), (data, content))
            self._known[bucket, name][number] = _Known(entry, content, data)
        if before is not None and not same:
            self._contents.drop(before.content)

    def _remove(self, key: tuple[str, str, str]) -> None:
        bucket, name, number = key
        self._table.remove(_SEPARATOR.join(key))
        self._contents.drop(self._known[bucket, name].pop(number).content)

    def _body(self, entry: Any) -> Content:
        return None if _is_marker(entry) else self._contents.keep(entry)

    def _restored(self, backend: Any, data: bytes, content: Content) -> Any:
        from moto.s3.models import FakeDeleteMarker

        marker, state, tags = loads(data)
        if marker:
            entry = FakeDeleteMarker.__new__(FakeDeleteMarker)
            entry.__dict__.update(state)
            return entry
        entry = object_without_body(state)
        self._contents.give(entry, content)
        if tags:
            backend.tagger.tags[entry.arn] = tags
        return entry


def _versions(backend: Any, bucket: str, name: str) -> dict[str, Any]:
    found = backend.buckets.get(bucket)
    listed = found.keys.getlist(name, []) if found is not None else []
    return {str(entry.version_id): entry for entry in list(listed)}


def _is_marker(entry: Any) -> bool:
    return type(entry).__name__ == "FakeDeleteMarker"


def _state(entry: Any) -> dict[str, Any]:
    if _is_marker(entry):
        return dict(entry.__dict__)
    # A body's digest is computed when it is first asked for; later it is in a file.
    _ = entry.etag if entry._etag is None and not entry.disposed else None
    return object_state(entry)


def _tags(backend: Any, entry: Any) -> Any:
    return None if _is_marker(entry) else backend.tagger.tags.get(entry.arn)
