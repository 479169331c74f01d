"""The condition keys of a request (IAM User Guide, "AWS global condition context keys"; service keys by service)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from lockgate_twin.authorization.special_cases import Asked
from lockgate_twin.moto_host import Role
from lockgate_twin.ports import Principal, utc_now

# Request member -> condition key, by service (Service Authorization Reference).
_MEMBERS: Mapping[str, Mapping[str, str]] = {
    "sagemaker": {"ModelApprovalStatus": "sagemaker:ModelApprovalStatus"},
    "s3": {"Prefix": "s3:prefix", "Delimiter": "s3:delimiter"},
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
    return {**boundary_of, **keys, **_tag_keys(asked.parameters)}


def resource_tag_keys(service: str, tags: Mapping[str, str]) -> dict[str, str]:
    """Return the keys that a resource's tags give: aws:ResourceTag and the service's own.

    S3 tells an object's tags as s3:ExistingObjectTag alone (Service Authorization Reference).
    """
    prefixes = ["s3:ExistingObjectTag"] if service == "s3" else ["aws:ResourceTag", f"{service}:ResourceTag"]
    return {f"{prefix}/{name}": value for prefix in prefixes for name, value in tags.items()}


def _tag_keys(parameters: Mapping[str, Any]) -> dict[str, Any]:
    tags = parameters.get("Tags") or parameters.get("tags")
    if isinstance(tags, list):
        pairs = [(t.get("Key") or t.get("key"), t.get("Value") or t.get("value")) for t in tags]
        tags = {str(k): v for k, v in pairs if k}
    if not isinstance(tags, Mapping) or not tags:
        return {}
    return {"aws:TagKeys": list(tags), **{f"aws:RequestTag/{k}": v for k, v in tags.items()}}
