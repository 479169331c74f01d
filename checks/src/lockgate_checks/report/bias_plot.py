"""One bias metric over facet values as a dot-and-range plot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lockgate_checks.report import numerals
from lockgate_checks.report.findings import tone
from lockgate_checks.report.layout import figure_of
from lockgate_checks.report.markup import Markup, join, shorten
from lockgate_checks.report.plots import Frame, diamond, dot, image, line, rectangle, text
from lockgate_checks.report.reading import LARGEST
from lockgate_checks.report.scales import Scale, label, spanning
from lockgate_checks.values import Finding, Outcome

_WIDTH, _ROW, _TOP, _LEFT, _RIGHT = 450.0, 28.0, 6.0, 140.0, 64.0
_IDEAL_ONE = frozenset({"DI"})  # a ratio: 1 is equal treatment; every other Clarify metric is a difference
_NAME_LENGTH = 21


@dataclass(frozen=True)
class Measured:
    """One bias metric of one facet value: the number, the baseline's, and the finding that judged it."""

    facet: str
    facet_value: str
    metric: str
    description: str
    value: float | None
    baseline: float | None
    finding: Finding | None


def panel(name: str, rows: Sequence[Measured]) -> Markup:
    """Return the plot of one metric: a row for each facet value."""
    height = _TOP + _ROW * len(rows) + 24
    ideal = 1.0 if rows[0].metric in _IDEAL_ONE else 0.0
    scale = spanning([ideal, *_values(rows)], _LEFT, _WIDTH - _RIGHT, 0.12)
    bottom = _TOP + _ROW * len(rows)
    drawn = join(
        *(_tick(scale, tick, bottom) for tick in scale.ticks(4)),
        *(_row(scale, row, _TOP + _ROW * index) for index, row in enumerate(rows)),
        line((scale(ideal), _TOP), (scale(ideal), bottom), "reference"),
        *(_marks(scale, row, _TOP + _ROW * (index + 0.5)) for index, row in enumerate(rows)),
    )
    plot = image(Frame(name, rows[0].metric, " ".join(map(_sentence, rows)), _WIDTH, height), drawn)
    return figure_of(plot, rows[0].description or rows[0].metric)


def _values(rows: Sequence[Measured]) -> Iterator[float]:
    for row in rows:
        bounds = (row.finding.limit.minimum, row.finding.limit.maximum) if row.finding and row.finding.limit else ()
        yield from (
            value for value in (row.value, row.baseline, *bounds) if value is not None and abs(value) <= LARGEST
        )


def _tick(scale: Scale, value: float, bottom: float) -> Markup:
    at = scale(value)
    return join(line((at, _TOP), (at, bottom), "grid"), text(at, bottom + 16, label(value), "tick", "middle"))


def _row(scale: Scale, row: Measured, top: float) -> Markup:
    """Return the facet value's name and the band that the policy allows."""
    middle = top + _ROW / 2
    name = text(_LEFT - 10, middle + 4, shorten(f"{row.facet} = {row.facet_value}", _NAME_LENGTH), "row-name", "end")
    if row.finding is None or row.finding.limit is None:
        return name
    limit = row.finding.limit
    low = scale.start if limit.minimum is None else scale(limit.minimum)
    high = scale.end if limit.maximum is None else scale(limit.maximum)
    edges = [scale(bound) for bound in (limit.minimum, limit.maximum) if bound is not None]
    return join(
        rectangle((low, top + 5), (high - low, _ROW - 10), "band"),
        *(line((at, top + 3), (at, top + _ROW - 3), "band-edge") for at in edges),
        name,
    )


def _marks(scale: Scale, row: Measured, middle: float) -> Markup:
    """Return the baseline's ring, the measured value's mark and its number."""
    shown = text(_WIDTH - 4, middle + 4, numerals.figure(row.value, 3), "value", "end")
    before = Markup("") if row.baseline is None else dot((scale(row.baseline), middle), 4, "hollow")
    if row.value is None:
        return join(before, shown)
    class_ = f"mark {tone(row.finding)}" if row.finding else "mark unjudged"
    outside = row.finding is not None and row.finding.outcome is Outcome.FAIL
    mark = diamond if outside else dot
    return join(before, mark((scale(row.value), middle), 6.5 if outside else 5, class_, _sentence(row)), shown)


def _sentence(row: Measured) -> str:
    name, value = f"{row.facet} = {row.facet_value}: {row.metric}", numerals.figure(row.value, 3)
    if row.finding is None:
        return f"{name} {value}, without a limit."
    limit = f", allowed {numerals.limit(row.finding.limit)}" if row.finding.limit else ""
    return f"{name} {value}{limit}: {row.finding.outcome.value}."
