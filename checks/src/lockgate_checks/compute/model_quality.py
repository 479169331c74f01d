"""Model-quality reports (statistics.json, constraints.json) in the shape that SageMaker Model Monitor writes.

Shapes, names and the standard deviation: Amazon SageMaker developer guide, "Model quality metrics and Amazon
CloudWatch monitoring". What Model Monitor does not write stands under the report's "lockgate" key: confidence
intervals by metric name, calibration, and the same report for each segment of the rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lockgate_checks.compute import confusion, curves, intervals
from lockgate_checks.compute.confusion import Counts, Values
from lockgate_checks.compute.intervals import Floats, Interval
from lockgate_checks.errors import EvidenceError

ROWS_FOR_DEVIATION = 200
WORSE_WHEN_GREATER = frozenset({"false_positive_rate", "false_negative_rate", "mae", "mse", "rmse"})
MOST_SEGMENTS = 256
_SUBSAMPLES = 5
_SUBSAMPLE = 0.8
_CELLS_DRAWN = 5_000_000  # of all resampled confusion tables together, to bound memory

Report = dict[str, Any]


@dataclass(frozen=True)
class Setup:
    """How to measure: label counted as positive, score from which on it is predicted, level of intervals, seed.

    `segments` holds, by column name, one value for each row; every value becomes a slice measured on its own.
    """

    positive: Any = 1
    cutoff: float = 0.5
    level: float = intervals.LEVEL
    seed: int = 0
    segments: Mapping[str, Any] = field(default_factory=dict)


def binary_report(labels: Any, scores: Any, setup: Setup | None = None) -> Report:
    """statistics.json of a binary classifier: binary_classification_metrics at the cutoff, AUC and curves.

    Raises:
        EvidenceError: no rows, one label only, scores that are not finite, unequal lengths.
    """
    setup = setup or Setup()
    rows = curves.binary_rows(labels, scores, setup.positive)
    report = _binary_rows(rows, setup)
    report["binary_classification_metrics"] |= {
        "receiver_operating_characteristic_curve": curves.receiver_operating_characteristic(rows),
        "precision_recall_curve": curves.precision_recall(rows),
    }
    report["lockgate"] |= {"cutoff": setup.cutoff, "average_precision": curves.average_precision(rows)}
    report["lockgate"] |= _probabilities(rows, setup)
    return report | {"lockgate": report["lockgate"] | _segments((labels, scores), setup, _binary)}


def multiclass_report(labels: Any, predicted: Any, setup: Setup | None = None) -> Report:
    """statistics.json of a classifier of many classes, from labels and predicted labels of any type.

    Raises:
        EvidenceError: no rows, one class only, missing labels, unequal lengths, more than 256 classes.
    """
    setup = setup or Setup()
    report = _multiclass(labels, predicted, setup)
    return report | {"lockgate": report["lockgate"] | _segments((labels, predicted), setup, _multiclass)}


def regression_report(actual: Any, predicted: Any, setup: Setup | None = None) -> Report:
    """statistics.json of a regression: mae, mse, rmse and r2 (the text "NaN" where all actual values are equal).

    Raises:
        EvidenceError: fewer than two rows, values that are not finite numbers, unequal lengths.
    """
    setup = setup or Setup()
    report = _regression(actual, predicted, setup)
    report["lockgate"]["residuals"] = curves.residuals(actual, predicted, setup.seed)
    return report | {"lockgate": report["lockgate"] | _segments((actual, predicted), setup, _regression)}


def constraints(report: Mapping[str, Any]) -> Report:
    """constraints.json: later measurements must not be worse than this report's values.

    Shape: as Model Monitor's suggested constraints; metrics without a value and constant classifiers are left out.
    """
    kind = next(key for key in report if key.endswith("_metrics"))
    limits = {
        name: {
            "threshold": metric["value"],
            "comparison_operator": "GreaterThanThreshold" if name in WORSE_WHEN_GREATER else "LessThanThreshold",
        }
        for name, metric in report[kind].items()
        if isinstance(metric.get("value"), float) and not name.endswith(confusion.CONSTANT)
    }
    return {"version": 0.0, kind.replace("_metrics", "_constraints"): limits}


def regression_moments(actual: Floats, predicted: Floats) -> Floats:
    """The columns |e|, e^2, y and y^2, y from its mean, whose means `regression_metrics` reads."""
    error, centred = predicted - actual, actual - actual.mean()
    return np.column_stack([np.abs(error), error * error, centred, centred * centred])


def regression_metrics(means: Any) -> Values:
    """Regression metrics from means, over the last axis; r2 is NaN where the actual values do not vary.

    mae = mean |e|, mse = mean e^2, rmse = sqrt(mse), r2 = 1 - mse / variance of y. Source of r2: N. R. Draper,
    H. Smith, Applied Regression Analysis (1998), chapter 1.
    """
    absolute, square, centre, centre_square = np.moveaxis(np.asarray(means, dtype=np.float64), -1, 0)
    spread = centre_square - centre * centre
    r2 = 1 - np.divide(square, spread, out=np.full_like(spread, np.nan), where=spread > 0)
    return {"mae": absolute, "mse": square, "rmse": np.sqrt(square), "r2": r2}


def _binary(labels: Any, scores: Any, setup: Setup) -> Report:
    return _binary_rows(curves.binary_rows(labels, scores, setup.positive), setup)


def _binary_rows(rows: curves.BinaryRows, setup: Setup) -> Report:
    cells = 2 * rows.labels.astype(np.int64) + (rows.scores >= setup.cutoff)
    counts = np.bincount(cells, minlength=4)
    area = intervals.area_under_curve(rows.labels, rows.scores)

    def measure(chosen: Counts) -> Values:
        part = np.bincount(cells[chosen], minlength=4)
        both = part[:2].any() and part[2:].any()
        auc = intervals.area_under_curve(rows.labels[chosen], rows.scores[chosen]).value if both else math.nan
        return _binary_values(part, auc)

    values = _with_deviations(_binary_values(counts, area.value), len(rows), measure, setup.seed)
    drawn = confusion.rates(intervals.resampled_counts(counts, setup.seed))
    found: dict[str, Interval | None] = {
        name: intervals.wilson(k, n, setup.level) for name, (k, n) in confusion.shares(counts).items() if n
    }
    found |= {name: intervals.percentile(drawn[name], setup.level) for name in confusion.F_SCORES}
    found["auc"] = intervals.delong(area, setup.level)
    tn, fp, fn, tp = counts.tolist()
    matrix = {"confusion_matrix": {"0": {"0": tn, "1": fp}, "1": {"0": fn, "1": tp}}}
    return _report("binary_classification_metrics", len(rows), matrix | values, found)


def _binary_values(counts: Counts, auc: float) -> Values:
    return confusion.rates(counts) | confusion.constant_rates(counts) | {"auc": auc}


def _multiclass(labels: Any, predicted: Any, setup: Setup) -> Report:
    names, table = confusion.confusion_table(labels, predicted)
    rows, cells = int(table.sum()), np.repeat(np.arange(table.size), table.ravel())

    def measure(chosen: Counts) -> Values:
        part = np.bincount(cells[chosen], minlength=table.size).reshape(table.shape)
        return confusion.weighted(part) | confusion.constant_weighted(part)

    resamples = min(intervals.RESAMPLES, max(100, _CELLS_DRAWN // table.size))
    tables = intervals.resampled_counts(table.ravel(), setup.seed, resamples).reshape(-1, *table.shape)
    found = {name: intervals.percentile(draws, setup.level) for name, draws in confusion.weighted(tables).items()}
    found["accuracy"] = found["weighted_recall"] = intervals.wilson(int(np.trace(table)), rows, setup.level)
    values = confusion.weighted(table) | confusion.constant_weighted(table)
    matrix = {a: dict(zip(names, row.tolist(), strict=True)) for a, row in zip(names, table, strict=True)}
    metrics = {"confusion_matrix": matrix} | _with_deviations(values, rows, measure, setup.seed)
    return _report("multiclass_classification_metrics", rows, metrics, found)


def _regression(actual: Any, predicted: Any, setup: Setup) -> Report:
    rows = intervals.same_length(actual=actual, predicted=predicted)
    if rows < 2:
        raise EvidenceError("One row says nothing about a regression; evaluate on at least two rows.")
    columns = intervals.in_fixed_order(
        intervals.finite(actual, "Actual values"), intervals.finite(predicted, "Predictions")
    )
    moments = regression_moments(*columns)
    drawn = regression_metrics(intervals.resampled_means(moments, setup.seed))
    found = {name: intervals.percentile(draws, setup.level) for name, draws in drawn.items()}
    values = _with_deviations(
        regression_metrics(moments.mean(axis=0)),
        rows,
        lambda chosen: regression_metrics(moments[chosen].mean(axis=0)),
        setup.seed,
    )
    return _report("regression_metrics", rows, values, found)


def _probabilities(rows: curves.BinaryRows, setup: Setup) -> Report:
    if not curves.are_probabilities(rows):
        return {"calibration": {"error": "Scores lie outside 0..1: they are no probabilities to be calibrated."}}
    squares = (rows.scores - rows.labels)[:, None] ** 2
    sure = intervals.percentile(intervals.resampled_means(squares, setup.seed)[:, 0], setup.level)
    found = {"interval": sure.document()} if sure else {}
    return {"brier": {"value": curves.brier(rows), **found}, "calibration": curves.calibration(rows)}


def _segments(columns: tuple[Any, Any], setup: Setup, measure: Callable[[Any, Any, Setup], Report]) -> Report:
    """The report of each segment; one that cannot be measured says why instead of showing metrics."""
    found: dict[str, dict[str, Report]] = {}
    first, second = (np.asarray(column) for column in columns)
    for column, given in setup.segments.items():
        intervals.same_length(rows=first, **{column: given})
        values = np.array([confusion.class_name(v) for v in intervals.present(given, f"Segments of {column}")])
        found[column] = {}
        names = sorted(set(values.tolist()))
        if len(names) > MOST_SEGMENTS:
            raise EvidenceError(f"{column} has {len(names)} segments, over {MOST_SEGMENTS}; group its values first.")
        for value in names:
            here = values == value
            try:
                report = measure(first[here], second[here], replace(setup, segments={}))
            except EvidenceError as error:
                report = {"dataset": {"item_count": int(here.sum())}, "error": str(error)}
            found[column][value] = report
    return {"segments": found} if found else {}


def _report(kind: str, rows: int, metrics: Values, found: Mapping[str, Interval | None]) -> Report:
    known = {name: interval.document() for name, interval in found.items() if interval is not None}
    return {"version": 0.0, "dataset": {"item_count": rows}, kind: metrics, "lockgate": {"intervals": known}}


def _with_deviations(values: Values, rows: int, measure: Callable[[Counts], Values], seed: int) -> Report:
    """Each metric with its standard deviation: that of five measurements on 80 % of the rows, drawn at random.

    So Model Monitor computes it, from 200 rows on; below it writes "NaN". It says how stable the value is, not how
    sure: for that see the intervals.
    """
    deviations: dict[str, float] = {}
    if rows >= ROWS_FOR_DEVIATION:
        random = np.random.default_rng(seed)
        size = int(rows * _SUBSAMPLE)
        parts = [measure(np.sort(random.choice(rows, size, replace=False))) for _ in range(_SUBSAMPLES)]
        deviations = {name: float(np.std([part[name] for part in parts], ddof=1)) for name in values}
    return {
        name: {"value": _number(value), "standard_deviation": _number(deviations.get(name, math.nan))}
        for name, value in values.items()
    }


def _number(value: Any) -> float | str:
    return float(value) if math.isfinite(value) else "NaN"
