"""Change sets: looked at, carried out, thrown away."""

from __future__ import annotations

import uuid

import pytest
from botocore.exceptions import ClientError

from tests.twin.cloudformation.world import StackUnderTest, World, parameter, resources, text_of


def unique(prefix: str) -> str:
    """Return a new name."""
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def test_a_change_set_creates_a_stack(world: World) -> None:
    """The stack is in review until the change set is executed."""
    cloudformation, name, note = world.client("cloudformation"), unique("stack"), unique("note")
    made = cloudformation.create_change_set(
        StackName=name,
        ChangeSetName="first",
        ChangeSetType="CREATE",
        TemplateBody=text_of(resources(Note=parameter(note))),
    )
    stack = StackUnderTest(world, name, made["StackId"])
    assert stack.status == "REVIEW_IN_PROGRESS"
    cloudformation.get_waiter("change_set_create_complete").wait(ChangeSetName=made["Id"])
    cloudformation.execute_change_set(StackName=name, ChangeSetName="first")
    world.context.join()
    assert (stack.status, stack.physical_id("Note")) == ("CREATE_COMPLETE", note)


def test_a_change_set_tells_what_an_update_would_do(world: World) -> None:
    """Additions, changes, replacements and removals are told; nothing happens before the execution."""
    changed, old, removed = unique("changed"), unique("old"), unique("removed")
    stack = world.stack(
        resources(
            Changed=parameter(changed),
            Replaced=parameter(old),
            Removed=parameter(removed),
            Same={"Type": "AWS::SQS::Queue"},
        )
    )
    template = resources(
        Changed=parameter(changed, "2"),
        Replaced=parameter(unique("new")),
        Added=parameter(unique("added"), {"Ref": "Replaced"}),
        Same={"Type": "AWS::SQS::Queue"},
    )
    made = stack.api.create_change_set(StackName=stack.name, ChangeSetName="next", TemplateBody=text_of(template))
    described = stack.api.describe_change_set(ChangeSetName=made["Id"])
    found = {
        change["ResourceChange"]["LogicalResourceId"]: (
            change["ResourceChange"]["Action"],
            change["ResourceChange"].get("Replacement"),
        )
        for change in described["Changes"]
    }
    assert found == {
        "Changed": ("Modify", "False"),
        "Replaced": ("Modify", "True"),
        "Added": ("Add", None),
        "Removed": ("Remove", None),
    }
    assert stack.status == "CREATE_COMPLETE"
    stack.api.execute_change_set(ChangeSetName=made["Id"])
    world.context.join()
    assert stack.status == "UPDATE_COMPLETE"


def test_a_change_set_without_changes_has_failed(world: World) -> None:
    """It tells so in AWS's words, and cannot be executed."""
    template = resources(Note=parameter(unique("note")))
    stack = world.stack(template)
    made = stack.api.create_change_set(StackName=stack.name, ChangeSetName="same", TemplateBody=text_of(template))
    described = stack.api.describe_change_set(ChangeSetName=made["Id"])
    assert (described["Status"], described["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert described["StatusReason"].startswith("The submitted information didn't contain changes.")
    with pytest.raises(ClientError, match="InvalidChangeSetStatus"):
        stack.api.execute_change_set(ChangeSetName=made["Id"])


def test_a_deleted_change_set_is_gone(world: World) -> None:
    """Its stack stays as it is."""
    name = unique("note")
    stack = world.stack(resources(Note=parameter(name)))
    stack.api.create_change_set(
        StackName=stack.name, ChangeSetName="next", TemplateBody=text_of(resources(Note=parameter(name, "2")))
    )
    assert len(stack.api.list_change_sets(StackName=stack.name)["Summaries"]) == 1
    stack.api.delete_change_set(StackName=stack.name, ChangeSetName="next")
    with pytest.raises(ClientError, match="ChangeSetNotFound"):
        stack.api.describe_change_set(StackName=stack.name, ChangeSetName="next")
    assert stack.status == "CREATE_COMPLETE"
