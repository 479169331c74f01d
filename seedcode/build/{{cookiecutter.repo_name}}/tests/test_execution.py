from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from pipeline import execution, registry
from pipeline.environment import VARIABLES, Environment, read_environment
from pipeline.errors import ExecutionError

ARN = "arn:aws:sagemaker:us-east-1:111122223333:pipeline/p/execution/e"
GROUP = "arn:aws:sagemaker:us-east-1:111122223333:model-package/group"
JOB = "arn:aws:sagemaker:us-east-1:111122223333:processing-job/pipelines-e-Prepare-1"


class SageMaker:
    """The part of SageMaker a build talks to, in memory."""

    def __init__(self, history: list[tuple[str, list[dict[str, Any]]]] | None = None) -> None:
        self.pipelines: dict[str, dict[str, Any]] = {}
        self.versions: list[dict[str, Any]] = []
        self.history = history or []

    def describe_pipeline(self, PipelineName: str) -> dict[str, Any]:
        if PipelineName not in self.pipelines:
            raise ClientError({"Error": {"Code": "ResourceNotFound"}}, "DescribePipeline")
        return self.pipelines[PipelineName]

    def create_pipeline(self, **request: Any) -> None:
        self.pipelines[request["PipelineName"]] = request

    def update_pipeline(self, **request: Any) -> None:
        self.pipelines[request["PipelineName"]] |= request

    def describe_pipeline_execution(self, PipelineExecutionArn: str) -> dict[str, Any]:
        assert PipelineExecutionArn == ARN
        return {"PipelineExecutionStatus": self.history[0][0], "FailureReason": "because"}

    def list_pipeline_execution_steps(self, **_: Any) -> dict[str, Any]:
        steps = self.history[0][1]
        self.history = self.history[1:] or self.history
        return {"PipelineExecutionSteps": steps}

    def list_model_packages(self, **_: Any) -> dict[str, Any]:
        return {"ModelPackageSummaryList": self.versions}

    def describe_model_package(self, ModelPackageName: str) -> dict[str, Any]:
        return next(version for version in self.versions if version["ModelPackageArn"] == ModelPackageName)


def step(name: str, status: str, **more: Any) -> dict[str, Any]:
    return {"StepName": name, "StepStatus": status, **more}


def wait(*history: tuple[str, list[dict[str, Any]]]) -> tuple[list[str], list[dict[str, Any]]]:
    """Follow a made-up history without waiting; returns what was said and the final steps."""
    said: list[str] = []
    watch = execution.Watch(said.append, now=lambda: 0.0, sleep=lambda _: None)
    return said, execution.wait(SageMaker(list(history)), ARN, watch)


def test_each_change_of_a_step_is_told_once() -> None:
    """Progress has one line per step and state, and says when a result was reused."""
    running = step("Prepare", "Executing")
    done = step("Prepare", "Succeeded", CacheHitResult={"SourcePipelineExecutionArn": ARN})
    said, _ = wait(("Executing", [running]), ("Executing", [running]), ("Succeeded", [done]))
    assert [line.split()[2:] for line in said] == [
        ["Prepare", "Executing"],
        ["Prepare", "Succeeded", "(cached)"],
    ]


def test_a_failed_step_gives_its_name_reason_and_log() -> None:
    """What failed and where to read on is the error's text."""
    failed = step(
        "Prepare", "Failed", FailureReason="no column 'age'", Metadata={"ProcessingJob": {"Arn": JOB}}
    )
    with pytest.raises(ExecutionError) as caught:
        wait(("Failed", [failed, step("Train", "Succeeded")]))
    assert str(caught.value) == (
        "Step Prepare failed: no column 'age'\n"
        "Its log: CloudWatch log group /aws/sagemaker/ProcessingJobs, streams of pipelines-e-Prepare-1"
    )


def test_a_stopped_execution_is_a_failure() -> None:
    """Without a failed step the execution's own status and reason are told."""
    with pytest.raises(ExecutionError, match="ended Stopped: because"):
        wait(("Stopping", []), ("Stopped", []))


def test_success_without_registration_is_not_taken_for_success() -> None:
    """The ARN of the new version comes from the registration step or there is an error."""
    registration = step("RegisterModel", "Succeeded", Metadata={"RegisterModel": {"Arn": f"{GROUP}/1"}})
    _, steps = wait(("Succeeded", [registration]))
    assert execution.registered_arn(steps) == f"{GROUP}/1"
    with pytest.raises(ExecutionError, match="registered no model version"):
        execution.registered_arn([])


def test_the_pipeline_is_created_once_and_updated_only_when_it_differs() -> None:
    """The same definition again changes nothing; another one does."""
    sagemaker, build = SageMaker(), environment()
    answers = [execution.put_pipeline(sagemaker, build, definition) for definition in ("{}", "{}", "[]")]
    assert answers == ["created", "unchanged", "updated"]
    assert sagemaker.pipelines["x"]["PipelineDefinition"] == "[]"


def test_the_newest_version_of_the_same_source_is_found() -> None:
    """A version of the same source is found by its digest; failed registrations do not count."""
    sagemaker = SageMaker()
    sagemaker.versions = [version(3, "c"), version(2, "b", status="Failed"), version(1, "a")]
    found = registry.find_by_source(sagemaker, "group", "a")
    assert found == registry.ModelVersion(f"{GROUP}/1", 1, "PendingManualApproval", {"SourceDigest": "a"})
    assert registry.find_by_source(sagemaker, "group", "b") is None


def version(number: int, digest: str, status: str = "Completed") -> dict[str, Any]:
    return {
        "ModelPackageArn": f"{GROUP}/{number}",
        "ModelPackageVersion": number,
        "ModelPackageStatus": status,
        "ModelApprovalStatus": "PendingManualApproval",
        "CustomerMetadataProperties": {"SourceDigest": digest},
    }


def environment() -> Environment:
    return read_environment(dict.fromkeys(VARIABLES.values(), "x"))
