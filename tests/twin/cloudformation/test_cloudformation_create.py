"""Creating stacks: what is made, shown, and refused before anything is touched."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.twin.cloudformation.world import NAMED, World, parameter, resources, statement, text_of, values

ROLE = {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}}


def unique(prefix: str) -> str:
    """Return a new name."""
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def test_resources_are_made_in_order_and_outputs_tell_of_them(world: World) -> None:
    """References are resolved to real ids; generated names follow stack, logical id and a random part."""
    template = {
        "Parameters": {"Value": {"Type": "String"}},
        "Resources": {
            "Note": {
                "Type": "AWS::SSM::Parameter",
                "Properties": {"Type": "String", "Value": {"Fn::Sub": "${Value} ${Queue.Arn}"}},
            },
            "Queue": {"Type": "AWS::SQS::Queue"},
        },
        "Outputs": {"Note": {"Value": {"Ref": "Note"}, "Description": "its name"}, "Url": {"Value": {"Ref": "Queue"}}},
    }
    stack = world.stack(template, Parameters=values(Value="see"))
    assert stack.status == "CREATE_COMPLETE"
    name = stack.outputs["Note"]
    assert name.startswith(f"{stack.name}-Note-")
    value = world.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    queue = stack.outputs["Url"].rpartition("/")[2]
    assert value == f"see arn:aws:sqs:us-east-1:{world.core.settings.account}:{queue}"


def test_events_tell_the_story_in_aws_order(world: World) -> None:
    """A stack's events begin and end with the stack; a resource is initiated with its physical id."""
    name = unique("note")
    stack = world.stack(resources(Note=parameter(name)))
    story = [(e["LogicalResourceId"], e["ResourceStatus"], e.get("ResourceStatusReason")) for e in stack.events()]
    assert story == [
        (stack.name, "CREATE_IN_PROGRESS", "User Initiated"),
        ("Note", "CREATE_IN_PROGRESS", None),
        ("Note", "CREATE_IN_PROGRESS", "Resource creation Initiated"),
        ("Note", "CREATE_COMPLETE", None),
        (stack.name, "CREATE_COMPLETE", None),
    ]
    assert stack.events("CREATE_COMPLETE")[0]["PhysicalResourceId"] == name


def test_boto3_waiters_see_the_end(world: World) -> None:
    """The SDK's own waiters understand the statuses."""
    stack = world.stack(resources(Note=parameter(unique("note"))))
    world.client("cloudformation").get_waiter("stack_create_complete").wait(StackName=stack.name)
    stack.delete()
    world.client("cloudformation").get_waiter("stack_delete_complete").wait(StackName=stack.name)


def test_resources_of_a_false_condition_are_left_out(world: World) -> None:
    """Neither the resource nor an output of a false condition appears; a value of NoValue is absent."""
    template = {
        "Parameters": {"Extra": {"Type": "String", "Default": "no"}},
        "Conditions": {"HasExtra": {"Fn::Equals": [{"Ref": "Extra"}, "yes"]}},
        "Resources": {
            "Note": {
                "Type": "AWS::SSM::Parameter",
                "Properties": {
                    "Type": "String",
                    "Value": "v",
                    "Description": {"Fn::If": ["HasExtra", "more", {"Ref": "AWS::NoValue"}]},
                },
            },
            "More": {**parameter(unique("more")), "Condition": "HasExtra"},
        },
        "Outputs": {"More": {"Value": {"Ref": "More"}, "Condition": "HasExtra"}},
    }
    stack = world.stack(template)
    listed = stack.api.list_stack_resources(StackName=stack.name)["StackResourceSummaries"]
    assert [item["LogicalResourceId"] for item in listed] == ["Note"]
    assert stack.outputs == {}


def test_the_stacks_tags_reach_its_resources(world: World) -> None:
    """Stack tags propagate to taggable resources; a resource's own tag of the same key wins."""
    tagged = {"Type": "AWS::SQS::Queue", "Properties": {"Tags": [{"Key": "team", "Value": "own"}]}}
    stack = world.stack(
        resources(Queue=tagged, Note=parameter(unique("note"))),
        Tags=[{"Key": "team", "Value": "stack"}, {"Key": "project", "Value": "p-1"}],
    )
    queue_tags = world.client("sqs").list_queue_tags(QueueUrl=stack.physical_id("Queue"))["Tags"]
    assert queue_tags == {"team": "own", "project": "p-1"}
    listed = world.client("ssm").list_tags_for_resource(ResourceType="Parameter", ResourceId=stack.physical_id("Note"))[
        "TagList"
    ]
    assert {tag["Key"]: tag["Value"] for tag in listed} == {"team": "stack", "project": "p-1"}


def test_no_echo_values_are_never_shown(world: World) -> None:
    """A secret parameter is masked in descriptions and events, but used."""
    template = {
        "Parameters": {"Secret": {"Type": "String", "NoEcho": True}},
        **resources(Note={"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": {"Ref": "Secret"}}}),
    }
    stack = world.stack(template, Parameters=values(Secret="hunter2"))
    assert stack.described["Parameters"] == [{"ParameterKey": "Secret", "ParameterValue": "****"}]
    assert "hunter2" not in str(stack.events())
    assert world.client("ssm").get_parameter(Name=stack.physical_id("Note"))["Parameter"]["Value"] == "hunter2"


