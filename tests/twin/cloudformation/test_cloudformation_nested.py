"""Nested stacks. Source: "Nested stacks" of the CloudFormation user guide."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.twin.cloudformation.live import Live, LiveStack
from tests.twin.cloudformation.world import document, parameter, resources, statement


def unique(prefix: str) -> str:
    """Return a new name."""
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


class Templates:
    """A bucket of templates."""

    def __init__(self, live: Live) -> None:
        self._s3 = live.client("s3")
        self.bucket = unique("templates")
        self._s3.create_bucket(Bucket=self.bucket)

    def put(self, template: Mapping[str, Any]) -> str:
        """Write a template and return its URL."""
        key = f"{uuid.uuid4().hex}.json"
        self._s3.put_object(Bucket=self.bucket, Key=key, Body=json.dumps(template))
        return f"https://{self.bucket}.s3.us-east-1.amazonaws.com/{key}"


@pytest.fixture(scope="session")
def templates(live: Live) -> Templates:
    """Make a bucket for templates."""
    return Templates(live)


def child(note: Mapping[str, Any]) -> dict[str, Any]:
    """Return a nested template with a parameter for the note's value and two outputs."""
    template = resources(Note=note)
    template["Parameters"] = {"Value": {"Type": "String", "Default": "default"}}
    template["Outputs"] = {"Name": {"Value": {"Ref": "Note"}}, "Value": {"Value": {"Ref": "Value"}}}
    return template


def nested(url: str, **parameters: Any) -> dict[str, Any]:
    """Return a nested stack resource."""
    return {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url, "Parameters": parameters}}


def inner(live: Live, stack: LiveStack, logical_id: str = "Inner") -> LiveStack:
    """Return a nested stack."""
    identifier = stack.physical_id(logical_id)
    return LiveStack(live, identifier.split("/")[1], identifier)


def value(live: Live, name: str) -> str:
    """Return an SSM parameter's value."""
    return str(live.client("ssm").get_parameter(Name=name)["Parameter"]["Value"])


def exists(live: Live, name: str) -> bool:
    """Tell whether an SSM parameter exists."""
    return bool(live.client("ssm").get_parameters(Names=[name])["Parameters"])


@pytest.fixture
def taken(live: Live) -> str:
    """A parameter that exists already: creating it again fails."""
    name = unique("taken")
    live.client("ssm").put_parameter(Name=name, Value="other", Type="String")
    return name


def test_a_nested_stack_lives_with_its_parent(live: Live, templates: Templates) -> None:
    """Parameters, tags and outputs pass; it names parent and root; it changes and goes with its parent."""
    name = unique("note")
    url = templates.put(child(parameter(name, {"Ref": "Value"})))
    template = resources(Inner=nested(url, Value="one"))
    template["Outputs"] = {"Value": {"Value": {"Fn::GetAtt": ["Inner", "Outputs.Value"]}}}
    stack = live.stack(template, Tags=[{"Key": "team", "Value": "blue"}])
    assert (stack.status, stack.outputs, value(live, name)) == ("CREATE_COMPLETE", {"Value": "one"}, "one")
    below = inner(live, stack)
    assert below.name.startswith(f"{stack.name}-Inner-")
    assert (below.described["ParentId"], below.described["RootId"]) == (stack.id, stack.id)
    assert below.described["Tags"] == [{"Key": "team", "Value": "blue"}]
    tags = live.client("ssm").list_tags_for_resource(ResourceType="Parameter", ResourceId=name)["TagList"]
    assert tags == [{"Key": "team", "Value": "blue"}]
    template["Resources"]["Inner"] = nested(url, Value="two")
    stack.update(template)
    assert (stack.status, stack.outputs, value(live, name)) == ("UPDATE_COMPLETE", {"Value": "two"}, "two")
    assert below.status == "UPDATE_COMPLETE"
    assert stack.delete().status == "DELETE_COMPLETE"
    assert (below.status, exists(live, name)) == ("DELETE_COMPLETE", False)


def test_stacks_nest_deeper(live: Live, templates: Templates) -> None:
    """The root of a stack two levels down is the top one."""
    name = unique("note")
    middle = resources(Inner=nested(templates.put(child(parameter(name)))))
    stack = live.stack(resources(Inner=nested(templates.put(middle))))
    lowest = inner(live, inner(live, stack))
    assert lowest.described["RootId"] == stack.id
    assert lowest.described["ParentId"] == inner(live, stack).id
    assert stack.delete().status == "DELETE_COMPLETE"
    assert not exists(live, name)


def test_a_nested_failure_fails_and_rolls_back_the_parent(live: Live, templates: Templates, taken: str) -> None:
    """The reason names the nested stack and its failed resource; everything made is deleted."""
    name = unique("note")
    wrong = resources(First=parameter(name), Second=parameter(taken, DependsOn="First"))
    stack = live.stack(resources(Inner=nested(templates.put(wrong))))
    assert stack.status == "ROLLBACK_COMPLETE"
    reason = stack.reason("Inner", "CREATE_FAILED")
    assert reason.startswith("Embedded stack arn:aws:cloudformation:us-east-1:")
    assert reason.endswith("was not successfully created: The following resource(s) failed to create: [Second]. ")
    assert (inner(live, stack).status, exists(live, name)) == ("DELETE_COMPLETE", False)


