"""IAM's decision for one request. Pure functions.

Source: IAM User Guide, "How AWS enforcement code logic evaluates requests to allow or deny access". An explicit deny
anywhere wins. Resource and service control policies, where there are any, must allow. Then identity policies,
permissions boundary and session policy must each allow; within one account a resource policy that names the user, the
session or everyone ("permissions boundaries and session policies do not limit permissions granted ... with a
wildcard(*) in the Principal element") allows by itself, and one that names the role stands in for the identity
policies alone. Across accounts both sides must allow. Role trust policies and KMS key policies must always allow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from lockgate_twin.authorization.context import RequestContext
from lockgate_twin.authorization.principals import DIRECT_KINDS, PRINCIPAL_KINDS
from lockgate_twin.authorization.statements import Document, Policy, compiled

Documents = Sequence[Document | Policy]
# Organizations User Guide, "List of AWS services that support RCPs".
_WITH_RCP = frozenset({"s3", "sts", "kms", "sqs", "secretsmanager", "ecr", "aoss", "cognito-idp", "logs", "dynamodb"})
IDENTITY, RESOURCE = "identity-based policy", "resource-based policy"


@dataclass(frozen=True, kw_only=True)
class Policies:
    """All policies that bear on a request. None means there is no policy of that kind.

    `service_control` and `resource_control` hold one sequence of documents per level of the organization (root,
    unit, account); each level must allow.
    """

    identity: Documents = ()
    boundary: Documents | None = None
    session: Documents | None = None
    resource: Document | Policy | None = None
    resource_account: str | None = None
    service_control: Sequence[Documents] = ()
    resource_control: Sequence[Documents] = ()

    @cached_property
    def limits(self) -> Mapping[str, Sequence[Policy]]:
        """Return the policies that must each allow, by the name AWS gives them in messages."""
        layers = {IDENTITY: self.identity, "permissions boundary": self.boundary, "session policy": self.session}
        return {name: _all(documents) for name, documents in layers.items() if documents is not None}

    @cached_property
    def organization(self) -> Sequence[tuple[str, Sequence[Policy]]]:
        """Return the organization's policies, level by level."""
        return [
            *(("service control policy", _all(level)) for level in self.service_control),
            *(("resource control policy", _all(level)) for level in self.resource_control),
        ]

    @cached_property
    def of_resource(self) -> Policy | None:
        """Return the resource's own policy, compiled."""
        return None if self.resource is None else compiled(self.resource)


@dataclass(frozen=True)
class Decision:
    """`allowed` by, or refused for lack of, a `statement` of a kind of policy (`layer`), or by `explicit` deny."""

    allowed: bool
    layer: str = ""
    explicit: bool = False
    statement: str = ""


def evaluate(context: RequestContext, policies: Policies, *, service: str = "") -> Decision:
    """Decide one request; `service` is the AWS service that asks in its own name, if one does."""
    return (
        _explicit_deny(context, policies, service)
        or _organization(context, policies)
        or _allow(context, policies, service)
    )


def _all(documents: Documents) -> Sequence[Policy]:
    return [compiled(document) for document in documents]


def _explicit_deny(context: RequestContext, policies: Policies, service: str) -> Decision | None:
    for layer, documents in [*policies.limits.items(), *_organization_of(context, policies)]:
        if (sid := _first(documents, "Deny", context)) is not None:
            return Decision(allowed=False, layer=layer, explicit=True, statement=sid)
    sid = _named(policies, "Deny", context, PRINCIPAL_KINDS, service)
    return None if sid is None else Decision(allowed=False, layer=RESOURCE, explicit=True, statement=sid)


def _organization_of(context: RequestContext, policies: Policies) -> Iterable[tuple[str, Sequence[Policy]]]:
    if context.action.split(":")[0].lower() in _WITH_RCP:
        return policies.organization
    return [(layer, documents) for layer, documents in policies.organization if layer == "service control policy"]


def _organization(context: RequestContext, policies: Policies) -> Decision | None:
    for layer, documents in policies.organization:
        # RCPFullAWSAccess is attached everywhere and cannot be detached: a resource control policy only denies.
        if layer == "service control policy" and _first(documents, "Allow", context) is None:
            return Decision(allowed=False, layer=layer)
    return None


def _allow(context: RequestContext, policies: Policies, service: str) -> Decision:
    granted = {layer: _first(docs, "Allow", context) for layer, docs in policies.limits.items()}
    if context.is_account_root:
        granted = {IDENTITY: "*"}
    missing = [layer for layer, sid in granted.items() if sid is None]
    sid = _named(policies, "Allow", context, PRINCIPAL_KINDS, service)
    foreign = policies.resource_account not in {None, context.account}
    if sid is None and (foreign or _resource_must_allow(context)):
        return Decision(allowed=False, layer=RESOURCE)
    if not missing:
        return Decision(allowed=True, layer=RESOURCE if foreign else IDENTITY, statement=granted[IDENTITY] or "")
    if foreign and not _is_service(context, service):
        return Decision(allowed=False, layer=missing[0])
    return _by_resource(context, policies, missing, service)


def _by_resource(context: RequestContext, policies: Policies, missing: Sequence[str], service: str) -> Decision:
    kinds = (*DIRECT_KINDS, "role") if list(missing) == [IDENTITY] else DIRECT_KINDS
    sid = _named(policies, "Allow", context, kinds, service)
    if sid is None:
        return Decision(allowed=False, layer=missing[0])
    return Decision(allowed=True, layer=RESOURCE, statement=sid)


def _resource_must_allow(context: RequestContext) -> bool:
    """Tell whether the resource's own policy must allow even within its account: roles (trust) and KMS keys."""
    action = context.action.lower()
    trust = action.startswith("sts:assumerole") and ":role/" in context.resource
    return trust or (action.startswith("kms:") and ":key/" in context.resource)


def _is_service(context: RequestContext, service: str) -> bool:
    return bool(service) or not context.account


def _named(policies: Policies, effect: str, context: RequestContext, kinds: Sequence[str], service: str) -> str | None:
    if policies.of_resource is None:
        return None
    statements = policies.of_resource.of(effect)
    return next((s.sid for s in statements if s.applies_to(context, kinds, service)), None)


def _first(documents: Iterable[Policy], effect: str, context: RequestContext) -> str | None:
    return next((s.sid for policy in documents for s in policy.of(effect) if s.applies(context)), None)
