"""A histogram that needs one pass, bounded memory and no knowledge of the range.

Bins are [k 2^e, (k + 1) 2^e) with one e for all. When the range outgrows the bins, neighbours merge in pairs, which is
exact because every wider bin is a union of narrower ones. So e and all counts depend on the numbers alone, not on
their order or on chunks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import floor, frexp, ldexp

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
BINS = 1024
_FINEST = -1000


@dataclass
class Histogram:
    """Counts of finite numbers: `counts[i]` are those in bin `first + i` of width 2^exponent."""

    exponent: int = _FINEST
    first: int = 0
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    lowest: float = float("inf")
    highest: float = float("-inf")

    def add(self, numbers: Numbers) -> None:
        """Add finite numbers."""
        if not len(numbers):
            return
        self.lowest = min(self.lowest, float(numbers.min()))
        self.highest = max(self.highest, float(numbers.max()))
        exponent = exponent_for(self.lowest, self.highest)
        bins = _bins(numbers, exponent, negative=self.lowest < 0)
        self._widen(exponent)
        self.counts += np.bincount(bins - self.first, minlength=len(self.counts))

    def edges(self) -> Numbers:
        """Return the lower edges of the bins."""
        places = np.arange(self.first, self.first + len(self.counts), dtype=float)
        with np.errstate(over="ignore"):  # the edge below the lowest number may be minus infinity
            return np.asarray(np.ldexp(places, self.exponent), dtype=np.float64)

    def _widen(self, exponent: int) -> None:
        first, last = (bin_of(edge, exponent) for edge in (self.lowest, self.highest))
        counts = np.zeros(last - first + 1, np.int64)
        if len(self.counts):
            old_first, old = coarsen(self.first, self.counts, exponent - self.exponent)
            counts[old_first - first : old_first - first + len(old)] = old
        self.exponent, self.first, self.counts = exponent, first, counts


def exponent_for(lowest: float, highest: float) -> int:
    """Return the smallest e for which at most 1,024 bins of width 2^e cover the range."""
    largest = max(abs(lowest), abs(highest))
    if largest == 0:
        return _FINEST
    exponent = max(_FINEST, frexp(largest)[1] - 52)  # narrower bins than a number's last digit mean nothing
    if span := highest / 2 - lowest / 2:
        exponent = max(exponent, frexp(span)[1] - BINS.bit_length())
    while bin_of(highest, exponent) - bin_of(lowest, exponent) >= BINS:
        exponent += 1
    return exponent


def bin_of(number: float, exponent: int) -> int:
    """Return the bin of width 2^exponent that holds a number; one that vanishes when scaled keeps its sign."""
    place = floor(ldexp(number, -exponent))
    return -1 if place == 0 and number < 0 else place


def coarsen(first: int, counts: NDArray[np.int64], by: int) -> tuple[int, NDArray[np.int64]]:
    """Merge bins until they are 2^by times as wide; return the new first bin and counts."""
    by = min(by, 62)
    bins = (np.arange(len(counts), dtype=np.int64) + first) >> by
    merged = np.bincount(bins - bins[0], weights=counts)
    return int(bins[0]), merged.astype(np.int64)


def _bins(numbers: Numbers, exponent: int, *, negative: bool) -> NDArray[np.int64]:
    scaled = numbers * ldexp(1.0, -exponent) if abs(exponent) < 1000 else np.ldexp(numbers, -exponent)
    bins = np.floor(scaled, out=scaled).astype(np.int64)
    if negative and exponent > 0:
        bins[(numbers < 0) & (bins == 0)] = -1  # a tiny negative number may vanish when scaled down
    return bins
