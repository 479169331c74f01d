"""Buckets and keys across accounts (S3 and KMS User Guides, the pages on other accounts)."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.twin.accounts.several import ANYTHING, HUB, PRODUCTION, REGION, STAGING, Accounts, document


def bucket_of_hub(accounts: Accounts, *statements: dict[str, Any]) -> str:
    """Make a bucket of the hub with one object."""
    name = f"bucket-{uuid.uuid4().hex[:10]}"
    s3 = accounts.administrator(HUB, "s3")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="k", Body=b"hub")
    if statements:
        filled = [{**s, "Resource": s["Resource"].replace("BUCKET", name)} for s in statements]
        s3.put_bucket_policy(Bucket=name, Policy=document(*filled))
    return name


def open_bucket(principal: str, **more: Any) -> dict[str, Any]:
    """Return a statement that opens a bucket's objects."""
    actions = ["s3:GetObject", "s3:PutObject"]
    return {
        "Effect": "Allow",
        "Principal": {"AWS": principal},
        "Action": actions,
        "Resource": "arn:aws:s3:::BUCKET/*",
    } | more


def test_both_sides_must_allow_an_object_to_be_read(accounts: Accounts) -> None:
    """Neither the bucket's policy nor the caller's alone is enough; together they are."""
    rich, poor = accounts.role(STAGING, ANYTHING), accounts.role(STAGING)
    closed, opened = bucket_of_hub(accounts), bucket_of_hub(accounts, open_bucket(f"arn:aws:iam::{STAGING}:root"))
    for role, bucket in ((rich, closed), (poor, opened)):
        with pytest.raises(ClientError, match="AccessDenied"):
            accounts.session(role, "s3").get_object(Bucket=bucket, Key="k")
    assert accounts.session(rich, "s3").get_object(Bucket=opened, Key="k")["Body"].read() == b"hub"
    with pytest.raises(ClientError, match="AccessDenied"):
        accounts.administrator(PRODUCTION, "s3").get_object(Bucket=opened, Key="k")


def test_what_another_account_writes_is_the_bucket_owners(accounts: Accounts) -> None:
    """BucketOwnerEnforced, the default: the object lies in the hub's bucket and the hub reads it."""
    bucket = bucket_of_hub(accounts, open_bucket(f"arn:aws:iam::{STAGING}:root"))
    accounts.administrator(STAGING, "s3").put_object(Bucket=bucket, Key="theirs", Body=b"staging")
    hub = accounts.administrator(HUB, "s3")
    assert hub.get_object(Bucket=bucket, Key="theirs")["Body"].read() == b"staging"


def test_the_expected_owner_of_a_bucket_is_checked(accounts: Accounts) -> None:
    """Page "Verifying bucket ownership with bucket owner condition": another owner is AccessDenied."""
    s3 = accounts.administrator(HUB, "s3")
    bucket = bucket_of_hub(accounts)
    assert s3.get_object(Bucket=bucket, Key="k", ExpectedBucketOwner=HUB)
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.get_object(Bucket=bucket, Key="k", ExpectedBucketOwner=STAGING)
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/k", ExpectedSourceBucketOwner=STAGING)


def test_a_buckets_name_is_taken_in_all_accounts(accounts: Accounts) -> None:
    """Names of buckets are global."""
    bucket = bucket_of_hub(accounts)
    with pytest.raises(ClientError, match="BucketAlreadyExists"):
        accounts.administrator(STAGING, "s3").create_bucket(Bucket=bucket)


def test_only_the_owner_changes_a_buckets_policy(accounts: Accounts) -> None:
    """API Reference, PutBucketPolicy: the caller must belong to the bucket owner's account."""
    everything = open_bucket(f"arn:aws:iam::{STAGING}:root", Action="s3:*", Resource="arn:aws:s3:::BUCKET")
    bucket = bucket_of_hub(accounts, everything)
    staging = accounts.administrator(STAGING, "s3")
    assert staging.list_objects_v2(Bucket=bucket)["KeyCount"] == 1
    with pytest.raises(ClientError, match="s3:PutBucketPolicy"):
        staging.put_bucket_policy(Bucket=bucket, Policy=document())


def test_the_resources_account_is_a_condition_key(accounts: Accounts) -> None:
    """aws:ResourceAccount keeps a role of staging from writing into other accounts."""
    bucket = bucket_of_hub(accounts, open_bucket(f"arn:aws:iam::{STAGING}:root"))
    inside = {"StringEquals": {"aws:ResourceAccount": STAGING}}
    anywhere, at_home = accounts.role(STAGING, ANYTHING), accounts.role(STAGING, {**ANYTHING, "Condition": inside})
    assert accounts.session(anywhere, "s3").put_object(Bucket=bucket, Key="a", Body=b"")
    with pytest.raises(ClientError, match="s3:PutObject"):
        accounts.session(at_home, "s3").put_object(Bucket=bucket, Key="b", Body=b"")


