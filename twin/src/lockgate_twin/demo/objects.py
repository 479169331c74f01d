"""Reading S3 objects by their address."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit


def read(s3: Any, uri: str) -> bytes:
    """Return the bytes at s3://bucket/key."""
    place = urlsplit(uri)
    content: bytes = s3.get_object(Bucket=place.netloc, Key=place.path.lstrip("/"))["Body"].read()
    return content
