"""Counts rows by facet, label, prediction and group: the one table from which all bias metrics follow."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockgate_checks.errors import EvidenceError

Codes = NDArray[np.uint8]
Counts = NDArray[np.int64]
MOST_CELLS = 1 << 22
_BLOCK = 1 << 20  # rows: keys stay in the last-level cache, and the 64k pair counters are amortized


def count(columns: Sequence[Codes], sizes: Sequence[int]) -> Counts:
    """Count the rows of every combination of codes; axis i of the result has `sizes[i]` places.

    The rows are read once, block by block; memory is that of one block. Counts of two parts of the data add up to
    those of the whole, in whatever order.

    Raises:
        EvidenceError: a code lies outside its axis, the columns differ in length, or the table would be too large.
    """
    if prod(sizes) > MOST_CELLS:
        raise EvidenceError(
            f"A table of {' x '.join(map(str, sizes))} combinations is too large: "
            "give thresholds, or group the values of the facet, label or group."
        )
    rows = len(columns[0])
    if any(len(column) != rows for column in columns):
        raise EvidenceError("The columns to count have different numbers of rows.")
    total = np.zeros(prod(sizes), np.int64)
    for start in range(0, rows, _BLOCK):
        total += _count_block([column[start : start + _BLOCK] for column in columns], sizes)
    return total.reshape(tuple(sizes))


def _count_block(columns: Sequence[Codes], sizes: Sequence[int]) -> Counts:
    cells = prod(sizes)
    keys = np.zeros(len(columns[0]), np.uint8 if cells <= 1 << 8 else np.uint16 if cells < 1 << 16 else np.uint32)
    for column, size in zip(columns, sizes, strict=True):
        if int(column.max()) >= size:
            raise EvidenceError(f"A code of {int(column.max())} is outside an axis of {size} places.")
        if 1 < size < cells:  # an axis that is the whole table finds all keys at 0
            np.multiply(keys, size, out=keys)
        if size > 1:
            np.add(keys, column, out=keys)
    return _histogram(keys, cells)


def _histogram(keys: NDArray[Any], cells: int) -> Counts:
    """Count keys; one-byte keys are counted two at a time, which halves the work."""
    if keys.dtype != np.uint8:
        return np.bincount(keys, minlength=cells).astype(np.int64)
    even = len(keys) - len(keys) % 2
    pairs = np.bincount(keys[:even].view(np.uint16), minlength=1 << 16).reshape(256, 256)
    counts = pairs.sum(axis=0) + pairs.sum(axis=1)
    if even < len(keys):
        counts[keys[-1]] += 1
    return np.asarray(counts[:cells], dtype=np.int64)


def grow(counts: Counts, sizes: Sequence[int]) -> Counts:
    """Return the table with room for more codes on each axis."""
    return np.pad(counts, [(0, size - old) for size, old in zip(sizes, counts.shape, strict=True)])
