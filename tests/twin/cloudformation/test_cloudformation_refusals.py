"""What the twin does not do is refused by name, before anything is made."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.twin.cloudformation.world import World, parameter, resources

LOOP = {"Fn::ForEach::Notes": ["Name", ["A", "B"], {"${Name}": parameter("n")}]}
MACRO = {"Fn::Transform": {"Name": "AWS::Include", "Parameters": {"Location": "s3://b/k"}}}


def including(**more: Any) -> dict[str, Any]:
    """Return a template with one resource and more sections."""
    return {**resources(Note=parameter("n")), **more}


@pytest.mark.parametrize(
    ("template", "options", "named"),
    [
        ({"Transform": "AWS::LanguageExtensions", "Resources": LOOP}, {}, "Fn::ForEach::Notes"),
        (including(Transform="AWS::Serverless-2016-10-31"), {}, "The transform AWS::Serverless-2016-10-31"),
        (including(Transform=["AWS::LanguageExtensions", "Mine"]), {}, "The transform Mine"),
        (resources(Note=parameter("n", MACRO)), {}, "The function Fn::Transform"),
        (including(), {"RollbackConfiguration": {"MonitoringTimeInMinutes": 5}}, "RollbackConfiguration"),
        (including(), {"TimeoutInMinutes": 5}, "TimeoutInMinutes"),
        (including(), {"NotificationARNs": ["arn:aws:sns:us-east-1:111122223333:t"]}, "NotificationARNs"),
        (
            resources(
                Inner={"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "x", "TimeoutInMinutes": 5}}
            ),
            {},
            "The property TimeoutInMinutes of AWS::CloudFormation::Stack",
        ),
    ],
)
def test_what_is_not_there_is_named(
    world: World, template: dict[str, Any], options: dict[str, Any], named: str
) -> None:
    """Transforms, loops, alarms on rollback, notifications: NotImplemented with the name."""
    name = f"stack-{uuid.uuid4().hex[:8]}"
    with pytest.raises(ClientError, match="NotImplemented") as refused:
        world.stack(template, StackName=name, Capabilities=["CAPABILITY_AUTO_EXPAND"], **options)
    assert named in str(refused.value)
    with pytest.raises(ClientError, match="does not exist"):
        world.client("cloudformation").describe_stacks(StackName=name)


def test_drift_is_not_detected(world: World) -> None:
    """The twin never says that a stack has not drifted: it does not look."""
    stack = world.stack(resources(Note=parameter(f"note-{uuid.uuid4().hex[:8]}")))
    with pytest.raises(ClientError, match=r"NotImplemented.*DetectStackDrift"):
        stack.api.detect_stack_drift(StackName=stack.name)
    assert stack.described["DriftInformation"] == {"StackDriftStatus": "NOT_CHECKED"}
    stack.delete()


def test_the_language_extensions_need_their_capability(world: World) -> None:
    """Without CAPABILITY_AUTO_EXPAND a template with the extensions is refused; with it they work."""
    name = f"note-{uuid.uuid4().hex[:8]}"
    template = resources(Note=parameter(name, {"Fn::ToJsonString": {"a": 1}}))
    template["Transform"] = "AWS::LanguageExtensions"
    with pytest.raises(ClientError, match=r"Requires capabilities : \[CAPABILITY_AUTO_EXPAND\]"):
        world.stack(template)
    stack = world.stack(template, Capabilities=["CAPABILITY_AUTO_EXPAND"])
    assert world.client("ssm").get_parameter(Name=name)["Parameter"]["Value"] == '{"a":1}'
    stack.delete()
