"""Malformed and misleading requests get AWS-shaped errors: no hang, no defect, nobody else's service."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import random
import socket
from collections.abc import Callable, Mapping
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from lockgate_twin.core import Core
from lockgate_twin.errors import ApiError
from lockgate_twin.front import requests
from lockgate_twin.server import Router

from tests.support.twin_server import client_of

TARGETS = {"kms": "TrentService.ListKeys", "logs": "Logs_20140328.DescribeLogGroups", "events": "AWSEvents.ListRules"}


@dataclasses.dataclass(frozen=True)
class Answer:
    """Status and body of an answer."""

    status: int
    body: bytes

    @property
    def code(self) -> str:
        """Return the AWS error code."""
        if self.body.startswith(b"<"):
            return next(e.text or "" for e in ET.fromstring(self.body).iter() if e.tag.endswith("Code"))  # noqa: S314
        return str(json.loads(self.body)["__type"])


def sent(core: Core, raw: bytes) -> Answer:
    """Send bytes, say that no more come, and return the answer."""
    host, port = core.settings.endpoint_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        got = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = got.partition(b"\r\n\r\n")
    return Answer(int(head.split(b" ")[1]), body)


def signed(core: Core, service: str, **asked: Any) -> dict[str, str]:
    """Return the headers of a request signed as the administrator (`method`, `path`, `body`, `headers`, `region`)."""
    key = core.administrator
    request = AWSRequest(
        method=asked.get("method", "POST"),
        url=core.settings.endpoint_url + asked.get("path", "/"),
        headers=asked.get("headers", {}),
        data=asked.get("body", b""),
    )
    kind = S3SigV4Auth if service == "s3" else SigV4Auth
    credentials = Credentials(key.access_key_id, key.secret_access_key)
    kind(credentials, service, asked.get("region", "us-east-1")).add_auth(request)
    host = {"Host": core.settings.endpoint_url.removeprefix("http://")}
    return {**host, **dict(request.headers.items())}


def raw(headers: Mapping[str, str], body: bytes = b"", *, method: str = "POST", path: str = "/") -> bytes:
    """Return a request as bytes, a Content-Length added unless given."""
    given = {"Content-Length": str(len(body)), **headers}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def ask(core: Core, service: str, body: bytes = b"", **headers: str) -> Answer:
    """Send a signed JSON request, some of its headers changed afterwards."""
    target = {"X-Amz-Target": TARGETS[service], "Content-Type": "application/x-amz-json-1.1"}
    return sent(core, raw({**signed(core, service, body=body, headers=target), **headers}, body))


@pytest.mark.parametrize("length", ["x", "-1", "1e3", "+5"])
def test_a_content_length_that_is_no_number_is_refused(core: Core, length: str) -> None:
    """Nothing is read, nothing hangs."""
    assert ask(core, "kms", b"{}", **{"Content-Length": length}).code == "InvalidRequest"


def test_a_body_that_ends_early_is_refused(core: Core) -> None:
    """S3's IncompleteBody: half an object is never stored as if it were whole."""
    client_of(core, "s3").create_bucket(Bucket="half")
    headers = signed(core, "s3", method="PUT", path="/half/o", headers={"x-amz-content-sha256": "UNSIGNED-PAYLOAD"})
    answer = sent(core, raw({**headers, "Content-Length": "100"}, b"half", method="PUT", path="/half/o"))
    assert (answer.status, answer.code) == (400, "IncompleteBody")
    assert core.moto.list_objects("half", "") == []


@pytest.mark.parametrize("chunks", [b"zz\r\nfoo\r\n", b"5\r\nab", b""])
def test_malformed_chunks_are_refused(core: Core, chunks: bytes) -> None:
    """A chunked body is read to its end or not at all."""
    headers = signed(core, "kms", headers={"X-Amz-Target": TARGETS["kms"]})
    text = "".join(f"{name}: {value}\r\n" for name, value in {**headers, "Transfer-Encoding": "chunked"}.items())
    answer = sent(core, f"POST / HTTP/1.1\r\n{text}\r\n".encode() + chunks)
    assert (answer.status, answer.code) == (400, "IncompleteBody")


