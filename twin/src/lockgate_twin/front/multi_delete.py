"""S3's DeleteObjects: every key is authorized on its own, and answered on its own.

Source: S3 API Reference, DeleteObjects: s3:DeleteObject, or s3:DeleteObjectVersion where a version is named; what the
caller may not delete is an Error of the answer, and the others are deleted all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from lockgate_twin.errors import ApiError

_MOST = 1000
_END = b"</DeleteResult>"
_EMPTY = b'<?xml version="1.0" encoding="UTF-8"?>\n<DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'


@dataclass(frozen=True)
class Entry:
    """One object to delete, or one version of it."""

    key: str
    version: str | None

    @property
    def members(self) -> dict[str, str]:
        """Return the members of the DeleteObject request that this entry stands for."""
        return {"Key": self.key, **({"VersionId": self.version} if self.version else {})}


@dataclass(frozen=True)
class Split:
    """What of a request may be done: the body with what is left, and an error for each of the others."""

    body: bytes
    allowed: Sequence[Entry]
    refused: Sequence[tuple[Entry, ApiError]]

    def answer(self, body: bytes) -> bytes:
        """Add the errors to S3's answer, or make one if nothing was left to do."""
        errors = "".join(_error(entry, error) for entry, error in self.refused).encode()
        # moto 5.2.5 does not always name the document as AWS does, and readers do not ask for its name.
        end = body.rfind(b"</")
        if end < 0:
            return _EMPTY + errors + _END
        return body[:end] + errors + body[end:]


def split(body: bytes, may: Callable[[Mapping[str, str]], object]) -> Split:
    """Ask `may` for each entry of a request's body.

    Raises:
        ApiError: MalformedXML for a body that is no list of 1 to 1000 objects.
    """
    entries, quiet = _read(body)
    allowed: list[Entry] = []
    refused: list[tuple[Entry, ApiError]] = []
    for entry in entries:
        try:
            may(entry.members)
            allowed.append(entry)
        except ApiError as error:
            refused.append((entry, error))
    return Split(body if not refused else _written(allowed, quiet=quiet), allowed, refused)


def _read(body: bytes) -> tuple[list[Entry], bool]:
    from xml.etree import ElementTree as ET

    try:
        # Expat limits how far entities may blow a document up (libexpat 2.4.1 and later).
        root = ET.fromstring(body)  # noqa: S314
    except ET.ParseError as error:
        raise _malformed() from error
    found = root.findall("{*}Object")
    entries = [Entry(o.findtext("{*}Key") or "", o.findtext("{*}VersionId") or None) for o in found]
    if not 1 <= len(entries) <= _MOST or not all(entry.key for entry in entries):
        raise _malformed()
    return entries, (root.findtext("{*}Quiet") or "").strip().lower() == "true"


def _written(entries: Iterable[Entry], *, quiet: bool) -> bytes:
    objects = "".join(f"<Object>{_members(entry)}</Object>" for entry in entries)
    return f"<Delete>{objects}<Quiet>{str(quiet).lower()}</Quiet></Delete>".encode()


def _members(entry: Entry) -> str:
    version = f"<VersionId>{escape(entry.version)}</VersionId>" if entry.version else ""
    return f"<Key>{escape(entry.key)}</Key>{version}"


def _error(entry: Entry, error: ApiError) -> str:
    said: dict[str, Any] = {"Code": error.code, "Message": error.message}
    text = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in said.items())
    return f"<Error>{_members(entry)}{text}</Error>"


def _malformed() -> ApiError:
    message = "The XML you provided was not well-formed or did not validate against our published schema"
    return ApiError("MalformedXML", message)
