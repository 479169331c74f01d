"""The plots: SVG written here, coloured by the page's style sheet, readable without colour and by a screen reader.

Every plot is an image with a title and a description that says in words what the picture shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lockgate_checks.report.markup import Markup, element, join
from lockgate_checks.report.scales import Scale, label

Point = tuple[float, float]


@dataclass(frozen=True)
class Frame:
    """A plot's size in pixels, its name (unique on the page), and what it says to those who do not see it."""

    name: str
    title: str
    description: str
    width: float
    height: float


@dataclass(frozen=True)
class Axes:
    """Both scales of a plot and the names under and beside them."""

    x: Scale
    y: Scale
    x_name: str
    y_name: str


def image(frame: Frame, *parts: str) -> Markup:
    """Return the whole SVG."""
    return element(
        "svg",
        element("title", frame.title, id=f"{frame.name}-title"),
        element("desc", frame.description, id=f"{frame.name}-desc"),
        *parts,
        id=frame.name,
        class_="plot",
        role="img",
        aria_labelledby=f"{frame.name}-title {frame.name}-desc",
        viewBox=f"0 0 {frame.width:g} {frame.height:g}",
        width=frame.width,
        height=frame.height,
    )


def axes(both: Axes) -> Markup:
    """Return grid lines, tick labels and axis names."""
    x, y = both.x, both.y
    middle = (y.start + y.end) / 2
    return join(
        *(_vertical_tick(x, y, value) for value in x.ticks()),
        *(_horizontal_tick(x, y, value) for value in y.ticks()),
        text((x.start + x.end) / 2, y.start + 34, both.x_name, "axis-name", "middle"),
        element(
            "g", text(0, 0, both.y_name, "axis-name", "middle"), transform=f"translate(12 {middle:.1f}) rotate(-90)"
        ),
    )


def _vertical_tick(x: Scale, y: Scale, value: float) -> Markup:
    at = x(value)
    return join(line((at, y.start), (at, y.end), "grid"), text(at, y.start + 15, label(value), "tick", "middle"))


def _horizontal_tick(x: Scale, y: Scale, value: float) -> Markup:
    at = y(value)
    return join(line((x.start, at), (x.end, at), "grid"), text(x.start - 6, at + 3.5, label(value), "tick", "end"))


def curve(both: Axes, points: Sequence[Point], class_: str) -> Markup:
    """Return a line through the points."""
    path = " ".join(f"{both.x(x):.1f},{both.y(y):.1f}" for x, y in points)
    return element("polyline", points=path, class_=class_)


def line(start: Point, end: Point, class_: str) -> Markup:
    """Return a straight line between two pixels."""
    return element("line", x1=start[0], y1=start[1], x2=end[0], y2=end[1], class_=class_)


def rectangle(corner: Point, size: Point, class_: str) -> Markup:
    """Return a rectangle; a negative width or height counts as none."""
    width, height = max(size[0], 0.0), max(size[1], 0.0)
    return element("rect", x=corner[0], y=corner[1], width=width, height=height, class_=class_)


def dot(at: Point, radius: float, class_: str, tooltip: str = "") -> Markup:
    """Return a filled circle."""
    return element("circle", *_tooltip(tooltip), cx=at[0], cy=at[1], r=radius, class_=class_)


def diamond(at: Point, radius: float, class_: str, tooltip: str = "") -> Markup:
    """Return a square on its corner: the mark of what lies outside its limit, for those who do not see its colour."""
    x, y = at
    corners = f"{x:.1f},{y - radius:.1f} {x + radius:.1f},{y:.1f} {x:.1f},{y + radius:.1f} {x - radius:.1f},{y:.1f}"
    return element("polygon", *_tooltip(tooltip), points=corners, class_=class_)


def text(x: float, y: float, content: str, class_: str, anchor: str = "start") -> Markup:
    """Return a line of text whose start, middle or end is at x, on the baseline y."""
    return element("text", content, x=x, y=y, class_=class_, text_anchor=anchor)


def _tooltip(content: str) -> tuple[Markup, ...]:
    return (element("title", content),) if content else ()
