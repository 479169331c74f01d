"""How good the model is: the metrics beside the baseline's, and the plots of its kind of problem."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lockgate_checks.report import confusion, curves, numerals, residuals, segments
from lockgate_checks.report.layout import Column, Section, beside, missing, paragraph, table
from lockgate_checks.report.markup import Markup, join
from lockgate_checks.report.reading import at, mapping, number

KINDS = ("binary_classification_metrics", "multiclass_classification_metrics", "regression_metrics")
_HEADING = "Model quality"
_COLUMNS = (
    Column("Metric"),
    Column("This version", numeric=True),
    Column("Interval", numeric=True),
    Column("Baseline", numeric=True),
    Column("Change", numeric=True),
    Column("Constant answer", numeric=True),
)
_CONSTANT = "_best_constant_classifier"


def quality(bundle: Mapping[str, Any]) -> Section:
    """Return metrics, curves and confusion matrix of the model-quality report."""
    document = bundle.get("model_quality")
    kind = next((name for name in KINDS if at(document, name)), None)
    if kind is None:
        why = "is missing" if document is None else f"has none of {', '.join(KINDS)}"
        return Section("quality", _HEADING, missing(f"The document model_quality {why}."))
    metrics, baseline = at(document, kind), at(bundle.get("baseline_model_quality"), kind)
    return Section(
        "quality",
        _HEADING,
        join(
            _introduction(document, kind),
            _plots(document, kind, metrics, baseline),
            _metrics(document, metrics, baseline),
            segments.segments(document, kind),
        ),
    )


def _introduction(document: Any, kind: str) -> Markup:
    rows = number(at(document, "dataset", "item_count"))
    measured = (
        f"Measured on {numerals.figure(rows)} rows. "
        if rows is not None
        else "The report does not say on how many rows. "
    )
    return paragraph(kind.removesuffix("_metrics").replace("_", " ").capitalize(), ". ", measured)


def _plots(document: Any, kind: str, metrics: Any, baseline: Any) -> Markup:
    if kind == "regression_metrics":
        return residuals.residuals(document)
    matrix = confusion.confusion(at(metrics, "confusion_matrix"))
    if kind == "multiclass_classification_metrics":
        return matrix
    both = (
        curves.roc(metrics, baseline),
        curves.precision_recall(document, metrics, baseline),
        curves.calibration(document),
    )
    return join(beside(*both), matrix)


def _metrics(document: Any, metrics: Any, baseline: Any) -> Markup:
    scalars = [
        name
        for name, value in sorted(mapping(metrics).items())
        if "value" in mapping(value) and not name.endswith(_CONSTANT)
    ]
    if not scalars:
        return missing("The model-quality report holds no metric.")
    return table("Metrics", _COLUMNS, [_row(name, document, (metrics, baseline)) for name in scalars], "metrics")


def _row(name: str, document: Any, both: tuple[Any, Any]) -> tuple[str, ...]:
    metrics, baseline = both
    value, before = number(at(metrics, name, "value")), number(at(baseline, name, "value"))
    change = value - before if value is not None and before is not None else None
    return (
        name,
        numerals.figure(value),
        _interval(at(document, "lockgate", "intervals", name), number(at(metrics, name, "standard_deviation"))),
        numerals.figure(before),
        numerals.signed(change, 2),
        numerals.figure(number(at(metrics, name + _CONSTANT, "value"))),
    )


def _interval(interval: Any, deviation: float | None) -> str:
    """Return the confidence interval, or the standard deviation where the report has only that."""
    low, high, level = (number(at(interval, key)) for key in ("lower", "upper", "level"))
    if low is not None and high is not None:
        return f"{numerals.figure(low, 3)} to {numerals.figure(high, 3)}" + (
            f" ({numerals.percent(level)})" if level else ""
        )
    return numerals.NONE if deviation is None else f"± {numerals.figure(deviation, 2)}"
