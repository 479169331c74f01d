"""What an audit finds about each role."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lockgate_twin.audit.access import Check
from lockgate_twin.audit.provider import Needs, needs_of, types_made_by
from lockgate_twin.audit.replay import Grant, applies, decide, denied_without, distinct, used_grants
from lockgate_twin.audit.roles import AuditedRole, Statement
from lockgate_twin.audit.run import Run


@dataclass(frozen=True, kw_only=True)
class StatementUse:
    """One statement and the run: actions that it allowed and that it never did. A Deny counts its `hits`."""

    statement: Statement
    used: tuple[str, ...]
    never_used: tuple[str, ...]
    hits: int


@dataclass(frozen=True, kw_only=True)
class RoleFindings:
    """One role and the run.

    `spare` are used actions that another statement allows as well, so that one of the two could go; `changed` are
    decisions that the policies as they are now would not repeat: they were others when the call was made.
    """

    role: AuditedRole
    calls: int
    operations: Mapping[str, int]
    denied: Mapping[str, int]
    assumed_by: Mapping[str, int]
    statements: Sequence[StatementUse]
    spare: Sequence[Grant]
    changed: Sequence[Check]
    cloudformation: Sequence[Needs]


def find(run: Run) -> list[RoleFindings]:
    """Return the findings about every role."""
    return [_about(role, run) for role in run.roles]


def _about(role: AuditedRole, run: Run) -> RoleFindings:
    checks, policies = run.log.of(role.arn), run.snapshot["resource_policies"]
    grants = used_grants(role, checks)
    types = types_made_by(role, checks, run.snapshot["stacks"])
    return RoleFindings(
        role=role,
        calls=run.log.calls.get(role.arn, 0),
        operations=Counter(check.action for check in checks if check.allowed),
        denied=Counter(check.action for check in checks if not check.allowed),
        assumed_by={who: n for (arn, who), n in run.log.assumed.items() if arn == role.arn},
        statements=[_use(statement, grants, checks) for statement in role.statements],
        spare=[grant for grant in grants if not denied_without(grant, policies)],
        changed=[c for c in distinct(checks) if decide(c, role, policies).allowed != c.allowed],
        cloudformation=needs_of(role, types, checks, run.snapshot["region"]),
    )


def _use(statement: Statement, grants: Sequence[Grant], checks: Sequence[Check]) -> StatementUse:
    if statement.effect == "Deny":
        hits = sum(not check.allowed and applies(statement, check) for check in checks)
        return StatementUse(statement=statement, used=(), never_used=(), hits=hits)
    mine = {grant.action: len(grant.checks) for grant in grants if grant.statement is statement}
    unused = tuple(action for action in statement.actions if action not in mine)
    return StatementUse(statement=statement, used=tuple(mine), never_used=unused, hits=sum(mine.values()))