def test_a_chunked_body_has_the_limit_of_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a Content-Length the size is only known once it is read: no more than the limit is."""
    monkeypatch.setattr(requests, "MAX_BODY", 10)
    stream = io.BytesIO(b"x" * 1000)
    with pytest.raises(ApiError, match="larger than"):
        requests.read_body({"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": stream})
    assert stream.tell() == 11
    small = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": io.BytesIO(b"x" * 10)}
    assert requests.read_body(small) == b"x" * 10


def test_a_request_without_a_host_is_refused(core: Core) -> None:
    """HTTP/1.1 requires the header, and the signature covers it."""
    headers = signed(core, "kms", headers={"X-Amz-Target": TARGETS["kms"]})
    del headers["Host"]
    assert sent(core, raw(headers)).code == "IncompleteSignature"


@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b'"x"', b"\xff\xfe"])
def test_a_body_that_is_no_json_object_is_refused(core: Core, body: bytes) -> None:
    """AWS: SerializationException."""
    assert ask(core, "kms", body).code == "SerializationException"


def test_a_region_that_does_not_exist_is_refused(core: Core) -> None:
    """The message names it, as AWS does."""
    answer = sent(core, raw(signed(core, "kms", region="mars-1", headers={"X-Amz-Target": TARGETS["kms"]})))
    assert answer.status == 403
    assert b"Credential should be scoped to a valid region, not 'mars-1'" in answer.body


def test_what_moto_keeps_is_validated_too(core: Core) -> None:
    """A missing or misspelt member never reaches moto, which would ignore it."""
    with pytest.raises(ClientError, match='Missing required parameter in input: "Name"'):
        client_of(core, "ssm", validate=False).put_parameter(Value="x", Type="String")
    with pytest.raises(ClientError, match="Member must satisfy enum value set"):
        client_of(core, "ssm", validate=False).put_parameter(Name="/a", Value="x", Type="Text")


def test_a_request_that_moto_cannot_take_is_not_implemented(core: Core) -> None:
    """An exception of moto's is told as what it is, with the operation's name."""
    with pytest.raises(ClientError, match=r"sns:DeleteTopic with these members \(moto ends with") as error:
        client_of(core, "sns").delete_topic(TopicArn="x")
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_what_cannot_be_mapped_to_permissions_is_denied(core: Core) -> None:
    """Authorization fails closed on an ARN that is none, and says so."""
    with pytest.raises(ClientError, match=r"cannot tell which permissions it needs|is not a valid|Invalid") as error:
        client_of(core, "kms").describe_key(KeyId="arn:aws:s3")
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] in {400, 403}


def test_malformed_xml_is_refused(core: Core) -> None:
    """S3's MalformedXML."""
    client_of(core, "s3").create_bucket(Bucket="xml")
    path, body = "/xml?tagging", b"<a>"
    headers = signed(core, "s3", method="PUT", path=path, body=body)
    assert sent(core, raw(headers, body, method="PUT", path=path)).code == "MalformedXML"


def test_a_body_that_was_not_signed_is_refused(core: Core) -> None:
    """The header that stands in for the body in the signature must be the body's own digest."""
    client_of(core, "s3").create_bucket(Bucket="swapped")
    headers = signed(core, "s3", method="PUT", path="/swapped/o", body=b"one")
    assert headers["X-Amz-Content-SHA256"] == hashlib.sha256(b"one").hexdigest()
    answer = sent(core, raw({**headers, "Content-Length": "3"}, b"two", method="PUT", path="/swapped/o"))
    assert (answer.status, answer.code) == (400, "XAmzContentSHA256Mismatch")
    assert sent(core, raw(headers, b"one", method="PUT", path="/swapped/o")).status == 200


def test_a_target_header_does_not_rename_a_rest_request(core: Core) -> None:
    """What is authorized is what method and path say, and what is done."""
    client_of(core, "s3").create_bucket(Bucket="rest")
    headers = signed(core, "s3", method="PUT", path="/rest/o", headers={"X-Amz-Target": "S3.ListBuckets"})
    assert sent(core, raw(headers, method="PUT", path="/rest/o")).status == 200
    lines = (core.settings.state_dir / "access.jsonl").read_text().splitlines()
    last = json.loads(lines[-1])
    assert last["operation"] == "PutObject"
    assert last["checks"][0]["resource"] == "arn:aws:s3:::rest/o"


def test_two_actions_in_one_query_are_refused(core: Core) -> None:
    """Nobody has to guess which one was meant."""
    body = b"Action=GetCallerIdentity&Action=AssumeRole&Version=2011-06-15"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert sent(core, raw(signed(core, "sts", body=body, headers=form), body)).code == "MalformedQueryString"


@pytest.mark.parametrize("path", ["/moto-api/reset", "/moto-api/data.json", "/latest/meta-data/"])
def test_motos_own_pages_are_not_served(core: Core, path: str) -> None:
    """A bucket of that name does not exist; above all nothing is reset."""
    client_of(core, "s3").create_bucket(Bucket="still-there")
    for method in ("GET", "POST"):
        answer = sent(core, raw(signed(core, "s3", method=method, path=path), method=method, path=path))
        assert answer.status >= 400
    assert core.moto.bucket_policy("still-there")[1] == core.settings.account


