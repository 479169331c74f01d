"""AWS::KMS::Alias. Ref is the alias name."""

from __future__ import annotations

from lockgate_twin.cloudformation.resources.adapter import Adapter, Made, Request, names


def _create(request: Request) -> Made:
    name = request.properties["AliasName"]
    request.client("kms").create_alias(AliasName=name, TargetKeyId=request.properties["TargetKeyId"])
    request.identify(name)
    return Made(name)


def _update(request: Request) -> Made:
    request.client("kms").update_alias(AliasName=request.physical_id, TargetKeyId=request.properties["TargetKeyId"])
    return Made(request.physical_id)


def _delete(request: Request) -> None:
    request.client("kms").delete_alias(AliasName=request.physical_id)


ADAPTER = Adapter(
    type="AWS::KMS::Alias",
    properties=names("AliasName TargetKeyId"),
    create=_create,
    update=_update,
    delete=_delete,
    gone=names("NotFoundException"),
)
