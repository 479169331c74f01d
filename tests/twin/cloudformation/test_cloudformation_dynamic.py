"""Dynamic references. Source: "Get values stored in other services using dynamic references" of the user guide."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.twin.cloudformation.world import World, parameter, resources, statement

SECRET = "open-sesame-1234"


def unique(prefix: str) -> str:
    """Return a new name."""
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def secret(world: World) -> str:
    """Make a secret with two versions and return its name."""
    client, name = world.client("secretsmanager"), unique("secret")
    client.create_secret(Name=name, SecretString=json.dumps({"password": "before", "port": 5432}))
    client.put_secret_value(SecretId=name, SecretString=json.dumps({"password": SECRET, "port": 5433}))
    return name


def value(world: World, name: str) -> str:
    """Return an SSM parameter's value."""
    return str(world.client("ssm").get_parameter(Name=name)["Parameter"]["Value"])


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("{name}:SecretString:password", SECRET),
        ("{name}:SecretString:password::", SECRET),
        ("{arn}:SecretString:password", SECRET),
        ("{name}:SecretString:password:AWSCURRENT", SECRET),
        ("{name}:SecretString:password:AWSPREVIOUS", "before"),
        ("{name}:SecretString:password::{version}", "before"),
        ("{name}:SecretString:port", "5433"),
        ("{name}", json.dumps({"password": SECRET, "port": 5433})),
        ("{name}:SecretString", json.dumps({"password": SECRET, "port": 5433})),
    ],
)
def test_a_secret_is_read_in_every_form(world: World, secret: str, form: str, expected: str) -> None:
    """By name or ARN, whole or one key, of a stage or a version; nothing about the stack ever shows it."""
    client = world.client("secretsmanager")
    versions = client.list_secret_version_ids(SecretId=secret, IncludeDeprecated=True)["Versions"]
    previous = next(v["VersionId"] for v in versions if "AWSPREVIOUS" in v.get("VersionStages", []))
    arn, name = client.describe_secret(SecretId=secret)["ARN"], unique("note")
    reference = form.format(name=secret, arn=arn, version=previous)
    stack = world.stack(resources(Note=parameter(name, f"{{{{resolve:secretsmanager:{reference}}}}}")))
    assert (stack.status, value(world, name)) == ("CREATE_COMPLETE", expected)
    told: list[Any] = [stack.described, stack.events(), stack.api.get_template(StackName=stack.id)["TemplateBody"]]
    told.append(stack.api.describe_stack_resources(StackName=stack.id)["StackResources"])
    assert "sesame" not in json.dumps(told, default=str)
    stack.delete()


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("secretsmanager:{name}:SecretString:other", "Could not find a value associated with JSONKey"),
        ("secretsmanager:{name}:SecretBinary:other", "Incorrect dynamic reference to a secret"),
        ("secretsmanager:{name}:SecretString:password:AWSCURRENT:1234", "Incorrect dynamic reference to a secret"),
        ("secretsmanager:none-such:SecretString:password", "can't find the specified secret"),
        ("ssm:/none/such", "ParameterNotFound"),
        ("s3:bucket", "Dynamic reference for service s3 is not supported"),
    ],
)
def test_a_reference_that_cannot_be_looked_up_fails_its_resource(
    world: World, secret: str, reference: str, reason: str
) -> None:
    """The resource tells which value was not there; nothing is made."""
    text = reference.format(name=secret)
    stack = world.stack(resources(Note=parameter(unique("note"), f"{{{{resolve:{text}}}}}")))
    assert stack.status == "ROLLBACK_COMPLETE"
    assert reason in stack.reason("Note", "CREATE_FAILED")


def test_a_reason_does_not_show_a_secret(world: World, secret: str) -> None:
    """What an API says about a refused value is shown without the secret in it."""
    reference = f"{{{{resolve:secretsmanager:{secret}:SecretString:password}}}}"
    trail = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": f"x-{uuid.uuid4().hex[:8]}"}}
    trail["Properties"] |= {"LoggingConfiguration": {"DestinationBucketName": reference}}  # type: ignore[operator]
    stack = world.stack(resources(Bucket=trail))
    assert stack.status == "ROLLBACK_COMPLETE"
    assert "sesame" not in json.dumps(stack.events(), default=str)


def test_a_parameter_is_read_by_version(world: World) -> None:
    """Without a version the newest one counts; a SecureString is refused for this prefix."""
    ssm, name = world.client("ssm"), unique("source")
    ssm.put_parameter(Name=name, Value="first", Type="String")
    ssm.put_parameter(Name=name, Value="second", Type="String", Overwrite=True)
    one, two = unique("note"), unique("note")
    stack = world.stack(
        resources(
            One=parameter(one, f"<{{{{resolve:ssm:{name}:1}}}}>"), Two=parameter(two, f"{{{{resolve:ssm:{name}}}}}")
        )
    )
    assert (stack.status, value(world, one), value(world, two)) == ("CREATE_COMPLETE", "<first>", "second")
    stack.delete()
    hidden = unique("hidden")
    ssm.put_parameter(Name=hidden, Value="x", Type="SecureString")
    refused = world.stack(resources(One=parameter(one, f"{{{{resolve:ssm:{hidden}}}}}")))
    assert "Non-secure ssm prefix was used for secure parameter" in refused.reason("One", "CREATE_FAILED")


def test_the_roles_permissions_are_needed(world: World, secret: str) -> None:
    """The value is read with the stack's service role."""
    role = world.role(statement(Action="ssm:*", Resource="*"))
    note = parameter(unique("note"), f"{{{{resolve:secretsmanager:{secret}:SecretString:password}}}}")
    stack = world.stack(resources(Note=note), RoleARN=role)
    assert "secretsmanager:GetSecretValue" in stack.reason("Note", "CREATE_FAILED")


def test_secure_strings_are_refused_where_a_type_does_not_take_them(world: World) -> None:
    """No type of the twin is among those that take ssm-secure; the property is named."""
    with pytest.raises(ClientError, match=r"not supported in: \[AWS::SSM::Parameter/Properties/Value\]"):
        world.stack(resources(Note=parameter("n", "{{resolve:ssm-secure:/a:1}}")))
