"""Reading and writing S3 objects within bounds."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

PIECE = 1 << 20
_MISSING = {"NoSuchKey", "404", "NotFound", "NoSuchBucket"}
_TAKEN = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}
_URI = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(\S+)")


class UnusableError(Exception):
    """What should be in S3 is not, or is not what it should be; the text is one clause that says so."""


@dataclass(frozen=True)
class Place:
    """A bucket and a key, or a prefix that ends in a slash."""

    bucket: str
    key: str

    @property
    def uri(self) -> str:
        """Return its address."""
        return f"s3://{self.bucket}/{self.key}"

    def below(self, name: str) -> Place:
        """Return what is called so below this prefix."""
        return Place(self.bucket, f"{self.key.rstrip('/')}/{name}")


@dataclass(frozen=True)
class Digest:
    """What was read: its sha256, and S3's own name for those very bytes."""

    sha256: str
    pin: str


def place_of(uri: Any, bucket: str, what: str) -> Place:
    """Return the place of an address in this bucket.

    Raises:
        UnusableError: it is no address, or in another bucket.
    """
    match = _URI.fullmatch(uri) if isinstance(uri, str) else None
    if match is None:
        raise UnusableError(f"{what} is {str(uri)[:80]!r}, not an S3 address")
    if match[1] != bucket:
        raise UnusableError(f"{what} is in the bucket {match[1]}, not in {bucket}")
    if ".." in match[2].split("/"):
        raise UnusableError(f"{what} leaves its folder")
    return Place(match[1], match[2])


def read(s3: Any, place: Place, most: int) -> bytes:
    """Return an object's bytes.

    Raises:
        UnusableError: it is not there, or has more than `most` bytes.
    """
    answer = _get(s3, place, most)
    content: bytes = answer["Body"].read(most + 1)
    if len(content) > most:
        raise UnusableError(f"{place.uri} has more than {most} bytes")
    return content


def digest(s3: Any, place: Place, most: int) -> Digest:
    """Return the digest of an object of any size up to `most`, read in pieces.

    Raises:
        UnusableError: it is not there, or too large.
    """
    answer, found, size = _get(s3, place, most), hashlib.sha256(), 0
    while piece := answer["Body"].read(PIECE):
        found.update(piece)
        size += len(piece)
        if size > most:
            raise UnusableError(f"{place.uri} has more than {most} bytes")
    return Digest(found.hexdigest(), _pin(answer))


def pin(s3: Any, place: Place) -> str:
    """Return S3's own name for an object's bytes as they are now: its ETag and, in a versioned bucket, its version.

    Raises:
        UnusableError: it is not there.
    """
    try:
        return _pin(s3.head_object(Bucket=place.bucket, Key=place.key))
    except ClientError as error:
        raise _translated(error, place) from error


def put_once(s3: Any, place: Place, content: bytes) -> bool:
    """Write an object unless there is one; say whether it was written.

    Source: S3 User Guide, "Prevent object overwrites with conditional writes": If-None-Match `*` answers 412, or 409
    while another write of the key is under way.
    """
    try:
        s3.put_object(Bucket=place.bucket, Key=place.key, Body=content, IfNoneMatch="*", ContentType="application/json")
    except ClientError as error:
        if error.response["Error"]["Code"] in _TAKEN:
            return False
        raise
    return True


def _get(s3: Any, place: Place, most: int) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = s3.get_object(Bucket=place.bucket, Key=place.key)
    except ClientError as error:
        raise _translated(error, place) from error
    if answer["ContentLength"] > most:
        raise UnusableError(f"{place.uri} has {answer['ContentLength']} bytes, more than {most}")
    return answer


def _translated(error: ClientError, place: Place) -> Exception:
    """A missing object is a fact about the version; every other refusal is a fault that is not decided on."""
    missing = error.response["Error"]["Code"] in _MISSING
    return UnusableError(f"{place.uri} does not exist") if missing else error


def _pin(answer: dict[str, Any]) -> str:
    return f"{answer['ETag'].strip(chr(34))} {answer.get('VersionId', '-')}"
