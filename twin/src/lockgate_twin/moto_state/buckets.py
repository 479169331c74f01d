"""S3: buckets, the versions of their objects, and uploads under way."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lockgate_twin.moto_state import touched
from lockgate_twin.moto_state.contents import Contents
from lockgate_twin.moto_state.pickling import dumps, loads
from lockgate_twin.moto_state.reading import reads
from lockgate_twin.moto_state.uploads import Uploads
from lockgate_twin.moto_state.versions import Versions
from lockgate_twin.ports import Table

_KEPT_ELSEWHERE = frozenset({"keys", "multiparts"})
_UPLOADING = frozenset(
    {"CreateMultipartUpload", "UploadPart", "UploadPartCopy", "CompleteMultipartUpload", "AbortMultipartUpload"}
)


class Buckets:
    """All buckets of all accounts. Bodies lie in files under `folder`."""

    def __init__(self, tables: Mapping[str, Table], folder: Path) -> None:
        touched.watch_objects()
        contents = Contents(folder)
        self._contents = contents
        self._table = tables["s3.buckets"]
        self._versions = Versions(tables["s3.versions"], contents)
        self._uploads = Uploads(tables["s3.uploads"], contents)
        self._written: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def load(self) -> None:
        """Give moto back what it had."""
        backends = {name: self._restore(name, data) for name, data in self._table.items()}
        self._versions.load(backends)
        self._uploads.load(backends)
        self._contents.drop_all_but([*self._versions.contents(), *self._uploads.contents()])

    def keep(self, operation: str, parameters: Mapping[str, Any]) -> None:
        """Write down what an operation has changed."""
        changed = touched.take("objects")
        bucket, name = parameters.get("Bucket"), parameters.get("Key")
        if reads(operation) and not changed:
            return
        with self._lock:
            for where, key in changed:
                self._keep_object(where, key)
            if not reads(operation) and bucket and (bucket, name) not in changed:
                self._keep_named(operation, parameters, str(bucket), name)
            if operation in _UPLOADING:
                self._uploads.keep(_backend_of(str(bucket)), str(bucket))

    def _keep_named(self, operation: str, parameters: Mapping[str, Any], bucket: str, name: str | None) -> None:
        if name is None:
            self._keep_bucket(bucket)
        elif operation not in _UPLOADING:
            self._keep_object(bucket, str(name), parameters.get("VersionId"))

    def _keep_object(self, bucket: str, name: str, version: str | None = None) -> None:
        backend = _backend_of(bucket)
        if backend is not None:
            self._versions.keep(backend, bucket, name, version)

    def _keep_bucket(self, name: str) -> None:
        backend = _backend_of(name)
        if backend is None:
            self._table.remove(name)
            self._written.pop(name, None)
            self._versions.forget_bucket(name)
            self._uploads.keep(None, name)
            return
        bucket = backend.buckets[name]
        state = {key: value for key, value in list(bucket.__dict__.items()) if key not in _KEPT_ELSEWHERE}
        data = dumps((state, backend.tagger.tags.get(bucket.arn)))
        if self._written.get(name) != data:
            self._table.put(name, data)
            self._written[name] = data

    def _restore(self, name: str, data: bytes) -> Any:
        from moto.s3.models import FakeBucket, MultipartDict, s3_backends
        from moto.s3.utils import _VersionedKeyStore

        state, tags = loads(data)
        bucket = FakeBucket.__new__(FakeBucket)
        bucket.__dict__.update(state, keys=_VersionedKeyStore(), multiparts=MultipartDict())
        backend = s3_backends[bucket.account_id][bucket.partition]
        backend.buckets[name] = bucket
        s3_backends.bucket_accounts[name] = (bucket.partition, bucket.account_id)
        if tags:
            backend.tagger.tags[bucket.arn] = tags
        self._written[name] = data
        return backend


def _backend_of(bucket: str) -> Any:
    from moto.s3.models import s3_backends

    for partitions in list(dict.values(s3_backends)):
        for backend in list(dict.values(partitions)):
            if bucket in backend.buckets:
                return backend
    return None
