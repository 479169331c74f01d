"""Which findings judged a number that a plot shows: a finding's subject is `metric`, `metric@of` or `of`."""

from __future__ import annotations

from collections.abc import Sequence

from lockgate_checks.check import label
from lockgate_checks.values import Finding


def metric_of(finding: Finding) -> str:
    """Return the metric's name in the subject, or "" where the subject names none."""
    metric, separator, _ = finding.subject.partition("@")
    return metric if separator else ""


def of_column(findings: Sequence[Finding], column: str) -> list[Finding]:
    """Return the findings about a column."""
    name = label(column)
    return [finding for finding in findings if finding.subject == name or _of(finding) == name]


def of_bias(findings: Sequence[Finding], facet: str, value: str, metric: str) -> Finding | None:
    """Return the finding about a bias metric of a facet value; the first where several judge it."""
    names = {label(f"{facet}{joint}{value}") for joint in ("=", " = ", ":", ".", "/")}
    return next((f for f in findings if metric_of(f).rpartition(".")[2] == metric and _of(f) in names), None)


def _of(finding: Finding) -> str:
    return finding.subject.partition("@")[2]
