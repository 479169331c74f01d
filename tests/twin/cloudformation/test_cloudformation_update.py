"""Updating stacks: in place, by replacement, by removal, and back again when it fails."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.twin.cloudformation.world import World, parameter, resources, statement, values


def unique(prefix: str) -> str:
    """Return a new name."""
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def value_of(world: World, name: str) -> str | None:
    """Return a parameter's value, or None when there is none."""
    try:
        return str(world.client("ssm").get_parameter(Name=name)["Parameter"]["Value"])
    except ClientError:
        return None


def test_an_update_without_changes_is_refused(world: World) -> None:
    """The same template, written differently or with other unused text, is no update."""
    name = unique("note")
    stack = world.stack(resources(Note=parameter(name)))
    with pytest.raises(ClientError) as refused:
        stack.update({"Description": "other", **resources(Note=parameter(name))})
    assert refused.value.response["Error"]["Message"] == "No updates are to be performed."
    assert stack.status == "CREATE_COMPLETE"


def test_a_changed_property_is_updated_in_place(world: World) -> None:
    """Only the changed resource is touched; what refers to it stays."""
    name, other = unique("note"), unique("other")
    stack = world.stack(resources(Note=parameter(name, "1"), Other=parameter(other)))
    stack.update(resources(Note=parameter(name, "2"), Other=parameter(other)))
    assert (stack.status, value_of(world, name)) == ("UPDATE_COMPLETE", "2")
    assert [e["LogicalResourceId"] for e in stack.events("UPDATE_COMPLETE")] == ["Note", stack.name]
    assert "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS" in [e["ResourceStatus"] for e in stack.events()]


def test_a_changed_create_only_property_replaces_the_resource(world: World) -> None:
    """The new one is made first, what refers to it follows, and the old one is cleaned up."""
    old, new, follower = unique("old"), unique("new"), unique("follower")
    follows = parameter(follower, {"Fn::Sub": "<${Note}>"})
    stack = world.stack(resources(Note=parameter(old), Follower=follows))
    stack.update(resources(Note=parameter(new), Follower=follows))
    assert stack.status == "UPDATE_COMPLETE"
    assert (value_of(world, old), value_of(world, new)) == (None, "1")
    assert value_of(world, follower) == f"<{new}>"
    assert stack.reason("Note", "UPDATE_IN_PROGRESS").startswith("Requested update requires the creation of a new")


def test_the_update_replace_policy_keeps_the_old_one(world: World) -> None:
    """UpdateReplacePolicy Retain leaves the replaced resource where it is."""
    old, new = unique("old"), unique("new")
    stack = world.stack(resources(Note=parameter(old, UpdateReplacePolicy="Retain")))
    stack.update(resources(Note=parameter(new)))
    assert (value_of(world, old), value_of(world, new)) == ("1", "1")
    assert [e["PhysicalResourceId"] for e in stack.events("DELETE_SKIPPED")] == [old]


def test_a_removed_resource_is_deleted_unless_retained(world: World) -> None:
    """Resources that leave the template are deleted after the update, retained ones are let go."""
    gone, kept, stays = unique("gone"), unique("kept"), unique("stays")
    stack = world.stack(
        resources(Gone=parameter(gone), Kept=parameter(kept, DeletionPolicy="Retain"), Stays=parameter(stays))
    )
    stack.update(resources(Stays=parameter(stays)))
    assert (value_of(world, gone), value_of(world, kept), value_of(world, stays)) == (None, "1", "1")
    with pytest.raises(ClientError, match="No updates are to be performed"):
        stack.update(resources(Stays=parameter(stays)))


def test_a_resource_with_a_fixed_name_cannot_be_replaced(world: World) -> None:
    """Replacing a custom-named resource would need its name twice: AWS refuses it, and so does the twin."""
    name = unique("topic")
    topic = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": f"{name}.fifo", "FifoQueue": True}}
    plain = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": f"{name}.fifo"}}
    stack = world.stack(resources(Queue=topic))
    stack.update(resources(Queue=plain))
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert stack.reason("Queue", "UPDATE_FAILED").startswith(
        "CloudFormation cannot update a stack when a custom-named resource requires replacing."
    )


def test_a_type_cannot_change(world: World) -> None:
    """A logical id keeps its type."""
    stack = world.stack(resources(Note=parameter(unique("note"))))
    with pytest.raises(ClientError, match=r"modifies resource type of the following resources: \[Note\]"):
        stack.update(resources(Note={"Type": "AWS::SQS::Queue"}))


def test_previous_template_and_values_can_be_kept(world: World) -> None:
    """UsePreviousTemplate and UsePreviousValue change only what is given anew."""
    name = unique("note")
    template = {
        "Parameters": {"A": {"Type": "String"}, "B": {"Type": "String"}},
        **resources(Note=parameter(name, {"Fn::Sub": "${A}${B}"})),
    }
    stack = world.stack(template, Parameters=values(A="1", B="2"))
    stack.update(Parameters=[{"ParameterKey": "A", "UsePreviousValue": True}, *values(B="3")])
    assert value_of(world, name) == "13"


def test_changed_stack_tags_reach_the_resources(world: World) -> None:
    """Tags are added, changed and removed on the resources; saying nothing keeps them."""
    stack = world.stack(
        resources(Queue={"Type": "AWS::SQS::Queue"}),
        Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "1"}],
    )
    stack.update(Tags=[{"Key": "a", "Value": "2"}, {"Key": "c", "Value": "1"}])
    tags = world.client("sqs").list_queue_tags(QueueUrl=stack.physical_id("Queue"))["Tags"]
    assert tags == {"a": "2", "c": "1"}
    with pytest.raises(ClientError, match="No updates are to be performed"):
        stack.update()


