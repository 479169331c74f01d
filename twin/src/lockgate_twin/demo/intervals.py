"""Stretches of time: what remains of one without others, and how long several are together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Interval(NamedTuple):
    """From start to end, in seconds."""

    start: float
    end: float


def covered(intervals: Iterable[Interval]) -> float:
    """Return for how many seconds at least one interval lasts."""
    total, reached = 0.0, float("-inf")
    for start, end in sorted(intervals):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total


def without(interval: Interval, others: Iterable[Interval]) -> list[Interval]:
    """Return the parts of an interval in which none of the others lasts."""
    parts, start = [], interval.start
    for other in sorted(others):
        if other.end <= start or other.start >= interval.end:
            continue
        if other.start > start:
            parts.append(Interval(start, other.start))
        start = max(start, other.end)
    return [*parts, Interval(start, interval.end)] if start < interval.end else parts
