"""AWS::IAM::RolePolicy: one inline policy of one role. Ref is the policy's and the role's name, joined by a bar."""

from __future__ import annotations

from lockgate_twin.cloudformation.resources.adapter import Adapter, Made, Request, document, names


def _put(request: Request) -> None:
    values = request.pick("PolicyName", "RoleName")
    request.client("iam").put_role_policy(**values, PolicyDocument=document(request.properties["PolicyDocument"]))


def _create(request: Request) -> Made:
    physical_id = f"{request.properties['PolicyName']}|{request.properties['RoleName']}"
    _put(request)
    request.identify(physical_id)
    return Made(physical_id)


def _update(request: Request) -> Made:
    _put(request)
    return Made(request.physical_id)


def _delete(request: Request) -> None:
    request.client("iam").delete_role_policy(**request.pick("PolicyName", "RoleName"))


ADAPTER = Adapter(
    type="AWS::IAM::RolePolicy",
    properties=names("PolicyDocument PolicyName RoleName"),
    create=_create,
    update=_update,
    delete=_delete,
    gone=names("NoSuchEntity"),
)