def test_dynamic_references_are_looked_up_but_not_stored(world: World) -> None:
    """{{resolve:ssm:...}} gives the stored value to the resource; the events keep the reference."""
    source = unique("source")
    world.client("ssm").put_parameter(Name=source, Value="looked-up", Type="String")
    stack = world.stack(resources(Note=parameter(unique("note"), f"<{{{{resolve:ssm:{source}}}}}>")))
    assert world.client("ssm").get_parameter(Name=stack.physical_id("Note"))["Parameter"]["Value"] == "<looked-up>"
    assert "looked-up" not in str(stack.events())


def test_a_template_can_be_an_object_in_s3(world: World) -> None:
    """TemplateURL is read with the caller's permissions; what cannot be read is refused."""
    bucket = unique("templates")
    s3 = world.client("s3")
    s3.create_bucket(Bucket=bucket)
    body = text_of(resources(Note=parameter(unique("note"))))
    s3.put_object(Bucket=bucket, Key="a/t.json", Body=body.encode())
    cloudformation = world.client("cloudformation")
    name = unique("stack")
    cloudformation.create_stack(StackName=name, TemplateURL=f"https://{bucket}.s3.amazonaws.com/a/t.json")
    world.context.join()
    assert cloudformation.get_template(StackName=name)["StagesAvailable"] == ["Original", "Processed"]
    assert cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
    with pytest.raises(ClientError, match="S3 error: The specified key does not exist"):
        cloudformation.validate_template(TemplateURL=f"https://{bucket}.s3.amazonaws.com/none")


REFUSED: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    (resources(A={"Type": "AWS::Foo::Bar"}), {}, "ValidationError", "Unrecognized resource types: [AWS::Foo::Bar]"),
    (
        resources(A={"Type": "AWS::EC2::VPC"}),
        {},
        "NotImplemented",
        "The resource type AWS::EC2::VPC is not implemented by the twin",
    ),
    (
        resources(A={"Type": "AWS::SQS::Queue", "Properties": {"Colour": "red"}}),
        {},
        "ValidationError",
        "Properties validation failed for resource A with message:\n#: extraneous key [Colour] is not permitted",
    ),
    (
        resources(A={"Type": "AWS::S3::Bucket", "Properties": {"NotificationConfiguration": {}}}),
        {},
        "NotImplemented",
        "The property NotificationConfiguration of AWS::S3::Bucket (resource A)",
    ),
    (
        {
            **resources(A={"Type": "AWS::SQS::Queue"}),
            "Outputs": {"O": {"Value": {"Fn::GetAtt": ["A", "Colour"]}}},
        },
        {},
        "ValidationError",
        "resource A does not support attribute type Colour in Fn::GetAtt",
    ),
    (
        resources(A=parameter("a", DependsOn="B"), B=parameter("b", DependsOn="A")),
        {},
        "ValidationError",
        "Circular dependency between resources: [A, B]",
    ),
    (
        resources(A={"Type": "AWS::IAM::Role", "Properties": ROLE}),
        {},
        "InsufficientCapabilitiesException",
        "Requires capabilities : [CAPABILITY_IAM]",
    ),
    (
        resources(A={"Type": "AWS::IAM::Role", "Properties": {**ROLE, "RoleName": "r"}}),
        {"Capabilities": ["CAPABILITY_IAM"]},
        "InsufficientCapabilitiesException",
        "Requires capabilities : [CAPABILITY_NAMED_IAM]",
    ),
    (
        resources(A=parameter("a")),
        {"Parameters": values(X="1")},
        "ValidationError",
        "Parameters: [X] do not exist in the template",
    ),
    (
        {
            **resources(A=parameter("a")),
            "Rules": {"R": {"Assertions": [{"Assert": {"Fn::Equals": ["a", "b"]}, "AssertDescription": "never"}]}},
        },
        {},
        "ValidationError",
        "rule R: never",
    ),
    (
        resources(A=parameter("a")),
        {"RoleARN": "arn:aws:iam::111122223333:role/absent"},
        "ValidationError",
        "Role arn:aws:iam::111122223333:role/absent is invalid or cannot be assumed",
    ),
    (
        resources(A=parameter("a")),
        {"Tags": [{"Key": "aws:mine", "Value": "1"}]},
        "ValidationError",
        "aws: prefixed tag key names are not allowed",
    ),
    (
        resources(A=parameter("a")),
        {"StackPolicyBody": "{}"},
        "ValidationError",
        "Error validating stack policy: it has no Statement",
    ),
    (
        resources(A=parameter("a")),
        {"OnFailure": "DELETE", "DisableRollback": True},
        "ValidationError",
        "You can specify either DisableRollback or OnFailure, but not both.",
    ),
]


