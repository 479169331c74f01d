"""The artifact bucket: everything a project's pipelines and jobs read and write."""

from __future__ import annotations

from typing import Any

from aws_cdk import CfnDeletionPolicy, CfnResource, Fn, Stack
from aws_cdk import aws_s3 as s3

from templates import hub, names
from templates.settings import Settings


def add_artifact_bucket(stack: Stack, settings: Settings) -> s3.CfnBucket:
    """Make the bucket: private, encrypted with the hub's key, versioned, logged, TLS-only, kept after the project."""
    bucket = s3.CfnBucket(
        stack,
        "ArtifactBucket",
        bucket_name=Fn.sub(names.BUCKET),
        bucket_encryption=_encryption(),
        lifecycle_configuration=_lifecycle(settings),
        logging_configuration=s3.CfnBucket.LoggingConfigurationProperty(
            destination_bucket_name=hub.value(hub.Setting.LOG_BUCKET_NAME), log_file_prefix=Fn.sub(f"{names.BUCKET}/")
        ),
        ownership_controls=s3.CfnBucket.OwnershipControlsProperty(
            rules=[s3.CfnBucket.OwnershipControlsRuleProperty(object_ownership="BucketOwnerEnforced")]
        ),
        public_access_block_configuration=s3.CfnBucket.PublicAccessBlockConfigurationProperty(
            block_public_acls=True, block_public_policy=True, ignore_public_acls=True, restrict_public_buckets=True
        ),
        versioning_configuration=s3.CfnBucket.VersioningConfigurationProperty(status="Enabled"),
    )
    policy = s3.CfnBucketPolicy(stack, "ArtifactBucketPolicy", bucket=bucket.ref, policy_document=_tls_only(bucket))
    keep(bucket)
    keep(policy)
    return bucket


def keep(resource: CfnResource) -> None:
    """Keep what holds people's work when the project is deleted, but not when making the project fails."""
    resource.cfn_options.deletion_policy = CfnDeletionPolicy.RETAIN_EXCEPT_ON_CREATE
    resource.cfn_options.update_replace_policy = CfnDeletionPolicy.RETAIN


def _encryption() -> s3.CfnBucket.BucketEncryptionProperty:
    default = s3.CfnBucket.ServerSideEncryptionByDefaultProperty(
        sse_algorithm="aws:kms", kms_master_key_id=hub.value(hub.Setting.KMS_KEY_ARN)
    )
    rule = s3.CfnBucket.ServerSideEncryptionRuleProperty(
        bucket_key_enabled=True, server_side_encryption_by_default=default
    )
    return s3.CfnBucket.BucketEncryptionProperty(server_side_encryption_configuration=[rule])


def _lifecycle(settings: Settings) -> s3.CfnBucket.LifecycleConfigurationProperty:
    rule = s3.CfnBucket.RuleProperty(
        id="RemoveLeftovers",
        status="Enabled",
        abort_incomplete_multipart_upload=s3.CfnBucket.AbortIncompleteMultipartUploadProperty(
            days_after_initiation=settings.incomplete_upload_days
        ),
        noncurrent_version_expiration=s3.CfnBucket.NoncurrentVersionExpirationProperty(
            noncurrent_days=settings.noncurrent_version_days
        ),
    )
    return s3.CfnBucket.LifecycleConfigurationProperty(rules=[rule])


def _tls_only(bucket: s3.CfnBucket) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "TlsOnly",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [bucket.attr_arn, Fn.sub("${ArtifactBucket.Arn}/*")],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    }
