"""The model's quality in each segment of the rows, so that a good average does not hide a bad part."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lockgate_checks.report import numerals
from lockgate_checks.report.layout import Column, table
from lockgate_checks.report.markup import Markup
from lockgate_checks.report.reading import at, mapping, number, text

_METRICS = {
    "binary_classification_metrics": ("auc", "accuracy", "precision", "recall", "f1"),
    "multiclass_classification_metrics": ("accuracy", "weighted_precision", "weighted_recall", "weighted_f1"),
    "regression_metrics": ("mae", "mse", "rmse", "r2"),
}
_MOST_SEGMENTS = 50


def segments(document: Any, kind: str) -> Markup:
    """Return a row for every segment that the report measured; nothing where it measured none."""
    names = _METRICS[kind]
    rows = list(_rows(at(document, "lockgate", "segments"), kind, names))
    if not rows:
        return Markup("")
    more = f", the first {_MOST_SEGMENTS} of {len(rows)}" if len(rows) > _MOST_SEGMENTS else ""
    columns = [Column("Segment"), Column("Rows", numeric=True), *(Column(name, numeric=True) for name in names)]
    return table(f"By segment{more}", columns, rows[:_MOST_SEGMENTS], "segments")


def _rows(held: Any, kind: str, names: tuple[str, ...]) -> Iterator[list[str]]:
    for column, values in sorted(mapping(held).items()):
        for value, report in sorted(mapping(values).items()):
            amounts = [numerals.figure(number(at(report, kind, name, "value"))) for name in names]
            why = text(at(report, "error"))
            shown = f"{column} = {value}" + (f" ({why})" if why else "")
            yield [shown, numerals.figure(number(at(report, "dataset", "item_count"))), *amounts]
