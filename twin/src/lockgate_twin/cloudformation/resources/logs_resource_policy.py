"""AWS::Logs::ResourcePolicy. Ref is the policy's name."""

from __future__ import annotations

from lockgate_twin.cloudformation.naming import NameRule
from lockgate_twin.cloudformation.resources.adapter import Adapter, Made, Request, document, names, refuse_existing


def _put(request: Request, name: str) -> None:
    text = document(request.properties["PolicyDocument"])
    request.client("logs").put_resource_policy(policyName=name, policyDocument=text)


def _create(request: Request) -> Made:
    policies = request.client("logs").describe_resource_policies()["resourcePolicies"]
    refuse_existing(request.name, found=any(item["policyName"] == request.name for item in policies))
    _put(request, request.name)
    request.identify(request.name)
    return Made(request.name)


def _update(request: Request) -> Made:
    _put(request, request.physical_id)
    return Made(request.physical_id)


def _delete(request: Request) -> None:
    request.client("logs").delete_resource_policy(policyName=request.physical_id)


ADAPTER = Adapter(
    type="AWS::Logs::ResourcePolicy",
    properties=names("PolicyDocument PolicyName"),
    create=_create,
    update=_update,
    delete=_delete,
    name=NameRule("PolicyName", 255),
    gone=names("ResourceNotFoundException"),
)
