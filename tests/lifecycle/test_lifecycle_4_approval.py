"""registry -> approval: a person who could not have built the model decides, and that version is deployed."""

from __future__ import annotations

import pytest
from lockgate_twin.demo.failures import StageFailedError
from lockgate_twin.demo.world import Facts, World

APPROVER, SCIENTIST = "approver", "data-scientist"


def lockgate(world: World, *arguments: str) -> str:
    """Run `lockgate` as the approver and return what it says."""
    return world.person(APPROVER).run([str(world.root / "lockgate"), *arguments], cwd=world.root)


def test_approving_a_version_that_does_not_exist_is_refused(world: World, pushed: Facts) -> None:
    """One sentence names the version; nothing is changed."""
    unknown = pushed.versions[-1]["arn"].rsplit("/", 1)[0] + "/99"
    with pytest.raises(StageFailedError, match=r"/99"):
        lockgate(world, "approve", unknown, "--reason", "looks good")


def test_approving_without_a_reason_is_refused(world: World, pushed: Facts) -> None:
    """A decision without a reason is no decision."""
    with pytest.raises(StageFailedError, match="reason"):
        lockgate(world, "approve", pushed.versions[-1]["arn"])


def test_the_approval_is_recorded_with_who_and_why(world: World, approved: Facts) -> None:
    """The registry says who approved and for what reason."""
    sagemaker = world.person(SCIENTIST).client("sagemaker")
    package = sagemaker.describe_model_package(ModelPackageName=approved.versions[-1]["arn"])
    assert package["ModelApprovalStatus"] == "Approved"
    assert "sagemaker-lockgate-approver" in package["ApprovalDescription"]
    assert "better than version 1" in package["ApprovalDescription"]


def test_exactly_the_approved_version_is_deployed(world: World, approved: Facts) -> None:
    """The execution carries the ARN of the approval's event, and the approval started it once."""
    pipeline = f"sagemaker-{world.project}-{approved.project_id}-modeldeploy"
    client = world.person(SCIENTIST).client("codepipeline")
    execution = client.get_pipeline_execution(pipelineName=pipeline, pipelineExecutionId=approved.deploy_execution)[
        "pipelineExecution"
    ]
    carried = {v["name"]: v["resolvedValue"] for v in execution["variables"]}
    assert carried["ModelPackageArn"] == approved.versions[-1]["arn"]
    started = client.list_pipeline_executions(pipelineName=pipeline)["pipelineExecutionSummaries"]
    assert [s["pipelineExecutionId"] for s in started] == [approved.deploy_execution]
