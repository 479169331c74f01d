"""Functions as resources: what is accepted, shown, refused and removed."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import stat
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from lockgate_twin.core import Core

from tests.support.function_archives import archive
from tests.support.twin_server import client_of

NOTHING = "def handler(event, context): return None"


def create(functions: Any, role: str, **changes: Any) -> Any:
    """Create a function called 'made', with changes to a right request."""
    request = {
        "FunctionName": "made",
        "Role": role,
        "Runtime": "python3.12",
        "Handler": "index.handler",
        "Code": {"ZipFile": archive(NOTHING)},
        **changes,
    }
    return functions.create_function(**{k: v for k, v in request.items() if v is not None})


def test_a_new_function_is_described(functions: Any, new_role: Callable[..., str]) -> None:
    """What AWS always shows is there, with its defaults; the digest is the archive's."""
    package, role = archive(NOTHING), new_role()
    shown = create(functions, role, Code={"ZipFile": package}, FunctionName="described")
    assert shown["FunctionArn"] == "arn:aws:lambda:us-east-1:111122223333:function:described"
    assert shown["CodeSha256"] == base64.b64encode(hashlib.sha256(package).digest()).decode()
    assert (shown["Timeout"], shown["MemorySize"], shown["Version"]) == (3, 128, "$LATEST")
    assert (shown["State"], shown["LastUpdateStatus"], shown["Role"]) == ("Active", "Successful", role)
    assert shown["LoggingConfig"] == {"LogFormat": "Text", "LogGroup": "/aws/lambda/described"}
    for name in ("described", shown["FunctionArn"], "111122223333:function:described", "described:$LATEST"):
        assert functions.get_function_configuration(FunctionName=name)["CodeSha256"] == shown["CodeSha256"]
    functions.delete_function(FunctionName="described")


def test_code_is_read_from_s3_with_the_callers_permission(
    core: Core, functions: Any, new_role: Callable[..., str]
) -> None:
    """The archive is fetched once; a missing key is told with S3's code."""
    s3 = client_of(core, "s3")
    s3.create_bucket(Bucket="packages")
    s3.put_object(Bucket="packages", Key="a.zip", Body=archive("def handler(e, c): return 'from s3'"))
    role = new_role()
    create(functions, role, FunctionName="froms3", Code={"S3Bucket": "packages", "S3Key": "a.zip"})
    assert functions.invoke(FunctionName="froms3")["Payload"].read() == b'"from s3"'
    with pytest.raises(ClientError, match=r"InvalidParameterValueException.*S3 Error Code: NoSuchKey"):
        create(functions, role, Code={"S3Bucket": "packages", "S3Key": "b.zip"})
    functions.delete_function(FunctionName="froms3")


