"""The comparison with the model in production: the difference and how sure one can be of it.

The difference in the document is oriented: above zero this version is the better one, whatever the metric.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lockgate_checks.report import numerals
from lockgate_checks.report.layout import Section, facts, figure_of, key, keys, missing
from lockgate_checks.report.markup import Markup, join
from lockgate_checks.report.plots import Frame, dot, image, line, rectangle, text
from lockgate_checks.report.reading import at, number, numbers
from lockgate_checks.report.reading import text as text_of
from lockgate_checks.report.scales import Scale, label, spanning

_HEADING = "Against the champion"
_WIDTH, _HEIGHT, _MIDDLE = 920.0, 112.0, 44.0


def champion(bundle: Mapping[str, Any]) -> Section:
    """Return both models' metric and the interval of their difference, with zero marked."""
    document = bundle.get("champion")
    if document is None:
        return Section(
            "champion", _HEADING, missing("The document champion is missing: this version was not compared.")
        )
    if said := text_of(at(document, "error")):
        return Section("champion", _HEADING, missing(f"This version was not compared: {said}."))
    metric = text_of(at(document, "metric")) or "the metric"
    difference, interval = number(at(document, "difference")), numbers(at(document, "interval"))
    content = join(
        facts(
            [
                (f"Champion, {metric}", numerals.figure(number(at(document, "champion")))),
                (f"This version, {metric}", numerals.figure(number(at(document, "challenger")))),
                ("Compared on", f"{numerals.figure(number(at(document, 'n')))} rows"),
            ]
        ),
        _interval(_Contest(metric, difference, number(at(document, "margin")) or 0.0), interval),
    )
    return Section("champion", _HEADING, content)


@dataclass(frozen=True)
class _Contest:
    """The metric, the difference and the loss that is allowed, in the metric's unit."""

    metric: str
    difference: float | None
    allowed: float


def _interval(contest: _Contest, interval: list[float]) -> Markup:
    metric, difference = contest.metric, contest.difference
    if difference is None or len(interval) != 2 or interval[0] > interval[1]:
        return missing("The document champion holds no difference with an interval of two numbers.")
    low, high = interval
    scale = spanning([0.0, difference, low, high, -contest.allowed], 16, _WIDTH - 16, 0.2)
    said = f"{numerals.signed(difference)} [{numerals.signed(low)}, {numerals.signed(high)}]. {_reading(low, high)}"
    marks = (*_whiskers(scale, low, high), dot((scale(difference), _MIDDLE), 6.5, "mark model"))
    parts = (*_ground(scale), *_allowed(scale, contest.allowed), *marks, _number(scale, difference))
    plot = image(Frame("plot-champion", "Champion comparison", f"{metric}: {said}", _WIDTH, _HEIGHT), *parts)
    title = f"Difference of {metric}: above zero, this version is better"
    legend = [key("reference", "no difference"), *([key("limit", "allowed loss")] if contest.allowed > 0 else [])]
    return figure_of(plot, title, said, keys(*legend), class_="wide")


def _allowed(scale: Scale, loss: float) -> list[Markup]:
    return [line((scale(-loss), 6), (scale(-loss), _HEIGHT - 30), "limit")] if loss > 0 else []


def _ground(scale: Scale) -> list[Markup]:
    """Return the side on which this version is better, the ticks and the line of no difference."""
    bottom, zero = _HEIGHT - 30, scale(0)
    ticks = (
        join(line((scale(t), 6), (scale(t), bottom), "grid"), text(scale(t), bottom + 18, label(t), "tick", "middle"))
        for t in scale.ticks(8)
    )
    sides = (
        text(zero - 8, 18, "champion better", "side", "end"),
        text(zero + 8, 18, "this version better", "side"),
    )
    return [
        rectangle((zero, 6), (scale.end - zero, bottom - 6), "side-band"),
        *ticks,
        line((zero, 6), (zero, bottom), "reference"),
        *sides,
    ]


def _whiskers(scale: Scale, low: float, high: float) -> list[Markup]:
    ends = [line((scale(x), _MIDDLE - 8), (scale(x), _MIDDLE + 8), "whisker") for x in (low, high)]
    return [line((scale(low), _MIDDLE), (scale(high), _MIDDLE), "whisker"), *ends]


def _number(scale: Scale, difference: float) -> Markup:
    return text(scale(difference), _MIDDLE + 26, numerals.signed(difference), "value halo", "middle")


def _reading(low: float, high: float) -> str:
    if low > 0:
        return "The interval lies above zero: this version is better."
    if high < 0:
        return "The interval lies below zero: the champion is better."
    return "The interval holds zero: the data do not tell the two apart."
