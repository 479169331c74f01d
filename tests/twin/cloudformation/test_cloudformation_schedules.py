"""Schedules, schedule groups, scheduled rules and model cards against the twin's own services."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.twin.cloudformation.live import Live
from tests.twin.cloudformation.world import document, resources, statement


def unique(prefix: str) -> str:
    """Return a new name."""
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def resource(resource_type: str, **properties: Any) -> dict[str, Any]:
    """Return a resource."""
    return {"Type": resource_type, "Properties": properties}


@pytest.fixture(scope="session")
def role(live: Live) -> str:
    """Make a role that the scheduler may assume."""
    name = unique("scheduler")
    trust = statement(Principal={"Service": "scheduler.amazonaws.com"}, Action="sts:AssumeRole")
    made = live.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))
    return str(made["Role"]["Arn"])


def test_a_schedule_is_made_in_its_group(live: Live, role: str) -> None:
    """Expression, window, target with input and retries arrive; an update changes them; group and schedule go."""
    scheduler, name, group = live.client("scheduler"), unique("schedule"), unique("group")

    def template(expression: str, **more: Any) -> dict[str, Any]:
        target = {
            "Arn": {"Fn::GetAtt": ["Queue", "Arn"]},
            "RoleArn": role,
            "Input": '{"a": 1}',
            "RetryPolicy": {"MaximumRetryAttempts": "2", "MaximumEventAgeInSeconds": 3600},
            "DeadLetterConfig": {"Arn": {"Fn::GetAtt": ["Queue", "Arn"]}},
        }
        return resources(
            Queue=resource("AWS::SQS::Queue"),
            Group=resource("AWS::Scheduler::ScheduleGroup", Name=group, Tags=[{"Key": "a", "Value": "b"}]),
            Schedule=resource(
                "AWS::Scheduler::Schedule",
                Name=name,
                GroupName={"Ref": "Group"},
                ScheduleExpression=expression,
                FlexibleTimeWindow={"Mode": "OFF"},
                Target=target,
                **more,
            ),
        )

    stack = live.stack(template("rate(1 hour)"), Tags=[{"Key": "team", "Value": "blue"}])
    assert stack.status == "CREATE_COMPLETE", stack.events("CREATE_FAILED")
    found = scheduler.get_schedule(Name=name, GroupName=group)
    assert (found["ScheduleExpression"], found["State"]) == ("rate(1 hour)", "ENABLED")
    assert found["Target"]["RetryPolicy"] == {"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 3600}
    assert found["Target"]["Input"] == '{"a": 1}'
    arn = scheduler.get_schedule_group(Name=group)["Arn"]
    tags = {tag["Key"]: tag["Value"] for tag in scheduler.list_tags_for_resource(ResourceArn=arn)["Tags"]}
    assert tags == {"a": "b", "team": "blue"}
    stack.update(template("rate(2 hours)", State="DISABLED", Description="rests"))
    found = scheduler.get_schedule(Name=name, GroupName=group)
    assert (found["ScheduleExpression"], found["State"], found["Description"]) == ("rate(2 hours)", "DISABLED", "rests")
    assert stack.delete().status == "DELETE_COMPLETE"
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        scheduler.get_schedule_group(Name=group)


def test_a_schedule_in_the_default_group_has_a_generated_name(live: Live, role: str) -> None:
    """Ref is the name, Arn the attribute; a schedule that exists already fails its resource."""
    target = {"Arn": "arn:aws:sqs:us-east-1:111122223333:anything", "RoleArn": role}
    window = {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 5}
    values = {"ScheduleExpression": "cron(0 6 * * ? *)", "FlexibleTimeWindow": window, "Target": target}
    template = resources(Schedule=resource("AWS::Scheduler::Schedule", **values))
    template["Outputs"] = {"Arn": {"Value": {"Fn::GetAtt": ["Schedule", "Arn"]}}}
    stack = live.stack(template)
    name = stack.physical_id("Schedule")
    assert name.startswith(f"{stack.name}-Schedule-")
    assert stack.outputs["Arn"].endswith(f":schedule/default/{name}")
    again = live.stack(resources(Schedule=resource("AWS::Scheduler::Schedule", Name=name, **values)))
    assert "HandlerErrorCode: AlreadyExists" in again.reason("Schedule", "CREATE_FAILED")
    wrong = {**values, "ScheduleExpression": "every day"}
    assert live.stack(resources(Schedule=resource("AWS::Scheduler::Schedule", **wrong))).status == "ROLLBACK_COMPLETE"
    assert stack.delete().status == "DELETE_COMPLETE"


def test_a_rule_may_have_a_schedule(live: Live) -> None:
    """A rule with a ScheduleExpression is kept with its target."""
    name = unique("rule")
    template = resources(
        Queue=resource("AWS::SQS::Queue"),
        Rule=resource(
            "AWS::Events::Rule",
            Name=name,
            ScheduleExpression="rate(1 day)",
            Targets=[{"Id": "queue", "Arn": {"Fn::GetAtt": ["Queue", "Arn"]}}],
        ),
    )
    stack = live.stack(template)
    assert stack.status == "CREATE_COMPLETE", stack.events("CREATE_FAILED")
    assert live.client("events").describe_rule(Name=name)["ScheduleExpression"] == "rate(1 day)"
    assert len(live.client("events").list_targets_by_rule(Rule=name)["Targets"]) == 1
    assert stack.delete().status == "DELETE_COMPLETE"


def test_a_model_card_gets_its_content_in_the_schemas_words(live: Live) -> None:
    """PascalCase becomes the card's snake_case, the author's own keys stay; a change makes another version."""
    name = unique("card")

    def template(text: str, status: str) -> dict[str, Any]:
        content = {
            "ModelOverview": {"ModelDescription": text, "ModelOwner": "us"},
            "IntendedUses": {"RiskRating": "Low"},
            "AdditionalInformation": {"CustomDetails": {"MyOwnKey": "kept"}},
        }
        card = resource("AWS::SageMaker::ModelCard", ModelCardName=name, ModelCardStatus=status, Content=content)
        made = resources(Card=card)
        made["Outputs"] = {"Arn": {"Value": {"Fn::GetAtt": ["Card", "ModelCardArn"]}}}
        return made

    read = live.client("sagemaker").describe_model_card
    stack = live.stack(template("first", "Draft"))
    assert stack.status == "CREATE_COMPLETE", stack.events("CREATE_FAILED")
    assert stack.outputs["Arn"].endswith(f":model-card/{name}")
    content = json.loads(read(ModelCardName=name)["Content"])
    assert content["model_overview"] == {"model_description": "first", "model_owner": "us"}
    assert content["additional_information"] == {"custom_details": {"MyOwnKey": "kept"}}
    stack.update(template("second", "PendingReview"))
    assert stack.status == "UPDATE_COMPLETE", stack.events("UPDATE_FAILED")
    found = read(ModelCardName=name)
    assert (found["ModelCardVersion"], found["ModelCardStatus"]) == (2, "PendingReview")
    assert stack.delete().status == "DELETE_COMPLETE"
    with pytest.raises(ClientError):
        read(ModelCardName=name)
