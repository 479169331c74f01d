"""S3's actions by request: versions, many keys at once, copies, tags, objects that are not there."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError
from lockgate_twin.core import Core
from lockgate_twin.errors import ApiError

from tests.support.twin_server import client_of

DENIED = r"AccessDenied.*explicit deny"


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


@pytest.fixture
def write_once(core: Core, bucket: str) -> Iterator[str]:
    """A bucket whose keys below `once/` take conditional writes alone; `whole/` spares the parts of an upload."""
    unconditional = {"Null": {"s3:if-none-match": "true"}}
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject"}
    made = {"Bool": {"s3:ObjectCreationOperation": "true"}}
    once = {**deny, "Resource": f"arn:aws:s3:::{bucket}/once/*", "Condition": unconditional}
    whole = {**deny, "Resource": f"arn:aws:s3:::{bucket}/whole/*", "Condition": unconditional | made}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [once, whole]})
    client_of(core, "s3").put_bucket_policy(Bucket=bucket, Policy=policy)
    yield bucket
    client_of(core, "s3").delete_bucket_policy(Bucket=bucket)


def test_a_bucket_may_insist_on_conditional_writes(write_once: str, acting: Callable[..., Any]) -> None:
    """Source: S3 User Guide, "Enforce conditional writes on Amazon S3 buckets": s3:if-none-match, s3:if-match."""
    writer, named = acting("s3:PutObject", "s3:GetObject"), {"Bucket": write_once, "Key": f"once/{uuid.uuid4().hex}"}
    with pytest.raises(ClientError, match=DENIED):
        writer.put_object(**named, Body=b"0")
    etag = writer.put_object(**named, Body=b"1", IfNoneMatch="*")["ETag"]
    with pytest.raises(ClientError, match="PreconditionFailed"):
        writer.put_object(**named, Body=b"2", IfNoneMatch="*")
    for more in ({}, {"IfMatch": etag}):
        with pytest.raises(ClientError, match=DENIED):
            writer.put_object(**named, Body=b"2", **more)
    source = {"Bucket": write_once, "Key": named["Key"]}
    with pytest.raises(ClientError, match=DENIED):
        writer.copy_object(**named, CopySource=source, MetadataDirective="REPLACE")
    with pytest.raises(ClientError, match=DENIED):
        writer.create_multipart_upload(**named)
    assert writer.get_object(**named)["Body"].read() == b"1"
    acting("s3:PutObject").put_object(Bucket=write_once, Key="elsewhere", Body=b"")


def test_the_parts_of_an_upload_carry_no_condition_and_its_completion_does(
    write_once: str, acting: Callable[..., Any]
) -> None:
    """Source: the same page: s3:ObjectCreationOperation exempts CreateMultipartUpload and UploadPart."""
    writer, named = acting("s3:PutObject"), {"Bucket": write_once, "Key": f"whole/{uuid.uuid4().hex}"}
    upload = {**named, "UploadId": writer.create_multipart_upload(**named)["UploadId"]}
    part = {"PartNumber": 1, "ETag": writer.upload_part(**upload, PartNumber=1, Body=b"1")["ETag"]}
    with pytest.raises(ClientError, match=DENIED):
        writer.complete_multipart_upload(**upload, MultipartUpload={"Parts": [part]})
    writer.complete_multipart_upload(**upload, MultipartUpload={"Parts": [part]}, IfNoneMatch="*")


def test_what_a_service_writes_carries_no_condition(core: Core, write_once: str, new_role: Callable[..., str]) -> None:
    """A job's output is an ordinary PutObject of its role: it does not get where only conditional writes do."""
    role = new_role({"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"})
    session = core.session_of(core.credentials.issue(role, "me").principal, "us-east-1")
    session.write_object(write_once, "elsewhere", b"1")
    for key in ("once/job", "whole/job"):
        with pytest.raises(ApiError, match="explicit deny"):
            session.write_object(write_once, key, b"1")


def test_a_condition_that_s3_does_not_know_is_refused_and_nothing_is_written(
    core: Core, write_once: str, acting: Callable[..., Any]
) -> None:
    """Source: API Reference, PutObject: If-None-Match expects `*`; the same page: a conditional copy ends with 501."""
    writer, named = acting("s3:PutObject", "s3:GetObject"), {"Bucket": write_once, "Key": f"once/{uuid.uuid4().hex}"}
    writer.put_object(**named, Body=b"1", IfNoneMatch="*")
    with pytest.raises(ClientError, match="NotImplemented"):
        writer.put_object(**named, Body=b"2", IfNoneMatch="0123456789abcdef")
    client_of(core, "s3").put_object(Bucket=write_once, Key="source", Body=b"2")
    with pytest.raises(ClientError, match="NotImplemented"):
        writer.copy_object(**named, CopySource={"Bucket": write_once, "Key": "source"}, IfNoneMatch="*")
    assert writer.get_object(**named)["Body"].read() == b"1"


def test_of_conditional_writes_at_the_same_time_one_finds_the_key_free(
    core: Core, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Source: S3 User Guide, "Prevent object overwrites with conditional writes": the first one to finish succeeds."""
    from moto.s3.models import S3Backend

    clients, write, others = [client_of(core, "s3") for _ in range(2)], S3Backend.put_object, threading.Barrier(2)

    def write_when_another_is_about_to(*members: Any, **more: Any) -> Any:
        with suppress(threading.BrokenBarrierError):
            others.wait(timeout=0.3)
        return write(*members, **more)

    def put(client: Any) -> str:
        try:
            client.put_object(Bucket=bucket, Key="contended", Body=b"", IfNoneMatch="*")
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return "written"

    monkeypatch.setattr(S3Backend, "put_object", write_when_another_is_about_to)
    with ThreadPoolExecutor(len(clients)) as pool:
        assert sorted(pool.map(put, clients)) == ["PreconditionFailed", "written"]


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
