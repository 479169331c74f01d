"""AWS::IAM::Role. Ref is the name."""

from __future__ import annotations

from typing import Any

from lockgate_twin.cloudformation.naming import NameRule
from lockgate_twin.cloudformation.resources.adapter import Adapter, Made, Request, document, ignoring, names


def _create(request: Request) -> Made:
    iam, name = request.client("iam"), request.name
    iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=document(request.properties["AssumeRolePolicyDocument"]),
        **request.pick("Path", "Description", "MaxSessionDuration", "PermissionsBoundary", "Tags"),
    )
    request.identify(name)
    _apply_policies(request, name)
    role = iam.get_role(RoleName=name)["Role"]
    return Made(name, {"Arn": role["Arn"], "RoleId": role["RoleId"]})


def _update(request: Request) -> Made:
    iam, name = request.client("iam"), request.physical_id
    if request.changed("AssumeRolePolicyDocument"):
        trust = document(request.properties["AssumeRolePolicyDocument"])
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=trust)
    if request.changed("Description", "MaxSessionDuration"):
        given = {"Description": "", "MaxSessionDuration": 3600, **request.pick("Description", "MaxSessionDuration")}
        iam.update_role(RoleName=name, **given)
    if request.changed("PermissionsBoundary"):
        _change_boundary(request, name)
    added, removed = request.tag_changes
    if added:
        iam.tag_role(RoleName=name, Tags=added)
    if removed:
        iam.untag_role(RoleName=name, TagKeys=removed)
    _apply_policies(request, name)
    return Made(name)


def _change_boundary(request: Request, name: str) -> None:
    boundary = request.properties.get("PermissionsBoundary")
    if boundary:
        request.client("iam").put_role_permissions_boundary(RoleName=name, PermissionsBoundary=boundary)
    else:
        request.client("iam").delete_role_permissions_boundary(RoleName=name)


def _inline(policies: list[dict[str, Any]]) -> dict[str, str]:
    return {policy["PolicyName"]: document(policy["PolicyDocument"]) for policy in policies}


def _apply_policies(request: Request, name: str) -> None:
    """Inline and attached policies become exactly those given; unchanged ones are left alone."""
    iam = request.client("iam")
    before, after = (_inline(source.get("Policies", [])) for source in (request.previous, request.properties))
    attached, wanted = (set(source.get("ManagedPolicyArns", [])) for source in (request.previous, request.properties))
    for policy, text in after.items():
        if before.get(policy) != text:
            iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=text)
    for arn in sorted(wanted - attached):
        iam.attach_role_policy(RoleName=name, PolicyArn=arn)
    for policy in before.keys() - after.keys():
        with ignoring("NoSuchEntity"):
            iam.delete_role_policy(RoleName=name, PolicyName=policy)
    for arn in sorted(attached - wanted):
        with ignoring("NoSuchEntity"):
            iam.detach_role_policy(RoleName=name, PolicyArn=arn)


def _delete(request: Request) -> None:
    iam, name = request.client("iam"), request.physical_id
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    iam.delete_role(RoleName=name)


ADAPTER = Adapter(
    type="AWS::IAM::Role",
    properties=names(
        "AssumeRolePolicyDocument Description ManagedPolicyArns MaxSessionDuration Path PermissionsBoundary Policies"
        " RoleName Tags"
    ),
    create=_create,
    update=_update,
    delete=_delete,
    name=NameRule("RoleName", 64),
    gone=names("NoSuchEntity"),
)
