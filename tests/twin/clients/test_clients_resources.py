"""Policies and tags of resources, as real clients meet them."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError
from lockgate_twin.core import Core
from lockgate_twin.credentials import Credentials

from tests.support.twin_server import client_of

OTHER = "444455556666"


def document(*statements: dict[str, Any]) -> str:
    """Return a policy document as text."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: str, resource: str = "*", **more: Any) -> dict[str, Any]:
    """Return an Allow statement."""
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def session(core: Core, *statements: dict[str, Any], tags: dict[str, str] | None = None) -> Credentials:
    """Return a session of a new role."""
    iam, name = client_of(core, "iam"), f"role-{uuid.uuid4().hex[:12]}"
    pairs = [{"Key": k, "Value": v} for k, v in (tags or {}).items()]
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(), Tags=pairs)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="policy", PolicyDocument=document(*statements))
    return core.credentials.issue(arn, "me")


def foreign(core: Core) -> Credentials:
    """Return a session of a role that may do anything, in another account."""
    from moto.backends import get_backend

    backend = get_backend("iam")[OTHER]["aws"]
    role = backend.create_role(
        role_name=f"role-{uuid.uuid4().hex[:12]}",
        assume_role_policy_document=document(),
        path="/",
        permissions_boundary=None,
        description="",
        tags=[],
        max_session_duration=3600,
    )
    backend.put_role_policy(role.name, "policy", document(allow("*")))
    return core.credentials.issue(role.arn, "me")


def test_a_key_policy_must_allow_or_delegate_to_the_account(core: Core) -> None:
    """KMS Developer Guide, "Key policies": without them, identity policies on a key mean nothing."""
    kms, root = client_of(core, "kms"), {"AWS": f"arn:aws:iam::{core.settings.account}:root"}
    delegating = document(allow("kms:*", Principal=root))
    closed = document(allow("kms:PutKeyPolicy", Principal=root))
    role = client_of(core, "kms", session(core, allow("kms:*")))
    key = kms.create_key(Policy=delegating)["KeyMetadata"]["KeyId"]
    assert role.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=closed)
    with pytest.raises(ClientError, match=r"kms:Encrypt .* no resource-based policy allows"):
        role.encrypt(KeyId=key, Plaintext=b"x")


def test_an_alias_is_authorized_as_its_key(core: Core) -> None:
    """KMS Developer Guide, "Using aliases": the key behind it is the resource; its aliases are a condition key."""
    kms = client_of(core, "kms")
    key, name = kms.create_key()["KeyMetadata"], f"alias/{uuid.uuid4().hex}"
    kms.create_alias(AliasName=name, TargetKeyId=key["KeyId"])
    right = client_of(core, "kms", session(core, allow("kms:Encrypt", key["Arn"])))
    assert right.encrypt(KeyId=name, Plaintext=b"x")["KeyId"] == key["Arn"]
    by_alias = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": name}}
    conditional = client_of(core, "kms", session(core, allow("kms:Encrypt", Condition=by_alias)))
    assert conditional.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["KeyId"] == key["Arn"]
    with pytest.raises(ClientError, match=r"AccessDenied"):
        conditional.encrypt(KeyId=kms.create_key()["KeyMetadata"]["KeyId"], Plaintext=b"x")


def test_another_account_reaches_a_bucket_only_if_the_bucket_lets_it(core: Core) -> None:
    """S3 User Guide, "Bucket owner granting cross-account bucket permissions"."""
    s3, stranger = client_of(core, "s3"), foreign(core)
    bucket = f"shared-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    with pytest.raises(ClientError, match=r"AccessDenied"):
        client_of(core, "s3", stranger).get_object(Bucket=bucket, Key="k")
    grant = allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*", Principal={"AWS": OTHER})
    s3.put_bucket_policy(Bucket=bucket, Policy=document(grant))
    assert client_of(core, "s3", stranger).get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"