def test_the_role_must_trust_lambda(functions: Any, new_role: Callable[..., str]) -> None:
    """AWS refuses a role that Lambda cannot assume; so does the twin, and makes nothing."""
    other = {
        "Effect": "Allow",
        "Principal": {"Service": "codebuild.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    with pytest.raises(ClientError, match="cannot be assumed by Lambda"):
        create(functions, new_role(trust=other))
    with pytest.raises(ClientError, match="Function not found"):
        functions.get_function(FunctionName="made")


def test_a_name_is_taken_once(functions: Any, new_role: Callable[..., str], new_function: Callable[..., str]) -> None:
    """The second function of a name is a conflict."""
    name = new_function(NOTHING)
    with pytest.raises(ClientError, match=r"ResourceConflictException.*Function already exist: "):
        create(functions, new_role(), FunctionName=name)


def _link() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        member = zipfile.ZipInfo("passwd")
        member.external_attr = (stat.S_IFLNK | 0o777) << 16
        package.writestr(member, "/etc/passwd")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("package", "said"),
    [
        (archive(NOTHING, "../escaped.py"), "does not stay inside the function's folder"),
        (archive(NOTHING, "/tmp/escaped.py"), "does not stay inside the function's folder"),  # noqa: S108
        (_link(), "does not stay inside the function's folder"),
        (b"no archive", "Could not unzip uploaded file"),
    ],
    ids=["parent", "absolute", "link", "garbage"],
)
def test_an_archive_that_does_harm_is_refused(
    core: Core, functions: Any, new_role: Callable[..., str], package: bytes, said: str
) -> None:
    """Nothing is written outside the function's folder and no function is made."""
    with pytest.raises(ClientError, match=said):
        create(functions, new_role(), Code={"ZipFile": package})
    assert not list(core.settings.state_dir.rglob("escaped.py"))
    assert not list(core.settings.state_dir.rglob("made/*"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"Runtime": "nodejs22.x"}, "The Lambda runtime nodejs22.x is not implemented by the twin"),
        ({"Layers": ["arn:aws:lambda:us-east-1:111122223333:layer:l:1"]}, "Layers of a Lambda function is not"),
        ({"Publish": True}, "Publish of a Lambda function is not implemented by the twin"),
        ({"Runtime": None}, "Runtime and Handler are mandatory"),
        ({"Environment": {"Variables": {"AWS_REGION": "x"}}}, "reserved keys.*AWS_REGION"),
        ({"Environment": {"Variables": {"A": "x" * 5000}}}, "exceeded the 4KB limit"),
        ({"DeadLetterConfig": {"TargetArn": "arn:aws:sqs:us-east-1:111122223333:q"}}, "to call SendMessage on SQS"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused(
    functions: Any, new_role: Callable[..., str], change: dict[str, Any], said: str
) -> None:
    """A function that could not do what it says is not made."""
    with pytest.raises(ClientError, match=said):
        create(functions, new_role(), **change)


def test_versions_and_aliases_are_not_pretended(functions: Any, new_function: Callable[..., str]) -> None:
    """PublishVersion is refused by name, a version is not found."""
    name = new_function(NOTHING)
    with pytest.raises(ClientError, match="NotImplemented"):
        functions.publish_version(FunctionName=name)
    with pytest.raises(ClientError, match=f"Function not found: .*:{name}:7"):
        functions.get_function(FunctionName=name, Qualifier="7")


def test_a_stale_revision_is_refused(functions: Any, new_function: Callable[..., str]) -> None:
    """RevisionId protects from overwriting someone else's change."""
    name = new_function(NOTHING)
    revision = functions.get_function_configuration(FunctionName=name)["RevisionId"]
    functions.update_function_configuration(FunctionName=name, Timeout=7, RevisionId=revision)
    with pytest.raises(ClientError, match="PreconditionFailedException"):
        functions.update_function_configuration(FunctionName=name, Timeout=8, RevisionId=revision)
    assert functions.get_function_configuration(FunctionName=name)["Timeout"] == 7


def test_tags_and_listing(functions: Any, new_function: Callable[..., str]) -> None:
    """Tags are added and removed; functions are listed by name, page by page."""
    names = sorted(new_function(NOTHING, Tags={"a": "1"}) for _ in range(2))
    arn = functions.get_function_configuration(FunctionName=names[0])["FunctionArn"]
    functions.tag_resource(Resource=arn, Tags={"b": "2"})
    functions.untag_resource(Resource=arn, TagKeys=["a"])
    assert functions.list_tags(Resource=arn)["Tags"] == {"b": "2"}
    pages = functions.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 1})
    assert [f["FunctionName"] for page in pages for f in page["Functions"]] == names


def test_the_policy_of_a_function(functions: Any, new_function: Callable[..., str]) -> None:
    """Statements have AWS's form, cannot be added twice, and can be removed."""
    name = new_function(NOTHING)
    with pytest.raises(ClientError, match="The resource you requested does not exist"):
        functions.get_policy(FunctionName=name)
    grant = {
        "FunctionName": name,
        "StatementId": "events",
        "Action": "lambda:InvokeFunction",
        "Principal": "events.amazonaws.com",
        "SourceArn": "arn:aws:events:us-east-1:111122223333:rule/r",
        "SourceAccount": "111122223333",
    }
    functions.add_permission(**grant)
    with pytest.raises(ClientError, match=r"ResourceConflictException.*statement id .events. provided already exists"):
        functions.add_permission(**grant)
    statement = json.loads(functions.get_policy(FunctionName=name)["Policy"])["Statement"][0]
    assert statement == {
        "Sid": "events",
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": f"arn:aws:lambda:us-east-1:111122223333:function:{name}",
        "Condition": {
            "StringEquals": {"AWS:SourceAccount": "111122223333"},
            "ArnLike": {"AWS:SourceArn": "arn:aws:events:us-east-1:111122223333:rule/r"},
        },
    }
    functions.remove_permission(FunctionName=name, StatementId="events")
    with pytest.raises(ClientError, match="The resource you requested does not exist"):
        functions.get_policy(FunctionName=name)
