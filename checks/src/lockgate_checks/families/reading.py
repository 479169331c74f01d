"""Strict access to parts of documents; a missing part is named by its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lockgate_checks.errors import EvidenceError


def part(document: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    """Return the object at the path of keys.

    Raises:
        EvidenceError: there is none.
    """
    found: Any = document
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return mapping(found, ".".join(path))


def mapping(value: Any, where: str) -> Mapping[str, Any]:
    """Return the value if it is an object.

    Raises:
        EvidenceError: it is not.
    """
    if not isinstance(value, Mapping):
        raise EvidenceError(f"{where} is missing or no object")
    return value


def items(value: Any, where: str) -> Sequence[Any]:
    """Return the value if it is a list with something in it.

    Raises:
        EvidenceError: it is not.
    """
    if not isinstance(value, list) or not value:
        raise EvidenceError(f"{where} is missing or no list with something in it")
    return value