@pytest.mark.parametrize(("template", "options", "code", "message"), REFUSED)
def test_a_wrong_request_is_refused_before_anything_is_touched(
    world: World, template: dict[str, Any], options: dict[str, Any], code: str, message: str
) -> None:
    """The request fails with AWS's code and words, and there is no stack."""
    name = unique("refused")
    with pytest.raises(ClientError) as refused:
        world.stack(template, StackName=name, **options)
    assert refused.value.response["Error"]["Code"] == code
    assert message in refused.value.response["Error"]["Message"]
    with pytest.raises(ClientError, match=f"Stack with id {name} does not exist"):
        world.client("cloudformation").describe_stacks(StackName=name)


def test_a_name_can_be_used_once_at_a_time(world: World) -> None:
    """A second stack of the name is refused; the same request token gets the same answer; a deleted name is free."""
    stack = world.stack(resources(Note=parameter(unique("note"))), ClientRequestToken="token-1")
    with pytest.raises(ClientError) as refused:
        world.stack(resources(Note=parameter(unique("note"))), StackName=stack.name)
    assert refused.value.response["Error"]["Code"] == "AlreadyExistsException"
    assert refused.value.response["Error"]["Message"] == f"Stack [{stack.name}] already exists"
    again = world.stack(resources(Note=parameter(unique("n"))), StackName=stack.name, ClientRequestToken="token-1")
    assert again.id == stack.id
    stack.delete()
    new = world.stack(resources(Note=parameter(unique("note"))), StackName=stack.name)
    assert (new.status, new.id == stack.id) == ("CREATE_COMPLETE", False)


def test_a_stack_works_with_its_service_role(world: World) -> None:
    """With RoleARN every call is made by the role, which is remembered and shown."""
    allowed = unique("allowed")
    arn = f"arn:aws:ssm:us-east-1:{world.core.settings.account}:parameter/{allowed}"
    role = world.role(statement(Action=["ssm:PutParameter", "ssm:DeleteParameter"], Resource=arn))
    stack = world.stack(resources(Note=parameter(allowed)), RoleARN=role)
    assert (stack.status, stack.described["RoleARN"]) == ("CREATE_COMPLETE", role)
    assert stack.delete().status == "DELETE_COMPLETE"


def test_a_role_that_does_not_trust_cloudformation_is_refused(world: World) -> None:
    """A role for another service cannot be a stack's role."""
    role = world.role(statement(Action="ssm:*", Resource="*"), trusts="lambda.amazonaws.com")
    with pytest.raises(ClientError, match="is invalid or cannot be assumed"):
        world.stack(resources(Note=parameter(unique("note"))), RoleARN=role)


def test_a_template_is_summarized(world: World) -> None:
    """GetTemplateSummary and ValidateTemplate tell parameters, types and needed capabilities."""
    template = {
        "Description": "d",
        "Parameters": {"P": {"Type": "String", "Default": "x", "AllowedValues": ["x", "y"]}},
        **resources(Role={"Type": "AWS::IAM::Role", "Properties": {**ROLE, "RoleName": "r"}}),
    }
    cloudformation = world.client("cloudformation")
    summary = cloudformation.get_template_summary(TemplateBody=text_of(template))
    assert summary["Capabilities"] == NAMED
    assert summary["ResourceTypes"] == ["AWS::IAM::Role"]
    assert summary["Parameters"][0]["ParameterConstraints"] == {"AllowedValues": ["x", "y"]}
    checked = cloudformation.validate_template(TemplateBody=text_of(template))
    assert (checked["Description"], checked["Parameters"][0]["DefaultValue"]) == ("d", "x")
    with pytest.raises(ClientError, match="At least one Resources member"):
        cloudformation.validate_template(TemplateBody="{}")


def test_an_inline_template_has_a_limit(world: World) -> None:
    """A TemplateBody beyond 51,200 bytes must come from S3."""
    template = {"Description": "x" * 52_000, **resources(Note=parameter("n"))}
    with pytest.raises(ClientError, match="length less than or equal to 51200"):
        world.stack(template)


def test_a_missing_permission_is_named(world: World) -> None:
    """The failing resource and the refused action are in the reasons; nothing is left."""
    allowed, denied = unique("allowed"), unique("denied")
    arn = f"arn:aws:ssm:us-east-1:{world.core.settings.account}:parameter/{allowed}"
    role = world.role(statement(Action="ssm:*", Resource=arn))
    template = resources(First=parameter(allowed), Second=parameter(denied, DependsOn="First"))
    stack = world.stack(template, RoleARN=role)
    assert stack.status == "ROLLBACK_COMPLETE"
    assert stack.described["StackStatusReason"] == (
        "The following resource(s) failed to create: [Second]. Rollback requested by user."
    )
    reason = stack.reason("Second", "CREATE_FAILED")
    assert "is not authorized to perform: ssm:PutParameter" in reason
    assert reason.startswith('Resource handler returned message: "')
    assert "HandlerErrorCode: AccessDenied" in reason
    with pytest.raises(ClientError, match="ParameterNotFound"):
        world.client("ssm").get_parameter(Name=allowed)
