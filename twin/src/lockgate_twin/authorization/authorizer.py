"""Authorizes requests and AWS's inner checks against the caller's real policies; logs every decision."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from lockgate_twin import moto_resources
from lockgate_twin.authorization.access_log import AccessLog
from lockgate_twin.authorization.condition_keys import global_keys, request_keys, resource_tag_keys
from lockgate_twin.authorization.context import RequestContext
from lockgate_twin.authorization.evaluator import Decision, Policies, evaluate
from lockgate_twin.authorization.permissions import Permission, required_permissions
from lockgate_twin.authorization.policy_cache import PolicyCache
from lockgate_twin.authorization.principals import DIRECT_KINDS, PRINCIPAL_KINDS
from lockgate_twin.authorization.special_cases import Asked
from lockgate_twin.authorization.statements import Policy, compiled
from lockgate_twin.errors import ApiError
from lockgate_twin.moto_host import MotoHost, Role
from lockgate_twin.ports import Call, Principal

ResourceTags = Callable[[str], Mapping[str, str]]
RequestKeys = Callable[[Mapping[str, Any], Call], Mapping[str, Any]]
ResourcePolicy = Callable[[str], tuple[Mapping[str, Any] | None, str | None]]
_EVERYTHING = compiled({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})
# These need no permission (IAM User Guide: "No permissions are required to perform this operation").
_FREE = {("sts", "GetCallerIdentity")}
# These answer 'AccessDenied'; the JSON services answer 'AccessDeniedException'.
_PLAIN_CODE = frozenset({"s3", "iam", "sts", "cloudformation", "sqs", "sns", "cloudwatch"})


class Authorizer:
    """Decides for every call; the administrator is the only one who is not limited by policies."""

    def __init__(self, moto: MotoHost, log: AccessLog) -> None:
        self._moto = moto
        self._log = log
        self._policies = PolicyCache()
        self._request_keys: dict[str, RequestKeys] = {}
        self._resource_tags: dict[str, ResourceTags] = {"s3": moto_resources.object_tags, "iam": self._role_tags}
        self._resource_policies: dict[str, ResourcePolicy] = {
            "s3": self._bucket_policy,
            "sqs": lambda arn: (self._moto.queue_policy(arn), arn.split(":")[4]),
            "sns": moto_resources.topic_policy,
            "kms": moto_resources.key_policy,
        }

    def register_resource_policies(self, service: str, lookup: ResourcePolicy) -> None:
        """Let a service give the resource policies of its ARNs: `lookup(arn) -> (policy, owner account)`."""
        self._resource_policies[service] = lookup

    def register_resource_tags(self, service: str, lookup: ResourceTags) -> None:
        """Let a service give the tags of its ARNs (none for an ARN it does not know), for aws:ResourceTag."""
        self._resource_tags[service] = lookup

    def register_request_keys(self, service: str, keys: RequestKeys) -> None:
        """Let a service add the condition keys that only it knows: `keys(parameters, call)`."""
        self._request_keys[service] = keys

    def authorize(self, call: Call, parameters: Mapping[str, Any]) -> None:
        """Check a public API call.

        Raises:
            ApiError: AccessDenied, in AWS's words, naming the action, the resource and the kind of policy.
        """
        asked = Asked(
            call.service,
            call.operation,
            parameters,
            call.region,
            call.account,
            self._role_arn(call.account),
            lambda name: moto_resources.key_arn(call.account, call.region, name),
        )
        needed = [] if (call.service, call.operation) in _FREE else required_permissions(asked)
        keys = request_keys(asked, self._named_role(asked))
        if more := self._request_keys.get(call.service):
            keys |= more(parameters, call)
        self._check(call.principal, call.region, needed, keys, call)

    def require(
        self,
        principal: Principal,
        region: str,
        action: str,
        resources: Sequence[str],
        keys: Mapping[str, Any],
    ) -> None:
        """Check permissions that AWS checks inside a service.

        Raises:
            ApiError: AccessDenied.
        """
        self._check(principal, region, [Permission(action, r) for r in resources], keys, None)

    def trusts(self, role: Role, context: RequestContext, *, service: str = "") -> bool:
        """Tell whether a role's trust policy lets a principal or service assume it."""
        trust = compiled(role.trust)
        return not any(s.applies_to(context, PRINCIPAL_KINDS, service) for s in trust.denies) and any(
            s.applies_to(context, PRINCIPAL_KINDS, service) for s in trust.allows
        )

    def service_may(self, service: str, action: str, resource: str, keys: Mapping[str, Any]) -> bool:
        """Tell whether a resource's own policy lets an AWS service (e.g. events.amazonaws.com) act on it."""
        policy, _ = self.resource_policy(resource)
        context = RequestContext(f"arn:aws:iam:::service/{service}", action, resource, keys)
        if policy is None:
            return False
        own = compiled(policy)
        return not any(s.applies_to(context, PRINCIPAL_KINDS, service) for s in own.denies) and any(
            s.applies_to(context, DIRECT_KINDS, service) for s in own.allows
        )

    def _check(
        self,
        principal: Principal,
        region: str,
        needed: Sequence[Permission],
        keys: Mapping[str, Any],
        call: Call | None,
    ) -> None:
        role = self._moto.role(principal.account, principal.role_arn) if principal.role_arn else None
        base = {**global_keys(principal, role, region), **keys}
        known = [replace(p, keys={**p.keys, **self._resource_keys(p.resource)}) for p in needed]
        decisions = [(p, self._decide(principal, role, p, base)) for p in known]
        self._record(principal, decisions, base, call)
        for permission, decision in decisions:
            if not decision.allowed:
                raise _denied(principal, permission, decision, call)

    def _decide(
        self, principal: Principal, role: Role | None, permission: Permission, keys: Mapping[str, Any]
    ) -> Decision:
        resource, owner = self._owned(permission)
        if principal.is_root and owner in {None, principal.account}:
            return Decision(allowed=True, layer="administrator")
        policies = Policies(
            identity=self._identity(principal, role),
            boundary=self._boundary(role) if role else None,
            session=[compiled(json.loads(principal.session_policy))] if principal.session_policy else None,
            resource=self._policies.compiled(resource) if resource is not None else None,
            resource_account=owner,
        )
        context = RequestContext(principal.arn, permission.action, permission.resource, {**keys, **permission.keys})
        return evaluate(context, policies)

    def _identity(self, principal: Principal, role: Role | None) -> list[Policy]:
        if principal.is_root:
            return [_EVERYTHING]
        return [self._policies.compiled(document) for document in role.identity] if role else []

    def _boundary(self, role: Role) -> list[Policy] | None:
        if role.boundary_arn is None:
            return None
        return [self._policies.compiled(role.boundary)] if role.boundary else []

    def _owned(self, permission: Permission) -> tuple[Mapping[str, Any] | None, str | None]:
        """Return the policy of a permission's resource and the account that owns it."""
        arn = permission.resource
        if permission.action == "sts:AssumeRole":
            role = self._moto.role(arn.split(":")[4], arn) if arn.startswith("arn:") else None
            return (role.trust, arn.split(":")[4]) if role else (None, None)
        policy, owner = self.resource_policy(arn)
        return policy, owner or _owner(arn)

    def _resource_keys(self, arn: str) -> dict[str, Any]:
        """Return the condition keys that a resource itself gives: its tags, a key's aliases."""
        service = arn.split(":", 3)[2] if arn.startswith("arn:") else ""
        lookup = self._resource_tags.get(service)
        tags = resource_tag_keys(service, lookup(arn)) if lookup else {}
        return {**tags, **moto_resources.key_keys(arn)} if service == "kms" else tags

    def _role_tags(self, arn: str) -> Mapping[str, str]:
        role = self._moto.role(arn.split(":")[4], arn) if ":role/" in arn else None
        return role.tags if role else {}

    def resource_policy(self, arn: str) -> tuple[Mapping[str, Any] | None, str | None]:
        """Return a resource's own policy and its owner's account id, each None where there is none."""
        lookup = self._resource_policies.get(arn.split(":")[2]) if arn.startswith("arn:") else None
        return lookup(arn) if lookup else (None, None)

    def _bucket_policy(self, arn: str) -> tuple[Mapping[str, Any] | None, str | None]:
        return self._moto.bucket_policy(arn.split(":::", 1)[1].split("/", 1)[0])

    def _role_arn(self, account: str) -> Callable[[str], str | None]:
        def arn(name: str) -> str | None:
            role = self._moto.role(account, name)
            return role.arn if role else None

        return arn

    def _named_role(self, asked: Asked) -> dict[str, Any]:
        """Return iam:PermissionsBoundary of the role that an IAM request changes."""
        name = asked.flat.get("rolename") if asked.service == "iam" else None
        role = self._moto.role(asked.account, name) if name else None
        return {"iam:PermissionsBoundary": role.boundary_arn} if role and role.boundary_arn else {}

    def _record(
        self,
        principal: Principal,
        decisions: Sequence[tuple[Permission, Decision]],
        keys: Mapping[str, Any],
        call: Call | None,
    ) -> None:
        """Log decisions with all that they rest on besides policies, so that they can be made again."""
        checks = [_check_record(p, d) for p, d in decisions]
        extra: dict[str, Any] = {"service": call.service, "operation": call.operation} if call else {"inner": True}
        if principal.session_policy:
            extra["session_policy"] = principal.session_policy
        self._log.write(principal=principal.arn, checks=checks, keys=keys, **extra)


def _check_record(permission: Permission, decision: Decision) -> dict[str, Any]:
    own = {"keys": permission.keys} if permission.keys else {}
    decided = {"allowed": decision.allowed, "by": decision.layer}
    return {"action": permission.action, "resource": permission.resource, **decided, **own}


def _owner(arn: str) -> str | None:
    """Return the account in an ARN. AWS's own container images are open to everybody."""
    parts = arn.split(":", 5)
    known = len(parts) == 6 and parts[2] != "ecr" and parts[4].isdigit()
    return parts[4] if known else None


def _denied(principal: Principal, permission: Permission, decision: Decision, call: Call | None) -> ApiError:
    why = (
        f"with an explicit deny in a {decision.layer}"
        if decision.explicit
        else f"because no {decision.layer} allows the {permission.action} action"
    )
    service = call.service if call else permission.action.split(":")[0]
    return ApiError(
        "AccessDenied" if service in _PLAIN_CODE else "AccessDeniedException",
        f"User: {principal.arn} is not authorized to perform: {permission.action} "
        f"on resource: {permission.resource} {why}",
        403,
    )
