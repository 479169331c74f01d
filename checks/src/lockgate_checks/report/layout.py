"""What the sections are made of: headings, figures, tables, lists of facts, and the note about what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lockgate_checks.report.markup import Markup, element, join

Cells = Sequence[str | None]

_SHORT = 6  # rows of a table that is not broken over two printed pages


@dataclass(frozen=True)
class Section:
    """One part of the page: its anchor, its heading and its content."""

    anchor: str
    heading: str
    content: Markup


@dataclass(frozen=True)
class Column:
    """A table's column: its heading, and whether it holds numbers (set to the right)."""

    heading: str
    numeric: bool = False


def section(part: Section) -> Markup:
    """Return the part with its heading, named by it for a screen reader."""
    title = f"{part.anchor}-heading"
    heading = element("h2", part.heading, id=title)
    return element("section", heading, part.content, id=part.anchor, aria_labelledby=title)


def missing(what: str) -> Markup:
    """Return the note that stands where evidence is missing; one sentence that says what and why it matters."""
    return element("p", element("strong", "Not shown. "), what, class_="missing", role="note")


def paragraph(*parts: str, class_: str | None = None) -> Markup:
    """Return a paragraph."""
    return element("p", *parts, class_=class_)


def figure_of(plot: Markup, heading: str, *caption: str, class_: str | None = None) -> Markup:
    """Return a plot under its own heading, with its caption below."""
    below = element("figcaption", *caption) if caption else Markup("")
    return element("figure", element("h3", heading), plot, below, class_=class_)


def key(class_: str, name: str) -> Markup:
    """Return one entry of a legend: the mark as the plot draws it, and its name."""
    return element("span", element("span", "", class_=f"swatch {class_}", aria_hidden="true"), name, class_="key")


def keys(*entries: str) -> Markup:
    """Return a legend on a line of its own."""
    return element("span", *entries, class_="keys")


def facts(entries: Iterable[tuple[str, str]]) -> Markup:
    """Return names and values as a definition list, leaving out what is empty."""
    rows = (element("div", element("dt", name), element("dd", value)) for name, value in entries if value)
    return element("dl", *rows, class_="facts")


def table(caption: str, columns: Sequence[Column], rows: Sequence[Cells], class_: str | None = None) -> Markup:
    """Return a table whose first cell of every row is the row's heading; a cell reaches over the Nones after it."""
    heads = (element("th", column.heading, scope="col", class_=_class(column)) for column in columns)
    return element(
        "table",
        element("caption", caption),
        element("thead", element("tr", *heads)),
        element("tbody", *(_row(columns, row) for row in rows)),
        class_=" ".join(filter(None, [class_, "short" if len(rows) <= _SHORT else None])) or None,
    )


def _row(columns: Sequence[Column], cells: Cells) -> Markup:
    shown = [(at, cell) for at, cell in enumerate(cells) if cell is not None]
    ends = [at for at, _ in shown[1:]] + [len(columns)]
    spans = zip(shown, ends, strict=True)
    return element("tr", *(_cell(columns[at], at, end - at, cell) for (at, cell), end in spans))


def _cell(column: Column, at: int, span: int, content: str) -> Markup:
    if at == 0:
        return element("th", content, scope="row")
    return element("td", content, class_=_class(column) if span == 1 else None, colspan=span if span > 1 else None)


def _class(column: Column) -> str | None:
    return "number" if column.numeric else None


def code(digest: str) -> Markup:
    """Return a digest or an address in a fixed-width face that may break anywhere."""
    return element("code", digest)


def beside(*parts: str) -> Markup:
    """Return figures side by side where the page is wide enough."""
    return element("div", join(*parts), class_="figures")
