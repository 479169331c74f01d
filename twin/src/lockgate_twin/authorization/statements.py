"""Does a policy statement apply to a request?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lockgate_twin.authorization.conditions import as_list, holds
from lockgate_twin.authorization.context import RequestContext, UnresolvedVariableError, matches

Statement = Mapping[str, Any]
Policy = Mapping[str, Any]
# How a resource policy names the principal, from the most to the least specific.
PRINCIPAL_KINDS = ("session", "role", "*", "account")
_ASSUMED_ROLE = re.compile(r"arn:([^:]+):sts::(\d+):assumed-role/(.+)/[^/]+")


def applies(
    statement: Statement, context: RequestContext, *, kinds: Sequence[str] | None = None, service: str = ""
) -> bool:
    """Tell whether a statement applies to a request.

    `kinds` is given for resource policies: the ways of naming the principal that count. `service` is the
    AWS service that asks, if it is one (trust policies, bucket policies of log delivery).
    """
    return (
        _action_matches(statement, context)
        and _resource_matches(statement, context)
        and (kinds is None or _principal_matches(statement, context, kinds, service))
        and _conditions_hold(statement, context)
    )


def statements_of(policies: Iterable[Policy], effect: str) -> Iterable[Statement]:
    """Yield the statements of one effect."""
    for policy in policies:
        for statement in as_list(policy.get("Statement")):
            if statement.get("Effect") == effect:
                yield statement


def _action_matches(statement: Statement, context: RequestContext) -> bool:
    if "Action" in statement:
        return any(matches(context.action, a, ignore_case=True) for a in as_list(statement["Action"]))
    return not any(matches(context.action, a, ignore_case=True) for a in as_list(statement.get("NotAction")))


def _resource_matches(statement: Statement, context: RequestContext) -> bool:
    if "Resource" in statement:
        return any(_resource_is(r, context) for r in as_list(statement["Resource"]))
    return not any(_resource_is(r, context) for r in as_list(statement.get("NotResource")))


def _resource_is(pattern: str, context: RequestContext) -> bool:
    try:
        return matches(context.resource, context.substitute(pattern))
    except UnresolvedVariableError:
        return False


def _conditions_hold(statement: Statement, context: RequestContext) -> bool:
    conditions = statement.get("Condition") or {}
    return all(
        holds(operator, key, wanted, context) for operator, keys in conditions.items() for key, wanted in keys.items()
    )


def _principal_matches(statement: Statement, context: RequestContext, kinds: Sequence[str], service: str) -> bool:
    if "NotPrincipal" in statement:
        return principal_kind(statement["NotPrincipal"], context, service) is None
    return principal_kind(statement.get("Principal"), context, service) in kinds


def principal_kind(principal: Any, context: RequestContext, service: str = "") -> str | None:
    """Tell how a Principal element names the caller: one of PRINCIPAL_KINDS, or None if it does not."""
    if principal is None:
        return None
    if principal == "*":
        return "*"
    named = {_kind_of(value, context) for value in as_list(principal.get("AWS"))}
    if service and service in as_list(principal.get("Service")):
        named.add("session")
    return next((kind for kind in PRINCIPAL_KINDS if kind in named), None)


def _kind_of(value: str, context: RequestContext) -> str | None:
    if value == "*":
        return "*"
    if value == context.principal_arn:
        return "session"
    if value == role_of(context):
        return "role"
    return "account" if value in {context.account, f"arn:aws:iam::{context.account}:root"} else None


def role_of(context: RequestContext) -> str | None:
    """Return the ARN of the role behind an assumed-role session."""
    if explicit := context.get("aws:PrincipalArn"):
        return str(explicit)
    match = _ASSUMED_ROLE.fullmatch(context.principal_arn)
    return f"arn:{match[1]}:iam::{match[2]}:role/{match[3]}" if match else None
