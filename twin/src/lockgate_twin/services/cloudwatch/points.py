"""From metric data to one value per period. Pure functions.

Source: Amazon CloudWatch User Guide, "Statistics definitions" and "Metrics concepts": a metric is its namespace, name
and exact set of dimensions. Data given as StatisticValues have no percentiles.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Datum:
    """What one PutMetricData entry says: one value, or the statistics of several."""

    at: datetime
    low: float
    high: float
    total: float
    count: float
    single: bool


@dataclass(frozen=True, kw_only=True)
class Metric:
    """Which metric is meant. `unit` None means any."""

    namespace: str
    name: str
    dimensions: Mapping[str, str]
    unit: str | None = None


@dataclass(frozen=True, kw_only=True)
class Point:
    """The value of a statistic over one period."""

    at: datetime
    value: float
    count: float


# The data of a metric since a moment: (account, region, metric, since).
DataSource = Callable[[str, str, Metric, datetime], Sequence[Datum]]


def period_start(moment: datetime, period: int) -> datetime:
    """Return the start of the period that a moment lies in; periods are aligned to the epoch."""
    seconds = math.floor((moment - EPOCH).total_seconds() / period) * period
    return datetime.fromtimestamp(seconds, UTC)


def points(data: Iterable[Datum], statistic: str, period: int) -> dict[datetime, Point]:
    """Return the statistic of each period that has data, by the period's start."""
    groups: dict[datetime, list[Datum]] = {}
    for datum in data:
        groups.setdefault(period_start(datum.at, period), []).append(datum)
    found = {at: _value(group, statistic) for at, group in groups.items()}
    counts = {at: sum(d.count for d in group) for at, group in groups.items()}
    return {at: Point(at=at, value=v, count=counts[at]) for at, v in sorted(found.items()) if v is not None}


def _value(group: Sequence[Datum], statistic: str) -> float | None:
    count, total = sum(d.count for d in group), math.fsum(d.total for d in group)
    simple = {
        "SampleCount": count,
        "Sum": total,
        "Average": total / count if count else None,
        "Minimum": min(d.low for d in group),
        "Maximum": max(d.high for d in group),
    }
    if statistic in simple:
        return simple[statistic]
    values = sorted(d.total for d in group if d.single)
    return _percentile(values, float(statistic[1:])) if len(values) == len(group) else None


def _percentile(values: Sequence[float], percent: float) -> float:
    place = (len(values) - 1) * percent / 100
    low = math.floor(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (place - low)
