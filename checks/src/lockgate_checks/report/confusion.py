"""The confusion matrix as a table: rows are the labels, columns what the model answered."""

from __future__ import annotations

from typing import Any

from lockgate_checks.report import numerals
from lockgate_checks.report.layout import Column, missing, table
from lockgate_checks.report.markup import Markup, element, join
from lockgate_checks.report.reading import at, mapping, number

MOST_CLASSES = 12


def confusion(matrix: Any) -> Markup:
    """Return the matrix with counts and shares of each label."""
    classes = sorted(mapping(matrix))
    if not classes:
        return missing("The model-quality report holds no confusion matrix.")
    if len(classes) > MOST_CLASSES:
        return missing(f"The confusion matrix has {len(classes)} classes, too many to read; the report has it in full.")
    columns = [
        Column("Label"),
        *(Column(f"answered {name}", numeric=True) for name in classes),
        Column("Rows", numeric=True),
    ]
    return table("Confusion matrix", columns, [_row(matrix, label, classes) for label in classes], "confusion")


def _row(matrix: Any, label: str, classes: list[str]) -> list[str]:
    counts = [number(at(matrix, label, answer)) for answer in classes]
    total = sum(count for count in counts if count is not None)
    return [label, *(_cell(count, total) for count in counts), numerals.figure(total)]


def _cell(count: float | None, total: float) -> Markup:
    share = numerals.percent(count / total) if count is not None and total > 0 else ""
    return join(numerals.figure(count), " ", element("span", share, class_="note"))
