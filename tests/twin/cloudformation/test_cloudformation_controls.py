"""Stack policies, cancelled updates, rollbacks that go on, forced deletion, imports.

Source: "Prevent updates to stack resources", "Cancel a stack update", "Continue rolling back an update" and "Delete a
stack" of the CloudFormation user guide.
"""

from __future__ import annotations

import json
import threading
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError
from lockgate_twin.cloudformation.changes import Action
from lockgate_twin.cloudformation.stack_policy import refusal

from tests.twin.cloudformation.world import StackUnderTest, World, document, parameter, resources, statement

TYPE = "AWS::SSM::Parameter"


def unique(prefix: str) -> str:
    """Return a new name."""
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def policy(*statements: dict[str, Any]) -> str:
    """Return a stack policy; statements are for everybody."""
    return json.dumps({"Statement": [{"Principal": "*", **item} for item in statements]})


ALLOW = {"Effect": "Allow", "Action": "Update:*", "Resource": "*"}


def deny(action: str = "Update:*", resource: str = "LogicalResourceId/Kept") -> dict[str, Any]:
    """Return a statement that denies."""
    return {"Effect": "Deny", "Action": action, "Resource": resource}


@pytest.mark.parametrize(
    ("statements", "action", "allowed"),
    [
        ([ALLOW], Action.UPDATE, True),
        ([ALLOW, deny()], Action.UPDATE, False),
        ([deny()], Action.CREATE, True),
        ([ALLOW, deny("Update:Replace")], Action.UPDATE, True),
        ([ALLOW, deny("Update:Replace")], Action.REPLACE, False),
        ([ALLOW, deny("Update:Delete")], Action.DELETE, False),
        ([{**ALLOW, "Resource": "LogicalResourceId/Other"}], Action.UPDATE, False),
        ([{**ALLOW, "Resource": "LogicalResourceId/K*"}], Action.UPDATE, True),
        ([{"Effect": "Allow", "Action": "Update:*", "NotResource": "LogicalResourceId/Kept"}], Action.UPDATE, False),
        ([{"Effect": "Allow", "NotAction": "Update:Delete", "Resource": "*"}], Action.DELETE, False),
        ([{**ALLOW, "Condition": {"StringEquals": {"ResourceType": [TYPE]}}}], Action.UPDATE, True),
        ([{**ALLOW, "Condition": {"StringEquals": {"ResourceType": ["AWS::SSM::*"]}}}], Action.UPDATE, False),
        ([{**ALLOW, "Condition": {"StringLike": {"ResourceType": ["AWS::SSM::*"]}}}], Action.UPDATE, True),
        ([{**ALLOW, "Condition": {"StringLike": {"ResourceType": "AWS::S3::*"}}}], Action.UPDATE, False),
    ],
)
def test_a_policy_decides(statements: list[dict[str, Any]], action: Action, allowed: bool) -> None:  # noqa: FBT001
    """What no statement allows is denied, a Deny wins, creations are no updates."""
    assert (refusal(policy(*statements), action, "Kept", TYPE) == "") is allowed


def test_a_protected_resource_cannot_be_updated(world: World) -> None:
    """The update fails with the policy's reason and is rolled back; a policy for one update overrides it."""
    name = unique("note")
    stack = world.stack(resources(Kept=parameter(name, "1")), StackPolicyBody=policy(ALLOW, deny()))
    assert json.loads(stack.api.get_stack_policy(StackName=stack.name)["StackPolicyBody"])["Statement"][1][
        "Effect"
    ] == ("Deny")
    stack.update(resources(Kept=parameter(name, "2")))
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert stack.reason("Kept", "UPDATE_FAILED") == (
        "Action denied by stack policy: Statement [#2] denies [Update:Modify] for resource [LogicalResourceId/Kept]"
    )
    stack.update(resources(Kept=parameter(name, "2")), StackPolicyDuringUpdateBody=policy(ALLOW))
    assert stack.status == "UPDATE_COMPLETE"
    stack.update(resources(Kept=parameter(name, "3")))
    assert (stack.status, value(world, name)) == ("UPDATE_ROLLBACK_COMPLETE", "2")
    stack.update(resources(Other=parameter(unique("note"))))
    assert "denies [Update:Delete]" in stack.reason("Kept", "UPDATE_FAILED") + str(stack.events("UPDATE_FAILED"))
    stack.api.set_stack_policy(StackName=stack.name, StackPolicyBody=policy(ALLOW))
    assert stack.update(resources(Kept=parameter(name, "3"))).status == "UPDATE_COMPLETE"
    assert stack.delete().status == "DELETE_COMPLETE"


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        policy({**ALLOW, "Action": "s3:GetObject"}),
        policy({**ALLOW, "Effect": "Maybe"}),
        policy({**ALLOW, "Principal": {"AWS": "*"}}),
        policy({**ALLOW, "Condition": {"DateLessThan": {"ResourceType": "x"}}}),
    ],
)
def test_a_malformed_policy_is_refused(world: World, text: str) -> None:
    """A policy that would not mean anything is not kept."""
    stack = world.stack(resources(Note=parameter(unique("note"))))
    with pytest.raises(ClientError, match="Error validating stack policy"):
        stack.api.set_stack_policy(StackName=stack.name, StackPolicyBody=text)
    assert "StackPolicyBody" not in stack.api.get_stack_policy(StackName=stack.name)
    stack.delete()


