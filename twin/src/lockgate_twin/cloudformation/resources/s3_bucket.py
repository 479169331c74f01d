"""AWS::S3::Bucket. Ref is the name. Not taken: notifications, replication, website, object lock, access control."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lockgate_twin.cloudformation.naming import NameRule
from lockgate_twin.cloudformation.resources.adapter import Adapter, Made, Request, exists, names, refuse_existing
from lockgate_twin.cloudformation.resources.s3_lifecycle import lifecycle_rules

_DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True)
class _Setting:
    """A property with a put call of its own: how to put it, and how to take it away."""

    property: str
    put: Callable[[Any, str, Any], Any]
    clear: Callable[[Any, str], Any]


def _encryption(value: Mapping[str, Any]) -> dict[str, Any]:
    rules = []
    for rule in value["ServerSideEncryptionConfiguration"]:
        renamed = {k: v for k, v in rule.items() if k != "ServerSideEncryptionByDefault"}
        rules.append({**renamed, "ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"]})
    return {"Rules": rules}


def _logging(value: Mapping[str, Any], bucket: str) -> dict[str, Any]:
    enabled = {
        "TargetBucket": value.get("DestinationBucketName", bucket),
        "TargetPrefix": value.get("LogFilePrefix", ""),
    }
    if "TargetObjectKeyFormat" in value:
        enabled["TargetObjectKeyFormat"] = value["TargetObjectKeyFormat"]
    return {"LoggingEnabled": enabled}


def _cors(value: Mapping[str, Any]) -> dict[str, Any]:
    renamed = {"Id": "ID", "ExposedHeaders": "ExposeHeaders", "MaxAge": "MaxAgeSeconds"}
    return {"CORSRules": [{renamed.get(k, k): v for k, v in rule.items()} for rule in value["CorsRules"]]}


_SETTINGS = (
    _Setting(
        "OwnershipControls",
        lambda s3, b, v: s3.put_bucket_ownership_controls(Bucket=b, OwnershipControls=v),
        lambda s3, b: s3.delete_bucket_ownership_controls(Bucket=b),
    ),
    _Setting(
        "PublicAccessBlockConfiguration",
        lambda s3, b, v: s3.put_public_access_block(Bucket=b, PublicAccessBlockConfiguration=v),
        lambda s3, b: s3.delete_public_access_block(Bucket=b),
    ),
    _Setting(
        "BucketEncryption",
        lambda s3, b, v: s3.put_bucket_encryption(Bucket=b, ServerSideEncryptionConfiguration=_encryption(v)),
        lambda s3, b: s3.delete_bucket_encryption(Bucket=b),
    ),
    _Setting(
        "VersioningConfiguration",
        lambda s3, b, v: s3.put_bucket_versioning(Bucket=b, VersioningConfiguration=v),
        lambda s3, b: s3.put_bucket_versioning(Bucket=b, VersioningConfiguration={"Status": "Suspended"}),
    ),
    _Setting(
        "LifecycleConfiguration",
        lambda s3, b, v: s3.put_bucket_lifecycle_configuration(Bucket=b, LifecycleConfiguration=lifecycle_rules(v)),
        lambda s3, b: s3.delete_bucket_lifecycle(Bucket=b),
    ),
    _Setting(
        "CorsConfiguration",
        lambda s3, b, v: s3.put_bucket_cors(Bucket=b, CORSConfiguration=_cors(v)),
        lambda s3, b: s3.delete_bucket_cors(Bucket=b),
    ),
    _Setting(
        "LoggingConfiguration",
        lambda s3, b, v: s3.put_bucket_logging(Bucket=b, BucketLoggingStatus=_logging(v, b)),
        lambda s3, b: s3.put_bucket_logging(Bucket=b, BucketLoggingStatus={}),
    ),
    _Setting(
        "Tags",
        lambda s3, b, v: s3.put_bucket_tagging(Bucket=b, Tagging={"TagSet": v}),
        lambda s3, b: s3.delete_bucket_tagging(Bucket=b),
    ),
)


def _create(request: Request) -> Made:
    s3, name = request.client("s3"), request.name
    found = exists(lambda: s3.head_bucket(Bucket=name), "404", "403", "NoSuchBucket", "AccessDenied")
    refuse_existing(name, found=found)
    place = {"CreateBucketConfiguration": {"LocationConstraint": request.region}}
    s3.create_bucket(Bucket=name, **({} if request.region == _DEFAULT_REGION else place))
    request.identify(name)
    _apply(request, name)
    return Made(name, _attributes(name, request.region))


def _attributes(name: str, region: str) -> dict[str, str]:
    return {
        "Arn": f"arn:aws:s3:::{name}",
        "DomainName": f"{name}.s3.amazonaws.com",
        "DualStackDomainName": f"{name}.s3.dualstack.{region}.amazonaws.com",
        "RegionalDomainName": f"{name}.s3.{region}.amazonaws.com",
        "WebsiteURL": f"http://{name}.s3-website-{region}.amazonaws.com",
    }


def _update(request: Request) -> Made:
    _apply(request, request.physical_id)
    return Made(request.physical_id)


def _apply(request: Request, bucket: str) -> None:
    s3 = request.client("s3")
    for setting in _SETTINGS:
        if request.changed(setting.property) and setting.property in request.properties:
            setting.put(s3, bucket, request.properties[setting.property])
        elif request.changed(setting.property):
            setting.clear(s3, bucket)


def _delete(request: Request) -> None:
    request.client("s3").delete_bucket(Bucket=request.physical_id)


ADAPTER = Adapter(
    type="AWS::S3::Bucket",
    properties=names("BucketName") | {setting.property for setting in _SETTINGS},
    create=_create,
    update=_update,
    delete=_delete,
    name=NameRule("BucketName", 63, lower=True),
    gone=names("NoSuchBucket"),
)
