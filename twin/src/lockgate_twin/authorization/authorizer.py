"""Authorizes requests and AWS's inner checks against the caller's real policies; logs every decision."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lockgate_twin.authorization.access_log import AccessLog
from lockgate_twin.authorization.condition_keys import global_keys, request_keys
from lockgate_twin.authorization.context import RequestContext
from lockgate_twin.authorization.evaluator import Decision, Policies, evaluate
from lockgate_twin.authorization.permissions import Permission, required_permissions
from lockgate_twin.authorization.special_cases import Asked
from lockgate_twin.authorization.statements import applies, statements_of
from lockgate_twin.errors import ApiError
from lockgate_twin.moto_host import MotoHost, Role
from lockgate_twin.ports import Call, Principal

RequestKeys = Callable[[Mapping[str, Any], Call], Mapping[str, Any]]
ResourcePolicy = Callable[[str], tuple[Mapping[str, Any] | None, str | None]]
# These need no permission (IAM User Guide: "No permissions are required to perform this operation").
_FREE = {("sts", "GetCallerIdentity")}
# These answer 'AccessDenied'; the JSON services answer 'AccessDeniedException'.
_PLAIN_CODE = frozenset({"s3", "iam", "sts", "cloudformation", "sqs", "sns", "cloudwatch"})


class Authorizer:
    """Decides for every call; the administrator is the only one who is not limited by policies."""

    def __init__(self, moto: MotoHost, log: AccessLog) -> None:
        self._moto = moto
        self._log = log
        self._request_keys: dict[str, RequestKeys] = {}
        self._resource_policies: dict[str, ResourcePolicy] = {
            "s3": self._bucket_policy,
            "sqs": lambda arn: (self._moto.queue_policy(arn), arn.split(":")[4]),
        }

    def register_resource_policies(self, service: str, lookup: ResourcePolicy) -> None:
        """Let a service give the resource policies of its ARNs: `lookup(arn) -> (policy, owner account)`."""
        self._resource_policies[service] = lookup

    def register_request_keys(self, service: str, keys: RequestKeys) -> None:
        """Let a service add the condition keys that only it knows: `keys(parameters, call)`."""
        self._request_keys[service] = keys

    def authorize(self, call: Call, parameters: Mapping[str, Any]) -> None:
        """Check a public API call.

        Raises:
            ApiError: AccessDenied, in AWS's words, naming the action, the resource and the kind of policy.
        """
        asked = Asked(call.service, call.operation, parameters, call.region, call.account, self._role_arn(call.account))
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
        kinds = ("session", "role", "*", "account")
        denied = any(applies(s, context, kinds=kinds, service=service) for s in statements_of([role.trust], "Deny"))
        return not denied and any(
            applies(s, context, kinds=kinds, service=service) for s in statements_of([role.trust], "Allow")
        )

    def service_may(self, service: str, action: str, resource: str, keys: Mapping[str, Any]) -> bool:
        """Tell whether a resource's own policy lets an AWS service (e.g. events.amazonaws.com) act on it."""
        policy, _ = self._policy_of(resource)
        context = RequestContext(f"arn:aws:iam:::service/{service}", action, resource, keys)
        return policy is not None and any(
            applies(s, context, kinds=("session", "*"), service=service) for s in statements_of([policy], "Allow")
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
        decisions = [(p, self._decide(principal, role, p, base)) for p in needed]
        self._record(principal, decisions, call)
        for permission, decision in decisions:
            if not decision.allowed:
                raise _denied(principal, permission, decision, call)

    def _decide(
        self, principal: Principal, role: Role | None, permission: Permission, keys: Mapping[str, Any]
    ) -> Decision:
        if principal.is_root:
            return Decision(allowed=True, layer="administrator")
        if role is None:
            return Decision(allowed=False, layer="identity-based policy")
        resource, owner = self._policy_of(permission.resource)
        policies = Policies(
            identity=role.identity,
            boundary=_boundary(role),
            session=_session_policy(principal),
            resource=resource,
            resource_account=owner,
        )
        context = RequestContext(principal.arn, permission.action, permission.resource, {**keys, **permission.keys})
        return evaluate(context, policies)

    def _policy_of(self, arn: str) -> tuple[Mapping[str, Any] | None, str | None]:
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
        self, principal: Principal, decisions: Sequence[tuple[Permission, Decision]], call: Call | None
    ) -> None:
        checks = [
            {"action": p.action, "resource": p.resource, "allowed": d.allowed, "by": d.layer} for p, d in decisions
        ]
        extra = {"service": call.service, "operation": call.operation} if call else {"inner": True}
        self._log.write(principal=principal.arn, checks=checks, **extra)


def _boundary(role: Role) -> list[Mapping[str, Any]] | None:
    if role.boundary_arn is None:
        return None
    return [role.boundary] if role.boundary else []


def _session_policy(principal: Principal) -> list[Mapping[str, Any]] | None:
    import json

    return [json.loads(principal.session_policy)] if principal.session_policy else None


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
