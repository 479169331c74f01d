"""Deciding recorded requests again, under the same or under other policies. Pure functions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from lockgate_twin.audit.access import Check
from lockgate_twin.audit.roles import AuditedRole, Statement
from lockgate_twin.audit.snapshot import owner_of
from lockgate_twin.authorization.context import RequestContext
from lockgate_twin.authorization.evaluator import Decision, Policies, evaluate

_CLOCK = frozenset({"aws:CurrentTime", "aws:EpochTime"})
ResourcePolicies = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Grant:
    """An action that a statement of a role names and that the run used, with the decisions that rested on it."""

    role: AuditedRole
    statement: Statement
    action: str
    checks: Sequence[Check]

    def __str__(self) -> str:
        return f"{self.role.name}: {self.statement.sid}: {self.action}"


def decide(check: Check, role: AuditedRole, resource_policies: ResourcePolicies) -> Decision:
    """Decide a recorded request again with these policies."""
    resource = _of_resource(check, resource_policies)
    policies = Policies(
        identity=tuple(role.policies.values()),
        boundary=None if role.boundary_arn is None else [role.boundary] if role.boundary else [],
        session=[json.loads(check.session_policy)] if check.session_policy else None,
        resource=resource.get("policy"),
        resource_account=resource.get("account") or _account_in(check.resource),
    )
    return evaluate(_context(check), policies)


def distinct(checks: Iterable[Check]) -> list[Check]:
    """Return the decisions without those that differ from another in nothing but session and time."""
    found: dict[str, Check] = {}
    for check in checks:
        keys = {key: value for key, value in check.keys.items() if key not in _CLOCK}
        asked = (check.role_arn, check.action, check.resource, keys, check.session_policy, check.allowed)
        found.setdefault(json.dumps(asked, sort_keys=True, default=str), check)
    return list(found.values())


def used_grants(role: AuditedRole, checks: Iterable[Check]) -> list[Grant]:
    """Return every (statement, action) of a role that a decision to allow could rest on."""
    allowed = [check for check in distinct(checks) if check.allowed]
    found = (
        Grant(role=role, statement=statement, action=action, checks=_resting_on(statement, action, allowed))
        for statement in role.statements
        if statement.effect == "Allow"
        for action in statement.actions
    )
    return [grant for grant in found if grant.checks]


def denied_without(grant: Grant, resource_policies: ResourcePolicies) -> list[Check]:
    """Return the recorded requests that would be denied if the statement did not name the action."""
    less = grant.role.without(grant.statement, grant.action)
    return [check for check in grant.checks if not decide(check, less, resource_policies).allowed]


def applies(statement: Statement, check: Check, action: str | None = None) -> bool:
    """Tell whether a statement, or its part that names one action, applies to a recorded request."""
    only = {"Action": [action]} if action else {}
    # As a Deny and alone it is what decides exactly when it applies.
    alone = {"Version": statement.version, "Statement": [{**statement.document, **only, "Effect": "Deny"}]}
    return evaluate(_context(check), Policies(identity=[alone])).explicit


def names(pattern: str, action: str) -> bool:
    """Tell whether an action pattern of a policy names an action ("IAM JSON policy elements: Action")."""
    return fnmatchcase(action.lower(), pattern.lower())


def _of_resource(check: Check, policies: ResourcePolicies) -> Mapping[str, Any]:
    """Return what the resource's own policy says; a role's trust policy is about nothing but assuming it."""
    if ":role/" in check.resource and check.action != "sts:AssumeRole":
        return {}
    return policies.get(owner_of(check.resource), {})


def _account_in(arn: str) -> str | None:
    """Return the account in an ARN; the repositories of AWS's own images are open to everybody."""
    parts = arn.split(":", 5)
    return parts[4] if len(parts) == 6 and parts[2] != "ecr" and parts[4].isdigit() else None


def _context(check: Check) -> RequestContext:
    return RequestContext(check.principal, check.action, check.resource, check.keys)


def _resting_on(statement: Statement, action: str, checks: Iterable[Check]) -> list[Check]:
    return [check for check in checks if names(action, check.action) and applies(statement, check, action)]
