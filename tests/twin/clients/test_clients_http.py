"""A plain HTTP client with SigV4: headers, presigned URLs, aws-chunked bodies."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import http.client
import json
import zlib
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from lockgate_twin.core import Core

from tests.support.twin_server import client_of

BUCKET = "plain-http"


@pytest.fixture(scope="module", autouse=True)
def bucket(core: Core) -> None:
    """Make the bucket."""
    client_of(core, "s3").create_bucket(Bucket=BUCKET)


class KeepingS3Auth(S3SigV4Auth):  # type: ignore[misc] # botocore has no types
    """Signs what the caller says of the payload, as the SDKs of other languages do."""

    def payload(self, request: AWSRequest) -> str:
        """Return what the header is to say."""
        return str(request.context["payload"])


def send(core: Core, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> tuple[int, bytes]:
    """Send a request as it stands."""
    connection = http.client.HTTPConnection(core.settings.endpoint_url.removeprefix("http://"), timeout=10)
    connection.request(method, path, body=body, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


def signed(core: Core, service: str, request: AWSRequest, region: str = "us-east-1") -> dict[str, str]:
    """Return a request's headers with a SigV4 signature."""
    key = core.administrator
    kind = KeepingS3Auth if service == "s3" else SigV4Auth
    kind(Credentials(key.access_key_id, key.secret_access_key), service, region).add_auth(request)
    return dict(request.headers.items())


def presign(core: Core, operation: str, name: str, *, version: str = "s3v4", seconds: int = 60) -> str:
    """Return a presigned URL, with its path and query only."""
    key = core.administrator
    s3 = boto3.client(
        "s3",
        endpoint_url=core.settings.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=key.access_key_id,
        aws_secret_access_key=key.secret_access_key,
        config=Config(signature_version=version, s3={"addressing_style": "path"}),
    )
    url = urlsplit(s3.generate_presigned_url(operation, Params={"Bucket": BUCKET, "Key": name}, ExpiresIn=seconds))
    return f"{url.path}?{url.query}"


def chunked(core: Core, name: str, data: bytes, *, algorithm: str, checksum: str = "") -> tuple[int, bytes]:
    """Put an object as clients in other languages do: in signed or unsigned chunks, with a trailing checksum."""
    parts = [data[at : at + 65536] for at in range(0, len(data), 65536)] + [b""]
    headers = {
        "X-Amz-Content-SHA256": algorithm,
        "Content-Encoding": "aws-chunked",
        "X-Amz-Decoded-Content-Length": str(len(data)),
    }
    if checksum:
        headers["X-Amz-Trailer"] = "x-amz-checksum-crc32"
    url = f"{core.settings.endpoint_url}/{BUCKET}/{name}"
    request = AWSRequest(method="PUT", url=url, headers=headers, data=b"")
    request.context["payload"] = algorithm
    all_headers = signed(core, "s3", request)
    signatures = chain(core, all_headers, parts) if "HMAC" in algorithm else [""] * len(parts)
    body = b"".join(chunk(part, signature) for part, signature in zip(parts, signatures, strict=True))
    body += f"x-amz-checksum-crc32:{checksum}\r\n\r\n".encode() if checksum else b"\r\n"
    return send(core, "PUT", f"/{BUCKET}/{name}", {**all_headers, "Content-Length": str(len(body))}, body)


def chunk(part: bytes, signature: str) -> bytes:
    """Return one chunk as it is sent."""
    head = f"{len(part):x};chunk-signature={signature}" if signature else f"{len(part):x}"
    return f"{head}\r\n".encode() + part + (b"\r\n" if part else b"")


def chain(core: Core, headers: dict[str, str], parts: list[bytes]) -> list[str]:
    """Return the chunks' signatures; each signs the one before."""
    day = headers["X-Amz-Date"][:8]
    key = f"AWS4{core.administrator.secret_access_key}".encode()
    for scope_part in (day, "us-east-1", "s3", "aws4_request"):
        key = hmac.new(key, scope_part.encode(), hashlib.sha256).digest()
    previous = headers["Authorization"].rpartition("Signature=")[2]
    found = []
    for part in parts:
        empty, digest = hashlib.sha256(b"").hexdigest(), hashlib.sha256(part).hexdigest()
        scope = f"{day}/us-east-1/s3/aws4_request"
        text = "\n".join(["AWS4-HMAC-SHA256-PAYLOAD", headers["X-Amz-Date"], scope, previous, empty, digest])
        previous = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        found.append(previous)
    return found


def crc32(data: bytes) -> str:
    """Return a CRC32 as S3 writes it."""
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


def test_a_plain_client_with_sigv4_is_served(core: Core) -> None:
    """Nothing but HTTP and a signature is needed."""
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    request = AWSRequest(method="POST", url=f"{core.settings.endpoint_url}/", headers=headers, data=body)
    status, answer = send(core, "POST", "/", signed(core, "sts", request), body)
    assert status == 200
    assert b"user/administrator" in answer


