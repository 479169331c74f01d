"""Reads the data once, chunk by chunk, into one table of facet x label x prediction x group per facet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lockgate_checks.compute.bias_plan import BiasPlan, Facet, codes_for
from lockgate_checks.compute.cells import Chunk
from lockgate_checks.compute.coding import CategoryCodes, ThresholdCodes
from lockgate_checks.compute.tables import Codes, Counts, count, grow
from lockgate_checks.errors import EvidenceError

Coding = CategoryCodes | ThresholdCodes


@dataclass(frozen=True)
class BiasTable:
    """Counts of one facet: axes facet value, label, prediction, group; each axis in the order of its texts.

    `without_value` is the number of rows left out because the facet has no value there. The last group is that of
    the rows without one, where there are any.
    """

    facet: Facet
    values: tuple[str, ...]
    labels: tuple[str, ...]
    predictions: tuple[str, ...]
    groups: tuple[str, ...]
    counts: Counts
    without_value: int = 0


@dataclass
class BiasCounter:
    """Takes chunks in any order and any size; `tables` is the same for the same rows."""

    plan: BiasPlan
    rows: int = 0
    _codings: dict[str, Coding] = field(default_factory=dict)
    _counts: dict[str, Counts] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Give each axis its coding; an axis without a column has one place."""
        plan = self.plan
        names = [facet.name for facet in plan.facets]
        if not names or len(set(names)) < len(names):
            raise EvidenceError("Name at least one facet, and each only once.")
        self._codings = {f"facet {facet.name}": codes_for(facet.name, facet.threshold) for facet in plan.facets}
        self._codings["label"] = codes_for(plan.label, plan.label_threshold)
        if plan.prediction is not None:
            threshold = plan.label_threshold if plan.prediction_threshold is None else plan.prediction_threshold
            self._codings["prediction"] = codes_for(plan.prediction, threshold)
        if plan.group is not None:
            self._codings["group"] = codes_for(plan.group, None)

    def add(self, chunk: Chunk) -> None:
        """Count the rows of one chunk.

        Raises:
            EvidenceError: a column is missing, or cannot be coded.
        """
        names = {key: coding.name for key, coding in self._codings.items()}
        _require(chunk, names.values())
        rows = len(chunk[self.plan.label])
        if rows == 0:
            return
        codes = {key: self._codings[key].encode(chunk[name]) for key, name in names.items()}
        nothing = np.zeros(rows, np.uint8)
        self.rows += rows
        for facet in self.plan.facets:
            axes = (f"facet {facet.name}", "label", "prediction", "group")
            self._add_facet(facet.name, [codes.get(axis, nothing) for axis in axes], [self._size(a) for a in axes])

    def tables(self) -> tuple[BiasTable, ...]:
        """Return one table per facet.

        Raises:
            EvidenceError: there are no rows, or the label or prediction has no value in some row.
        """
        if self.rows == 0:
            raise EvidenceError("The data has no rows: bias cannot be measured.")
        return tuple(self._table(facet) for facet in self.plan.facets)

    def _add_facet(self, name: str, columns: list[Codes], sizes: list[int]) -> None:
        new = count(columns, sizes)
        old = self._counts.get(name)
        self._counts[name] = new if old is None else grow(old, sizes) + new

    def _size(self, axis: str) -> int:
        coding = self._codings.get(axis)
        return 1 if coding is None else len(coding.categories) + 1

    def _table(self, facet: Facet) -> BiasTable:
        counts = self._counts[facet.name]
        for axis, number in (("label", 1), ("prediction", 2)):
            if axis in self._codings and (empty := int(counts.take(0, axis=number).sum())):
                raise EvidenceError(
                    f"The {axis} {self._codings[axis].name!r} has no value in {empty} of {self.rows} rows: "
                    "bias is measured on complete rows only, so fill or drop them first."
                )
        axes = [self._axis(axis) for axis in (f"facet {facet.name}", "label", "prediction", "group")]
        orders = [order for order, _ in axes]
        orders[3] = self._with_missing(orders[3], counts)
        texts = [names for _, names in axes]
        groups = texts[3] if len(orders[3]) == len(texts[3]) else (*texts[3], "(no value)")
        ordered = counts[np.ix_(*orders)]
        values, labels, predictions, _ = texts
        return BiasTable(facet, values, labels, predictions, groups, ordered, int(counts[0].sum()))

    def _axis(self, axis: str) -> tuple[NDArray[np.intp], tuple[str, ...]]:
        coding = self._codings.get(axis)
        if coding is None:
            return np.zeros(1, np.intp), ("",)
        order = coding.order()
        return order, tuple(coding.categories[code - 1] for code in order)

    def _with_missing(self, order: NDArray[np.intp], counts: Counts) -> NDArray[np.intp]:
        missing = "group" in self._codings and counts[..., 0].any()
        return np.append(order, 0) if missing else order


def count_bias(chunks: Iterable[Chunk], plan: BiasPlan) -> tuple[BiasTable, ...]:
    """Count all chunks, reading each once and keeping none.

    Raises:
        EvidenceError: as `BiasCounter.add` and `BiasCounter.tables`.
    """
    counter = BiasCounter(plan)
    for chunk in chunks:
        counter.add(chunk)
    return counter.tables()


def _require(chunk: Mapping[str, object], names: Iterable[str]) -> None:
    missing = [name for name in dict.fromkeys(names) if name not in chunk]
    if missing:
        raise EvidenceError(
            f"The data lacks the column(s) {', '.join(map(repr, missing))}; it has {', '.join(map(repr, chunk))}."
        )
