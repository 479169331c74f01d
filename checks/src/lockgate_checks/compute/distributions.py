"""Two distributions of one feature brought to common buckets, from two statistics.json documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
_DECILES = 10


@dataclass(frozen=True)
class Shares:
    """Shares of the same buckets before and now; `ordered` buckets are ranges of numbers, others text values."""

    before: Numbers
    now: Numbers
    before_rows: int
    now_rows: int
    ordered: bool

    def distance(self) -> float:
        """Return the largest difference of the cumulative distributions, or of the shares of text values."""
        gaps = np.cumsum(self.before - self.now) if self.ordered else self.before - self.now
        return min(1.0, float(np.abs(gaps).max(initial=0.0)))

    def buckets(self) -> Iterator[tuple[float, float]]:
        """Yield pairs of shares: of the baseline's deciles, or of each text value."""
        if not self.ordered:
            yield from zip(self.before.tolist(), self.now.tolist(), strict=True)
            return
        middle = np.cumsum(self.before) - self.before / 2
        decile = np.clip((middle * _DECILES).astype(int), 0, _DECILES - 1)
        sums = [np.bincount(decile, weights=part, minlength=_DECILES).tolist() for part in (self.before, self.now)]
        yield from ((p, q) for p, q in zip(*sums, strict=True) if p or q)


def text_shares(before: Mapping[str, Any], now: Mapping[str, Any]) -> Shares:
    """Return the shares of every text value that one of both has."""
    counts = [
        {str(bucket["value"]): int(bucket["count"]) for bucket in part["distribution"]["categorical"]["buckets"]}
        for part in (before, now)
    ]
    rows = [int(part["common"]["num_present"]) for part in (before, now)]
    values = sorted(counts[0].keys() | counts[1].keys())
    shares = [np.asarray([c.get(v, 0) for v in values], float) / max(n, 1) for c, n in zip(counts, rows, strict=True)]
    return Shares(shares[0], shares[1], rows[0], rows[1], ordered=False)


def number_shares(before: Mapping[str, Any], now: Mapping[str, Any]) -> Shares:
    """Return shares of common ranges: of the finer histograms if both documents hold ours, else of the buckets."""
    klls = [part.get("distribution", {}).get("kll", {"buckets": []}) for part in (before, now)]
    exponents = [kll.get("sketch", {}).get("parameters", {}).get("exponent") for kll in klls]
    if all(isinstance(exponent, int) for exponent in exponents):
        shares = _from_histograms([kll["sketch"]["data"] for kll in klls], exponents)
    else:
        shares = _from_buckets([kll["buckets"] for kll in klls])
    rows = [round(float(part.sum())) for part in shares]
    return Shares(shares[0] / max(rows[0], 1), shares[1] / max(rows[1], 1), rows[0], rows[1], ordered=True)


def _from_histograms(parts: list[list[list[int]]], exponents: list[int]) -> list[Numbers]:
    coarse = [
        _coarse(np.asarray(bins, np.int64), np.asarray(counts, np.int64), max(exponents) - exponent)
        for (bins, counts), exponent in zip(parts, exponents, strict=True)
    ]
    bins = np.unique(np.concatenate([part[0] for part in coarse]))
    shares = []
    for part_bins, counts in coarse:
        share = np.zeros(len(bins))
        share[np.searchsorted(bins, part_bins)] = counts
        shares.append(share)
    return shares


def _coarse(bins: NDArray[np.int64], counts: NDArray[np.int64], by: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    wider, place = np.unique(bins >> min(by, 62), return_inverse=True)
    return wider, np.bincount(place, weights=counts).astype(np.int64)


def _from_buckets(parts: list[list[Mapping[str, Any]]]) -> list[Numbers]:
    """Spread each bucket's rows evenly over its range, and cut at the bounds of both."""
    bounds = np.unique([float(b[side]) for part in parts for b in part for side in ("lower_bound", "upper_bound")])
    if not len(bounds):
        return [np.zeros(1), np.zeros(1)]
    return [_rows_between(part, bounds) for part in parts]


def _rows_between(buckets: list[Mapping[str, Any]], bounds: Numbers) -> Numbers:
    """Return the rows below the first bound, between bounds, and above the last."""
    if not buckets:
        return np.zeros(len(bounds) + 1)
    edges = [float(buckets[0]["lower_bound"]), *(float(bucket["upper_bound"]) for bucket in buckets)]
    below = np.cumsum([0, *(int(bucket["count"]) for bucket in buckets)])
    cumulative = np.interp(bounds, edges, below, left=0.0, right=float(below[-1]))
    if edges[0] == edges[-1]:
        cumulative = np.where(bounds >= edges[0], float(below[-1]), 0.0)
    return np.diff(np.concatenate([[0.0], cumulative, [float(below[-1])]]))
