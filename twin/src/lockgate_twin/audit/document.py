"""The findings as plain data, for programs: `lockgate audit --json`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from lockgate_twin.audit.findings import RoleFindings, StatementUse


def document(findings: Iterable[RoleFindings]) -> dict[str, Any]:
    """Return the findings as JSON data."""
    return {"roles": [_role(found) for found in findings]}


def _role(found: RoleFindings) -> dict[str, Any]:
    return {
        "arn": found.role.arn,
        "calls": found.calls,
        "assumed_by": dict(found.assumed_by),
        "operations": dict(sorted(found.operations.items())),
        "denied": dict(sorted(found.denied.items())),
        "statements": [_statement(use) for use in found.statements],
        "granted_twice": [{"sid": grant.statement.sid, "action": grant.action} for grant in found.spare],
        "decided_otherwise_now": [
            {"action": check.action, "resource": check.resource, "allowed": check.allowed} for check in found.changed
        ],
        "cloudformation_may_need": [asdict(needs) for needs in found.cloudformation],
    }


def _statement(use: StatementUse) -> dict[str, Any]:
    return {
        "policy": use.statement.policy,
        "sid": use.statement.sid,
        "effect": use.statement.effect,
        "used": list(use.used),
        "never_used": list(use.never_used),
        "hits": use.hits,
        "wildcards": use.statement.wildcards,
        "reason": use.statement.reason or None,
    }
