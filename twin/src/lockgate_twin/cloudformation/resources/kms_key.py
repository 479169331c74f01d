"""AWS::KMS::Key. Ref is the key id; deletion is scheduled, 30 days unless PendingWindowInDays says otherwise."""

from __future__ import annotations

from lockgate_twin.cloudformation.failures import HandlerFailed
from lockgate_twin.cloudformation.resources.adapter import Adapter, Made, Request, document, ignoring, names

_CREATE_ONLY = ("KeySpec", "KeyUsage", "MultiRegion", "Origin")


def _create(request: Request) -> Made:
    kms = request.client("kms")
    values = request.pick("Description", "BypassPolicyLockoutSafetyCheck", *_CREATE_ONLY)
    if "KeyPolicy" in request.properties:
        values["Policy"] = document(request.properties["KeyPolicy"])
    if request.properties.get("Tags"):
        values["Tags"] = [{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in request.properties["Tags"]]
    metadata = kms.create_key(**values)["KeyMetadata"]
    key_id = metadata["KeyId"]
    request.identify(key_id)
    if request.properties.get("EnableKeyRotation"):
        kms.enable_key_rotation(KeyId=key_id, **request.pick("RotationPeriodInDays"))
    if request.properties.get("Enabled") is False:
        kms.disable_key(KeyId=key_id)
    return Made(key_id, {"Arn": metadata["Arn"], "KeyId": key_id})


def _update(request: Request) -> Made:
    kms, key_id = request.client("kms"), request.physical_id
    if request.changed(*_CREATE_ONLY):
        raise HandlerFailed(f"You cannot change {', '.join(_CREATE_ONLY)} of an existing key.", "NotUpdatable")
    if request.changed("KeyPolicy") and "KeyPolicy" in request.properties:
        kms.put_key_policy(KeyId=key_id, PolicyName="default", Policy=document(request.properties["KeyPolicy"]))
    if request.changed("Description"):
        kms.update_key_description(KeyId=key_id, Description=request.properties.get("Description", ""))
    if request.changed("EnableKeyRotation", "RotationPeriodInDays"):
        _change_rotation(request, key_id)
    if request.changed("Enabled"):
        act = kms.disable_key if request.properties.get("Enabled") is False else kms.enable_key
        act(KeyId=key_id)
    _change_tags(request, key_id)
    return Made(key_id)


def _change_rotation(request: Request, key_id: str) -> None:
    if request.properties.get("EnableKeyRotation"):
        request.client("kms").enable_key_rotation(KeyId=key_id, **request.pick("RotationPeriodInDays"))
    else:
        request.client("kms").disable_key_rotation(KeyId=key_id)


def _change_tags(request: Request, key_id: str) -> None:
    added, removed = request.tag_changes
    if added:
        tags = [{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in added]
        request.client("kms").tag_resource(KeyId=key_id, Tags=tags)
    if removed:
        request.client("kms").untag_resource(KeyId=key_id, TagKeys=removed)


def _delete(request: Request) -> None:
    window = int(request.properties.get("PendingWindowInDays", 30))
    with ignoring("KMSInvalidStateException"):  # is pending deletion already
        request.client("kms").schedule_key_deletion(KeyId=request.physical_id, PendingWindowInDays=window)


ADAPTER = Adapter(
    type="AWS::KMS::Key",
    properties=names(
        "BypassPolicyLockoutSafetyCheck Description EnableKeyRotation Enabled KeyPolicy KeySpec KeyUsage MultiRegion"
        " Origin PendingWindowInDays RotationPeriodInDays Tags"
    ),
    create=_create,
    update=_update,
    delete=_delete,
    gone=names("NotFoundException"),
)
