"""What every request to the twin meets first: authentication, parsing, validation, refusal of the unknown."""

from __future__ import annotations

import dataclasses
import datetime as dt
import http.client
import json
from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError
from lockgate_twin.core import Core
from lockgate_twin.ports import utc_now

from tests.support.twin_server import client_of


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    """Return the AWS error code."""
    return str(error.value.response["Error"]["Code"])


def test_a_signed_request_is_answered_as_its_principal(core: Core) -> None:
    """The access key says who calls."""
    assert client_of(core, "sts").get_caller_identity()["Arn"].endswith(":user/administrator")


def test_a_wrong_secret_is_refused(core: Core) -> None:
    """The signature is verified, not only the key looked up (AWS: SignatureDoesNotMatch)."""
    forged = dataclasses.replace(core.administrator, secret_access_key="wrong")
    with pytest.raises(ClientError) as error:
        client_of(core, "sts", forged).get_caller_identity()
    assert code(error) == "SignatureDoesNotMatch"


def test_an_unknown_key_is_refused(core: Core) -> None:
    """AWS: InvalidClientTokenId."""
    unknown = dataclasses.replace(core.administrator, access_key_id="AKIAUNKNOWNUNKNOWN00")
    with pytest.raises(ClientError) as error:
        client_of(core, "sts", unknown).get_caller_identity()
    assert code(error) == "InvalidClientTokenId"


def test_a_session_without_its_token_is_refused(core: Core, new_role: Callable[..., str]) -> None:
    """Temporary credentials are three parts; two are not enough."""
    issued = core.credentials.issue(new_role({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}), "me")
    with pytest.raises(ClientError) as error:
        client_of(core, "sts", dataclasses.replace(issued, session_token=None)).get_caller_identity()
    assert code(error) == "InvalidClientTokenId"


def test_expired_credentials_are_refused(core: Core, new_role: Callable[..., str]) -> None:
    """AWS: ExpiredToken."""
    role = new_role({"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    expired = core.credentials.issue(role, "me", seconds=-1)
    assert expired.expires_at is not None
    assert expired.expires_at < utc_now() + dt.timedelta(seconds=1)
    with pytest.raises(ClientError) as error:
        client_of(core, "sts", expired).get_caller_identity()
    assert code(error) == "ExpiredToken"


def test_an_unsigned_request_is_refused(core: Core) -> None:
    """AWS: MissingAuthenticationToken."""
    host = core.settings.endpoint_url.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=10)
    connection.request("POST", "/", headers={"X-Amz-Target": "SageMaker.ListPipelines"})
    answer = connection.getresponse()
    assert answer.status == 403
    assert json.loads(answer.read())["__type"] == "MissingAuthenticationToken"


def test_an_operation_nobody_implements_is_refused_by_name(core: Core) -> None:
    """The twin never invents a success."""
    with pytest.raises(ClientError, match="sagemaker:ListHubs is not implemented by the twin"):
        client_of(core, "sagemaker").list_hubs()


def test_every_mistake_in_a_request_is_reported_together(core: Core) -> None:
    """Members are checked against botocore's shapes on the server's side too."""
    sts = client_of(core, "sts", validate=False)
    with pytest.raises(ClientError) as error:
        sts.assume_role(RoleArn="x", RoleSessionName="no spaces allowed")
    message = error.value.response["Error"]["Message"]
    assert "2 validation errors detected" in message
    assert "roleArn" in message
    assert "roleSessionName" in message


def test_objects_with_odd_keys_survive_the_way_through_the_front(core: Core) -> None:
    """Signing, routing and moto agree on percent-encoded paths."""
    s3 = client_of(core, "s3")
    s3.create_bucket(Bucket="odd-keys")
    key = "a/b c+d%20é.txt"
    s3.put_object(Bucket="odd-keys", Key=key, Body=b"x" * 100_000)
    assert s3.get_object(Bucket="odd-keys", Key=key)["Body"].read() == b"x" * 100_000
    assert core.moto.read_object("odd-keys", key) == b"x" * 100_000


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("get_bucket_analytics_configuration", {"Bucket": "held", "Id": "one"}),
        ("get_object_retention", {"Bucket": "held", "Key": "thing"}),
        (
            "put_bucket_intelligent_tiering_configuration",
            {
                "Bucket": "held",
                "Id": "one",
                "IntelligentTieringConfiguration": {
                    "Id": "one",
                    "Status": "Enabled",
                    "Tierings": [{"Days": 90, "AccessTier": "ARCHIVE_ACCESS"}],
                },
            },
        ),
    ],
)
def test_an_s3_operation_that_moto_takes_for_another_is_refused(
    core: Core, operation: str, members: dict[str, object]
) -> None:
    """Moto would list the bucket, read the object or create the bucket instead; the twin says what it does not do."""
    s3 = client_of(core, "s3")
    s3.create_bucket(Bucket="held")
    s3.put_object(Bucket="held", Key="thing", Body=b"x")
    with pytest.raises(ClientError) as error:
        getattr(s3, operation)(**members)
    assert code(error) == "NotImplemented"
