"""The record is written once: the store's own policy sees to it, with real requests to the twin's S3."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from catalog.approval import chain
from catalog.approval.store import Place, put_once, read
from tests.approval.fake_hub import DECISIONS, GROUP
from tests.approval.roles_of_the_product import decision_store, roles
from tests.support.twin_server import client_of, running_core

WRITERS = ("sagemaker-lockgate-decide", "sagemaker-lockgate-approver")
CLAIM = f"record/{GROUP}/claims/7.json"
DENIED = r"AccessDenied.*explicit deny"
TRUST = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}


def document(*statements: Any) -> str:
    """A policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The decision store with its own policy, and S3 as each role that may write the record, with the role's policy."""
    with running_core(tmp_path_factory.mktemp("store")) as core:
        s3, iam = client_of(core, "s3"), client_of(core, "iam")
        s3.create_bucket(Bucket=DECISIONS)
        s3.put_bucket_versioning(Bucket=DECISIONS, VersioningConfiguration={"Status": "Enabled"})
        s3.put_bucket_policy(Bucket=DECISIONS, Policy=document(*decision_store()))
        found = {"administrator": s3, "iam": iam}
        for name in WRITERS:
            made = iam.create_role(RoleName=name, Path="/lockgate/", AssumeRolePolicyDocument=document(TRUST))["Role"]
            iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(*roles()[name][0]))
            found[name] = client_of(core, "s3", core.credentials.issue(made["Arn"], "test"))
        yield found


@pytest.mark.parametrize("role", WRITERS)
def test_not_even_who_writes_the_record_writes_an_entry_over(clients: dict[str, Any], role: str) -> None:
    """The decision and the approver continue it; a write without the condition is denied, one with it finds the key."""
    s3, group = clients[role], f"{role[19:]}-p-idy6c3e1fiqj"
    entry = {"subject": {"model_package_arn": "a"}, "decision": {"verdict": "reject"}}
    kept = chain.append(s3, DECISIONS, group, entry)
    place = Place(DECISIONS, f"record/{group}/entries/00000000.json")
    for condition in ({}, {"IfMatch": s3.head_object(Bucket=place.bucket, Key=place.key)["ETag"]}):
        with pytest.raises(ClientError, match=DENIED):
            s3.put_object(Bucket=place.bucket, Key=place.key, Body=b"{}", **condition)
    assert not put_once(s3, place, b"{}")
    assert chain.digest_of(read(s3, place, 4096)) == kept.digest
    assert len(clients["administrator"].list_object_versions(Bucket=DECISIONS, Prefix=place.key)["Versions"]) == 1


@pytest.fixture
def almighty(clients: dict[str, Any]) -> Iterator[Any]:
    """S3 as the decision's role, which was granted everything."""
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    clients["iam"].put_role_policy(RoleName=WRITERS[0], PolicyName="more", PolicyDocument=document(everything))
    yield clients[WRITERS[0]]
    clients["iam"].delete_role_policy(RoleName=WRITERS[0], PolicyName="more")


def test_nobody_writes_it_over_by_a_copy_or_in_parts_whatever_is_granted(almighty: Any) -> None:
    """Nor frees a key by deleting it: the store's policy denies it."""
    s3 = almighty
    assert put_once(s3, Place(DECISIONS, CLAIM), b"{}")
    s3.put_object(Bucket=DECISIONS, Key="elsewhere", Body=b"[]")
    source = {"Bucket": DECISIONS, "Key": "elsewhere"}
    for refused in (
        lambda: s3.put_object(Bucket=DECISIONS, Key=CLAIM, Body=b"[]"),
        lambda: s3.copy_object(Bucket=DECISIONS, Key=CLAIM, CopySource=source),
        lambda: s3.create_multipart_upload(Bucket=DECISIONS, Key=CLAIM),
        lambda: s3.delete_object(Bucket=DECISIONS, Key=CLAIM),
    ):
        with pytest.raises(ClientError, match=DENIED):
            refused()
    assert read(s3, Place(DECISIONS, CLAIM), 4096) == b"{}"


def test_an_objection_is_written_once_as_well(clients: dict[str, Any]) -> None:
    """What the decision keeps of its own where no examination has written."""
    s3, place = clients[WRITERS[0]], Place(DECISIONS, f"{GROUP}/7/e1/objection/decision.json")
    assert put_once(s3, place, b"{}")
    with pytest.raises(ClientError, match=DENIED):
        s3.put_object(Bucket=place.bucket, Key=place.key, Body=b"[]")
    assert not put_once(s3, place, b"[]")
