"""Deleting stacks, and what is told of them afterwards."""

from __future__ import annotations

import uuid

import pytest
from botocore.exceptions import ClientError

from tests.twin.cloudformation.world import World, parameter, resources


def unique(prefix: str) -> str:
    """Return a new name."""
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def test_a_deleted_stack_is_known_by_its_id_alone(world: World) -> None:
    """Its name is free; its id still tells status, events and resources; it is listed as deleted."""
    stack = world.stack(resources(Note=parameter(unique("note")))).delete()
    assert stack.status == "DELETE_COMPLETE"
    assert stack.described["DeletionTime"] >= stack.described["CreationTime"]
    assert stack.events()[-1]["ResourceStatus"] == "DELETE_COMPLETE"
    with pytest.raises(ClientError, match=f"Stack with id {stack.name} does not exist"):
        stack.api.describe_stacks(StackName=stack.name)
    listed = stack.api.list_stacks(StackStatusFilter=["DELETE_COMPLETE"])["StackSummaries"]
    assert stack.id in [summary["StackId"] for summary in listed]
    assert stack.id not in [described["StackId"] for described in stack.api.describe_stacks()["Stacks"]]


def test_deleting_an_absent_stack_succeeds(world: World) -> None:
    """As on AWS, there is nothing to do."""
    world.client("cloudformation").delete_stack(StackName=unique("absent"))


def test_resources_are_deleted_in_reverse_order(world: World) -> None:
    """What needs a resource goes first; one that is gone already counts as deleted."""
    a, b, c = unique("a"), unique("b"), unique("c")
    stack = world.stack(resources(A=parameter(a), B=parameter(b, DependsOn="A"), C=parameter(c, DependsOn="B")))
    world.client("ssm").delete_parameter(Name=b)
    stack.delete()
    deleted = [e["LogicalResourceId"] for e in stack.events("DELETE_COMPLETE")]
    assert deleted == ["C", "B", "A", stack.name]


def test_retained_resources_are_let_go(world: World) -> None:
    """DeletionPolicy Retain keeps the resource outside of the stack."""
    name = unique("kept")
    stack = world.stack(resources(Kept=parameter(name, DeletionPolicy="Retain"))).delete()
    assert stack.status == "DELETE_COMPLETE"
    assert [e["LogicalResourceId"] for e in stack.events("DELETE_SKIPPED")] == ["Kept"]
    world.client("ssm").delete_parameter(Name=name)


def test_a_deletion_that_fails_can_be_repeated_without_the_resource(world: World) -> None:
    """A bucket with objects fails; what it needs stays; the rest is deleted; RetainResources finishes it."""
    bucket, needed, other = unique("full"), unique("needed"), unique("other")
    data = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": bucket}, "DependsOn": "Needed"}
    stack = world.stack(resources(Data=data, Needed=parameter(needed), Other=parameter(other)))
    world.client("s3").put_object(Bucket=bucket, Key="k", Body=b"x")
    with pytest.raises(ClientError, match="RetainResources can only be used on a stack in DELETE_FAILED state"):
        stack.delete(RetainResources=["Data"])
    stack.delete()
    assert stack.status == "DELETE_FAILED"
    assert stack.described["StackStatusReason"] == "The following resource(s) failed to delete: [Data]. "
    assert "BucketNotEmpty" in stack.reason("Data", "DELETE_FAILED")
    assert [e["LogicalResourceId"] for e in stack.events("DELETE_COMPLETE")] == ["Other"]
    assert stack.delete(RetainResources=["Data"]).status == "DELETE_COMPLETE"
    assert world.client("s3").head_bucket(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_a_protected_stack_is_not_deleted(world: World) -> None:
    """Termination protection must be switched off first."""
    stack = world.stack(resources(Note=parameter(unique("note"))), EnableTerminationProtection=True)
    with pytest.raises(ClientError, match="cannot be deleted while TerminationProtection is enabled"):
        stack.delete()
    stack.api.update_termination_protection(StackName=stack.name, EnableTerminationProtection=False)
    assert stack.delete().status == "DELETE_COMPLETE"


def test_exports_are_imported_and_protected(world: World) -> None:
    """Another stack uses an exported value; the exporter cannot be deleted before it; names are unique."""
    export = unique("shared")
    outputs = {"Outputs": {"O": {"Value": {"Ref": "Note"}, "Export": {"Name": export}}}}
    exporter = world.stack({**resources(Note=parameter(unique("note"))), **outputs})
    importer = world.stack(resources(Copy=parameter(unique("copy"), {"Fn::ImportValue": export})))
    value = world.client("ssm").get_parameter(Name=importer.physical_id("Copy"))["Parameter"]["Value"]
    assert value == exporter.physical_id("Note")
    assert export in [item["Name"] for item in exporter.api.list_exports()["Exports"]]
    with pytest.raises(ClientError, match=f"Export {export} cannot be deleted as it is in use by {importer.name}"):
        exporter.delete()
    second = world.stack({**resources(Note=parameter(unique("note"))), **outputs})
    assert second.status == "ROLLBACK_COMPLETE"
    assert (
        f"Export with name {export} is already exported by stack {exporter.name}."
        in second.described["StackStatusReason"]
    )
    importer.delete()
    assert exporter.delete().status == "DELETE_COMPLETE"
