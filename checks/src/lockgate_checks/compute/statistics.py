"""Data-quality statistics in the shape of SageMaker Model Monitor's statistics.json.

Shape: developer guide, "Schema for Statistics (statistics.json file)". Beyond it, as the guide allows custom
containers: `sketch` holds this library's own histogram (see `histograms`) in place of a KLL sketch, `num_infinite`
counts cells that mean and buckets leave out, `type_counts` says how many cells are of which type, and
`distinct_is_estimate` marks a column with more different values than are counted one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from math import sqrt
from typing import Any

import numpy as np

from lockgate_checks.compute.cells import Chunk
from lockgate_checks.compute.profiles import Profile
from lockgate_checks.errors import EvidenceError

BUCKETS = 10


@dataclass
class StatisticsCounter:
    """Takes chunks in any order and any size; `document` is the same for the same rows."""

    rows: int = 0
    _profiles: dict[str, Profile] = field(default_factory=dict)

    def add(self, chunk: Chunk) -> None:
        """Take one chunk.

        Raises:
            EvidenceError: its columns are not those of the first chunk, or differ in length.
        """
        if not self._profiles:
            self._profiles = {name: Profile(name) for name in chunk}
        if set(chunk) != set(self._profiles):
            odd = ", ".join(map(repr, sorted(set(chunk) ^ set(self._profiles))))
            raise EvidenceError(f"The parts of the data do not have the same columns: {odd} is not in all of them.")
        lengths = {len(column) for column in chunk.values()}
        if len(lengths) > 1:
            raise EvidenceError("The columns of the data have different numbers of rows.")
        self.rows += lengths.pop() if lengths else 0
        for name, column in chunk.items():
            self._profiles[name].add(column)

    def document(self) -> dict[str, Any]:
        """Return statistics.json.

        Raises:
            EvidenceError: there are no rows.
        """
        if not self.rows:
            raise EvidenceError("The data has no rows: there are no statistics to compute.")
        features = [_feature(profile) for profile in self._profiles.values()]
        return {"version": 0, "dataset": {"item_count": self.rows}, "features": features}


def statistics(chunks: Iterable[Chunk]) -> dict[str, Any]:
    """Return statistics.json of data read once, chunk by chunk.

    Raises:
        EvidenceError: as `StatisticsCounter`.
    """
    counter = StatisticsCounter()
    for chunk in chunks:
        counter.add(chunk)
    return counter.document()


def _feature(profile: Profile) -> dict[str, Any]:
    inferred = profile.inferred_type
    common = {"num_present": profile.present, "num_missing": profile.missing}
    counts = {name: number for name, number in sorted(profile.kinds.items()) if number}
    feature: dict[str, Any] = {"name": profile.name, "inferred_type": inferred, "type_counts": counts}
    if inferred == "String":
        return {**feature, "string_statistics": {"common": common, **_text_statistics(profile)}}
    return {**feature, "numerical_statistics": {"common": common, **_number_statistics(profile)}}


def _text_statistics(profile: Profile) -> dict[str, Any]:
    buckets = [{"value": text, "count": number} for text, number in profile.texts.counts.items()]
    statistics: dict[str, Any] = {"distinct_count": profile.texts.distinct}
    if not profile.texts.complete:
        statistics["distinct_is_estimate"] = True
    return {**statistics, "distribution": {"categorical": {"buckets": buckets}}}


def _number_statistics(profile: Profile) -> dict[str, Any]:
    moments, histogram = profile.moments, profile.histogram
    infinite = {"num_infinite": profile.infinite} if profile.infinite else {}
    if not moments.count:
        return {**dict.fromkeys(("mean", "sum", "std_dev", "min", "max")), **infinite}
    return {
        "mean": _float(lambda: moments.total / moments.count),
        "sum": _float(lambda: moments.total),
        "std_dev": _float(lambda: _root(moments.variance)),
        "min": histogram.lowest + 0.0,  # which makes a negative zero, equal to zero, look the same
        "max": histogram.highest + 0.0,
        **infinite,
        "distribution": {"kll": {"buckets": _buckets(profile), "sketch": _sketch(profile)}},
    }


def _buckets(profile: Profile) -> list[dict[str, float]]:
    """Return ten buckets of equal width; a number within 1/512 of the range above a bound may count below it."""
    histogram = profile.histogram
    low, high = histogram.lowest, histogram.highest
    bounds = [low * (1 - i / BUCKETS) + high * (i / BUCKETS) for i in range(BUCKETS)] + [high]
    edges = np.clip(histogram.edges(), low, high)
    places = np.clip(np.searchsorted(bounds, edges, side="right") - 1, 0, BUCKETS - 1)
    counts = np.bincount(places, weights=histogram.counts, minlength=BUCKETS).astype(int).tolist()
    return [
        {"lower_bound": lower, "upper_bound": upper, "count": count}
        for lower, upper, count in zip(bounds[:-1], bounds[1:], counts, strict=True)
    ]


def _sketch(profile: Profile) -> dict[str, Any]:
    histogram = profile.histogram
    filled = np.flatnonzero(histogram.counts)
    bins, counts = (filled + histogram.first).tolist(), histogram.counts[filled].tolist()
    return {"parameters": {"exponent": histogram.exponent}, "data": [bins, counts]}


def _float(compute: Callable[[], Fraction | float]) -> float | None:
    """Return a number as float, or None if it is too large for one."""
    try:
        return float(compute())
    except OverflowError:
        return None


def _root(number: Fraction) -> float:
    return sqrt(float(number))