def test_a_key_is_used_across_accounts_by_both_sides_consent(accounts: Accounts) -> None:
    """KMS Developer Guide, "Allowing users in other accounts to use a KMS key": only operations of use."""
    hub = accounts.administrator(HUB, "kms")
    own = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{HUB}:root"}, "Action": "kms:*", "Resource": "*"}
    theirs = {**own, "Principal": {"AWS": f"arn:aws:iam::{STAGING}:root"}}
    key = hub.create_key(Policy=document(own, theirs))["KeyMetadata"]["Arn"]
    closed = hub.create_key(Policy=document(own))["KeyMetadata"]["Arn"]
    staging = accounts.session(accounts.role(STAGING, ANYTHING), "kms")
    secret = staging.encrypt(KeyId=key, Plaintext=b"s")["CiphertextBlob"]
    assert staging.decrypt(CiphertextBlob=secret)["Plaintext"] == b"s"
    assert hub.decrypt(CiphertextBlob=secret)["KeyId"] == key
    for refused in (
        lambda: staging.encrypt(KeyId=closed, Plaintext=b"s"),
        lambda: staging.schedule_key_deletion(KeyId=key),
        lambda: accounts.session(accounts.role(STAGING), "kms").encrypt(KeyId=key, Plaintext=b"s"),
        lambda: accounts.administrator(PRODUCTION, "kms").decrypt(CiphertextBlob=secret),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            refused()


def test_aws_own_key_opens_nothing_to_other_accounts(accounts: Accounts) -> None:
    """S3 User Guide: objects under aws/s3 cannot be shared, whatever the bucket's policy says."""
    bucket = bucket_of_hub(accounts, open_bucket(f"arn:aws:iam::{STAGING}:root"))
    hub = accounts.administrator(HUB, "s3")
    hub.put_object(Bucket=bucket, Key="managed", Body=b"m", ServerSideEncryption="aws:kms")
    assert hub.get_object(Bucket=bucket, Key="managed")["Body"].read() == b"m"
    with pytest.raises(ClientError, match="kms:Decrypt"):
        accounts.administrator(STAGING, "s3").get_object(Bucket=bucket, Key="managed")


def test_reencrypting_takes_from_one_key_and_to_another(accounts: Accounts) -> None:
    """KMS API Reference, ReEncrypt: kms:ReEncryptFrom on the old key, kms:ReEncryptTo on the new one."""
    hub = accounts.administrator(HUB, "kms")
    old, new = (hub.create_key()["KeyMetadata"]["Arn"] for _ in range(2))
    secret = hub.encrypt(KeyId=old, Plaintext=b"s")["CiphertextBlob"]
    grants = [
        {"Effect": "Allow", "Action": a, "Resource": k}
        for a, k in (("kms:ReEncryptFrom", old), ("kms:ReEncryptTo", new))
    ]
    both = accounts.session(accounts.role(HUB, *grants), "kms")
    assert both.re_encrypt(CiphertextBlob=secret, DestinationKeyId=new)["KeyId"] == new
    with pytest.raises(ClientError, match="kms:ReEncryptTo"):
        accounts.session(accounts.role(HUB, grants[0]), "kms").re_encrypt(CiphertextBlob=secret, DestinationKeyId=new)


def test_a_log_group_takes_a_key_that_lets_cloudwatch_logs(accounts: Accounts) -> None:
    """CloudWatch Logs User Guide, "Encrypt log data": the key's policy names the service and the group as context."""
    kms, logs = accounts.administrator(HUB, "kms"), accounts.administrator(HUB, "logs")
    own = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{HUB}:root"}, "Action": "kms:*", "Resource": "*"}
    service = {
        "Effect": "Allow",
        "Principal": {"Service": f"logs.{REGION}.amazonaws.com"},
        "Action": ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey"],
        "Resource": "*",
        "Condition": {
            "ArnEquals": {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:{REGION}:{HUB}:log-group:/ours"}
        },
    }
    key = kms.create_key(Policy=document(own, service))["KeyMetadata"]["Arn"]
    logs.create_log_group(logGroupName="/ours", kmsKeyId=key)
    with pytest.raises(ClientError, match=r"is not allowed to be used with Arn .*log-group:/other"):
        logs.create_log_group(logGroupName="/other", kmsKeyId=key)
