"""Reading S3 objects by their s3:// address."""

from __future__ import annotations

import hashlib
from typing import Any

CHUNK_BYTES = 1024 * 1024


def read_text(s3: Any, uri: str) -> str:
    """The object's content as text."""
    return str(_open(s3, uri).read().decode("utf-8"))


def sha256(s3: Any, uri: str) -> str:
    """sha256, in hexadecimal, of the object's bytes, read piece by piece."""
    digest = hashlib.sha256()
    body = _open(s3, uri)
    while chunk := body.read(CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


def _open(s3: Any, uri: str) -> Any:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return s3.get_object(Bucket=bucket, Key=key)["Body"]
