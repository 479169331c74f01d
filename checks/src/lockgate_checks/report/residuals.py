"""Residuals of a regression: how far the prediction was off, against what was predicted.

Model Monitor's report has no residuals; ours gives a seeded sample of rows as `lockgate.residuals`
({"predicted": [...], "residual": [...]}, residual = predicted - actual).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lockgate_checks.report import numerals
from lockgate_checks.report.layout import figure_of, key, missing
from lockgate_checks.report.markup import Markup
from lockgate_checks.report.plots import Axes, Frame, Point, axes, dot, image, line
from lockgate_checks.report.reading import at, pairs
from lockgate_checks.report.scales import spanning

_WIDTH, _HEIGHT = 920.0, 300.0
_MOST_POINTS = 2000


def residuals(document: Any) -> Markup:
    """Return the scatter of residuals over predictions, with the line on which all would lie if all were right."""
    held = at(document, "lockgate", "residuals")
    points = pairs(at(held, "predicted"), at(held, "residual"))
    if not points:
        return missing("The model-quality report holds no residuals.")
    shown = points[:: max(1, -(-len(points) // _MOST_POINTS))]
    both = Axes(
        spanning((x for x, _ in shown), 76, _WIDTH - 12),
        spanning([*(y for _, y in shown), 0.0], _HEIGHT - 44, 8),
        "Predicted value",
        "Residual",
    )
    zero = line((both.x.start, both.y(0)), (both.x.end, both.y(0)), "reference")
    dots = (dot((both.x(x), both.y(y)), 2.2, "mark model faint") for x, y in shown)
    plot = image(Frame("plot-residuals", "Residuals", _described(shown), _WIDTH, _HEIGHT), axes(both), zero, *dots)
    return figure_of(plot, "Residuals", _described(shown), " ", key("reference", "exactly right"), class_="wide")


def _described(points: Sequence[Point]) -> str:
    off = sorted(abs(residual) for _, residual in points)
    typical = numerals.figure(off[len(off) // 2], 3)
    return f"Predicted minus actual value of {numerals.plural(len(points), 'row')}; half are off by at most {typical}."
