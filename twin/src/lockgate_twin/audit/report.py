"""The findings as tables, for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lockgate_twin.audit.findings import RoleFindings, StatementUse
from lockgate_twin.audit.provider import Needs

WIDTH = 132
"""Columns at least: names of roles are long, and a table that breaks them cannot be read."""

_NO_REASON = "[yellow]no reason stated[/]"


def show(findings: Sequence[RoleFindings], console: Console) -> None:
    """Print an overview, then role by role: the product's own, unless a single one was asked for."""
    console.width = max(console.width, WIDTH)
    console.print(_overview(findings))
    for found in findings:
        if found.role.is_products or len(findings) == 1:
            _show_role(found, console)


def _show_role(found: RoleFindings, console: Console) -> None:
    console.print()
    console.print(_statements(found))
    for line in _remarks(found):
        console.print(f"  {line}", soft_wrap=True)
    if found.cloudformation:
        console.print(_needs(found))


def _overview(findings: Iterable[RoleFindings]) -> Table:
    table = Table(title="Roles in this run", title_justify="left")
    table.add_column("role", overflow="fold")
    columns = ("calls", "denied", "actions used", "never used", "statements never used", "wildcards", "without reason")
    for column in columns:
        table.add_column(column, justify="right")
    for found in findings:
        allows = [use for use in found.statements if use.statement.effect == "Allow"]
        wild = [use.statement for use in allows if use.statement.wildcards]
        counts = (
            found.calls,
            sum(found.denied.values()),
            sum(len(use.used) for use in allows),
            sum(len(use.never_used) for use in allows),
            sum(not use.used for use in allows),
            len(wild),
            sum(not statement.reason for statement in wild),
        )
        table.add_row(found.role.name, *map(str, counts))
    return table


def _statements(found: RoleFindings) -> Table:
    by = ", ".join(f"{who} {times}x" for who, times in found.assumed_by.items()) or "nobody"
    title = f"{found.role.name}: {found.calls} calls, assumed by {by}"
    table = Table(title=escape(title), title_justify="left", show_lines=True)
    for column in ("statement", "used", "never used", "wildcards and their reason"):
        table.add_column(column, overflow="fold")
    for use in found.statements:
        table.add_row(*_cells(use))
    return table


def _cells(use: StatementUse) -> tuple[str, str, str, str]:
    statement = use.statement
    if statement.effect == "Deny":
        return f"{escape(statement.sid)} [dim](Deny)[/]", f"refused {use.hits}x", "", ""
    wild = statement.wildcards
    reason = escape(statement.reason) or _NO_REASON
    return (
        escape(statement.sid) if use.used else f"[dim]{escape(statement.sid)}[/]",
        escape("\n".join(use.used)),
        f"[dim]{escape(chr(10).join(use.never_used))}[/]",
        f"{escape(chr(10).join(wild))}\n{reason}" if wild else "",
    )


def _remarks(found: RoleFindings) -> Iterable[str]:
    for action, times in found.denied.items():
        yield f"denied {times}x: {action}"
    for grant in found.spare:
        yield f"[yellow]granted twice:[/] {grant.action} (by {escape(grant.statement.sid)}, and elsewhere too)"
    for check in found.changed:
        was = "allowed" if check.allowed else "denied"
        yield f"[yellow]{was} then, not now:[/] {check.action} on {escape(check.resource)}"


def _needs(found: RoleFindings) -> Table:
    table = Table(title=f"{found.role.name}: what CloudFormation may need beyond this run", title_justify="left")
    for column in ("resource type", "handler", "granted", "not granted"):
        table.add_column(column, overflow="fold")
    before = ""
    for needs in found.cloudformation:
        table.add_row(needs.type if needs.type != before else "", *_needs_cells(needs))
        before = needs.type
    return table


def _needs_cells(needs: Needs) -> tuple[str, str, str]:
    if needs.unknown:
        return "", "", "[dim]the schema states no permissions[/]"
    return needs.handler, "\n".join(needs.granted), "\n".join(needs.not_granted)
