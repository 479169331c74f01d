"""Shows what was decided about a model version: the verdict, the findings, what would have to change, and the trail."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from catalog.approval.case import in_the_way, named
from catalog.history import History

Json = dict[str, Any]
WIDTH = 130
_ORDER = {"fail": 0, "skip": 1, "pass": 2}


def show(history: History, console: Console) -> None:
    """Print a version's history; a line of the table is not broken for a narrow or unknown terminal."""
    console.width = max(console.width, WIDTH)

    def say(line: str) -> None:
        console.print(line, highlight=False, markup=False, soft_wrap=True)

    for line in _head(history):
        say(line)
    if history.decision is not None:
        console.print(_findings(history.decision["findings"]))
        for line in _changes(history):
            say(line)
    for line in _trail(history):
        say(line)
    if history.trouble:
        say(f"\nNot to be trusted: {history.trouble}")


def _head(history: History) -> Iterator[str]:
    yield history.version.arn
    package, decision = history.package, history.decision
    yield f"{package.get('ModelApprovalStatus')}: {package.get('ApprovalDescription', 'nothing was decided')}"
    if decision is None or history.place is None:
        return
    yield f"\nVerdict of the checks: {decision['verdict']}, at {decision['decided_at']}"
    if decision["mode"] == "recommend":
        yield f"The policy only recommends; the checks say {decision['recommendation']}."
    yield f"Policy sha256 {decision['policy_digest'] or 'none'}"
    yield f"Evidence and report: {history.place.uri}"


def _findings(findings: list[Json]) -> Table:
    table = Table("outcome", "finding", "value", "limit", "margin", "severity", box=SIMPLE_HEAD, pad_edge=False)
    for finding in sorted(findings, key=lambda f: (not in_the_way(f), _ORDER.get(f["outcome"], 3), named(f))):
        cells = (finding["outcome"], named(finding), *numbers(finding), _severity(finding))
        table.add_row(*map(Text, cells), style="bold" if in_the_way(finding) else None)
    return table


def numbers(finding: Json) -> tuple[str, str, str]:
    """Return value, limit and margin of a finding as texts; "" where there is none."""
    value, limit = finding["value"], finding["limit"]
    shown = "" if value is None else f"{value:.6g}"
    if not limit:
        return shown, "", ""
    low, high = limit["minimum"], limit["maximum"]
    span = f"{'' if low is None else f'{low:g}'} .. {'' if high is None else f'{high:g}'}"
    if value is None:
        return shown, span, ""
    distances = [value - low] if low is not None else []
    distances += [high - value] if high is not None else []
    return shown, span, f"{min(distances):+.6g}" if distances else ""


def change(finding: Json) -> str:
    """Return what would have to change for a finding to pass, as one sentence."""
    value, limit = finding["value"], finding["limit"] or {}
    low, high = limit.get("minimum"), limit.get("maximum")
    if value is not None and low is not None and value < low:
        return f"It must rise by {low - value:.6g}, from {value:.6g} to {low:g}."
    if value is not None and high is not None and value > high:
        return f"It must fall by {value - high:.6g}, from {value:.6g} to {high:g}."
    return ""


def _severity(finding: Json) -> str:
    return f"waived by {finding['waived_by']}" if finding["waived_by"] else str(finding["severity"])


def _changes(history: History) -> Iterator[str]:
    objections = history.objections
    yield "What would have to change:" if objections else "Nothing stands in the way."
    for finding in objections:
        yield f"  {named(finding)}: {finding['reason']} {change(finding)}".rstrip()


def _trail(history: History) -> Iterator[str]:
    yield "\nTrail:"
    package = history.package
    author = package.get("CreatedBy", {}).get("IamIdentity", {}).get("Arn", "unknown")
    yield f"  {package.get('CreationTime', '')}  registered by {author}"
    for kept in history.entries:
        person, decision = kept.document.get("person"), kept.document["decision"]
        number = f"entry {kept.document['sequence']}, sha256 {kept.digest[:16]}"
        if person is None:
            yield f"  {decision['decided_at']}  {decision['verdict']} by the checks ({number})"
            continue
        against = f", against {', '.join(person['against'])}" if person["against"] else ""
        yield f"  {person['at']}  {person['verdict']} by {person['arn']}: {person['reason']}{against} ({number})"
    if not history.entries:
        yield "  no entry of the record is about it"
