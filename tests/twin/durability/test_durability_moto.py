"""What moto keeps is the same after `kill -9`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.killable_twin import KillableTwin
from tests.twin.durability.everything import describe, make

KINDS = [
    "roles",
    "messages",
    "subscriptions",
    "bucket",
    "versions",
    "uploads",
    "keys",
    "logs",
    "parameters",
    "secrets",
    "images",
    "rules",
    "metrics",
]


@pytest.fixture(scope="module")
def known(twin: KillableTwin) -> dict[str, Any]:
    """Make something of every kind."""
    return make(twin)


@pytest.fixture(scope="module")
def described(twin: KillableTwin, known: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what AWS tells before and after the twin was killed, twice: what was restored is kept again."""
    before = describe(twin, known)
    twin.restart()
    twin.restart()
    return before, describe(twin, known)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_described_is_the_same_after_a_kill(
    described: tuple[dict[str, Any], dict[str, Any]], kind: str
) -> None:
    """Every describing call answers as before."""
    before, after = described
    assert before[kind]
    assert after[kind] == before[kind]


def test_every_kind_is_compared(described: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """No kind that is described is left out here."""
    assert set(described[0]) == set(KINDS)


@pytest.mark.usefixtures("described")
def test_messages_are_received_after_a_kill(twin: KillableTwin) -> None:
    """The dead letter and the notification are there, each once."""
    sqs = twin.client("sqs")
    got = {}
    for name in ("dead", "subscribed"):
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])["Messages"]
        got[name] = [(m["Body"], m.get("MessageAttributes", {}).get("which", {}).get("StringValue")) for m in messages]
    assert got["dead"] == [("third", "third")]
    assert len(got["subscribed"]) == 1
    assert "told to the subscribed queue" in got["subscribed"][0][0]


def test_an_upload_goes_on_after_a_kill(
    twin: KillableTwin, known: dict[str, Any], described: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    """The parts sent before and after make one object, with the metadata given at the start."""
    s3 = twin.client("s3")
    (part,) = described[1]["uploads"][1]
    s3.complete_multipart_upload(
        Bucket="logged",
        Key="under way",
        UploadId=known["upload"],
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
    )
    got = s3.get_object(Bucket="logged", Key="under way")
    assert got["Body"].read() == b"a" * 20_000
    assert got["Metadata"] == {"a": "b"}


@pytest.mark.usefixtures("described")
def test_bodies_that_are_gone_leave_no_files(twin: KillableTwin) -> None:
    """Only large bodies that can still be asked for have files: one, its copy, and the two multipart objects."""
    s3 = twin.client("s3")
    large = [
        version["Size"]
        for bucket in ("bucket", "logged")
        for version in s3.list_object_versions(Bucket=bucket)["Versions"]
        if version["Size"] > 8192
    ]
    uploads = s3.list_multipart_uploads(Bucket="logged").get("Uploads", [])
    files = [path.stat().st_size for path in (twin.folder / "s3").glob("*/*")]
    assert sorted(files) == sorted([*large, *([20_000] * len(uploads))])
