"""S3's actions by request: versions, many keys at once, copies, tags, objects that are not there."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from lockgate_twin.core import Core

from tests.support.twin_server import client_of


@pytest.fixture(scope="module")
def bucket(core: Core) -> str:
    """Make a bucket that keeps versions."""
    s3, name = client_of(core, "s3"), f"bucket-{uuid.uuid4().hex[:10]}"
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


@pytest.fixture
def acting(core: Core, new_role: Callable[..., str]) -> Callable[..., Any]:
    """Act as a role that may do some actions: `acting("s3:GetObject", ...)` returns a client."""

    def client(*actions: str, **more: Any) -> Any:
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*", **more}
        return client_of(core, "s3", core.credentials.issue(new_role(statement), "me"))

    return client


def test_a_version_has_actions_of_its_own(core: Core, bucket: str, acting: Callable[..., Any]) -> None:
    """Source: S3 User Guide, "Required permissions": versionId means GetObjectVersion, DeleteObjectVersion."""
    version = client_of(core, "s3").put_object(Bucket=bucket, Key="v", Body=b"1")["VersionId"]
    named = {"Bucket": bucket, "Key": "v", "VersionId": version}
    plain, versioned = (
        acting("s3:GetObject", "s3:DeleteObject"),
        acting("s3:GetObjectVersion", "s3:DeleteObjectVersion"),
    )
    assert plain.get_object(Bucket=bucket, Key="v")["Body"].read() == b"1"
    for client, refused in ((plain, "s3:GetObjectVersion"), (versioned, "s3:GetObject ")):
        with pytest.raises(ClientError, match=refused):
            client.get_object(**(named if client is plain else {"Bucket": bucket, "Key": "v"}))
    with pytest.raises(ClientError, match="s3:DeleteObjectVersion"):
        plain.delete_object(**named)
    assert versioned.get_object(**named)["Body"].read() == b"1"
    versioned.delete_object(**named)


def test_of_many_keys_each_is_authorized(core: Core, bucket: str, acting: Callable[..., Any]) -> None:
    """Source: API Reference, DeleteObjects: what may not be deleted is an Error, the rest is deleted."""
    s3 = client_of(core, "s3")
    versions = {key: s3.put_object(Bucket=bucket, Key=key, Body=b"")["VersionId"] for key in ("in/a & b", "out/c")}
    client = acting("s3:DeleteObject", Resource=f"arn:aws:s3:::{bucket}/in/*")
    objects = [{"Key": "in/a & b"}, {"Key": "out/c"}, {"Key": "in/a & b", "VersionId": versions["in/a & b"]}]
    answer = client.delete_objects(Bucket=bucket, Delete={"Objects": objects})
    assert [d["Key"] for d in answer["Deleted"]] == ["in/a & b"]
    assert [(e["Key"], e["Code"], e.get("VersionId")) for e in answer["Errors"]] == [
        ("out/c", "AccessDenied", None),
        ("in/a & b", "AccessDenied", versions["in/a & b"]),
    ]
    assert s3.head_object(Bucket=bucket, Key="out/c")
    with pytest.raises(ClientError, match="404"):
        s3.head_object(Bucket=bucket, Key="in/a & b")
    s3.put_object(Bucket=bucket, Key="in/d", Body=b"")
    quiet = {"Objects": [{"Key": "in/d"}, {"Key": "out/c"}], "Quiet": True}
    assert [e["Key"] for e in client.delete_objects(Bucket=bucket, Delete=quiet)["Errors"]] == ["out/c"]
    nothing = client.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "out/c"}]})
    assert [e["Key"] for e in nothing["Errors"]] == ["out/c"]


def test_a_list_of_no_objects_is_malformed(bucket: str, acting: Callable[..., Any]) -> None:
    """Source: API Reference, DeleteObjects: 1 to 1000 keys."""
    with pytest.raises(ClientError, match="MalformedXML"):
        acting("s3:DeleteObject").delete_objects(Bucket=bucket, Delete={"Objects": []})


def test_a_copy_reads_its_source(core: Core, bucket: str, acting: Callable[..., Any]) -> None:
    """Source: API Reference, CopyObject: GetObject on the source, GetObjectVersion if it names a version."""
    version = client_of(core, "s3").put_object(Bucket=bucket, Key="source", Body=b"s")["VersionId"]
    writer = acting("s3:PutObject", "s3:GetObject")
    writer.copy_object(Bucket=bucket, Key="t", CopySource={"Bucket": bucket, "Key": "source"})
    with pytest.raises(ClientError, match="s3:GetObjectVersion"):
        writer.copy_object(Bucket=bucket, Key="t", CopySource={"Bucket": bucket, "Key": "source", "VersionId": version})
    with pytest.raises(ClientError, match="s3:GetObject "):
        acting("s3:PutObject").copy_object(Bucket=bucket, Key="t", CopySource={"Bucket": bucket, "Key": "source"})


def test_tags_and_acls_of_a_new_object_have_actions_of_their_own(bucket: str, acting: Callable[..., Any]) -> None:
    """Source: API Reference, PutObject: s3:PutObjectTagging and s3:PutObjectAcl; s3:RequestObjectTag is judged."""
    with pytest.raises(ClientError, match="s3:PutObjectTagging"):
        acting("s3:PutObject").put_object(Bucket=bucket, Key="t", Body=b"", Tagging="team=blue")
    with pytest.raises(ClientError, match="s3:PutObjectAcl"):
        acting("s3:PutObject").put_object(Bucket=bucket, Key="t", Body=b"", ACL="private")
    blue = acting("s3:Put*", Condition={"StringEquals": {"s3:RequestObjectTag/team": "blue"}})
    blue.put_object(Bucket=bucket, Key="t", Body=b"", Tagging="team=blue")
    with pytest.raises(ClientError, match="s3:PutObject"):
        blue.put_object(Bucket=bucket, Key="t", Body=b"", Tagging="team=red")


def test_only_who_may_list_learns_that_an_object_is_not_there(bucket: str, acting: Callable[..., Any]) -> None:
    """Source: API Reference, GetObject and HeadObject: 404 with s3:ListBucket, 403 without."""
    with pytest.raises(ClientError, match="NoSuchKey"):
        acting("s3:GetObject", "s3:ListBucket").get_object(Bucket=bucket, Key="none")
    with pytest.raises(ClientError, match=f"s3:ListBucket on resource: arn:aws:s3:::{bucket} "):
        acting("s3:GetObject").get_object(Bucket=bucket, Key="none")
    with pytest.raises(ClientError, match="403"):
        acting("s3:GetObject").head_object(Bucket=bucket, Key="none")


def test_a_grant_on_a_resource_means_nothing_for_an_action_without_resources(acting: Callable[..., Any]) -> None:
    """Source: Service Authorization Reference: such actions are granted by "Resource": "*" alone."""
    assert "Buckets" in acting("s3:ListAllMyBuckets").list_buckets()
    with pytest.raises(ClientError, match="s3:ListAllMyBuckets"):
        acting("s3:ListAllMyBuckets", Resource="arn:aws:s3:::*").list_buckets()


def test_a_grant_on_one_key_does_not_list_aliases(core: Core, new_role: Callable[..., str]) -> None:
    """kms:ListAliases has no resource level, though the request may name a key."""
    kms = client_of(core, "kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    for resource, works in ((key, False), ("*", True)):
        statement = {"Effect": "Allow", "Action": "kms:ListAliases", "Resource": resource}
        client = client_of(core, "kms", core.credentials.issue(new_role(statement), "me"))
        if works:
            assert client.list_aliases(KeyId=key)["Aliases"] == []
        else:
            with pytest.raises(ClientError, match="kms:ListAliases"):
                client.list_aliases(KeyId=key)
