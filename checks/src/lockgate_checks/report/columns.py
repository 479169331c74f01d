"""Columns as a data-quality report describes them: type, missing cells, centre and distribution.

Shape: Amazon SageMaker developer guide, "Schema for Statistics (statistics.json file)" of Model Monitor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lockgate_checks.report import numerals
from lockgate_checks.report.reading import at, items, mapping, number, text

Bucket = tuple[float, float, float]


@dataclass(frozen=True)
class Profile:
    """One column; `buckets` are (lower bound, upper bound, rows), `shares` the rows by category.

    `missing` is the share of missing cells, `centre` the mean or the number of different values as text.
    """

    name: str
    kind: str
    missing: float | None
    centre: str
    buckets: Sequence[Bucket]
    shares: dict[str, float]


def profiles(document: Any) -> list[Profile]:
    """Return the columns of a report; those without a name are left out."""
    features = [mapping(feature) for feature in items(at(document, "features"))]
    return [_profile(feature) for feature in features if text(feature.get("name"))]


def _profile(feature: Any) -> Profile:
    numeric, words = at(feature, "numerical_statistics"), at(feature, "string_statistics")
    mean, distinct = number(at(numeric, "mean")), number(at(words, "distinct_count"))
    return Profile(
        text(feature.get("name")),
        text(feature.get("inferred_type")) or "unknown",
        _missing(at(numeric, "common") or at(words, "common")),
        numerals.figure(mean)
        if mean is not None
        else f"{numerals.figure(distinct)} values"
        if distinct is not None
        else numerals.NONE,
        _buckets(at(numeric, "distribution", "kll", "buckets")),
        _shares(at(words, "distribution", "categorical", "buckets")),
    )


def _missing(common: Any) -> float | None:
    present, absent = number(at(common, "num_present")), number(at(common, "num_missing"))
    if present is None or absent is None or present < 0 or absent < 0 or present + absent == 0:
        return None
    return absent / (present + absent)


def _buckets(held: Any) -> list[Bucket]:
    found = []
    for bucket in items(held):
        low, high, rows = (number(at(bucket, name)) for name in ("lower_bound", "upper_bound", "count"))
        if low is not None and high is not None and rows is not None and rows >= 0 and low <= high:
            found.append((low, high, rows))
    return sorted(found)


def _shares(held: Any) -> dict[str, float]:
    counted = [(text(at(bucket, "value")), number(at(bucket, "count"))) for bucket in items(held)]
    known = {name: rows for name, rows in counted if rows is not None and rows >= 0}
    total = sum(known.values())
    return {name: rows / total for name, rows in known.items()} if total > 0 else {}
