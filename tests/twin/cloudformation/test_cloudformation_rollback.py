"""What happens when a creation fails."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.twin.cloudformation.world import World, parameter, resources, statement


@pytest.fixture
def taken(world: World) -> Iterator[str]:
    """A parameter that exists already: creating it again fails."""
    name = f"taken-{uuid.uuid4().hex[:8]}"
    world.client("ssm").put_parameter(Name=name, Value="other", Type="String")
    yield name
    world.client("ssm").delete_parameter(Name=name)


def failing(taken: str, **first: Any) -> dict[str, Any]:
    """Return a template whose second resource fails."""
    name = f"first-{uuid.uuid4().hex[:8]}"
    return resources(First=parameter(name, **first), Second=parameter(taken, DependsOn="First"))


def exists(world: World, name: str) -> bool:
    """Tell whether a parameter exists."""
    try:
        world.client("ssm").get_parameter(Name=name)
    except ClientError:
        return False
    return True


def test_a_failed_creation_is_rolled_back(world: World, taken: str) -> None:
    """What was made is deleted; what existed before and failed with AlreadyExists stays untouched."""
    stack = world.stack(failing(taken))
    assert stack.status == "ROLLBACK_COMPLETE"
    assert "HandlerErrorCode: AlreadyExists" in stack.reason("Second", "CREATE_FAILED")
    assert not exists(world, stack.events("CREATE_COMPLETE")[0]["PhysicalResourceId"])
    assert world.client("ssm").get_parameter(Name=taken)["Parameter"]["Value"] == "other"
    with pytest.raises(ClientError, match="is in ROLLBACK_COMPLETE state and can not be updated"):
        stack.update(resources(Note=parameter("x")))
    assert stack.delete().status == "DELETE_COMPLETE"


@pytest.mark.parametrize("options", [{"DisableRollback": True}, {"OnFailure": "DO_NOTHING"}])
def test_rollback_can_be_switched_off(world: World, taken: str, options: dict[str, Any]) -> None:
    """The stack stays CREATE_FAILED with what was made; a later update goes on from there."""
    stack = world.stack(failing(taken), **options)
    assert stack.status == "CREATE_FAILED"
    first = stack.physical_id("First")
    assert exists(world, first)
    other = f"second-{uuid.uuid4().hex[:8]}"
    stack.update(resources(First=parameter(first), Second=parameter(other)))
    assert (stack.status, exists(world, other)) == ("UPDATE_COMPLETE", True)
    stack.delete()


def test_a_failed_creation_can_delete_the_stack(world: World, taken: str) -> None:
    """With OnFailure DELETE the stack is gone with all it made."""
    stack = world.stack(failing(taken), OnFailure="DELETE")
    assert stack.status == "DELETE_COMPLETE"
    assert not exists(world, stack.events("CREATE_COMPLETE")[0]["PhysicalResourceId"])
    assert stack.events("DELETE_IN_PROGRESS")[0]["ResourceStatusReason"] == (
        "The following resource(s) failed to create: [Second]. Delete requested by user."
    )


@pytest.mark.parametrize(
    ("policy", "options", "kept"),
    [
        ("Retain", {}, True),
        ("RetainExceptOnCreate", {}, False),
        ("Retain", {"RetainExceptOnCreate": True}, False),
    ],
)
def test_the_deletion_policy_holds_in_a_rollback(
    world: World,
    taken: str,
    policy: str,
    options: dict[str, Any],
    kept: bool,  # noqa: FBT001 - an expectation
) -> None:
    """Retain keeps a new resource, RetainExceptOnCreate does not."""
    stack = world.stack(failing(taken, DeletionPolicy=policy), **options)
    first = stack.events("CREATE_COMPLETE")[0]["PhysicalResourceId"]
    assert exists(world, first) is kept
    if kept:
        assert [e["LogicalResourceId"] for e in stack.events("DELETE_SKIPPED")] == ["First"]
        world.client("ssm").delete_parameter(Name=first)


def test_what_a_failed_resource_has_made_is_deleted(world: World) -> None:
    """A bucket whose settings are refused after it was made does not survive the rollback."""
    name = f"half-{uuid.uuid4().hex[:8]}"
    logging = {"LoggingConfiguration": {"DestinationBucketName": "no-such-bucket-anywhere"}}
    stack = world.stack(resources(Data={"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name, **logging}}))
    assert stack.status == "ROLLBACK_COMPLETE"
    assert name in str(stack.events("DELETE_COMPLETE"))
    assert name not in [bucket["Name"] for bucket in world.client("s3").list_buckets()["Buckets"]]


def test_a_rollback_that_fails_says_so(world: World) -> None:
    """A role that may create but not delete leaves ROLLBACK_FAILED, with the resource named."""
    first = f"first-{uuid.uuid4().hex[:8]}"
    arn = f"arn:aws:ssm:us-east-1:{world.core.settings.account}:parameter/{first}"
    role = world.role(statement(Action="ssm:PutParameter", Resource=arn))
    template = resources(First=parameter(first), Second=parameter("denied", DependsOn="First"))
    stack = world.stack(template, RoleARN=role)
    assert stack.status == "ROLLBACK_FAILED"
    assert stack.described["StackStatusReason"] == "The following resource(s) failed to delete: [First]. "
    assert "ssm:DeleteParameter" in stack.reason("First", "DELETE_FAILED")
    admin = world.role(statement(Action="ssm:*", Resource="*"))
    assert stack.delete(RoleARN=admin).status == "DELETE_COMPLETE"
    assert not exists(world, first)


def test_properties_found_wrong_on_the_way_fail_their_resource(world: World) -> None:
    """A value known only after another resource was made is validated then."""
    queue = {"Type": "AWS::SQS::Queue"}
    delay = {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": {"Ref": "Queue"}}}
    stack = world.stack(resources(Queue=queue, Late=delay))
    assert stack.status == "ROLLBACK_COMPLETE"
    assert "#/DelaySeconds: expected type: Integer, found: String" in stack.reason("Late", "CREATE_FAILED")


def test_what_was_made_by_half_is_made_anew(world: World) -> None:
    """After a kept failure the next update deletes the half-made resource and creates it completely."""
    name = f"half-{uuid.uuid4().hex[:8]}"
    logging = {"LoggingConfiguration": {"DestinationBucketName": "no-such-bucket-anywhere"}}
    data = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name, **logging}}
    stack = world.stack(resources(Data=data), DisableRollback=True)
    assert (stack.status, stack.physical_id("Data")) == ("CREATE_FAILED", name)
    versioned = {"BucketName": name, "VersioningConfiguration": {"Status": "Enabled"}}
    stack.update(resources(Data={"Type": "AWS::S3::Bucket", "Properties": versioned}))
    assert stack.status == "UPDATE_COMPLETE"
    assert world.client("s3").get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