def test_a_bucket_in_the_host_is_refused(core: Core) -> None:
    """The bucket that is authorized is the one in the path, so there must be no other."""
    port = core.settings.endpoint_url.rpartition(":")[2]
    request = AWSRequest(method="GET", url=f"http://other.s3.amazonaws.com:{port}/mine/key")
    key = core.administrator
    S3SigV4Auth(Credentials(key.access_key_id, key.secret_access_key), "s3", "us-east-1").add_auth(request)
    headers = {"Host": f"other.s3.amazonaws.com:{port}", **dict(request.headers.items())}
    answer = sent(core, raw(headers, method="GET", path="/mine/key"))
    assert (answer.status, answer.code) == (400, "InvalidRequest")


def test_a_copy_needs_to_read_its_source(core: Core, new_role: Callable[..., str]) -> None:
    """S3 API Reference, CopyObject: read access to the source and write access to the destination."""
    s3 = client_of(core, "s3")
    for bucket in ("copy-from", "copy-to"):
        s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket="copy-from", Key="a b", Body=b"x")
    write = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::copy-to/*"}
    read = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::copy-from/a b"}
    copy = {"Bucket": "copy-to", "Key": "b", "CopySource": {"Bucket": "copy-from", "Key": "a b"}}
    with pytest.raises(ClientError, match="s3:GetObject on resource: arn:aws:s3:::copy-from/a b"):
        client_of(core, "s3", core.credentials.issue(new_role(write), "me")).copy_object(**copy)
    client_of(core, "s3", core.credentials.issue(new_role(write, read), "me")).copy_object(**copy)


def test_a_prefix_can_be_a_condition(core: Core, new_role: Callable[..., str]) -> None:
    """s3:prefix is the query's `prefix`; a made-up `Key` in the query names no object."""
    client_of(core, "s3").create_bucket(Bucket="prefixes")
    statement = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::prefixes"}
    mine = {**statement, "Condition": {"StringEquals": {"s3:prefix": "mine/"}}}
    s3 = client_of(core, "s3", core.credentials.issue(new_role(mine), "me"))
    assert s3.list_objects_v2(Bucket="prefixes", Prefix="mine/")["KeyCount"] == 0
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.list_objects_v2(Bucket="prefixes", Prefix="yours/")


@pytest.mark.parametrize(("host", "status"), [("127.0.0.1:1", "200 OK"), ("evil.example", "403 Forbidden")])
def test_the_status_is_not_for_web_pages(host: str, status: str) -> None:
    """A name that somebody lets resolve to 127.0.0.1 (DNS rebinding) reads nothing."""
    said: list[str] = []
    router = Router(lambda *_: [], lambda *_: [], lambda: {"secret": 1})
    body = router({"PATH_INFO": "/_twin/status", "HTTP_HOST": host}, lambda status, _: said.append(status))
    assert said == [status]
    assert (b"secret" in b"".join(body)) == (status == "200 OK")


def test_random_requests_are_never_a_defect(core: Core) -> None:
    """Three hundred random bodies, headers and paths: each is answered, none with a 5xx that blames the twin."""
    chosen = random.Random(20240229)  # noqa: S311 - the same junk every time
    junk = [
        "",
        "\x01",
        "../..",
        "a" * 3000,
        "%",
        "{",
        "null",
        "[]",
        "arn:aws:iam::1:role/x",
        "-1",
        "<x>",
        "&",
        "*",
        "é",
    ]
    for _ in range(300):
        service = chosen.choice([*TARGETS, "s3", "sts", "sagemaker", "ssm", "iam"])
        body = json.dumps({chosen.choice([*junk, "Name"]): chosen.choice([*junk, None, 1, [], {}])}).encode()
        body = chosen.choice([body, b"", chosen.choice(junk).encode()])
        headers = {"X-Amz-Target": chosen.choice([*TARGETS.values(), "a.b", "CreateProject"])}
        if chosen.random() < 0.5:
            headers["Content-Type"] = chosen.choice(["application/json", "application/x-www-form-urlencoded", "x"])
        path = "/" + chosen.choice(["", "a/b", "%00", "..%2f..", "a?Action=GetCallerIdentity", "?x=%ff", "//x", "a%"])
        method = chosen.choice(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "BREW"])
        asked = {"method": method, "path": path}
        whole = raw(signed(core, service, body=body, headers=headers, **asked), body, **asked)
        if chosen.random() < 0.2:
            # What is no HTTP at all (the first line) is answered by the HTTP server, not by the front.
            cut = chosen.randrange(whole.index(b"\r\n") + 2, len(whole))
            whole = whole[:cut] + bytes([chosen.randrange(256)]) + whole[cut + 1 :]
        answer = sent(core, whole)
        assert answer.status in range(100, 500) or answer.status == 501, (whole, answer)
