"""Data drift per column: this version's data beside the baseline's, and the distance that the checks measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lockgate_checks.report import distributions, numerals
from lockgate_checks.report.columns import Profile, profiles
from lockgate_checks.report.findings import outcome, tone
from lockgate_checks.report.layout import Column, Section, figure_of, key, keys, missing, paragraph, table
from lockgate_checks.report.markup import Markup, element, join, shorten
from lockgate_checks.report.plots import Frame, diamond, dot, image, line, text
from lockgate_checks.report.reading import LARGEST, at, number
from lockgate_checks.report.scales import Scale, label, spanning
from lockgate_checks.report.subjects import metric_of, of_column
from lockgate_checks.values import Decision, Finding, Outcome

MOST_COLUMNS = 40
Entry = tuple[str, Finding, float]

_HEADING = "Data and drift"
_WIDTH, _ROW, _LEFT, _RIGHT = 920.0, 26.0, 190.0, 80.0
_COLUMNS = (
    Column("Column"),
    Column("Type"),
    Column("Missing", numeric=True),
    Column("Mean or values", numeric=True),
    Column("Distribution"),
    Column("Checks"),
)


def drift(decision: Decision, bundle: Mapping[str, Any]) -> Section:
    """Return distances against their limits, and every column's distribution over the baseline's."""
    document, baseline = bundle.get("data_quality"), bundle.get("baseline_data_quality")
    columns = profiles(document)
    if not columns:
        why = "is missing" if document is None else "describes no columns"
        return Section("data", _HEADING, missing(f"The document data_quality {why}."))
    before = {profile.name: profile for profile in profiles(baseline)}
    judged = {profile.name: of_column(decision.findings, profile.name) for profile in columns}
    ordered = sorted(columns, key=lambda profile: _rank(judged[profile.name]))
    rows = [_row(profile, before.get(profile.name), judged[profile.name]) for profile in ordered[:MOST_COLUMNS]]
    content = join(
        _introduction(document, baseline),
        _distances(judged),
        table("Columns", _COLUMNS, rows, "columns"),
        _rest(ordered),
    )
    return Section("data", _HEADING, content)


def _rank(judged: Sequence[Finding]) -> int:
    return 0 if any(finding.outcome is Outcome.FAIL for finding in judged) else 1


def _introduction(document: Any, baseline: Any) -> Markup:
    rows = numerals.figure(number(at(document, "dataset", "item_count")))
    if baseline is None:
        return join(paragraph(f"{rows} rows."), missing("There is no baseline_data_quality: drift cannot be seen."))
    then = numerals.figure(number(at(baseline, "dataset", "item_count")))
    legend = (key("model", f"this version, {rows} rows"), key("baseline", f"baseline, {then} rows"))
    return paragraph(*legend, class_="legend")


def _rest(ordered: Sequence[Profile]) -> Markup:
    more = len(ordered) - MOST_COLUMNS
    return (
        paragraph(f"{numerals.plural(more, 'column')} more in the document data_quality.") if more > 0 else Markup("")
    )


def _distances(judged: Mapping[str, Sequence[Finding]]) -> Markup:
    """Return a plot for every kind of distance that was judged."""
    found = [(name, f, f.value) for name, findings in judged.items() for f in findings if f.value is not None]
    distances = [entry for entry in found if _is_distance(entry[1])]
    if not distances:
        return missing("The checks measured no distance between distributions.")
    metrics = sorted({metric_of(finding) for _, finding, _ in distances})
    return join(
        *(_figure(i, m, [e for e in distances if metric_of(e[1]) == m]) for i, m in enumerate(metrics, start=1))
    )


def _figure(index: int, metric: str, entries: Sequence[Entry]) -> Markup:
    """Return one row per column, the farthest first."""
    shown = sorted(entries, key=lambda entry: (-entry[2], entry[0]))[:MOST_COLUMNS]
    limits = [f.limit.maximum for _, f, _ in shown if f.limit and f.limit.maximum is not None]
    known = [limit for limit in limits if abs(limit) <= LARGEST]
    top = spanning([0.0, *known, *(value for _, _, value in shown)], 0, 1).high
    scale = Scale(0.0, max(top, 1e-9), _LEFT, _WIDTH - _RIGHT)
    height = _ROW * len(shown) + 28
    described = " ".join(f"{name}: {numerals.figure(value, 3)}, {f.outcome.value}." for name, f, value in shown)
    rows = (_distance(scale, entry, _ROW * place) for place, entry in enumerate(shown))
    title = (
        f"Distance from the baseline's distribution: {metric}"
        if metric
        else "Distance from the baseline's distribution"
    )
    plot = image(Frame(f"plot-drift-{index}", title, described, _WIDTH, height), _ground(scale, height), *rows)
    legend = keys(key("limit", "limit"), key("dot", "inside"), key("diamond", "outside"))
    return figure_of(plot, title, legend, class_="wide")


def _is_distance(finding: Finding) -> bool:
    drifting = "drift" in f"{finding.family} {finding.check}".lower()
    return drifting and finding.value is not None and abs(finding.value) <= LARGEST


def _ground(scale: Scale, height: float) -> Markup:
    bottom = height - 24
    return join(
        *(
            join(
                line((scale(t), 0), (scale(t), bottom), "grid"), text(scale(t), bottom + 16, label(t), "tick", "middle")
            )
            for t in scale.ticks(6)
        )
    )


def _distance(scale: Scale, entry: Entry, top: float) -> Markup:
    name, finding, value = entry
    middle, at_value = top + _ROW / 2, scale(value)
    limit = finding.limit.maximum if finding.limit else None
    edge = Markup("") if limit is None else line((scale(limit), top + 3), (scale(limit), top + _ROW - 3), "limit")
    mark = diamond if finding.outcome is Outcome.FAIL else dot
    return join(
        text(_LEFT - 10, middle + 4, shorten(name, 26), "row-name", "end"),
        line((scale.start, middle), (at_value, middle), "stem"),
        edge,
        mark((at_value, middle), 5.5, f"mark {tone(finding)}"),
        text(_WIDTH - 4, middle + 4, numerals.figure(value, 3), "value", "end"),
    )


def _row(now: Profile, before: Profile | None, judged: Sequence[Finding]) -> tuple[str, ...]:
    failed = [finding for finding in judged if finding.outcome is Outcome.FAIL]
    shown = [join(outcome(f), element("span", f.check, class_="note")) for f in failed[:3]]
    passed = f"{sum(f.outcome is Outcome.PASS for f in judged)} of {len(judged)} passed" if judged else "none"
    then = before.missing if before else None
    return (
        now.name,
        now.kind,
        _was(numerals.percent(now.missing), numerals.percent(then) if then is not None else ""),
        _was(now.centre, before.centre if before else ""),
        distributions.small(now, before),
        join(*shown, element("span", passed, class_="note")),
    )


def _was(now: str, before: str) -> Markup:
    return join(now, element("span", f"was {before}" if before else "new", class_="note"))
