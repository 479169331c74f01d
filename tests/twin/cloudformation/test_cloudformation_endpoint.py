"""SageMaker endpoints: the handler waits and believes only what serves."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.twin.cloudformation.world import StackUnderTest, World, parameter, text_of

ROLE = "arn:aws:iam::111122223333:role/execution"


@pytest.fixture(autouse=True)
def _calm(world: World) -> Iterator[None]:
    yield
    world.sagemaker.script = []
    world.sagemaker.rolls_back = False


def template(name: str, image: str) -> dict[str, Any]:
    """Return a template of an endpoint whose model has this image."""
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": "1",
        "InitialVariantWeight": 1,
    }
    model = {"ExecutionRoleArn": ROLE, "PrimaryContainer": {"Image": image}}
    config = {"Fn::GetAtt": ["Config", "EndpointConfigName"]}
    return {
        "Resources": {
            "Endpoint": {
                "Type": "AWS::SageMaker::Endpoint",
                "Properties": {"EndpointName": name, "EndpointConfigName": config},
            },
            "Config": {"Type": "AWS::SageMaker::EndpointConfig", "Properties": {"ProductionVariants": [variant]}},
            "Model": {"Type": "AWS::SageMaker::Model", "Properties": model},
        },
        "Outputs": {"Endpoint": {"Value": {"Ref": "Endpoint"}}, "Config": {"Value": config}},
    }


def new_name() -> str:
    """Return an endpoint's name with capitals, which its ARN does not keep."""
    return f"Demo-{uuid.uuid4().hex[:8]}"


def test_creation_waits_until_the_endpoint_serves(world: World) -> None:
    """The stack is complete when the endpoint is InService; Ref is its ARN; deleting removes all three."""
    name = new_name()
    world.sagemaker.script = ["Creating", "Creating", "InService"]
    stack = world.stack(template(name, "image:1"))
    assert (stack.status, world.sagemaker.script) == ("CREATE_COMPLETE", [])
    assert stack.outputs["Endpoint"] == f"arn:aws:sagemaker:us-east-1:111122223333:endpoint/{name.lower()}"
    assert world.sagemaker.endpoints[name]["config"] == stack.outputs["Config"]
    assert world.sagemaker.configs[stack.outputs["Config"]]["ProductionVariants"][0]["InitialInstanceCount"] == 1
    world.sagemaker.script = ["Deleting"]
    assert stack.delete().status == "DELETE_COMPLETE"
    assert name not in world.sagemaker.endpoints
    assert stack.outputs == {}
    assert world.sagemaker.models == {}


def test_a_failed_endpoint_tells_its_reason_and_leaves_nothing(world: World) -> None:
    """SageMaker's failure reason is the resource's reason; endpoint, config and model are gone."""
    name = new_name()
    world.sagemaker.script = ["Creating", "Failed"]
    stack = world.stack(template(name, "image:1"))
    assert stack.status == "ROLLBACK_COMPLETE"
    reason = stack.reason("Endpoint", "CREATE_FAILED")
    assert "The container did not answer the ping." in reason
    assert "HandlerErrorCode: NotStabilized" in reason
    assert name not in world.sagemaker.endpoints
    assert (world.sagemaker.models, world.sagemaker.configs) == ({}, {})


def test_an_update_replaces_model_and_config_under_the_same_endpoint(world: World) -> None:
    """The endpoint keeps its name and serves the new configuration; the old ones are cleaned up."""
    name = new_name()
    stack = world.stack(template(name, "image:1"))
    old = stack.outputs["Config"]
    world.sagemaker.script = ["InService", "Updating", "InService"]
    stack.update(template(name, "image:2"))
    new = stack.outputs["Config"]
    assert (stack.status, world.sagemaker.endpoints[name]["config"], new == old) == ("UPDATE_COMPLETE", new, False)
    assert list(world.sagemaker.configs) == [new]
    assert [model["PrimaryContainer"]["Image"] for model in world.sagemaker.models.values()] == ["image:2"]
    stack.delete()


def test_an_update_that_sagemaker_rolled_back_is_a_failure(world: World) -> None:
    """InService on the old configuration is not success: the stack rolls back and keeps the old configuration."""
    name = new_name()
    stack = world.stack(template(name, "image:1"))
    old = stack.outputs["Config"]
    world.sagemaker.rolls_back = True
    world.sagemaker.script = ["InService", "Updating", "RollingBack", "InService"]
    stack.update(template(name, "image:2"))
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert f"Endpoint {name} serves {old} instead of " in stack.reason("Endpoint", "UPDATE_FAILED")
    assert (list(world.sagemaker.configs), stack.outputs["Config"]) == ([old], old)
    stack.delete()


def test_deleting_a_stack_cancels_its_creation(world: World) -> None:
    """A creation under way ends after the resource it is at; nothing of it is left."""
    name = new_name()
    world.sagemaker.gate.clear()
    made = world.client("cloudformation").create_stack(
        StackName=f"stack-{name}", TemplateBody=text_of(with_follower(template(name, "image:1")))
    )
    stack = StackUnderTest(world, f"stack-{name}", made["StackId"])
    world.sagemaker.waiting.wait(timeout=30)
    with pytest.raises(ClientError, match="is in CREATE_IN_PROGRESS state and can not be updated"):
        stack.update(template(name, "image:2"))
    stack.api.delete_stack(StackName=stack.name)
    assert stack.status == "DELETE_IN_PROGRESS"
    world.sagemaker.gate.set()
    world.context.join()
    assert stack.status == "DELETE_COMPLETE"
    assert "Follower" not in [event["LogicalResourceId"] for event in stack.events()]
    assert name not in world.sagemaker.endpoints


def with_follower(made: dict[str, Any]) -> dict[str, Any]:
    """Add a resource that is made after the endpoint."""
    follower = parameter(f"follower-{uuid.uuid4().hex[:8]}", DependsOn="Endpoint")
    return {**made, "Resources": {**made["Resources"], "Follower": follower}}
