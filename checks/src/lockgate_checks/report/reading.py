"""Reads evidence for showing: whatever is missing or of the wrong form is None, never an exception.

Judging evidence is the checks' work and is strict; the report only shows, and says what it could not show.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

LARGEST = 1e100  # beyond it a number is no measurement, and distances between two of them may overflow


def at(document: Any, *path: str) -> Any:
    """Return what stands at the path of keys, or None."""
    for key in path:
        if not isinstance(document, Mapping):
            return None
        document = document.get(key)
    return document


def number(value: Any) -> float | None:
    """Return a finite number of bearable size, or None: text, "NaN", booleans and infinities are no numbers."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) <= LARGEST else None


def mapping(value: Any) -> Mapping[str, Any]:
    """Return the mapping with its text keys, or an empty one."""
    return {key: item for key, item in value.items() if isinstance(key, str)} if isinstance(value, Mapping) else {}


def items(value: Any) -> list[Any]:
    """Return the list's items, or none."""
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str | bytes) else []


def numbers(value: Any) -> list[float]:
    """Return a list of numbers; empty where anything in it is none, as a curve with holes is no curve."""
    found = [number(item) for item in items(value)]
    return [item for item in found if item is not None] if None not in found else []


def pairs(first: Any, second: Any) -> list[tuple[float, float]]:
    """Return two lists of numbers as points; empty where their lengths differ."""
    xs, ys = numbers(first), numbers(second)
    return list(zip(xs, ys, strict=True)) if len(xs) == len(ys) else []


def text(value: Any) -> str:
    """Return a short value as text; "" for None and for what has parts."""
    return "" if value is None or isinstance(value, Mapping | list | tuple) else str(value)
