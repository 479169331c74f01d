"""IAM's decision for one request (IAM User Guide, "Policy evaluation logic"). Pure functions.

An explicit deny anywhere wins. Otherwise identity policies, permissions boundary and session policy must each
allow; within one account a resource policy that names the session allows by itself, and one that names the role
or everyone stands in for the identity policies. Across accounts both sides must allow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lockgate_twin.authorization.context import RequestContext
from lockgate_twin.authorization.statements import PRINCIPAL_KINDS, Policy, applies, statements_of


@dataclass(frozen=True, kw_only=True)
class Policies:
    """All policies that bear on a request. None means there is no policy of that kind."""

    identity: Sequence[Policy] = ()
    boundary: Sequence[Policy] | None = None
    session: Sequence[Policy] | None = None
    resource: Policy | None = None
    resource_account: str | None = None

    def limits(self) -> dict[str, Sequence[Policy]]:
        """Return the policies that must each allow, by the name AWS gives them in messages."""
        layers = {
            "identity-based policy": self.identity,
            "permissions boundary": self.boundary,
            "session policy": self.session,
        }
        return {name: policies for name, policies in layers.items() if policies is not None}


@dataclass(frozen=True)
class Decision:
    """`allowed`, or why not: `explicit` deny or missing allow, in which kind of policy (`layer`)."""

    allowed: bool
    layer: str = ""
    explicit: bool = False
    statement: str = ""


def evaluate(context: RequestContext, policies: Policies, *, service: str = "") -> Decision:
    """Decide one request."""
    return _explicit_deny(context, policies, service) or _allow(context, policies, service)


def _explicit_deny(context: RequestContext, policies: Policies, service: str) -> Decision | None:
    for layer, documents in policies.limits().items():
        if (sid := _first(documents, "Deny", context)) is not None:
            return Decision(allowed=False, layer=layer, explicit=True, statement=sid)
    sid = _resource_hit(policies, "Deny", context, PRINCIPAL_KINDS, service)
    if sid is not None:
        return Decision(allowed=False, layer="resource-based policy", explicit=True, statement=sid)
    return None


def _allow(context: RequestContext, policies: Policies, service: str) -> Decision:
    missing = [layer for layer, docs in policies.limits().items() if _first(docs, "Allow", context) is None]
    if policies.resource_account not in {None, context.account}:
        return _cross_account(context, policies, missing, service)
    if not missing:
        return Decision(allowed=True, layer="identity-based policy")
    if _resource_hit(policies, "Allow", context, ("session",), service) is not None:
        return Decision(allowed=True, layer="resource-based policy")
    named = _resource_hit(policies, "Allow", context, ("role", "*"), service)
    if named is not None and missing == ["identity-based policy"]:
        return Decision(allowed=True, layer="resource-based policy")
    return Decision(allowed=False, layer=missing[0])


def _cross_account(context: RequestContext, policies: Policies, missing: Sequence[str], service: str) -> Decision:
    if _resource_hit(policies, "Allow", context, PRINCIPAL_KINDS, service) is None:
        return Decision(allowed=False, layer="resource-based policy")
    return Decision(allowed=not missing, layer=missing[0] if missing else "resource-based policy")


def _resource_hit(
    policies: Policies, effect: str, context: RequestContext, kinds: Sequence[str], service: str
) -> str | None:
    if policies.resource is None:
        return None
    for statement in statements_of([policies.resource], effect):
        if applies(statement, context, kinds=kinds, service=service):
            return str(statement.get("Sid", "*"))
    return None


def _first(documents: Sequence[Policy], effect: str, context: RequestContext) -> str | None:
    for statement in statements_of(documents, effect):
        if applies(statement, context):
            return str(statement.get("Sid", "*"))
    return None