def test_a_nested_update_is_rolled_back_with_its_parent(live: Live, templates: Templates, taken: str) -> None:
    """What a nested stack replaced is still there while its root may fail, and is what a rollback goes back to."""
    old, new = unique("old"), unique("new")
    before, after = templates.put(child(parameter(old))), templates.put(child(parameter(new)))
    stack = live.stack(resources(Inner=nested(before)))
    created = live.client("ssm").get_parameter(Name=old)["Parameter"]["LastModifiedDate"]
    failing = parameter(taken, DependsOn="Inner")
    stack.update(resources(Inner=nested(after), Wrong=failing))
    below = inner(live, stack)
    assert (stack.status, below.status) == ("UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")
    statuses = [event["ResourceStatus"] for event in below.events() if event["LogicalResourceId"] == below.name]
    assert statuses[2:5] == [
        "UPDATE_IN_PROGRESS",
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_IN_PROGRESS",
    ]
    assert not exists(live, new)
    # Never deleted and made again:
    assert live.client("ssm").get_parameter(Name=old)["Parameter"]["LastModifiedDate"] == created
    assert stack.update(resources(Inner=nested(after))).status == "UPDATE_COMPLETE"
    assert (exists(live, old), exists(live, new)) == (False, True)
    stack.delete()


def test_a_nested_update_that_fails_fails_the_parent(live: Live, templates: Templates, taken: str) -> None:
    """The nested stack rolls itself back, the parent names it and rolls back too."""
    name = unique("note")
    good = templates.put(child(parameter(name)))
    wrong = child(parameter(name))
    wrong["Resources"]["Wrong"] = parameter(taken)
    stack = live.stack(resources(Inner=nested(good)))
    stack.update(resources(Inner=nested(templates.put(wrong))))
    assert (stack.status, inner(live, stack).status) == ("UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")
    assert "was not successfully updated. Currently in UPDATE_ROLLBACK_COMPLETE with reason: The following" in (
        stack.reason("Inner", "UPDATE_FAILED")
    )
    stack.delete()


def test_a_nested_template_that_cannot_be_used_fails_its_resource(live: Live, templates: Templates) -> None:
    """A missing object, a missing parameter and a missing capability are told in the resource's reason."""
    needs = child(parameter(unique("note")))
    del needs["Parameters"]["Value"]["Default"]
    trust = {"Version": "2012-10-17", "Statement": []}
    role = resources(Role={"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}})
    missing = live.stack(resources(Inner=nested(f"https://{templates.bucket}.s3.amazonaws.com/none.json")))
    assert "S3 error: The specified key does not exist" in missing.reason("Inner", "CREATE_FAILED")
    unset = live.stack(resources(Inner=nested(templates.put(needs))))
    assert unset.reason("Inner", "CREATE_FAILED") == "Parameters: [Value] must have values"
    bare = live.stack(resources(Inner=nested(templates.put(role))), Capabilities=[])
    assert bare.reason("Inner", "CREATE_FAILED") == "Requires capabilities : [CAPABILITY_IAM]"


def test_a_nested_stack_needs_the_roles_permissions(live: Live, templates: Templates) -> None:
    """The service role must be allowed to create stacks and to read their templates."""
    iam, name = live.client("iam"), unique("role")
    trust = statement(Principal={"Service": "cloudformation.amazonaws.com"}, Action="sts:AssumeRole")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
    template = resources(Inner=nested(templates.put(child(parameter(unique("note"))))))

    def refused(*actions: str) -> str:
        may = [statement(Action=action, Resource="*") for action in ("ssm:*", "cloudformation:DeleteStack", *actions)]
        iam.put_role_policy(RoleName=name, PolicyName="may", PolicyDocument=document(*may))
        return live.stack(template, RoleARN=role).reason("Inner", "CREATE_FAILED")

    assert "not authorized to perform: cloudformation:CreateStack" in refused()
    assert "S3 error" in refused("cloudformation:CreateStack")
    may = [statement(Action=a, Resource="*") for a in ("ssm:*", "s3:GetObject", "cloudformation:*Stack")]
    iam.put_role_policy(RoleName=name, PolicyName="may", PolicyDocument=document(*may))
    stack = live.stack(template, RoleARN=role)
    assert (stack.status, stack.delete().status) == ("CREATE_COMPLETE", "DELETE_COMPLETE")


def test_an_output_that_a_nested_stack_lacks_fails_its_reader(live: Live, templates: Templates) -> None:
    """Fn::GetAtt of Outputs is checked when the nested stack is there; other attributes at once."""
    template = resources(Inner=nested(templates.put(child(parameter(unique("note"))))))
    template["Outputs"] = {"Value": {"Value": {"Fn::GetAtt": ["Inner", "Outputs.Other"]}}}
    stack = live.stack(template)
    assert stack.status == "ROLLBACK_COMPLETE"
    assert "Outputs.Other" in str(stack.events("ROLLBACK_IN_PROGRESS")[0]["ResourceStatusReason"])
    template["Outputs"] = {"Value": {"Value": {"Fn::GetAtt": ["Inner", "Other"]}}}
    with pytest.raises(ClientError, match="does not support attribute type Other"):
        live.begin(template)
