"""The table of all checks, and finding the one that judged a given number."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from lockgate_checks.report import numerals
from lockgate_checks.report.layout import Cells, Column, Section, missing, table
from lockgate_checks.report.markup import Markup, element, join
from lockgate_checks.report.plots import line, rectangle
from lockgate_checks.values import Decision, Finding, Outcome, Severity

_COLUMNS = (
    Column("Check"),
    Column("Outcome"),
    Column("Value", numeric=True),
    Column("Limit", numeric=True),
    Column("Margin", numeric=True),
    Column("Severity"),
)
_BAR = (96.0, 12.0)


def checks(decision: Decision) -> Section:
    """Return the table of every check, one table body per family, what blocks first."""
    if not decision.findings:
        return Section("checks", "Checks", missing("The decision holds no findings: no check was made."))
    families: dict[str, list[Finding]] = {}
    for finding in sorted(decision.findings, key=_rank):
        families.setdefault(finding.family, []).append(finding)
    tables = (_family(name, found) for name, found in families.items())
    return Section("checks", "Checks", join(*tables))


def tone(finding: Finding) -> str:
    """Return the colour's role for a finding: good, bad, warn or plain."""
    if finding.waived_by is not None or finding.outcome is Outcome.SKIP:
        return "plain"
    if finding.outcome is Outcome.PASS:
        return "good"
    return "bad" if finding.severity is Severity.BLOCK else "warn"


def outcome(finding: Finding) -> Markup:
    """Return the outcome as a word with a mark, so that it does not rest on colour."""
    word = {Outcome.PASS: "✓ pass", Outcome.FAIL: "✕ fail", Outcome.SKIP: "○ skipped"}[finding.outcome]
    badge = element("span", word, class_=f"badge {tone(finding)}")
    if finding.waived_by is None:
        return badge
    return join(badge, element("span", "waived", class_="note"))


def _family(name: str, findings: Sequence[Finding]) -> Markup:
    passed = sum(finding.outcome is Outcome.PASS for finding in findings)
    title = name.replace("_", " ").capitalize() or "Other"
    caption = f"{title}: {passed} of {numerals.plural(len(findings), 'check')} passed"
    return table(caption, _COLUMNS, [_row(finding) for finding in findings], "checks")


def _rank(finding: Finding) -> int:
    if finding.blocks:
        return 0
    return {Outcome.FAIL: 1, Outcome.SKIP: 2, Outcome.PASS: 3}[finding.outcome]


def _row(finding: Finding) -> Cells:
    """Return the cells; where nothing was measured, the reason stands in place of the numbers."""
    named = "" if finding.subject == finding.check else finding.subject
    check = join(element("span", finding.check, class_="check"), " ", element("span", named))
    reason = element("span", _reason(finding), class_="reason") if _reason(finding) else Markup("")
    if finding.value is None and finding.limit is None:
        return (check, outcome(finding), reason, None, None, finding.severity.value)
    numbers = (numerals.figure(finding.value), numerals.limit(finding.limit), _margin(finding))
    return (join(check, reason), outcome(finding), *numbers, finding.severity.value)


def _reason(finding: Finding) -> str:
    """Return the reason, but for a pass that only repeats in words the numbers beside it."""
    value, owner = finding.value, finding.waived_by
    plain = "" if value is None else f"{finding.subject} is {value:.6g}, which is {finding.limit}."
    if finding.outcome is Outcome.PASS and finding.reason == plain:
        return ""
    waived = f" Waived by {owner}." if owner is not None and owner not in finding.reason else ""
    return f"{finding.reason}{waived}".strip()


def _margin(finding: Finding) -> Markup:
    """Return the distance to the limit and a bar: to the right of the line inside, to the left outside."""
    margin = finding.margin
    if margin is None or not math.isfinite(margin):
        return Markup(numerals.NONE)
    amount = element("span", numerals.signed(margin, 2), class_="amount")
    return join(_bar(_share(finding, margin), tone(finding)), amount)


def _share(finding: Finding, margin: float) -> float:
    """Return the margin as a share, from -1 to 1, of half the allowed range, or of the bound where there is one."""
    bounds = [bound for bound in _bounds(finding) if bound is not None and math.isfinite(bound)]
    whole = (max(bounds) - min(bounds)) / 2 if len(bounds) > 1 else max(map(abs, bounds), default=1.0)
    return max(-1.0, min(1.0, margin / (whole if math.isfinite(whole) and whole > 0 else 1.0)))


def _bounds(finding: Finding) -> Iterable[float | None]:
    return (finding.limit.minimum, finding.limit.maximum) if finding.limit else ()


def _bar(share: float, class_: str) -> Markup:
    width, height = _BAR
    middle, length = width / 2, max(abs(share) * width / 2, 1.5)
    left = middle if share >= 0 else middle - length
    return element(
        "svg",
        rectangle((0, height / 2 - 0.5), (width, 1), "rail"),
        rectangle((left, 2), (length, height - 4), f"fill-{class_}"),
        line((middle, 0), (middle, height), "limit-line"),
        class_="bar",
        viewBox=f"0 0 {width:g} {height:g}",
        width=width,
        height=height,
        aria_hidden="true",
    )
