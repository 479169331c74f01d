"""Byte codes for the values of a column, growing as chunks arrive.

Codes are given in order of appearance, so they depend on the order of the rows; `CategoryCodes.order` undoes that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockgate_checks.compute.cells import Column, canonical, is_missing, number
from lockgate_checks.compute.tables import Codes, count
from lockgate_checks.errors import EvidenceError

MISSING = 0  # the code of a cell without a value
MOST_CATEGORIES = 255


@dataclass
class CategoryCodes:
    """Codes of a column by its values; 0 is a cell without a value, the first value seen is 1."""

    name: str
    known: dict[Any, int] = field(default_factory=dict)  # raw value -> code
    categories: list[str] = field(default_factory=list)  # canonical text by code - 1

    def encode(self, column: Column) -> Codes:
        """Return the codes of a chunk's cells.

        Raises:
            EvidenceError: the column has more different values than a byte can hold.
        """
        if column.dtype.kind in "iub" and column.dtype.itemsize == 1:
            return self._encode_bytes(column.view(np.uint8), column.dtype)
        if column.dtype.kind in "iufb":
            values, inverse = np.unique(column, return_inverse=True)
            return self._table(values)[inverse]
        cells = column.tolist()
        for value in distinct(self.name, cells):
            self._code(value)
        return np.fromiter(map(self.known.get, cells, repeat(MISSING)), np.uint8, len(cells))

    def order(self) -> NDArray[np.intp]:
        """Return the codes of the values in the values' own order: numbers by size, then texts."""
        texts = sorted(range(len(self.categories)), key=lambda index: _rank(self.categories[index]))
        return np.asarray([index + 1 for index in texts], dtype=np.intp)

    def _encode_bytes(self, raw: NDArray[np.uint8], dtype: np.dtype[Any]) -> Codes:
        seen = np.flatnonzero(count([raw], [256])).astype(np.uint8)
        table = np.zeros(256, np.uint8)
        table[seen] = self._table(seen.view(dtype))
        return np.frombuffer(raw.tobytes().translate(table.tobytes()), np.uint8)

    def _table(self, values: Column) -> Codes:
        return np.asarray([self._code(value) for value in values.tolist()], dtype=np.uint8)

    def _code(self, value: Any) -> int:
        if value not in self.known:
            if is_missing(value):
                return MISSING  # not remembered: every not-a-number is a key of its own
            self.known[value] = self._category(canonical(value))
        return self.known[value]

    def _category(self, text: str) -> int:
        if text not in self.categories:
            if len(self.categories) == MOST_CATEGORIES:
                raise EvidenceError(
                    f"Column {self.name!r} has more than {MOST_CATEGORIES} different values: "
                    "give a threshold for it, or group its values."
                )
            self.categories.append(text)
        return self.categories.index(text) + 1


@dataclass
class ThresholdCodes:
    """Codes of a numeric column by a threshold: 1 up to it, 2 above it, 0 without a value.

    Above is the watched side, as in SageMaker Clarify ("Analysis Configuration Files": facet value_or_threshold and
    label_values_or_threshold, lower bound exclusive).
    """

    name: str
    threshold: float
    categories: tuple[str, str] = ("0", "1")

    def encode(self, column: Column) -> Codes:
        """Return the codes of a chunk's cells.

        Raises:
            EvidenceError: a cell is no number.
        """
        numbers = column.astype(float) if column.dtype.kind in "iufb" else self._numbers(column)
        codes = np.where(numbers > self.threshold, 2, 1).astype(np.uint8)
        codes[np.isnan(numbers)] = MISSING
        return codes

    def order(self) -> NDArray[np.intp]:
        """Return the codes of both sides, lower first."""
        return np.asarray([1, 2], dtype=np.intp)

    def _numbers(self, column: Column) -> NDArray[np.float64]:
        cells = column.tolist()
        numbers = {value: np.nan if is_missing(value) else number(str(value)) for value in distinct(self.name, cells)}
        wrong = [str(value) for value, parsed in numbers.items() if parsed is None]
        if wrong:
            raise EvidenceError(
                f"Column {self.name!r} is compared with the threshold {self.threshold:g} but holds {min(wrong)!r}, "
                "which is no number."
            )
        return np.asarray([numbers.get(value, np.nan) for value in cells], dtype=float)


def distinct(name: str, cells: Iterable[Any]) -> frozenset[Any]:
    """Return the different cells of a column.

    Raises:
        EvidenceError: a cell is a list or another container.
    """
    try:
        return frozenset(cells)
    except TypeError:
        raise EvidenceError(f"Column {name!r} holds lists or other containers: only plain values count.") from None


def _rank(text: str) -> tuple[bool, float, str]:
    value = number(text)
    return (True, 0.0, text) if value is None else (False, value, text)
