"""Properties against the schemas of resource types."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lockgate_twin.cloudformation.conformity import conform
from lockgate_twin.cloudformation.intrinsics import Unknown
from lockgate_twin.cloudformation.schemas import ResourceSchema, load

REGION = "us-east-1"


def schema(resource_type: str) -> ResourceSchema:
    """Return a type's schema."""
    found = load(resource_type, REGION)
    assert found is not None
    return found


@given(st.integers(1, 900), st.booleans())
def test_text_becomes_the_declared_type(number: int, flag: bool) -> None:  # noqa: FBT001 - drawn
    """Numbers and booleans may be given as text, as parameters give them."""
    given_ = {"Timeout": str(number), "Code": {"ZipFile": "x"}, "Role": "arn:aws:iam::111122223333:role/a"}
    converted, problems = conform(given_, schema("AWS::Lambda::Function"))
    assert (converted["Timeout"], problems) == (number, [])
    queue, problems = conform({"FifoQueue": str(flag).lower()}, schema("AWS::SQS::Queue"))
    assert (queue["FifoQueue"], problems) == (flag, [])


def test_scalars_become_text_where_text_is_declared() -> None:
    """A number or boolean is written as CloudFormation writes it."""
    converted, problems = conform({"Type": "String", "Value": True}, schema("AWS::SSM::Parameter"))
    assert (converted["Value"], problems) == ("true", [])
    converted, _ = conform({"Type": "String", "Value": 5}, schema("AWS::SSM::Parameter"))
    assert converted["Value"] == "5"


@pytest.mark.parametrize(
    ("resource_type", "properties", "problem"),
    [
        ("AWS::SQS::Queue", {"Colour": "red"}, "#: extraneous key [Colour] is not permitted"),
        ("AWS::S3::BucketPolicy", {"Bucket": "b-b-b"}, "#: required key [PolicyDocument] not found"),
        (
            "AWS::S3::Bucket",
            {"VersioningConfiguration": {"Status": "On"}},
            "#/VersioningConfiguration/Status: failed validation constraint for keyword [enum]",
        ),
        (
            "AWS::S3::Bucket",
            {"VersioningConfiguration": {"State": "Enabled"}},
            "#/VersioningConfiguration: extraneous key [State] is not permitted",
        ),
        ("AWS::SQS::Queue", {"DelaySeconds": "soon"}, "#/DelaySeconds: expected type: Integer, found: String"),
        ("AWS::IAM::Policy", {"PolicyName": "p", "PolicyDocument": {}}, "#: 0 subschemas matched instead of one"),
        (
            "AWS::Events::Rule",
            {"Name": "n"},
            "#: at least one of [EventPattern, ScheduleExpression] is required",
        ),
        ("AWS::SQS::Queue", {"Arn": "arn:aws:sqs:us-east-1:1:q"}, "Encountered read-only properties in properties"),
        (
            "AWS::SageMaker::Endpoint",
            {"EndpointConfigName": "c", "EndpointName": "e" * 65},
            "#/EndpointName: failed validation constraint for keyword [maxLength]",
        ),
        (
            "AWS::CodePipeline::Pipeline",
            {"RoleArn": "arn:aws:iam::111122223333:role/r", "Stages": [], "ArtifactStore": {"Type": "S3"}},
            "#/ArtifactStore: required key [Location] not found",
        ),
    ],
)
def test_a_violation_is_named_with_its_place(resource_type: str, properties: dict[str, Any], problem: str) -> None:
    """Each violation is told in CloudFormation's words."""
    _, problems = conform(properties, schema(resource_type))
    assert any(found.startswith(problem) for found in problems), problems


def test_all_violations_are_reported() -> None:
    """Two mistakes are two problems."""
    _, problems = conform({"Colour": 1, "DelaySeconds": "x"}, schema("AWS::SQS::Queue"))
    assert len(problems) == 2


def test_values_not_known_yet_pass() -> None:
    """What waits for a resource or is looked up later is not judged."""
    unknown = Unknown(frozenset({"Role"}))
    properties = {"Role": unknown, "Code": {"ZipFile": "{{resolve:ssm:code}}"}, "Timeout": "{{resolve:ssm:t}}"}
    converted, problems = conform(properties, schema("AWS::Lambda::Function"))
    assert (converted, problems) == (properties, [])


def test_an_unknown_type_has_no_schema() -> None:
    """A type that AWS does not have is not found."""
    assert load("AWS::S3::Bukket", REGION) is None


@pytest.mark.parametrize(
    ("resource_type", "attribute"),
    [
        ("AWS::S3::Bucket", "Arn"),
        ("AWS::SageMaker::Model", "ModelName"),
        ("AWS::SageMaker::Endpoint", "EndpointArn"),
        ("AWS::SQS::Queue", "QueueName"),
    ],
)
def test_a_type_tells_its_attributes(resource_type: str, attribute: str) -> None:
    """What Fn::GetAtt may ask for comes from the schema."""
    assert attribute in schema(resource_type).attributes
    assert "Colour" not in schema(resource_type).attributes
