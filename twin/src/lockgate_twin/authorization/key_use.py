"""What a request needs of KMS keys, because S3, SQS, SNS and SSM use a customer's key as the caller.

Sources: Amazon S3 User Guide, "Using server-side encryption with AWS KMS keys" and "Multipart upload API and
permissions"; SQS Developer Guide, "Key management"; SNS Developer Guide, "Managing Amazon SNS encryption keys and
costs"; KMS Developer Guide, "AWS KMS condition keys". AWS's own keys (aws/s3, aws/sqs) may be used by everybody of
their account through their service, and by nobody of another account ("AWS managed keys").

Assumption: AWS asks for kms:Decrypt at UploadPart and at CompleteMultipartUpload, for kms:GenerateDataKey at
CreateMultipartUpload.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from lockgate_twin.authorization.permission import Permission
from lockgate_twin.authorization.s3_requests import copy_source, object_arn
from lockgate_twin.authorization.special_cases import Asked
from lockgate_twin.moto_encryption import (
    Encryption,
    Target,
    encryption_of_new,
    encryption_of_object,
    encryption_of_upload,
    queue_key,
    topic_key,
)
from lockgate_twin.moto_resources import key_arn

DECRYPT, DATA_KEY = "kms:Decrypt", "kms:GenerateDataKey"


@dataclass(frozen=True)
class Use:
    """A service that uses a key for a caller: `context` names what is encrypted."""

    service: str
    region: str
    caller: str
    context: tuple[str, str]

    def of(self, action: str, arn: str) -> Permission:
        """Return the permission that the caller needs."""
        name, value = self.context
        keys = {
            "kms:ViaService": f"{self.service}.{self.region}.amazonaws.com",
            "kms:CallerAccount": self.caller,
            f"kms:EncryptionContext:{name}": value,
            "kms:EncryptionContextKeys": [name],
            "aws:ViaAWSService": "true",
        }
        return Permission(action, arn, keys)


def key_permissions(asked: Asked) -> Iterable[Permission]:
    """Return what a public API call needs of keys."""
    if asked.service == "s3":
        handler = _S3.get(asked.operation)
        return handler(asked) if handler else ()
    actions = _ACTIONS.get((asked.service, asked.operation), ())
    return _messaging(asked, actions) if actions else ()


def read_permissions(caller: str, bucket: str, key: str, version: str | None = None) -> Iterable[Permission]:
    """Return what reading an object needs of its key."""
    return _object_key(DECRYPT, caller, encryption_of_object(bucket, key, version), object_arn(bucket, key))


def write_permissions(caller: str, target: Target, key: str) -> Iterable[Permission]:
    """Return what writing an object needs of its key."""
    return _object_key(DATA_KEY, caller, encryption_of_new(target), object_arn(target.bucket, key))


def queue_permissions(arn: str, caller: str = "") -> Iterable[Permission]:
    """Return what sending to a queue needs of its key; of AWS's own key, nothing."""
    name = queue_key(arn)
    _, _, _, region, owner, _ = arn.split(":", 5)
    key = _customers_key(name, "aws/sqs", owner, region, caller or owner) if name else None
    if key is not None:
        yield from (Use("sqs", region, caller or owner, ("aws:sqs:arn", arn)).of(action, key) for action in _SEND)


def _object_key(action: str, caller: str, how: Encryption | None, arn: str) -> Iterable[Permission]:
    if how is None:
        return
    # With a bucket key, the context is the bucket's ARN ("Reducing the cost of SSE-KMS with Amazon S3 Bucket Keys").
    encrypted = arn.partition("/")[0] if how.bucket_key else arn
    key = _customers_key(how.key, "aws/s3", how.owner, how.region, caller)
    if key is not None:
        yield Use("s3", how.region, caller, ("aws:s3:arn", encrypted)).of(action, key)


def _customers_key(name: str | None, own: str, owner: str, region: str, caller: str) -> str | None:
    """Return the key's ARN, or None where a caller may use AWS's own key."""
    if name is None or name.removeprefix("alias/") == own or name.endswith(f":alias/{own}"):
        return None if caller == owner else f"arn:aws:kms:{region}:{owner}:alias/{own}"
    if found := key_arn(owner, region, name):
        return found
    return name if name.startswith("arn:") else f"arn:aws:kms:{region}:{owner}:key/{name}"


def _get(asked: Asked) -> Iterable[Permission]:
    p = asked.parameters
    return read_permissions(asked.account, p["Bucket"], p["Key"], p.get("VersionId"))


def _put(asked: Asked) -> Iterable[Permission]:
    p = asked.parameters
    named = p.get("SSEKMSKeyId")
    shared = p.get("BucketKeyEnabled")
    target = Target(
        bucket=p["Bucket"],
        algorithm=p.get("ServerSideEncryption"),
        # A key that a request names is the caller's own, unless it is an ARN.
        key=(asked.key_arn(named) or named) if named else None,
        bucket_key=None if shared is None else str(shared).lower() == "true",
    )
    return write_permissions(asked.account, target, p["Key"])


def _copy(asked: Asked) -> Iterable[Permission]:
    if source := copy_source(asked.operation, asked.parameters):
        yield from read_permissions(asked.account, source.bucket, source.key, source.version)
    yield from _part(asked) if asked.operation == "UploadPartCopy" else _put(asked)


def _part(asked: Asked) -> Iterable[Permission]:
    p = asked.parameters
    how = encryption_of_upload(p["Bucket"], str(p.get("UploadId") or ""))
    return _object_key(DECRYPT, asked.account, how, object_arn(p["Bucket"], p["Key"]))


_S3: dict[str, Callable[[Asked], Iterable[Permission]]] = {
    "GetObject": _get,
    "SelectObjectContent": _get,
    "PutObject": _put,
    "CreateMultipartUpload": _put,
    "CopyObject": _copy,
    "UploadPartCopy": _copy,
    "UploadPart": _part,
    "CompleteMultipartUpload": _part,
}
_SEND = (DATA_KEY, DECRYPT)
_ACTIONS = {
    ("sqs", "SendMessage"): _SEND,
    ("sqs", "SendMessageBatch"): _SEND,
    ("sqs", "ReceiveMessage"): (DECRYPT,),
    ("sns", "Publish"): _SEND,
    ("sns", "PublishBatch"): _SEND,
}


def _messaging(asked: Asked, actions: tuple[str, ...]) -> Iterable[Permission]:
    arn = asked.queue_arn() if asked.service == "sqs" else str(asked.flat.get("topicarn") or "")
    if not arn:
        return
    name = queue_key(arn) if asked.service == "sqs" else topic_key(arn)
    _, _, _, region, owner, _ = arn.split(":", 5)
    key = _customers_key(name, f"aws/{asked.service}", owner, region, asked.account) if name else None
    if key is not None:
        context = ("aws:sqs:arn" if asked.service == "sqs" else "aws:sns:topicArn", arn)
        yield from (Use(asked.service, region, asked.account, context).of(action, key) for action in actions)
