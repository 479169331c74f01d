"""A column's distribution small enough for a table cell, over the baseline's."""

from __future__ import annotations

from collections.abc import Sequence

from lockgate_checks.report import numerals
from lockgate_checks.report.columns import Bucket, Profile
from lockgate_checks.report.markup import Markup, element, join
from lockgate_checks.report.plots import Point, rectangle
from lockgate_checks.report.scales import Scale

_WIDTH, _HEIGHT = 230.0, 46.0
_MOST_CATEGORIES = 8


def small(now: Profile, before: Profile | None) -> Markup:
    """Return bars for this version and an outline (numbers) or narrow bars (categories) for the baseline."""
    if now.buckets:
        return _numeric(now, before.buckets if before else ())
    if now.shares:
        return _categorical(now, before.shares if before else {})
    return element("span", "no distribution", class_="note")


def _numeric(now: Profile, before: Sequence[Bucket]) -> Markup:
    everything = [*now.buckets, *before]
    low, high = min(b[0] for b in everything), max(b[1] for b in everything)
    if low == high:
        return element("span", f"always {numerals.figure(low)}", class_="note")
    x = Scale(low, high, 1, _WIDTH - 1)
    new, old = _density(now.buckets, x), _density(before, x)
    tallest = max([rows for _, _, rows in (*new, *old)], default=0.0) or 1.0
    y = Scale(0, tallest, _HEIGHT - 1, 3)
    bars = (rectangle((left, y(rows)), (right - left, y(0) - y(rows)), "dist-model") for left, right, rows in new)
    return _cell(f"{now.name} from {numerals.figure(low)} to {numerals.figure(high)}", join(*bars, _outline(old, y)))


def _density(buckets: Sequence[Bucket], x: Scale) -> list[Bucket]:
    """Return left and right pixel and the share of rows per pixel; a bucket of one value is one pixel wide."""
    total = sum(rows for _, _, rows in buckets) or 1.0
    spans = [(x(low), max(x(high), x(low) + 1), rows) for low, high, rows in buckets]
    return [(left, right, rows / total / (right - left)) for left, right, rows in spans]


def _outline(buckets: Sequence[Bucket], y: Scale) -> Markup:
    if not buckets:
        return Markup("")
    steps: list[Point] = [(buckets[0][0], y(0))]
    for left, right, share in buckets:
        steps += [(left, y(share)), (right, y(share))]
    steps.append((buckets[-1][1], y(0)))
    return element("polyline", points=" ".join(f"{a:.1f},{b:.1f}" for a, b in steps), class_="dist-baseline")


def _categorical(now: Profile, before: dict[str, float]) -> Markup:
    names = sorted({*now.shares, *before}, key=lambda name: (-max(now.shares.get(name, 0), before.get(name, 0)), name))
    shown = names[:_MOST_CATEGORIES]
    y, width = Scale(0, 1, _HEIGHT - 1, 3), _WIDTH / len(shown)
    bars = (
        join(
            element(
                "title",
                f"{name}: {numerals.percent(now.shares.get(name, 0.0))}, was {numerals.percent(before.get(name))}",
            ),
            rectangle(
                (index * width + 2, y(now.shares.get(name, 0))),
                (width * 0.5, y(0) - y(now.shares.get(name, 0))),
                "dist-model",
            ),
            rectangle(
                (index * width + 4 + width * 0.5, y(before.get(name, 0))),
                (width * 0.2, y(0) - y(before.get(name, 0))),
                "bar-baseline",
            ),
        )
        for index, name in enumerate(shown)
    )
    said = ", ".join(f"{name} {numerals.percent(now.shares.get(name, 0.0))}" for name in shown)
    return _cell(f"{now.name}: {said}", join(*(element("g", bar) for bar in bars)))


def _cell(described: str, drawn: Markup) -> Markup:
    ground = rectangle((0, _HEIGHT - 1), (_WIDTH, 1), "rail")
    return element(
        "svg",
        element("title", described),
        drawn,
        ground,
        class_="spark",
        role="img",
        aria_label=described,
        viewBox=f"0 0 {_WIDTH:g} {_HEIGHT:g}",
        width=_WIDTH,
        height=_HEIGHT,
    )
