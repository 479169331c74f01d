"""Multipart uploads under way and their parts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lockgate_twin.moto_state.contents import Content, Contents
from lockgate_twin.moto_state.pickling import dumps, loads, object_state, object_without_body
from lockgate_twin.ports import Table

_SEPARATOR = "\0"
Upload = dict[int, tuple[Any, Content]]


class Uploads:
    """All uploads: one record for each, and one for each part. Its owner has a lock."""

    def __init__(self, table: Table, contents: Contents) -> None:
        self._table = table
        self._contents = contents
        self._known: dict[tuple[str, str], Upload] = {}

    def load(self, backends: dict[str, Any]) -> None:
        """Give every bucket (with its backend, by name) its uploads back."""
        for key, (data, content) in self._table.items():
            bucket, upload, part = key.split(_SEPARATOR)
            backend = backends.get(bucket)
            uploads = backend.buckets[bucket].multiparts if backend is not None else {}
            if part == "" and backend is not None:
                uploads[upload] = loads(data)
                self._known[bucket, upload] = {}
            elif upload in uploads:
                self._restore_part((bucket, upload), uploads[upload], data, content)
            else:
                self._table.remove(key)

    def contents(self) -> Iterator[Content]:
        """Yield the bodies in use."""
        return (content for parts in self._known.values() for _, content in parts.values())

    def keep(self, backend: Any, bucket: str) -> None:
        """Write down which uploads of a bucket are under way, and their parts."""
        found = backend.buckets.get(bucket) if backend is not None else None
        current = dict(found.multiparts) if found is not None else {}
        for upload, multipart in current.items():
            self._keep_upload((bucket, upload), multipart)
        for known in [k for k in self._known if k[0] == bucket and k[1] not in current]:
            self._remove(known)

    def _keep_upload(self, key: tuple[str, str], multipart: Any) -> None:
        if key not in self._known:
            self._table.put(_SEPARATOR.join((*key, "")), (dumps(multipart), None))
            self._known[key] = {}
        parts = self._known[key]
        for number, part in list(multipart.parts.items()):
            known, old = parts.get(number, (None, None))
            if known is not part:
                content = self._contents.keep(part)
                _ = part.etag
                record = (dumps(object_state(part)), content)
                self._table.put(_SEPARATOR.join((*key, str(number))), record)
                parts[number] = (part, content)
                self._contents.drop(old)

    def _remove(self, key: tuple[str, str]) -> None:
        self._table.remove(_SEPARATOR.join((*key, "")))
        for number, (_, content) in self._known.pop(key).items():
            self._table.remove(_SEPARATOR.join((*key, str(number))))
            self._contents.drop(content)

    def _restore_part(self, key: tuple[str, str], multipart: Any, data: bytes, content: Content) -> None:
        part = object_without_body(loads(data))
        self._contents.give(part, content)
        number = int(part.name)
        multipart.parts[number] = part
        multipart.partlist = sorted({*multipart.partlist, number})
        self._known[key][number] = (part, content)
