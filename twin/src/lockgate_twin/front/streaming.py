"""Reads aws-chunked bodies, with which newer S3 clients send objects.

Source: S3 API Reference, "Signature Calculations for the Authorization Header: Transferring Payload in Multiple
Chunks" and "Including trailing headers (chunked upload)".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lockgate_twin.credentials import Credentials
from lockgate_twin.errors import ApiError

_EMPTY = hashlib.sha256(b"").hexdigest()
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,8})(?:;chunk-signature=([0-9a-f]{64}))?\r\n")
_SEED = re.compile(r"Credential=[^/,\s]+/(\d{8}/[^/,\s]+/[^/,\s]+/aws4_request),.*Signature=([0-9a-f]{64})")
# Assumption: of the trailing checksums, CRC32C and CRC64NVME are stored without being computed again.
_CHECKSUMS: Mapping[str, Callable[[bytes], bytes]] = {
    "x-amz-checksum-crc32": lambda data: zlib.crc32(data).to_bytes(4, "big"),
    "x-amz-checksum-sha1": lambda data: hashlib.sha1(data, usedforsecurity=False).digest(),
    "x-amz-checksum-sha256": lambda data: hashlib.sha256(data).digest(),
}


@dataclass(frozen=True)
class Chunk:
    """One chunk as sent: its bytes and, if it is signed, its signature."""

    data: bytes
    signature: str


def is_streaming(environ: Mapping[str, Any]) -> bool:
    """Tell whether a request's body is sent in aws-chunked encoding."""
    return str(environ.get("HTTP_X_AMZ_CONTENT_SHA256", "")).startswith("STREAMING-")


def decoded(environ: dict[str, Any], body: bytes, credentials: Credentials | None) -> bytes:
    """Return the object that an aws-chunked body carries, and make the request say that it is sent plainly.

    `credentials` verify the chunks' signatures; None for a caller inside the twin.

    Raises:
        ApiError: IncompleteBody, SignatureDoesNotMatch, or BadDigest for a trailing checksum that is not the body's.
    """
    chunks, trailers = _parts(body)
    data = b"".join(chunk.data for chunk in chunks)
    if "HMAC" in environ["HTTP_X_AMZ_CONTENT_SHA256"] and credentials is not None:
        _verify(environ, chunks, credentials)
    if str(len(data)) != environ.get("HTTP_X_AMZ_DECODED_CONTENT_LENGTH", str(len(data))):
        raise ApiError("IncompleteBody", "You did not provide the number of bytes specified by the length header.")
    for name, value in trailers.items():
        compute = _CHECKSUMS.get(name)
        if compute is not None and base64.b64encode(compute(data)).decode() != value:
            raise ApiError("BadDigest", f"The {name.upper()} you specified did not match the calculated checksum.")
    _make_plain(environ, len(data), trailers)
    return data


def _parts(body: bytes) -> tuple[list[Chunk], dict[str, str]]:
    chunks, at = [], 0
    while True:
        head = _CHUNK.match(body, at)
        if head is None:
            raise ApiError("IncompleteBody", "The aws-chunked body is malformed.")
        size, start = int(head[1], 16), head.end()
        data = body[start : start + size]
        if len(data) < size:
            raise ApiError("IncompleteBody", "The aws-chunked body ends within a chunk.")
        chunks.append(Chunk(data, (head[2] or b"").decode()))
        if size == 0:
            return chunks, _trailers(body[start:])
        if body[start + size : start + size + 2] != b"\r\n":
            raise ApiError("IncompleteBody", "The aws-chunked body is malformed after a chunk.")
        at = start + size + 2


def _trailers(text: bytes) -> dict[str, str]:
    lines = (line.partition(":") for line in text.decode("latin-1").split("\r\n") if ":" in line)
    return {name.strip().lower(): value.strip() for name, _, value in lines}


def _verify(environ: Mapping[str, Any], chunks: list[Chunk], credentials: Credentials) -> None:
    match = _SEED.search(environ.get("HTTP_AUTHORIZATION", ""))
    if match is None:
        raise ApiError("IncompleteSignature", "A signed stream needs SigV4 in the Authorization header.", 403)
    scope, previous = match[1], match[2]
    key = _signing_key(credentials.secret_access_key, scope)
    for chunk in chunks:
        digest = hashlib.sha256(chunk.data).hexdigest()
        parts = ("AWS4-HMAC-SHA256-PAYLOAD", environ.get("HTTP_X_AMZ_DATE", ""), scope, previous, _EMPTY, digest)
        previous = hmac.new(key, "\n".join(parts).encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(previous, chunk.signature):
            raise ApiError("SignatureDoesNotMatch", "The signature of a chunk does not match its bytes.", 403)


def _signing_key(secret: str, scope: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def _make_plain(environ: dict[str, Any], length: int, trailers: Mapping[str, str]) -> None:
    codings = [c.strip() for c in environ.pop("HTTP_CONTENT_ENCODING", "").split(",")]
    if rest := ",".join(c for c in codings if c and c != "aws-chunked"):
        environ["HTTP_CONTENT_ENCODING"] = rest
    for name in ("HTTP_X_AMZ_TRAILER", "HTTP_X_AMZ_DECODED_CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING"):
        environ.pop(name, None)
    environ["HTTP_X_AMZ_CONTENT_SHA256"] = "UNSIGNED-PAYLOAD"
    environ["CONTENT_LENGTH"] = str(length)
    for name, value in trailers.items():
        if name.startswith("x-amz-checksum-"):
            environ[f"HTTP_{name.upper().replace('-', '_')}"] = value
