"""AWS::Logs::LogGroup. Ref is the name; its Arn ends in `:*`."""

from __future__ import annotations

from typing import Any

from lockgate_twin.cloudformation.naming import NameRule
from lockgate_twin.cloudformation.resources.adapter import Adapter, Made, Request, names, tag_map


def _create(request: Request) -> Made:
    logs, name = request.client("logs"), request.name
    values: dict[str, Any] = {}
    for property_name, member in (("KmsKeyId", "kmsKeyId"), ("LogGroupClass", "logGroupClass")):
        if property_name in request.properties:
            values[member] = request.properties[property_name]
    if request.properties.get("Tags"):
        values["tags"] = tag_map(request.properties["Tags"])
    logs.create_log_group(logGroupName=name, **values)
    request.identify(name)
    if "RetentionInDays" in request.properties:
        logs.put_retention_policy(logGroupName=name, retentionInDays=request.properties["RetentionInDays"])
    return Made(name, {"Arn": f"{_arn(request, name)}:*"})


def _arn(request: Request, name: str) -> str:
    return f"arn:aws:logs:{request.region}:{request.account}:log-group:{name}"


def _update(request: Request) -> Made:
    logs, name = request.client("logs"), request.physical_id
    days, key = request.properties.get("RetentionInDays"), request.properties.get("KmsKeyId")
    if request.changed("RetentionInDays") and days is None:
        logs.delete_retention_policy(logGroupName=name)
    elif request.changed("RetentionInDays"):
        logs.put_retention_policy(logGroupName=name, retentionInDays=days)
    if request.changed("KmsKeyId") and key is None:
        logs.disassociate_kms_key(logGroupName=name)
    elif request.changed("KmsKeyId"):
        logs.associate_kms_key(logGroupName=name, kmsKeyId=key)
    added, removed = request.tag_changes
    if added:
        logs.tag_resource(resourceArn=_arn(request, name), tags=tag_map(added))
    if removed:
        logs.untag_resource(resourceArn=_arn(request, name), tagKeys=removed)
    return Made(name)


def _delete(request: Request) -> None:
    request.client("logs").delete_log_group(logGroupName=request.physical_id)


ADAPTER = Adapter(
    type="AWS::Logs::LogGroup",
    properties=names("KmsKeyId LogGroupClass LogGroupName RetentionInDays Tags"),
    create=_create,
    update=_update,
    delete=_delete,
    name=NameRule("LogGroupName", 512),
    gone=names("ResourceNotFoundException"),
)