def test_a_topic_policy_can_let_another_role_publish(core: Core) -> None:
    """SNS Developer Guide, "Example cases for Amazon SNS access control"."""
    sns, role = client_of(core, "sns"), session(core, allow("ssm:*"))
    topic = sns.create_topic(Name=f"topic-{uuid.uuid4().hex}")["TopicArn"]
    with pytest.raises(ClientError, match=r"AuthorizationError|AccessDenied"):
        client_of(core, "sns", role).publish(TopicArn=topic, Message="m")
    grant = allow("sns:Publish", topic, Principal={"AWS": role.principal.role_arn})
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=document(grant))
    assert client_of(core, "sns", role).publish(TopicArn=topic, Message="m")["MessageId"]


def test_the_tags_of_an_object_can_be_a_condition(core: Core) -> None:
    """S3 User Guide, "Tagging and access control policies": s3:ExistingObjectTag."""
    s3, bucket = client_of(core, "s3"), f"tagged-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=bucket)
    for name, tag in (("open", "public=yes"), ("closed", "public=no")):
        s3.put_object(Bucket=bucket, Key=name, Body=b"x", Tagging=tag)
    condition = {"StringEquals": {"s3:ExistingObjectTag/public": "yes"}}
    reader = client_of(core, "s3", session(core, allow("s3:GetObject", Condition=condition)))
    assert reader.get_object(Bucket=bucket, Key="open")["Body"].read() == b"x"
    with pytest.raises(ClientError, match=r"AccessDenied"):
        reader.get_object(Bucket=bucket, Key="closed")


def test_the_tags_of_a_role_can_be_a_condition(core: Core) -> None:
    """IAM User Guide, "Controlling access to and for IAM users and roles using tags"."""
    mine = session(core, allow("ssm:*"), tags={"team": "a"}).principal.role_arn
    other = session(core, allow("ssm:*"), tags={"team": "b"}).principal.role_arn
    assert mine is not None
    assert other is not None
    condition = {"StringEquals": {"aws:ResourceTag/team": "a", "iam:ResourceTag/team": "a"}}
    iam = client_of(core, "iam", session(core, allow("iam:GetRole", Condition=condition)))
    assert iam.get_role(RoleName=mine.rpartition("/")[2])["Role"]["Arn"] == mine
    with pytest.raises(ClientError, match="iam:GetRole"):
        iam.get_role(RoleName=other.rpartition("/")[2])


def test_a_service_can_register_the_tags_of_its_resources(core: Core) -> None:
    """What a service knows of its tags decides, from the next call on."""
    arn = f"arn:aws:ssm:us-east-1:{core.settings.account}:parameter/p"
    tags: dict[str, str] = {}
    core.authorizer.register_resource_tags("ssm", lambda asked: tags if asked == arn else {})
    client_of(core, "ssm").put_parameter(Name="p", Type="String", Value="v")
    condition = {"StringEquals": {"ssm:ResourceTag/stage": "test"}}
    reader = client_of(core, "ssm", session(core, allow("ssm:GetParameter", Condition=condition)))
    with pytest.raises(ClientError, match=r"AccessDenied"):
        reader.get_parameter(Name="p")
    tags["stage"] = "test"
    assert reader.get_parameter(Name="p")["Parameter"]["Value"] == "v"


def test_a_changed_policy_counts_from_the_next_call_on(core: Core) -> None:
    """Policies are compiled once and never stale: not when changed, and not when a role is made again."""
    iam, name = client_of(core, "iam"), f"role-{uuid.uuid4().hex[:12]}"
    for action in ("ssm:DescribeParameters", "ssm:Nothing"):
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document())["Role"]["Arn"]
        role = client_of(core, "ssm", core.credentials.issue(arn, "me"))
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document(allow(action)))
        if action == "ssm:Nothing":
            with pytest.raises(ClientError, match=r"AccessDenied"):
                role.describe_parameters()
        else:
            assert role.describe_parameters()["Parameters"] is not None
            iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document(allow("ssm:Other")))
            with pytest.raises(ClientError, match=r"AccessDenied"):
                role.describe_parameters()
        iam.delete_role_policy(RoleName=name, PolicyName="p")
        iam.delete_role(RoleName=name)