def failing_update(world: World) -> tuple[Any, dict[str, str]]:
    """Run an update that changes, replaces, adds and removes, and then fails."""
    names = {name: unique(name) for name in ("changed", "old", "new", "added", "removed")}
    stack = world.stack(
        resources(
            Changed=parameter(names["changed"], "1"),
            Replaced=parameter(names["old"]),
            Removed=parameter(names["removed"]),
        )
    )
    stack.update(
        resources(
            Changed=parameter(names["changed"], "2"),
            Replaced=parameter(names["new"]),
            Added=parameter(names["added"]),
            Bad=parameter(names["removed"], DependsOn=["Changed", "Replaced", "Added"]),
        )
    )
    return stack, names


def test_a_failed_update_is_rolled_back(world: World) -> None:
    """Changed values are back, replacements and additions are gone, removals have not happened."""
    stack, names = failing_update(world)
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert stack.described["StackStatusReason"] == "The following resource(s) failed to create: [Bad]. "
    found = {name: value_of(world, physical) for name, physical in names.items()}
    assert found == {"changed": "1", "old": "1", "new": None, "added": None, "removed": "1"}
    listed = stack.api.describe_stack_resources(StackName=stack.name)["StackResources"]
    assert {r["LogicalResourceId"]: r["ResourceStatus"] for r in listed if "DELETE" not in r["ResourceStatus"]} == {
        "Changed": "UPDATE_COMPLETE",
        "Replaced": "UPDATE_COMPLETE",
        "Removed": "CREATE_COMPLETE",
    }
    assert stack.physical_id("Replaced") == names["old"]
    statuses = [e["ResourceStatus"] for e in stack.events() if e["LogicalResourceId"] == stack.name]
    assert statuses[-3:] == [
        "UPDATE_ROLLBACK_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE",
    ]
    assert stack.delete().status == "DELETE_COMPLETE"
    assert {value_of(world, physical) for physical in names.values()} == {None}


def test_a_failed_update_can_be_kept_and_continued(world: World) -> None:
    """With DisableRollback the stack is UPDATE_FAILED; the next update finishes what was begun."""
    first, second = unique("first"), unique("second")
    stack = world.stack(resources(First=parameter(first, "1"), Second=parameter(second, "1", DependsOn="First")))
    template = resources(First=parameter(first, "2"), Second=parameter(second, "2", DependsOn="First"))
    arn = f"arn:aws:ssm:us-east-1:{world.core.settings.account}:parameter/{first}"
    weak, strong = (world.role(statement(Action="ssm:*", Resource=resource)) for resource in (arn, "*"))
    stack.update(template, RoleARN=weak, DisableRollback=True)
    assert (stack.status, value_of(world, first), value_of(world, second)) == ("UPDATE_FAILED", "2", "1")
    stack.update(template, RoleARN=strong)
    assert (stack.status, value_of(world, second)) == ("UPDATE_COMPLETE", "2")


def test_an_update_rollback_that_fails_says_so(world: World) -> None:
    """A role that loses its permission in the middle leaves UPDATE_ROLLBACK_FAILED with the resource named."""
    name = unique("note")
    stack = world.stack(resources(Note=parameter(name, "1")))
    weak = world.role(statement(Action="ssm:GetParameter", Resource="*"))
    stack.update(resources(Note=parameter(name, "2")), RoleARN=weak)
    assert stack.status == "UPDATE_ROLLBACK_FAILED"
    assert stack.described["StackStatusReason"] == "The following resource(s) failed to update: [Note]. "
    assert "ssm:PutParameter" in stack.reason("Note", "UPDATE_FAILED")
    with pytest.raises(ClientError, match="is in UPDATE_ROLLBACK_FAILED state and can not be updated"):
        stack.update(resources(Note=parameter(name, "3")))


def test_a_replaced_resource_that_cannot_be_deleted_does_not_fail_the_update(world: World) -> None:
    """The update is complete and says that something is left; deleting the stack removes it."""
    old, new = unique("old"), unique("new")
    may = world.role(statement(Action=["ssm:PutParameter"], Resource="*"))
    admin = world.role(statement(Action=["ssm:*"], Resource="*"))
    stack = world.stack(resources(Note=parameter(old)), RoleARN=may)
    stack.update(resources(Note=parameter(new)))
    assert stack.status == "UPDATE_COMPLETE"
    assert stack.described["StackStatusReason"].startswith("Update successful. One or more resources could not be")
    assert value_of(world, old) == "1"
    assert stack.delete(RoleARN=admin).status == "DELETE_COMPLETE"
    assert (value_of(world, old), value_of(world, new)) == (None, None)


def test_an_output_alone_is_an_update(world: World) -> None:
    """A new output changes the stack without touching a resource."""
    name = unique("note")
    stack = world.stack(resources(Note=parameter(name)))
    stack.update({**resources(Note=parameter(name)), "Outputs": {"O": {"Value": {"Ref": "Note"}}}})
    assert (stack.status, stack.outputs) == ("UPDATE_COMPLETE", {"O": name})


def test_an_absent_stack_cannot_be_updated(world: World) -> None:
    """The refusal names the stack."""
    with pytest.raises(ClientError, match="does not exist"):
        world.client("cloudformation").update_stack(StackName=unique("absent"), UsePreviousTemplate=True)
