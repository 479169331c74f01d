"""What one column holds, gathered chunk by chunk: numbers, texts, missing cells, and the types of its cells."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockgate_checks.compute.cells import LONGEST_MISSING, Column, canonical, is_missing, kind, number
from lockgate_checks.compute.exact_sums import Moments
from lockgate_checks.compute.histograms import Histogram
from lockgate_checks.compute.value_counts import ValueCounts
from lockgate_checks.errors import EvidenceError

Numbers = NDArray[np.float64]
KINDS = ("Integral", "Fractional", "String")


@dataclass
class Profile:
    """One column. `infinite` cells are present but are left out of moments and histogram."""

    name: str
    missing: int = 0
    infinite: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    moments: Moments = field(default_factory=Moments)
    histogram: Histogram = field(default_factory=Histogram)
    texts: ValueCounts = field(default_factory=ValueCounts)

    def add(self, column: Column) -> None:
        """Take a chunk's cells.

        Raises:
            EvidenceError: a cell is a list or another container.
        """
        if column.dtype.kind in "iub":
            self.kinds["Integral"] += len(column)
            self._numbers(column.astype(np.float64))
        elif column.dtype.kind == "f":
            self.kinds["Fractional"] += self._numbers(column.astype(np.float64, copy=False))
        else:
            self._cells(column.tolist())

    @property
    def present(self) -> int:
        """Return the number of cells with a value."""
        return self.kinds.total()

    @property
    def inferred_type(self) -> str:
        """Return the type that fits every present cell: "Integral", "Fractional", "String", or "Unknown" without any.

        The names are Model Monitor's (developer guide, "Schema for Constraints"); whole numbers fit "Fractional".
        """
        if not self.present:
            return "Unknown"
        return next(name for name in reversed(KINDS) if self.kinds[name])

    def _numbers(self, numbers: Numbers) -> int:
        """Take numbers; return how many are present."""
        finite = np.isfinite(numbers)
        if not finite.all():
            missing = int(np.isnan(numbers).sum())
            self.missing += missing
            self.infinite += len(numbers) - missing - int(finite.sum())
            present, numbers = len(numbers) - missing, numbers[finite]
        else:
            present = len(numbers)
        if len(numbers):
            self.moments.add(numbers)
            self.histogram.add(numbers)
        return present

    def _cells(self, cells: list[Any]) -> None:
        try:
            counts = Counter(cells)
        except TypeError:
            raise EvidenceError(
                f"Column {self.name!r} holds lists or other containers, which have no statistics."
            ) from None
        texts: Counter[str] = Counter()
        for cell, times in counts.items():
            if len(text := _text(cell)) <= LONGEST_MISSING and is_missing(text):
                self.missing += times
            else:
                texts[text] += times
        self.texts.add(texts)
        if not self._all_numbers(texts):
            self._some_numbers(texts)

    def _all_numbers(self, texts: Counter[str]) -> bool:
        """Take the cells quickly if each one is a number."""
        joined = "".join(texts)
        if not texts or "_" in joined:
            return not texts
        try:
            numbers = np.fromiter(map(float, texts), np.float64, len(texts))
        except ValueError:
            return False
        times = np.fromiter(texts.values(), np.int64, len(texts))
        whole = np.fromiter((text.lstrip("+-").isdecimal() for text in texts), np.bool_, len(texts))
        for name, mask in (("Integral", whole), ("Fractional", ~whole)):
            if of_kind := int(times[mask].sum()):
                self.kinds[name] += of_kind
        self._numbers(np.repeat(numbers, times))
        return True

    def _some_numbers(self, texts: Counter[str]) -> None:
        numbers: list[tuple[float, int]] = []
        for text, times in texts.items():
            self.kinds[kind(text)] += times
            if (value := number(text)) is not None:
                numbers.append((value, times))
        values = np.asarray([value for value, _ in numbers], dtype=np.float64)
        self._numbers(np.repeat(values, [times for _, times in numbers]))


def _text(cell: Any) -> str:
    """Return a text as it stands, and any other value by its canonical text: "1.0" in a CSV is a fraction."""
    return cell.strip() if isinstance(cell, str) else canonical(cell)
