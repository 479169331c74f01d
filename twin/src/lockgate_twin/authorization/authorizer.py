"""Authorizes requests and AWS's inner checks against the caller's real policies; logs every decision."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from lockgate_twin import moto_resources
from lockgate_twin.authorization.access_log import AccessLog
from lockgate_twin.authorization.condition_keys import global_keys, request_keys
from lockgate_twin.authorization.context import RequestContext
from lockgate_twin.authorization.cross_account import may_cross
from lockgate_twin.authorization.evaluator import RESOURCE, Decision, Policies, evaluate
from lockgate_twin.authorization.key_use import queue_permissions, read_permissions, write_permissions
from lockgate_twin.authorization.permission import Permission
from lockgate_twin.authorization.permissions import missing_object, required_permissions
from lockgate_twin.authorization.policy_cache import PolicyCache
from lockgate_twin.authorization.principals import DIRECT_KINDS, PRINCIPAL_KINDS
from lockgate_twin.authorization.resources import ResourceKeys, ResourcePolicy, Resources, ResourceTags
from lockgate_twin.authorization.s3_requests import WRITTEN_BY_A_SERVICE, check_owners, object_arn
from lockgate_twin.authorization.special_cases import Asked
from lockgate_twin.authorization.statements import Policy, compiled
from lockgate_twin.errors import ApiError
from lockgate_twin.moto_encryption import Target, key_of_ciphertext
from lockgate_twin.moto_host import MotoHost, Role
from lockgate_twin.ports import Call, Principal

RequestKeys = Callable[[Mapping[str, Any], Call], Mapping[str, Any]]
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
        self._resources = Resources(moto)

    def register_resource_policies(self, service: str, lookup: ResourcePolicy) -> None:
        """Let a service give the resource policies of its ARNs: `lookup(arn) -> (policy, owner account)`."""
        self._resources.register_policies(service, lookup)

    def register_resource_tags(self, service: str, lookup: ResourceTags) -> None:
        """Let a service give the tags of its ARNs (none for an ARN it does not know), for aws:ResourceTag."""
        self._resources.register_tags(service, lookup)

    def register_resource_keys(self, service: str, lookup: ResourceKeys) -> None:
        """Let a service give further condition keys of its ARNs."""
        self._resources.register_keys(service, lookup)

    def register_request_keys(self, service: str, keys: RequestKeys) -> None:
        """Let a service add the condition keys that only it knows: `keys(parameters, call)`."""
        self._request_keys[service] = keys

    def authorize(self, call: Call, parameters: Mapping[str, Any]) -> str:
        """Check a public API call and return the account whose resources it is about.

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
            lambda blob: key_of_ciphertext(blob, call.region),
        )
        if call.service == "s3":
            check_owners(call.operation, parameters, lambda bucket: self._moto.bucket_policy(bucket)[1])
        needed = [] if (call.service, call.operation) in _FREE else required_permissions(asked)
        keys = request_keys(asked, self._named_role(asked))
        if more := self._request_keys.get(call.service):
            keys |= more(parameters, call)
        self._check(call.principal, call.region, needed, keys, call)
        if call.service == "s3" and call.operation in {"GetObject", "HeadObject"}:
            self._check_missing(call, parameters)
        owner = self._resources.owned(needed[0].action, needed[0].resource)[1] if needed else None
        return owner or call.account

    def _check_missing(self, call: Call, parameters: Mapping[str, Any]) -> None:
        needed = list(missing_object(parameters["Bucket"], parameters["Key"], parameters.get("VersionId")))
        if needed:
            self._check(call.principal, call.region, needed, {}, None)

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

    def require_object(self, principal: Principal, region: str, action: str, bucket: str, key: str) -> None:
        """Check reading (s3:GetObject) or writing (s3:PutObject) of an object, and the use of its KMS key.

        Raises:
            ApiError: AccessDenied.
        """
        keys: Mapping[str, Any] = {}
        if action == "s3:PutObject":
            further, keys = [*write_permissions(principal.account, Target(bucket=bucket), key)], WRITTEN_BY_A_SERVICE
        else:
            further = [*read_permissions(principal.account, bucket, key)]
        self._check(principal, region, [Permission(action, object_arn(bucket, key)), *further], keys, None)
        if action == "s3:GetObject" and (needed := list(missing_object(bucket, key))):
            self._check(principal, region, needed, {}, None)

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
        allowed = not any(s.applies_to(context, PRINCIPAL_KINDS, service) for s in own.denies) and any(
            s.applies_to(context, DIRECT_KINDS, service) for s in own.allows
        )
        needed = queue_permissions(resource) if allowed and action == "sqs:SendMessage" else ()
        return allowed and all(self.service_may(service, p.action, p.resource, {**p.keys, **keys}) for p in needed)

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
        decisions = [self._decide(principal, role, p, base) for p in needed]
        self._record(principal, decisions, base, call)
        for permission, decision in decisions:
            if not decision.allowed:
                raise _denied(principal, permission, decision, call)

    def _decide(
        self, principal: Principal, role: Role | None, permission: Permission, keys: Mapping[str, Any]
    ) -> tuple[Permission, Decision]:
        resource, owner = self._resources.owned(permission.action, permission.resource)
        known = replace(permission, keys={**permission.keys, **self._resources.keys(permission.resource, owner)})
        foreign = owner not in {None, principal.account}
        if principal.is_root and not foreign:
            return known, Decision(allowed=True, layer="administrator")
        if foreign and not may_cross(permission.action):
            return known, Decision(allowed=False, layer=RESOURCE)
        policies = Policies(
            identity=self._identity(principal, role),
            boundary=self._boundary(role) if role else None,
            session=[compiled(json.loads(principal.session_policy))] if principal.session_policy else None,
            resource=self._policies.compiled(resource) if resource is not None else None,
            resource_account=owner,
        )
        context = RequestContext(principal.arn, known.action, known.resource, {**keys, **known.keys})
        return known, evaluate(context, policies)

    def _identity(self, principal: Principal, role: Role | None) -> list[Policy]:
        if principal.is_root:
            return [_EVERYTHING]
        return [self._policies.compiled(document) for document in role.identity] if role else []

    def _boundary(self, role: Role) -> list[Policy] | None:
        if role.boundary_arn is None:
            return None
        return [self._policies.compiled(role.boundary)] if role.boundary else []

    def resource_policy(self, arn: str) -> tuple[Mapping[str, Any] | None, str | None]:
        """Return a resource's own policy and its owner's account id, each None where there is none."""
        return self._resources.policy(arn)

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
