"""What each type of step does when it runs, through the public API as the pipeline's role."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lockgate_twin.services.sagemaker import conditions
from lockgate_twin.services.sagemaker.callback_steps import Callbacks
from lockgate_twin.services.sagemaker.lambda_steps import LambdaSteps
from lockgate_twin.services.sagemaker.pipeline_graph import properties
from lockgate_twin.services.sagemaker.retry_policies import classify_reason
from lockgate_twin.services.sagemaker.step_cache import StepResult
from lockgate_twin.services.sagemaker.step_call import StepCall, StepFailure, StepStopped

JobWaiter = Callable[[str], None]


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


def runners(waiters: Mapping[str, JobWaiter], callbacks: Callbacks) -> dict[str, Runner]:
    """Return what runs each type of step; `waiters` wait for the end of a job, by the API's name of its kind."""
    jobs = {name.removesuffix("Job"): JobNames(operation=name, wait=wait).run for name, wait in waiters.items()}
    return {
        **jobs,
        "Model": run_model,
        "RegisterModel": run_register_model,
        "Condition": run_condition,
        "Fail": run_fail,
        "Lambda": LambdaSteps().run,
        "Callback": callbacks.run,
    }