def test_a_signature_for_another_service_is_refused(core: Core) -> None:
    """The scope is part of what is signed (AWS: SignatureDoesNotMatch)."""
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    request = AWSRequest(method="POST", url=f"{core.settings.endpoint_url}/", data=body)
    headers = signed(core, "iam", request)
    headers["Authorization"] = headers["Authorization"].replace("/iam/", "/sts/")
    status, answer = send(core, "POST", "/", headers, body)
    assert status == 403
    assert b"SignatureDoesNotMatch" in answer


def test_a_presigned_url_reads_and_writes_an_object_without_further_credentials(core: Core) -> None:
    """S3 API Reference, "Authenticating Requests: Using Query Parameters"."""
    assert send(core, "PUT", presign(core, "put_object", "pre signed"), {}, b"content")[0] == 200
    assert send(core, "GET", presign(core, "get_object", "pre signed"), {}) == (200, b"content")


def test_a_presigned_url_is_for_its_object_its_method_and_its_time_alone(core: Core) -> None:
    """Another key, another method, another expiry: the signature does not match."""
    client_of(core, "s3").put_object(Bucket=BUCKET, Key="mine", Body=b"x")
    url = presign(core, "get_object", "mine")
    for method, changed in (
        ("GET", url.replace("/mine", "/other")),
        ("DELETE", url),
        ("GET", url.replace("X-Amz-Expires=60", "X-Amz-Expires=600")),
    ):
        status, answer = send(core, method, changed, {})
        assert (status, b"SignatureDoesNotMatch" in answer) == (403, True)


def test_an_expired_presigned_url_is_refused(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    """S3: AccessDenied, "Request has expired"."""
    from lockgate_twin.front import presigned

    url = presign(core, "get_object", "mine", seconds=30)
    later = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=1)
    monkeypatch.setattr(presigned, "utc_now", lambda: later)
    status, answer = send(core, "GET", url, {})
    assert status == 403
    assert b"Request has expired" in answer


def test_signature_version_2_is_refused_with_the_remedy(core: Core) -> None:
    """S3 takes SigV2 for no bucket made since June 2020; boto3 still presigns with it unless told otherwise."""
    status, answer = send(core, "GET", presign(core, "get_object", "mine", version="s3"), {})
    assert status == 400
    assert b"InvalidRequest" in answer
    assert b"s3v4" in answer


@pytest.mark.parametrize("algorithm", ["STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"])
def test_an_aws_chunked_upload_stores_the_object_and_not_its_chunks(core: Core, algorithm: str) -> None:
    """Content-Encoding aws-chunked is of the transfer alone."""
    data = bytes(range(256)) * 1000
    checksum = crc32(data) if "TRAILER" in algorithm else ""
    assert chunked(core, "chunks", data, algorithm=algorithm, checksum=checksum)[0] == 200
    found = client_of(core, "s3").get_object(Bucket=BUCKET, Key="chunks")
    assert found["Body"].read() == data
    assert "aws-chunked" not in found.get("ContentEncoding", "")


def test_a_wrong_trailing_checksum_is_refused(core: Core) -> None:
    """S3: BadDigest; nothing is stored."""
    status, answer = chunked(
        core, "wrong", b"data" * 100, algorithm="STREAMING-UNSIGNED-PAYLOAD-TRAILER", checksum=crc32(b"other")
    )
    assert status == 400
    assert b"BadDigest" in answer
    assert "Contents" not in client_of(core, "s3").list_objects_v2(Bucket=BUCKET, Prefix="wrong")


def test_a_changed_signed_chunk_is_refused(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every chunk of a signed stream is verified."""
    monkeypatch.setitem(globals(), "chain", lambda _core, _headers, parts: ["0" * 64] * len(parts))
    status, answer = chunked(core, "forged", b"data", algorithm="STREAMING-AWS4-HMAC-SHA256-PAYLOAD")
    assert status == 403
    assert b"SignatureDoesNotMatch" in answer


def test_an_error_of_a_json_service_has_its_shape(core: Core) -> None:
    """Unknown operations and invalid JSON are answered as the service's SDKs expect."""
    target = {"X-Amz-Target": "SSM.Nonsense", "Content-Type": "application/x-amz-json-1.1"}
    for extra, body, code in (
        (target, b"{}", "UnknownOperationException"),
        ({**target, "X-Amz-Target": "AmazonSSM.GetParameter"}, b"{", "SerializationException"),
    ):
        request = AWSRequest(method="POST", url=f"{core.settings.endpoint_url}/", headers=extra, data=body)
        status, answer = send(core, "POST", "/", signed(core, "ssm", request), body)
        assert status == 400
        assert json.loads(answer)["__type"] == code
