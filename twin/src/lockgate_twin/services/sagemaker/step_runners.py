"""What each type of step does when it runs, through the public API as the pipeline's role."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Session
from lockgate_twin.services.sagemaker import conditions
from lockgate_twin.services.sagemaker.names import random_id
from lockgate_twin.services.sagemaker.pipeline_definition import Step
from lockgate_twin.services.sagemaker.pipeline_graph import properties
from lockgate_twin.services.sagemaker.retry_policies import classify, classify_reason
from lockgate_twin.services.sagemaker.step_cache import StepResult

MAX_NAME = 63
NAME_SUFFIX = 10
JobWaiter = Callable[[str], None]


class StepFailure(Exception):
    """A step failed; `exception_type` is what retry policies know the failure by, if it may be retried at all."""

    def __init__(self, reason: str, exception_type: str | None = None) -> None:
        super().__init__(reason)
        self.exception_type = exception_type


class StepStopped(Exception):
    """A step ended because the execution is being stopped."""


@dataclass(frozen=True, kw_only=True)
class StepCall:
    """One try of one step: its resolved arguments and what it may use."""

    step: Step
    arguments: dict[str, Any]
    execution_id: str
    session: Session
    stop: threading.Event
    resolve: Callable[[Any], Any]
    started: Callable[[Mapping[str, Any]], None]
    on_stop: Callable[[Callable[[], None]], None]

    def api(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Call a SageMaker operation as the pipeline's role.

        Raises:
            StepFailure: the service refused, worded as AWS does.
        """
        from botocore import xform_name
        from botocore.exceptions import BotoCoreError, ClientError

        failed = f"ClientError: Failed to invoke sagemaker:{operation}. Error Details: "
        try:
            answer: dict[str, Any] = getattr(self.session.client("sagemaker"), xform_name(operation))(**parameters)
        except ClientError as error:
            details, status = error.response["Error"], error.response["ResponseMetadata"].get("HTTPStatusCode", 400)
            kind = classify(details["Code"], status)
            raise StepFailure(f"{failed}{details['Code']}: {details['Message']}", kind) from error
        except BotoCoreError as error:
            raise StepFailure(f"{failed}{error}") from error
        except ApiError as error:
            raise StepFailure(f"{failed}{error}", classify(error.code, error.status)) from error
        return answer

    def resource_name(self, given: str | None = None) -> str:
        """Return the name of what the step creates: pipelines-<execution>-<step>-<random>, or with the given prefix."""
        step = self.step.name.replace("_", "-")
        prefix = given or f"pipelines-{self.execution_id}-{step}"
        return f"{prefix[: MAX_NAME - NAME_SUFFIX - 1].rstrip('-')}-{random_id(NAME_SUFFIX)}"


@dataclass(frozen=True, kw_only=True)
class JobNames:
    """How one kind of job is spelled in the API."""

    operation: str
    wait: JobWaiter

    def run(self, call: StepCall) -> StepResult:
        """Create the job, wait for its end, and return its description."""
        member = f"{self.operation}Name"
        name = call.resource_name(call.arguments.pop(member, None))
        arn = call.api(f"Create{self.operation}", **{member: name}, **call.arguments)[f"{self.operation}Arn"]
        metadata = {self.operation: {"Arn": arn}}
        call.started(metadata)
        call.on_stop(lambda: self.stop(call, name))
        self.wait(arn)
        described = call.api(f"Describe{self.operation}", **{member: name})
        status = described[f"{self.operation}Status"]
        if status == "Stopped" and call.stop.is_set():
            raise StepStopped
        if status != "Completed":
            reason = described.get("FailureReason") or f"the job is {status}"
            raise StepFailure(f"ClientError: {reason.removeprefix('ClientError: ')}", classify_reason(reason))
        return StepResult(properties=properties(described), metadata=metadata)

    def stop(self, call: StepCall, name: str) -> None:
        """Ask the job to stop. One that is over needs none; one that the role may not stop ends by itself."""
        with contextlib.suppress(StepFailure):
            call.api(f"Stop{self.operation}", **{f"{self.operation}Name": name})


def _described(call: StepCall, operation: str, member: str, name: str) -> dict[str, Any]:
    """Return the properties of what a step created; a role that may not describe it knows its name alone."""
    try:
        return properties(call.api(operation, **{member: name}))
    except StepFailure as failure:
        if "AccessDenied" in str(failure):
            return {member: name}
        raise


def run_model(call: StepCall) -> StepResult:
    """Create a model."""
    name = call.resource_name(call.arguments.pop("ModelName", None))
    arn = call.api("CreateModel", ModelName=name, **call.arguments)["ModelArn"]
    described = _described(call, "DescribeModel", "ModelName", name)
    return StepResult(properties=described, metadata={"Model": {"Arn": arn}})


def run_register_model(call: StepCall) -> StepResult:
    """Register a model package version."""
    arn = call.api("CreateModelPackage", **call.arguments)["ModelPackageArn"]
    described = _described(call, "DescribeModelPackage", "ModelPackageName", arn)
    named = {**described, "ModelPackageArn": arn}
    return StepResult(properties=named, metadata={"RegisterModel": {"Arn": arn}})


def run_condition(call: StepCall) -> StepResult:
    """Evaluate the conditions."""
    outcome = all(conditions.holds(condition, call.resolve) for condition in call.step.arguments["Conditions"])
    return StepResult(properties={"Outcome": outcome}, metadata={"Condition": {"Outcome": str(outcome)}})


def run_fail(call: StepCall) -> StepResult:
    """Fail with the step's message."""
    message = call.arguments["ErrorMessage"]
    call.started({"Fail": {"ErrorMessage": message}})
    raise StepFailure(message)


Runner = Callable[[StepCall], StepResult]


def runners(wait_processing: JobWaiter, wait_training: JobWaiter) -> dict[str, Runner]:
    """Return what runs each type of step."""
    return {
        "Processing": JobNames(operation="ProcessingJob", wait=wait_processing).run,
        "Training": JobNames(operation="TrainingJob", wait=wait_training).run,
        "Model": run_model,
        "RegisterModel": run_register_model,
        "Condition": run_condition,
        "Fail": run_fail,
    }
