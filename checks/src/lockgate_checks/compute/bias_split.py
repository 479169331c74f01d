"""One facet value against all other rows, cut from a table of counts.

Facet d is the watched value, facet a everybody else: SageMaker developer guide, "Amazon SageMaker Clarify Terms for
Bias and Fairness". Positive is outcome 1, everything else outcome 0.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lockgate_checks.compute.bias_counts import BiasTable
from lockgate_checks.compute.tables import Counts
from lockgate_checks.errors import EvidenceError


class UndefinedMetricError(EvidenceError):
    """A metric has no value for these counts; the message says why."""


@dataclass(frozen=True)
class Side:
    """Rows of facet a or d: by label value, and by correctness of the model's answer."""

    labels: tuple[int, ...]
    true_positive: int
    false_positive: int
    true_negative: int
    false_negative: int

    @property
    def size(self) -> int:
        """Return n."""
        return sum(self.labels)

    @property
    def positive(self) -> int:
        """Return n(1): rows with a positive label."""
        return self.true_positive + self.false_negative

    @property
    def negative(self) -> int:
        """Return n(0)."""
        return self.true_negative + self.false_positive

    @property
    def accepted(self) -> int:
        """Return n'(1): rows with a positive answer."""
        return self.true_positive + self.false_positive

    @property
    def rejected(self) -> int:
        """Return n'(0)."""
        return self.true_negative + self.false_negative


@dataclass(frozen=True)
class Stratum:
    """Outcomes within one value of the group variable: n(0) and n(1), of facet d and of all."""

    name: str
    negative_d: int
    negative: int
    positive_d: int
    positive: int


@dataclass(frozen=True)
class Split:
    """Everything the metrics need about one facet value."""

    a: Side
    d: Side
    label_strata: tuple[Stratum, ...]
    prediction_strata: tuple[Stratum, ...]


def split(table: BiasTable, value: str | None, positive: Collection[str]) -> Split:
    """Cut a facet's table at one of its values; a value that does not occur gives an empty facet d."""
    is_d = np.asarray([text == value for text in table.values], dtype=bool)
    d = table.counts[is_d].sum(axis=0)
    a = table.counts[~is_d].sum(axis=0)
    labels, answers = (_mask(names, positive) for names in (table.labels, table.predictions))
    by_label = _strata(table.groups, (d.sum(axis=1), a.sum(axis=1)), labels)
    by_answer = _strata(table.groups, (d.sum(axis=0), a.sum(axis=0)), answers)
    return Split(_side(a, labels, answers), _side(d, labels, answers), by_label, by_answer)


def _mask(names: tuple[str, ...], positive: Collection[str]) -> NDArray[np.bool_]:
    return np.asarray([name in positive for name in names], dtype=bool)


def _side(counts: Counts, labels: NDArray[np.bool_], answers: NDArray[np.bool_]) -> Side:
    rows = counts.sum(axis=2)
    return Side(
        labels=tuple(rows.sum(axis=1).tolist()),
        true_positive=int(rows[np.ix_(labels, answers)].sum()),
        false_positive=int(rows[np.ix_(~labels, answers)].sum()),
        true_negative=int(rows[np.ix_(~labels, ~answers)].sum()),
        false_negative=int(rows[np.ix_(labels, ~answers)].sum()),
    )


def _strata(groups: tuple[str, ...], sides: tuple[Counts, Counts], positive: NDArray[np.bool_]) -> tuple[Stratum, ...]:
    d, everybody = sides[0], sides[0] + sides[1]
    numbers = [part[mask].sum(axis=0).tolist() for mask in (~positive, positive) for part in (d, everybody)]
    strata = (Stratum(name, *counts) for name, *counts in zip(groups, *numbers, strict=True))
    return tuple(stratum for stratum in strata if stratum.negative + stratum.positive)