def test_a_change_set_keeps_policy_and_protection(world: World) -> None:
    """Executing a change set takes neither the stack's policy nor its termination protection away."""
    name = unique("note")
    stack = world.stack(
        resources(Kept=parameter(name, "1")), StackPolicyBody=policy(ALLOW), EnableTerminationProtection=True
    )
    body = json.dumps(resources(Kept=parameter(name, "2")))
    stack.api.create_change_set(StackName=stack.name, ChangeSetName="change", TemplateBody=body)
    stack.api.execute_change_set(StackName=stack.name, ChangeSetName="change")
    world.context.join()
    assert stack.api.get_stack_policy(StackName=stack.name)["StackPolicyBody"] == policy(ALLOW)
    assert stack.described["EnableTerminationProtection"] is True
    stack.api.update_termination_protection(StackName=stack.name, EnableTerminationProtection=False)
    stack.delete()


def test_an_update_can_be_cancelled(world: World) -> None:
    """The resource under way ends, then everything goes back; nothing can be cancelled at rest."""
    name = unique("note")
    model = {"Type": "AWS::SageMaker::Model", "Properties": {"ModelName": unique("m"), "ExecutionRoleArn": _role()}}
    config = {
        "Type": "AWS::SageMaker::EndpointConfig",
        "Properties": {"ProductionVariants": [{"VariantName": "v", "ModelName": "m", "ServerlessConfig": _SMALL}]},
    }
    endpoint = {
        "Type": "AWS::SageMaker::Endpoint",
        "Properties": {"EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]}},
    }
    stack = world.stack(resources(Note=parameter(name, "1")))
    with pytest.raises(ClientError, match="cannot be called from current stack status"):
        stack.api.cancel_update_stack(StackName=stack.name)
    world.sagemaker.gate.clear()
    world.sagemaker.waiting.clear()
    template = resources(Note=parameter(name, "2"), Model=model, Config=config, Endpoint=endpoint)
    last = parameter(unique("last"), DependsOn="Endpoint")
    thread = threading.Thread(target=lambda: stack.update({"Resources": {**template["Resources"], "Last": last}}))
    thread.start()
    assert world.sagemaker.waiting.wait(timeout=30)
    stack.api.cancel_update_stack(StackName=stack.name)
    world.sagemaker.gate.set()
    world.sagemaker.waiting.clear()
    thread.join(timeout=60)
    assert (stack.status, value(world, name)) == ("UPDATE_ROLLBACK_COMPLETE", "1")
    assert stack.events("UPDATE_ROLLBACK_IN_PROGRESS")[0]["ResourceStatusReason"] == "User Initiated"
    assert "Last" not in {event["LogicalResourceId"] for event in stack.events()}
    assert stack.update(resources(Note=parameter(name, "3"))).status == "UPDATE_COMPLETE"
    stack.delete()


_SMALL = {"MaxConcurrency": 1, "MemorySizeInMB": 1024}


def _role() -> str:
    return "arn:aws:iam::111122223333:role/anything"


def half_rolled_back(world: World) -> tuple[StackUnderTest, str, str]:
    """Return a stack whose rollback has failed, its role, and its parameter's name."""
    name, taken = unique("note"), unique("taken")
    world.client("ssm").put_parameter(Name=taken, Value="other", Type="String")
    role = world.role(statement(Action="ssm:*", Resource="*"))
    stack = world.stack(resources(Note=parameter(name, "1")), RoleARN=role)
    arn = f"arn:aws:ssm:us-east-1:{world.core.settings.account}:parameter/{name}"
    # A value "1" may not be written any more: the way back is closed.
    world.client("ssm").put_parameter(Name=f"{name}-gate", Value="x", Type="String")
    bad = parameter(taken, DependsOn=["Note", "Gate"])
    gate = {
        "Type": "AWS::IAM::Policy",
        "DependsOn": "Note",
        "Properties": {
            "PolicyName": "gate",
            "Roles": [role.rpartition("/")[2]],
            "PolicyDocument": json.loads(document({"Effect": "Deny", "Action": "ssm:PutParameter", "Resource": arn})),
        },
    }
    world.client("iam").put_role_policy(
        RoleName=role.rpartition("/")[2],
        PolicyName="more",
        PolicyDocument=document(statement(Action="iam:*RolePolicy", Resource="*")),
    )
    stack.update(
        resources(Note=parameter(name, "2"), Gate=gate, Bad=bad), RoleARN=role, Capabilities=["CAPABILITY_IAM"]
    )
    return stack, role, name


def test_a_failed_rollback_goes_on(world: World) -> None:
    """After the cause is gone, ContinueUpdateRollback brings the resource back; before, it fails again."""
    stack, role, name = half_rolled_back(world)
    assert stack.status == "UPDATE_ROLLBACK_FAILED"
    with pytest.raises(ClientError, match="can not be updated"):
        stack.update(resources(Note=parameter(name, "3")))
    stack.api.continue_update_rollback(StackName=stack.name)
    world.context.join()
    assert (stack.status, value(world, name)) == ("UPDATE_ROLLBACK_FAILED", "2")
    world.client("iam").delete_role_policy(RoleName=role.rpartition("/")[2], PolicyName="gate")
    stack.api.continue_update_rollback(StackName=stack.name)
    world.context.join()
    assert (stack.status, value(world, name)) == ("UPDATE_ROLLBACK_COMPLETE", "1")
    with pytest.raises(ClientError, match="cannot be continued"):
        stack.api.continue_update_rollback(StackName=stack.name)
    stack.delete()


def test_a_failed_rollback_can_skip_what_fails(world: World) -> None:
    """Only resources that have failed can be skipped; the stack is then UPDATE_ROLLBACK_COMPLETE."""
    stack, _, name = half_rolled_back(world)
    with pytest.raises(ClientError, match=r"cannot be skipped: \[Other\]"):
        stack.api.continue_update_rollback(StackName=stack.name, ResourcesToSkip=["Other"])
    stack.api.continue_update_rollback(StackName=stack.name, ResourcesToSkip=["Note"])
    world.context.join()
    assert (stack.status, value(world, name)) == ("UPDATE_ROLLBACK_COMPLETE", "2")
    stack.delete()


def test_a_stuck_stack_can_be_deleted_by_force(world: World) -> None:
    """FORCE_DELETE_STACK lets go what cannot be deleted, and only of a stack whose deletion has failed."""
    name = unique("note")
    role = world.role(statement(Action=["ssm:PutParameter", "ssm:AddTagsToResource"], Resource="*"))
    stack = world.stack(resources(Note=parameter(name)), RoleARN=role)
    with pytest.raises(ClientError, match="must be in DELETE_FAILED state"):
        stack.delete(DeletionMode="FORCE_DELETE_STACK")
    assert stack.delete().status == "DELETE_FAILED"
    assert stack.delete(DeletionMode="FORCE_DELETE_STACK").status == "DELETE_COMPLETE"
    assert stack.events("DELETE_SKIPPED")[0]["LogicalResourceId"] == "Note"
    assert value(world, name) == "1"


def test_imports_are_listed(world: World) -> None:
    """Stacks that use an export are named; an export nobody uses says so."""
    export = unique("export")
    exporting = resources(Note=parameter(unique("note")))
    exporting["Outputs"] = {"Out": {"Value": {"Ref": "Note"}, "Export": {"Name": export}}}
    first = world.stack(exporting)
    with pytest.raises(ClientError, match="is not imported by any stack"):
        first.api.list_imports(ExportName=export)
    second = world.stack(resources(Note=parameter(unique("note"), {"Fn::ImportValue": export})))
    assert first.api.list_imports(ExportName=export)["Imports"] == [second.name]
    second.delete()
    first.delete()


def value(world: World, name: str) -> str:
    """Return an SSM parameter's value."""
    return str(world.client("ssm").get_parameter(Name=name)["Parameter"]["Value"])
