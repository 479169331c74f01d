"""Putting the definition into SageMaker, starting it, and watching it to its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from pipeline.environment import Environment
from pipeline.errors import ExecutionError

RUNNING = ("Executing", "Stopping")
NOT_FOUND = (
    "ResourceNotFound",
    "ValidationException",
)  # if it was another mistake, creating the pipeline tells
LOG_GROUPS = {"ProcessingJob": "/aws/sagemaker/ProcessingJobs", "TrainingJob": "/aws/sagemaker/TrainingJobs"}


@dataclass(frozen=True)
class Watch:
    """How to follow an execution; the clock is given, so that a test needs no waiting."""

    say: Callable[[str], None]
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def put_pipeline(sagemaker: Any, environment: Environment, definition: str) -> str:
    """Create the pipeline, or update it if it differs; returns "created", "updated" or "unchanged"."""
    name, role = environment.pipeline_name, environment.execution_role_arn
    try:
        current = sagemaker.describe_pipeline(PipelineName=name)
    except ClientError as error:
        if error.response["Error"]["Code"] not in NOT_FOUND:
            raise
        tags = {
            "sagemaker:project-name": environment.project_name,
            "sagemaker:project-id": environment.project_id,
        }
        sagemaker.create_pipeline(
            PipelineName=name,
            PipelineDefinition=definition,
            RoleArn=role,
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        )
        return "created"
    if current["PipelineDefinition"] == definition and current["RoleArn"] == role:
        return "unchanged"
    sagemaker.update_pipeline(PipelineName=name, PipelineDefinition=definition, RoleArn=role)
    return "updated"


def start(sagemaker: Any, environment: Environment, parameters: Mapping[str, str]) -> str:
    """Start an execution and return its ARN."""
    answer = sagemaker.start_pipeline_execution(
        PipelineName=environment.pipeline_name,
        PipelineExecutionDisplayName=f"commit-{environment.commit[:12]}",
        PipelineParameters=[{"Name": name, "Value": value} for name, value in parameters.items()],
    )
    return str(answer["PipelineExecutionArn"])


def wait(sagemaker: Any, execution_arn: str, watch: Watch) -> list[dict[str, Any]]:
    """Report every step as it starts and ends, until the execution ends; returns the steps.

    Raises:
        ExecutionError: the execution did not succeed; the text gives each failed step and its reason.
    """
    started, told = watch.now(), set[tuple[str, str]]()
    while True:
        # Status first: steps read after a final status are complete.
        execution = sagemaker.describe_pipeline_execution(PipelineExecutionArn=execution_arn)
        steps = _steps(sagemaker, execution_arn)
        elapsed = watch.now() - started
        for step in steps:
            news = (step["StepName"], step["StepStatus"])
            if news not in told:
                told.add(news)
                watch.say(f"{elapsed:8.1f} s  {step['StepName']:<20} {_status(step)}")
        if execution["PipelineExecutionStatus"] not in RUNNING:
            break
        watch.sleep(min(10.0, max(0.2, elapsed / 20)))  # notices an end at most 5 % late, with few calls
    if execution["PipelineExecutionStatus"] != "Succeeded":
        raise ExecutionError(_failure(execution, steps))
    return steps


def registered_arn(steps: list[dict[str, Any]]) -> str:
    """ARN of the model package that the execution registered.

    Raises:
        ExecutionError: it registered none, although it succeeded.
    """
    for step in steps:
        registration = step.get("Metadata", {}).get("RegisterModel")
        if registration:
            return str(registration["Arn"])
    raise ExecutionError(
        "The pipeline succeeded but registered no model version: look at its condition step."
    )


def _steps(sagemaker: Any, execution_arn: str) -> list[dict[str, Any]]:
    answer = sagemaker.list_pipeline_execution_steps(
        PipelineExecutionArn=execution_arn, SortOrder="Ascending"
    )
    return list(answer["PipelineExecutionSteps"])


def _status(step: Mapping[str, Any]) -> str:
    cached = " (cached)" if step.get("CacheHitResult") else ""
    return f"{step['StepStatus']}{cached}"


def _failure(execution: Mapping[str, Any], steps: list[dict[str, Any]]) -> str:
    failed = [step for step in steps if step["StepStatus"] == "Failed"]
    lines = [
        f"Step {step['StepName']} failed: {step.get('FailureReason', 'no reason given')}" for step in failed
    ]
    lines += [f"Its log: {location}" for location in map(_log, failed) if location]
    if not failed:
        reason = execution.get("FailureReason", "no reason given")
        lines = [f"The pipeline execution ended {execution['PipelineExecutionStatus']}: {reason}"]
    return "\n".join(lines)


def _log(step: Mapping[str, Any]) -> str:
    """Where SageMaker writes the log of the step's job: a stream that starts with the job's name."""
    for kind, group in LOG_GROUPS.items():
        job = step.get("Metadata", {}).get(kind)
        if job:
            return f"CloudWatch log group {group}, streams of {job['Arn'].rsplit('/', 1)[-1]}"
    return ""
