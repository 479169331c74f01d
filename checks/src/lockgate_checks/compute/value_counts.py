"""Counts of text values in bounded memory: exact up to 1,024 different values, beyond that of a fixed sample of them.

The sample are the values with the smallest hashes. A value in it has been in it since its first row, so its count is
exact; and which values it holds does not depend on order or chunks. The number of different values is then estimated
from the hashes (Z. Bar-Yossef et al., "Counting Distinct Elements in a Data Stream", RANDOM 2002).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import compress
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

KEPT = 1024
_SPACE = 1 << 32


@dataclass
class ValueCounts:
    """Running counts by text."""

    _counts: dict[str, int] = field(default_factory=dict)
    _limit: int = _SPACE  # values with larger hashes have been dropped for good

    def add(self, counts: Mapping[str, int]) -> None:
        """Add a chunk's counts."""
        if self._limit < _SPACE:
            allowed = _hashes(counts) < self._limit
            counts = {text: counts[text] for text in compress(counts, allowed.tolist())}
        for text, number in counts.items():
            self._counts[text] = self._counts.get(text, 0) + number
        self._drop()

    @property
    def counts(self) -> dict[str, int]:
        """Return the kept values, most frequent first."""
        return dict(sorted(self._counts.items(), key=lambda item: (-item[1], item[0])))

    @property
    def complete(self) -> bool:
        """Say whether every value is kept."""
        return self._limit == _SPACE

    @property
    def distinct(self) -> int:
        """Return the number of different values: exact while all are kept, else estimated (standard error 3 %)."""
        return len(self._counts) if self._limit == _SPACE else round(KEPT * _SPACE / self._limit)

    def _drop(self) -> None:
        """Keep the values whose hashes are below the 1,025th smallest."""
        if len(self._counts) <= KEPT:
            return
        hashes = _hashes(self._counts)
        self._limit = int(np.partition(hashes, KEPT)[KEPT])
        kept = compress(self._counts.items(), (hashes < self._limit).tolist())
        self._counts = dict(kept)


def _hashes(texts: Iterable[str]) -> NDArray[np.uint64]:
    """Return evenly spread 32-bit numbers: checksums, mixed so that running numbers do not stay in a pattern.

    The mixing is the finalizer of A. Appleby's MurmurHash3 (public domain).
    """
    raw = (crc32(text.encode("utf-8", "surrogatepass")) for text in texts)
    mixed = np.fromiter(raw, np.uint64)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
        mixed ^= mixed >> np.uint64(shift)
        mixed = (mixed * np.uint64(factor)) & np.uint64(_SPACE - 1)
    return mixed
