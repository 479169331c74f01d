"""The list of checks for people, made from the checks themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from lockgate_checks.check import CHAMPION_METRIC, Check

_HEAD = """# The checks

This page is generated: `python -m lockgate_checks list --markdown > docs/checks.md`.

A check measures; what its numbers may be is said by the policy, by the metric's name. How to add one of your own:
[own-check.md](own-check.md).
"""
_ALWAYS = """## Always

Asked of every version, whatever the policy; a failure blocks and cannot be waived.

- `evidence.readable`: every document of the bundle can be read.
- `evidence.unaltered`: every document has the sha256 that the registry holds for it.
- `evidence.same_model`: the lineage says what the registry says (model digest, commit).
- `policy.checks`: the policy asks for checks, and only for installed ones.
- `policy.limits`: every limit is of a metric that a check asked for can measure.
- `policy.waivers`: no waiver has expired without being renewed or removed; otherwise a person decides.
"""


def line(check: Check) -> str:
    """Return a check in one line."""
    return f"{check.id:26} {check.question}"


def text(check: Check) -> str:
    """Return everything about a check."""
    return "\n".join([check.id, f"  {check.question}", *(f"  {item}" for item in _details(check))])


def markdown(checks: Sequence[Check]) -> str:
    """Return the page of all checks, by family."""
    ordered = sorted(checks, key=lambda check: check.id)
    families = groupby(ordered, key=lambda check: check.family)
    sections = [f"## {family}\n\n" + "\n\n".join(map(_section, members)) + "\n" for family, members in families]
    return "\n".join([_HEAD, *sections, _ALWAYS])


def _section(check: Check) -> str:
    return "\n".join([f"### {check.id}", "", check.question, "", *(f"- {item}" for item in _details(check))])


def _details(check: Check) -> Iterator[str]:
    documents = [name for name in check.evidence if name != CHAMPION_METRIC]
    yield f"Evidence: {_names(name + (' (may be missing)' if name in check.optional else '') for name in documents)}"
    yield f"Metrics: {_names(sorted(check.measures)) if check.measures else 'none; it answers yes or no'}"
    yield f"When it fails: {check.failure}"


def _names(names: Iterable[str]) -> str:
    return ", ".join(names)
