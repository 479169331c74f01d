"""The condition keys of a request (IAM User Guide, "AWS global condition context keys"; service keys by service)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from lockgate_twin.authorization.s3_requests import s3_keys
from lockgate_twin.authorization.sagemaker_keys import sagemaker_keys
from lockgate_twin.authorization.special_cases import Asked
from lockgate_twin.moto_host import Role
from lockgate_twin.ports import Principal, utc_now

# Request member -> condition key, by service (Service Authorization Reference).
_MEMBERS: Mapping[str, Mapping[str, str]] = {
    "s3": {
        "Prefix": "s3:prefix",
        "Delimiter": "s3:delimiter",
        "MaxKeys": "s3:max-keys",
        "VersionId": "s3:VersionId",
        "ACL": "s3:x-amz-acl",
        "CopySource": "s3:x-amz-copy-source",
        "MetadataDirective": "s3:x-amz-metadata-directive",
        "ObjectOwnership": "s3:x-amz-object-ownership",
        "StorageClass": "s3:x-amz-storage-class",
        "ServerSideEncryption": "s3:x-amz-server-side-encryption",
        "SSEKMSKeyId": "s3:x-amz-server-side-encryption-aws-kms-key-id",
    },
    "iam": {"PermissionsBoundary": "iam:PermissionsBoundary", "PolicyArn": "iam:PolicyARN"},
    "cloudwatch": {"Namespace": "cloudwatch:namespace"},
    "cloudformation": {"RoleARN": "cloudformation:RoleArn", "TemplateURL": "cloudformation:TemplateUrl"},
    "lambda": {"Principal": "lambda:Principal"},
    "sts": {"RoleSessionName": "sts:RoleSessionName", "ExternalId": "sts:ExternalId"},
}


def global_keys(principal: Principal, role: Role | None, region: str) -> dict[str, Any]:
    """Return the keys that every request carries.

    Assumption: on the loopback interface, which nobody else can listen to, aws:SecureTransport is true.
    """
    tags = {f"aws:PrincipalTag/{k}": v for k, v in role.tags.items()} if role else {}
    return {
        "aws:RequestedRegion": region,
        "aws:PrincipalArn": principal.role_arn or principal.arn,
        "aws:PrincipalAccount": principal.account,
        "aws:PrincipalType": "AssumedRole" if principal.role_arn else "User",
        "aws:SecureTransport": "true",
        "aws:SourceIp": "127.0.0.1",
        "aws:CurrentTime": utc_now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:EpochTime": str(int(time.time())),
        "aws:ViaAWSService": "false",
        **tags,
    }


def request_keys(asked: Asked, boundary_of: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys that this request's members give; `boundary_of` are the named role's own keys."""
    members = _MEMBERS.get(asked.service, {})
    keys = {key: asked.parameters[name] for name, key in members.items() if asked.parameters.get(name)}
    if own := _SERVICE_KEYS.get(asked.service):
        keys |= own(asked)
    return {**boundary_of, **keys, **_tag_keys(asked.parameters)}


def resource_tag_keys(service: str, tags: Mapping[str, str]) -> dict[str, str]:
    """Return the keys that a resource's tags give: aws:ResourceTag and the service's own.

    S3 tells an object's tags as s3:ExistingObjectTag alone (Service Authorization Reference).
    """
    prefixes = ["s3:ExistingObjectTag"] if service == "s3" else ["aws:ResourceTag", f"{service}:ResourceTag"]
    return {f"{prefix}/{name}": value for prefix in prefixes for name, value in tags.items()}


def _tag_keys(parameters: Mapping[str, Any]) -> dict[str, Any]:
    if removed := parameters.get("TagKeys") or parameters.get("tagKeys"):
        return {"aws:TagKeys": list(removed)}
    tags = parameters.get("Tags") or parameters.get("tags")
    if isinstance(tags, list):
        pairs = [(t.get("Key") or t.get("key"), t.get("Value") or t.get("value")) for t in tags]
        tags = {str(k): v for k, v in pairs if k}
    if not isinstance(tags, Mapping) or not tags:
        return {}
    return {"aws:TagKeys": list(tags), **{f"aws:RequestTag/{k}": v for k, v in tags.items()}}


def _kms_keys(asked: Asked) -> dict[str, Any]:
    """Return the keys of a direct call to KMS (KMS Developer Guide, "AWS KMS condition keys")."""
    context, named = asked.parameters.get("EncryptionContext") or {}, str(asked.parameters.get("KeyId") or "")
    keys: dict[str, Any] = {f"kms:EncryptionContext:{name}": value for name, value in context.items()}
    keys["kms:CallerAccount"] = asked.account
    if context:
        keys["kms:EncryptionContextKeys"] = list(context)
    alias = named.rpartition(":")[2]
    return {**keys, "kms:RequestAlias": alias} if alias.startswith("alias/") else keys


_SERVICE_KEYS: Mapping[str, Callable[[Asked], Mapping[str, Any]]] = {
    "s3": lambda asked: s3_keys(asked.operation, asked.parameters),
    "kms": _kms_keys,
    "sagemaker": lambda asked: sagemaker_keys(
        asked.operation, asked.parameters, lambda name: asked.arn("sagemaker", f"model/{name}")
    ),
}
