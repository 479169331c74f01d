"""Whom the Principal element of a resource policy names (IAM User Guide, "AWS JSON policy elements: Principal")."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lockgate_twin.authorization.conditions import as_list
from lockgate_twin.authorization.context import RequestContext

# How a resource policy names the principal, from the most to the least specific. `*` grants to the session itself.
PRINCIPAL_KINDS = ("session", "*", "role", "account")
# These are not limited by an implicit deny of identity policy, boundary or session policy within one account.
DIRECT_KINDS = ("session", "*")
_ASSUMED_ROLE = re.compile(r"arn:([^:]+):sts::(\d+):assumed-role/(.+)/[^/]+")
_ACCOUNT = re.compile(r"(?:arn:[^:]+:iam::)?(\d{12})(?::root)?")


@dataclass(frozen=True)
class Principals:
    """A Principal or (`negated`) NotPrincipal element."""

    aws: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    federated: tuple[str, ...] = ()
    negated: bool = False

    def named(self, context: RequestContext, kinds: Sequence[str], service: str = "") -> bool:
        """Tell whether the element covers the caller, naming it in one of `kinds`.

        NotPrincipal leaves out a session whose account, role or own ARN it names; a user must be named itself
        ("IAM JSON policy elements: NotPrincipal").
        """
        found = self.kinds(context, service)
        if self.negated:
            return not (found - {"account"} if _is_user(context) else found)
        return any(kind in kinds for kind in found)

    def kinds(self, context: RequestContext, service: str = "") -> set[str]:
        """Return every way in which the element names the caller."""
        asking = service or context.principal_arn
        if asking in self.services or context.get("aws:FederatedProvider") in self.federated:
            return {"session"}
        return {kind for value in self.aws if (kind := _kind_of(value, context)) is not None}


NOBODY = Principals()


def principals_of(statement: Mapping[str, Any]) -> Principals | None:
    """Read a statement's Principal or NotPrincipal element; None if it has neither."""
    negated = "NotPrincipal" in statement
    element = statement.get("NotPrincipal") if negated else statement.get("Principal")
    if element is None:
        return None
    if element == "*":
        return Principals(aws=("*",), negated=negated)
    aws, services, federated = (tuple(as_list(element.get(k))) for k in ("AWS", "Service", "Federated"))
    return Principals(aws, services, federated, negated)


def _kind_of(value: str, context: RequestContext) -> str | None:
    if value == "*":
        return "*"
    if value == context.principal_arn:
        return "session"
    if value == role_of(context):
        return "role"
    account = _ACCOUNT.fullmatch(value)
    return "account" if account and account[1] == context.account else None


def _is_user(context: RequestContext) -> bool:
    return ":user/" in context.principal_arn


def role_of(context: RequestContext) -> str | None:
    """Return the ARN of the role behind an assumed-role session."""
    if explicit := context.get("aws:PrincipalArn"):
        return str(explicit)
    match = _ASSUMED_ROLE.fullmatch(context.principal_arn)
    return f"arn:{match[1]}:iam::{match[2]}:role/{match[3]}" if match else None
