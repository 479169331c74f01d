"""AWS::S3::BucketPolicy. Ref is the bucket's name; a bucket that has a policy already is refused."""

from __future__ import annotations

from lockgate_twin.cloudformation.resources.adapter import (
    Adapter,
    Made,
    Request,
    document,
    exists,
    names,
    refuse_existing,
)


def _create(request: Request) -> Made:
    s3, bucket = request.client("s3"), request.properties["Bucket"]
    found = exists(lambda: s3.get_bucket_policy(Bucket=bucket), "NoSuchBucketPolicy")
    refuse_existing(f"The bucket policy on bucket {bucket}", found=found)
    s3.put_bucket_policy(Bucket=bucket, Policy=document(request.properties["PolicyDocument"]))
    request.identify(bucket)
    return Made(bucket)


def _update(request: Request) -> Made:
    policy = document(request.properties["PolicyDocument"])
    request.client("s3").put_bucket_policy(Bucket=request.physical_id, Policy=policy)
    return Made(request.physical_id)


def _delete(request: Request) -> None:
    request.client("s3").delete_bucket_policy(Bucket=request.physical_id)


ADAPTER = Adapter(
    type="AWS::S3::BucketPolicy",
    properties=names("Bucket PolicyDocument"),
    create=_create,
    update=_update,
    delete=_delete,
    gone=names("NoSuchBucket NoSuchBucketPolicy"),
)
