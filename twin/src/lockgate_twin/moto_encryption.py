"""With which KMS keys moto's resources are encrypted, for authorization."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lockgate_twin.moto_host import backend_of
from lockgate_twin.moto_resources import key_arn

_KMS = frozenset({"aws:kms", "aws:kms:dsse"})


@dataclass(frozen=True, kw_only=True)
class Encryption:
    """How an object is, or is to be, encrypted with KMS: `key` as it was named (None: AWS's own key for S3)."""

    key: str | None
    bucket_key: bool
    owner: str
    region: str


@dataclass(frozen=True, kw_only=True)
class Target:
    """An object to write: what the request says about its encryption decides over the bucket's default."""

    bucket: str
    algorithm: str | None = None
    key: str | None = None
    bucket_key: bool | None = None


def encryption_of_new(target: Target) -> Encryption | None:
    """Return how a new object will be encrypted, or None without KMS.

    Source: Amazon S3 User Guide, "Specifying server-side encryption with AWS KMS (SSE-KMS)".
    """
    bucket = _bucket(target.bucket)
    if bucket is None:
        return None
    default = _default(bucket)
    algorithm = target.algorithm or default.get("SSEAlgorithm")
    if algorithm not in _KMS:
        return None
    # The default's key belongs to the default's algorithm: a request that names its own takes AWS's key.
    key = target.key or (default.get("KMSMasterKeyID") if default.get("SSEAlgorithm") in _KMS else None)
    shared = bool(default.get("BucketKeyEnabled")) if target.bucket_key is None else target.bucket_key
    return Encryption(key=key, bucket_key=shared, owner=bucket.account_id, region=bucket.region_name)


def encryption_of_object(bucket_name: str, key: str, version: str | None = None) -> Encryption | None:
    """Return how an object is encrypted, or None without KMS and for an object that does not exist."""
    bucket = _bucket(bucket_name)
    if bucket is None:
        return None
    versions = bucket.keys.getlist(key, [])
    found = [v for v in versions if version in {None, getattr(v, "version_id", None)}]
    return _recorded(bucket, found[-1]) if found else None


def encryption_of_upload(bucket_name: str, upload_id: str) -> Encryption | None:
    """Return how a multipart upload will be encrypted, or None."""
    bucket = _bucket(bucket_name)
    upload = bucket.multiparts.get(upload_id) if bucket is not None else None
    if bucket is None or upload is None:
        return None
    return encryption_of_new(
        Target(bucket=bucket_name, algorithm=upload.sse_encryption or None, key=upload.kms_key_id or None)
    )


def queue_key(arn: str) -> str | None:
    """Return the key that an SQS queue names, or None."""
    _, _, _, region, account, name = arn.split(":", 5)
    queue = backend_of("sqs", account, region).queues.get(name)
    return str(queue.kms_master_key_id) if queue is not None and queue.kms_master_key_id else None


def topic_key(arn: str) -> str | None:
    """Return the key that an SNS topic names, or None."""
    _, _, _, region, account, _ = arn.split(":", 5)
    topic = backend_of("sns", account, region).topics.get(arn)
    return str(topic.kms_master_key_id) if topic is not None and topic.kms_master_key_id else None


def key_of_ciphertext(blob: Any, region: str) -> str | None:
    """Return the ARN of the key that a ciphertext names in its header, whosever it is, or None."""
    from moto.backends import get_backend
    from moto.kms.utils import _deserialize_ciphertext_blob

    try:
        key_id = _deserialize_ciphertext_blob(bytes(blob)).key_id
    except Exception:  # noqa: BLE001 - moto's parser fails in many ways on bytes that are no ciphertext
        return None
    accounts = list(get_backend("kms"))
    return next((arn for account in accounts if (arn := key_arn(account, region, key_id))), None)


def _recorded(bucket: Any, entry: Any) -> Encryption | None:
    if getattr(entry, "encryption", None) not in _KMS:
        return None
    shared = str(entry.bucket_key_enabled).lower() == "true"
    return Encryption(key=entry.kms_key_id, bucket_key=shared, owner=bucket.account_id, region=bucket.region_name)


def _default(bucket: Any) -> Mapping[str, Any]:
    rule = (bucket.encryption or {}).get("Rule") or {}
    shared = str(rule.get("BucketKeyEnabled", "false")).lower() == "true"
    return {**(rule.get("ApplyServerSideEncryptionByDefault") or {}), "BucketKeyEnabled": shared}


def _bucket(name: str) -> Any:
    from moto.s3.models import s3_backends

    _, account = s3_backends.bucket_accounts.get(name, ("", ""))
    for owner in [account] if account else list(s3_backends):
        if name in s3_backends[owner]["aws"].buckets:
            return s3_backends[owner]["aws"].buckets[name]
    return None
