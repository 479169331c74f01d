"""Plots of a binary classifier: ROC, precision and recall, calibration. The baseline is drawn thinner behind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lockgate_checks.compute.intervals import wilson
from lockgate_checks.report import numerals
from lockgate_checks.report.layout import figure_of, key, keys, missing
from lockgate_checks.report.markup import Markup, element, join
from lockgate_checks.report.plots import Axes, Frame, Point, axes, curve, dot, image, line, rectangle
from lockgate_checks.report.reading import at, items, number, pairs, text
from lockgate_checks.report.scales import Scale

_WIDTH, _HEIGHT = 300.0, 300.0
_MOST_POINTS = 400


def roc(metrics: Any, baseline: Any) -> Markup:
    """Return the receiver operating characteristic with the area under it."""
    points, before = _roc_points(metrics), _roc_points(baseline)
    if not points:
        return missing("The model-quality report holds no ROC curve.")
    area = number(at(metrics, "auc", "value"))
    described = f"True positive rate against false positive rate; area under the curve {numerals.figure(area)}."
    both = _unit_axes("False positive rate", "True positive rate")
    drawn = join(
        axes(both), line((both.x(0), both.y(0)), (both.x(1), both.y(1)), "reference"), _curves(both, points, before)
    )
    caption = (
        f"Area {numerals.figure(area)}{_beside(at(baseline, 'auc', 'value'))}. ",
        keys(*_legend(before), key("reference", "guessing")),
    )
    return figure_of(image(_frame("plot-roc", "ROC curve", described), drawn), "ROC", *caption)


def precision_recall(document: Any, metrics: Any, baseline: Any) -> Markup:
    """Return precision over recall, with the share of positives as the floor that guessing reaches."""
    points, before = _pr_points(metrics), _pr_points(baseline)
    if not points:
        return missing("The model-quality report holds no precision-recall curve.")
    floor = number(at(metrics, "precision_best_constant_classifier", "value"))
    both = _unit_axes("Recall", "Precision")
    guess = "" if floor is None else line((both.x(0), both.y(floor)), (both.x(1), both.y(floor)), "reference")
    drawn = join(axes(both), guess, _curves(both, points, before))
    described = f"Precision against recall at {len(points)} cutoffs; guessing has {numerals.figure(floor)}."
    always = () if floor is None else (key("reference", f"always yes: {numerals.figure(floor, 3)}"),)
    caption = (_average(document), keys(*_legend(before), *always))
    frame = _frame("plot-precision-recall", "Precision-recall curve", described)
    return figure_of(image(frame, drawn), "Precision and recall", *caption)


def calibration(document: Any) -> Markup:
    """Return the share of positives against the mean score by bin of the score; a bin's area is its rows."""
    bins = _bins(document)
    if not bins:
        why = text(at(document, "lockgate", "calibration", "error"))
        return missing(why or "The model-quality report holds no calibration.")
    error = number(at(document, "lockgate", "calibration", "expected_calibration_error"))
    most = max(rows for _, _, rows in bins)
    both = _unit_axes("Mean score", "Share of positives")
    bars = (_histogram_bar(both, score, rows / most) for score, _, rows in bins)
    dots = (_bin_dot(both, entry, most) for entry in bins)
    diagonal = line((both.x(0), both.y(0)), (both.x(1), both.y(1)), "reference")
    path = curve(both, [(score, share) for score, share, _ in bins], "curve model thin")
    described = f"Share of positives against mean score in {len(bins)} bins; expected error {numerals.figure(error)}."
    shown = image(_frame("plot-calibration", "Calibration", described), axes(both), *bars, diagonal, path, *dots)
    caption = (
        f"Expected calibration error {numerals.figure(error, 3)}. ",
        keys(key("reference", "perfect"), key("whisker", "95 % interval"), key("rows", "rows by score")),
    )
    return figure_of(shown, "Calibration", *caption)


def _frame(name: str, title: str, description: str) -> Frame:
    return Frame(name, title, description, _WIDTH, _HEIGHT)


def _unit_axes(x_name: str, y_name: str) -> Axes:
    return Axes(Scale(0, 1, 46, _WIDTH - 8), Scale(0, 1, _HEIGHT - 44, 8), x_name, y_name)


def _curves(both: Axes, points: Sequence[Point], before: Sequence[Point]) -> Markup:
    behind = curve(both, before, "curve baseline") if before else Markup("")
    return join(behind, curve(both, points, "curve model"))


def _legend(before: Sequence[Point]) -> tuple[Markup, ...]:
    return (key("model", "this version"), key("baseline", "baseline")) if before else (key("model", "this version"),)


def _beside(value: Any) -> str:
    known = number(value)
    return "" if known is None else f", baseline {numerals.figure(known)}"


def _average(document: Any) -> str:
    known = number(at(document, "lockgate", "average_precision"))
    return "" if known is None else f"Average precision {numerals.figure(known)}."


def _roc_points(metrics: Any) -> list[Point]:
    curve_of = at(metrics, "receiver_operating_characteristic_curve")
    return _thinned(pairs(at(curve_of, "false_positive_rates"), at(curve_of, "true_positive_rates")))


def _pr_points(metrics: Any) -> list[Point]:
    curve_of = at(metrics, "precision_recall_curve")
    return _thinned(pairs(at(curve_of, "recalls"), at(curve_of, "precisions")))


def _thinned(points: list[Point]) -> list[Point]:
    stride = max(1, -(-len(points) // _MOST_POINTS))
    return [*points[:-1:stride], *points[-1:]]


def _bins(document: Any) -> list[tuple[float, float, float]]:
    found = []
    for entry in items(at(document, "lockgate", "calibration", "bins")):
        values = tuple(number(at(entry, name)) for name in ("mean_score", "positive_rate", "count"))
        score, share, rows = values
        if score is not None and share is not None and rows is not None and rows > 0:
            found.append((score, share, rows))
    return sorted(found)


def _histogram_bar(both: Axes, score: float, share: float) -> Markup:
    height = share * 46
    return rectangle((both.x(score) - 6, both.y(0) - height), (12, height), "rows")


def _bin_dot(both: Axes, entry: tuple[float, float, float], most: float) -> Markup:
    score, share, rows = entry
    tooltip = f"{numerals.count(int(rows))} rows: mean score {score:.3f}, positives {share:.3f}"
    x, sure = both.x(score), wilson(min(max(share, 0.0), 1.0) * rows, rows)
    whisker = line((x, both.y(sure.lower)), (x, both.y(sure.upper)), "whisker thin")
    return element(
        "g", whisker, dot((both.x(score), both.y(share)), 2.5 + 3.0 * (rows / most) ** 0.5, "mark model", tooltip)
    )
