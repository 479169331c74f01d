"""The metric data that moto keeps, as alarms see them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from lockgate_twin.moto_host import backend_of
from lockgate_twin.services.cloudwatch.points import Datum, Metric


def metric_data(account: str, region: str, metric: Metric, since: datetime) -> list[Datum]:
    """Return the data of a metric since a moment, in the order in which they came."""
    kept = list(backend_of("cloudwatch", account, region).metric_data)
    return [datum for entry in kept if _is(entry, metric) and (datum := _datum(entry)).at >= since]


def _is(entry: Any, metric: Metric) -> bool:
    return (
        entry.name == metric.name
        and entry.namespace == metric.namespace
        and metric.unit in {None, entry.unit}
        and _dimensions(entry) == dict(metric.dimensions)
    )


def _dimensions(entry: Any) -> Mapping[str, str]:
    return {d.name: d.value for d in entry.dimensions}


def _datum(entry: Any) -> Datum:
    at = entry.timestamp
    if not isinstance(at, datetime):
        at = datetime.fromisoformat(str(at))
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    if hasattr(entry, "value"):
        value = float(entry.value)
        return Datum(at=at, low=value, high=value, total=value, count=1.0, single=True)
    return Datum(at=at, low=entry.min, high=entry.max, total=entry.sum, count=entry.sample_count, single=False)
