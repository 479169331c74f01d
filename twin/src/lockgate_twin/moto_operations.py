"""Which operations moto implements, read from moto itself: everything else is refused by name.

It matters most for S3, whose operations differ by a query argument: moto takes a `GET ?analytics`, which it does not
know, for a listing of the bucket.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

S3_WITHOUT_A_METHOD = frozenset(
    {
        "CompleteMultipartUpload",
        "CreateBucket",
        "CreateMultipartUpload",
        "DeleteObjects",
        "GetBucketLifecycleConfiguration",
        "GetBucketNotificationConfiguration",
        "GetBucketTagging",
        "ListBuckets",
        "PutBucketAccelerateConfiguration",
        "PutBucketAcl",
        "PutBucketCors",
        "PutBucketEncryption",
        "PutBucketInventoryConfiguration",
        "PutBucketLifecycle",
        "PutBucketLifecycleConfiguration",
        "PutBucketLogging",
        "PutBucketNotification",
        "PutBucketNotificationConfiguration",
        "PutBucketOwnershipControls",
        "PutBucketPolicy",
        "PutBucketReplication",
        "PutBucketTagging",
        "PutBucketVersioning",
        "PutBucketWebsite",
        "PutObjectLockConfiguration",
        "PutPublicAccessBlock",
    }
)
"""S3 operations that moto serves in methods of other names."""


@cache
def kept(service: str) -> frozenset[str]:
    """Return the operations of a service that moto implements.

    moto names the method behind an operation after it (`put_rule` for PutRule), on the class that its URLs lead to.
    """
    from botocore import xform_name
    from moto.core.utils import get_service_model

    paths = import_module(f"moto.{service}.urls").url_paths
    classes = {_owner(handler) for handler in paths.values()}
    named = {
        operation
        for operation in get_service_model(service).operation_names
        if any(callable(getattr(owner, xform_name(operation), None)) for owner in classes)
    }
    return frozenset(named | (S3_WITHOUT_A_METHOD if service == "s3" else frozenset()))


def refused(service: str) -> frozenset[str]:
    """Return the operations of a service that moto does not implement."""
    from moto.core.utils import get_service_model

    return frozenset(get_service_model(service).operation_names) - kept(service)


def _owner(handler: Any) -> Any:
    return getattr(handler, "__self__", handler)
