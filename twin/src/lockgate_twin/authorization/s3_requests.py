"""What S3 requests ask for: which actions, on which objects, in which versions.

Source: Amazon S3 User Guide, "Required permissions for Amazon S3 API operations"; API Reference of each operation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from lockgate_twin.authorization.permission import Permission
from lockgate_twin.errors import ApiError

# Operation -> action, where they differ.
S3_ACTIONS = {
    "ListObjectsV2": "ListBucket",
    "ListObjects": "ListBucket",
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
    "ListObjectVersions": "ListBucketVersions",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "UploadPartCopy": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "CopyObject": "PutObject",
    "DeleteObjects": "DeleteObject",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "DeleteBucketEncryption": "PutEncryptionConfiguration",
    "ListBuckets": "ListAllMyBuckets",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "DeleteBucketTagging": "PutBucketTagging",
    "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
    "GetBucketCors": "GetBucketCORS",
    "PutBucketCors": "PutBucketCORS",
    "DeleteBucketCors": "PutBucketCORS",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListParts": "ListMultipartUploadParts",
}
# Action -> action on a version that the request names.
_VERSIONED = {
    "GetObject": "GetObjectVersion",
    "GetObjectAcl": "GetObjectVersionAcl",
    "GetObjectAttributes": "GetObjectVersionAttributes",
    "GetObjectTagging": "GetObjectVersionTagging",
    "PutObjectAcl": "PutObjectVersionAcl",
    "PutObjectTagging": "PutObjectVersionTagging",
    "DeleteObject": "DeleteObjectVersion",
    "DeleteObjectTagging": "DeleteObjectVersionTagging",
}
# Requests that may bring tags and an ACL, which have actions of their own.
_WRITES = frozenset({"PutObject", "CopyObject", "CreateMultipartUpload"})
_GRANTS = ("ACL", "GrantFullControl", "GrantRead", "GrantReadACP", "GrantWriteACP")
_COPIES = frozenset({"CopyObject", "UploadPartCopy"})
# Which operations need s3:PutObject, and whether each makes an object; the others make parts of one.
_MAKES = {
    **dict.fromkeys(("PutObject", "CopyObject", "CompleteMultipartUpload"), True),
    **dict.fromkeys(("CreateMultipartUpload", "UploadPart", "UploadPartCopy"), False),
}
WRITTEN_BY_A_SERVICE: Mapping[str, Any] = {"s3:ObjectCreationOperation": "true"}
"""The condition keys of a write that a service makes inside of the twin: one PutObject without a conditional header."""


@dataclass(frozen=True)
class Source:
    """What a copy reads: CopySource is "/bucket/key?versionId=...", URL-encoded, with or without the first slash."""

    bucket: str
    key: str
    version: str | None

    @property
    def arn(self) -> str:
        """Return the object's ARN."""
        return object_arn(self.bucket, self.key)


def s3_action(operation: str, parameters: Mapping[str, Any]) -> str:
    """Return the action's name of an S3 request, which may be one on a version."""
    name = S3_ACTIONS.get(operation, operation)
    return _VERSIONED.get(name, name) if parameters.get("VersionId") else name


def object_arn(bucket: str, key: str) -> str:
    """Return the ARN of an object."""
    return f"arn:aws:s3:::{bucket}/{key}"


def copy_source(operation: str, parameters: Mapping[str, Any]) -> Source | None:
    """Return what a copy reads, or None for a request that copies nothing."""
    given = str(parameters.get("CopySource") or "") if operation in _COPIES else ""
    if not given:
        return None
    path, _, query = given.partition("?")
    bucket, _, key = unquote(path).lstrip("/").partition("/")
    return Source(bucket.removeprefix("arn:aws:s3:::"), key, dict(parse_qsl(query)).get("versionId"))


def check_owners(operation: str, parameters: Mapping[str, Any], owner_of: Callable[[str], str | None]) -> None:
    """Check x-amz-expected-bucket-owner and x-amz-source-expected-bucket-owner.

    Source: Amazon S3 User Guide, "Verifying bucket ownership with bucket owner condition".

    Raises:
        ApiError: AccessDenied, a bucket is another account's.
    """
    source = copy_source(operation, parameters)
    named = {
        "ExpectedBucketOwner": str(parameters.get("Bucket") or ""),
        "ExpectedSourceBucketOwner": source.bucket if source else "",
    }
    for member, bucket in named.items():
        expected = parameters.get(member)
        if expected and (owner := owner_of(bucket)) and owner != expected:
            raise ApiError("AccessDenied", "Access Denied", 403)


def further_s3_permissions(operation: str, parameters: Mapping[str, Any]) -> Iterable[Permission]:
    """Return what a request needs besides its own action: the source of a copy, tags, an ACL."""
    if source := copy_source(operation, parameters):
        yield Permission("s3:GetObjectVersion" if source.version else "s3:GetObject", source.arn)
    bucket, key = parameters.get("Bucket"), parameters.get("Key")
    if operation in _WRITES and bucket and key:
        if parameters.get("Tagging"):
            yield Permission("s3:PutObjectTagging", object_arn(bucket, key))
        if any(parameters.get(name) for name in _GRANTS):
            yield Permission("s3:PutObjectAcl", object_arn(bucket, key))


def check_condition(operation: str, parameters: Mapping[str, Any]) -> None:
    """Refuse conditional writes that S3 does not know, before moto takes them for unconditional ones.

    Source: API Reference, PutObject: If-None-Match "expects the '*' (asterisk) character"; Amazon S3 User Guide,
    "Enforce conditional writes on Amazon S3 buckets": a CopyObject with If-None-Match or If-Match ends with 501.

    Raises:
        ApiError: NotImplemented.
    """
    wanted, copies = parameters.get("IfNoneMatch"), operation == "CopyObject"
    if wanted not in {None, "*"} or (copies and (wanted or parameters.get("IfMatch"))):
        raise ApiError("NotImplemented", "A header you provided implies functionality that is not implemented.", 501)


def s3_keys(operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the condition keys of a request's tags and of a conditional write."""
    return {**_tags(parameters), **_conditional_write(operation, parameters)}


def _conditional_write(operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Source: Amazon S3 User Guide, "Enforce conditional writes on Amazon S3 buckets"; reads have no such keys."""
    if operation not in _MAKES:
        return {}
    headers = {"s3:if-none-match": "IfNoneMatch", "s3:if-match": "IfMatch"} if _MAKES[operation] else {}
    keys = {key: parameters[name] for key, name in headers.items() if parameters.get(name)}
    return {"s3:ObjectCreationOperation": str(_MAKES[operation]).lower(), **keys}


def _tags(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys that the tags of a new object give (the header is a query string)."""
    given = parameters.get("Tagging")
    tags = dict(parse_qsl(given)) if isinstance(given, str) else {}
    if not tags:
        return {}
    return {"s3:RequestObjectTagKeys": list(tags), **{f"s3:RequestObjectTag/{k}": v for k, v in tags.items()}}
