"""Executions that run again: retries, selective execution, updates, versions and tokens.

Source: Amazon SageMaker API reference, RetryPipelineExecution, UpdatePipelineExecution, SelectiveExecutionConfig,
StartPipelineExecution; Developer Guide, "Selective execution of pipeline steps".
"""

from __future__ import annotations

import json
import threading
import uuid
from typing import Any

import pytest
from lockgate_twin.errors import ApiError
from lockgate_twin.services.sagemaker.retry_policies import RetryPolicy, policy_for

ROLE = "arn:aws:iam::111122223333:role/lockgate/sagemaker-p-test-execution"
ARN = "arn:aws:lambda:us-east-1:111122223333:function:"
EXECUTION_EVENT = "SageMaker Model Building Pipeline Execution Status Change"


def step(name: str, *needs: str, **members: Any) -> dict[str, Any]:
    """Return a Lambda step that calls the function of its name and gives one output, Value."""
    arguments = {need: {"Get": f"Steps.{need}.OutputParameters['Value']"} for need in needs}
    return {
        "Name": name,
        "Type": "Lambda",
        "FunctionArn": ARN + name,
        "Arguments": {**arguments, "P": {"Get": "Parameters.P"}},
        "OutputParameters": [{"OutputName": "Value", "OutputType": "String"}],
        **members,
    }


def condition(name: str, need: str, yes: list[Any], no: list[Any]) -> dict[str, Any]:
    """Return a Condition step that asks whether a step's output is "yes"."""
    reading = {"Get": f"Steps.{need}.OutputParameters['Value']"}
    asked = {"Type": "Equals", "LeftValue": reading, "RightValue": "yes"}
    return {"Name": name, "Type": "Condition", "Arguments": {"Conditions": [asked], "IfSteps": yes, "ElseSteps": no}}


class Pipe:
    """A pipeline of Lambda steps; `seen` are the calls of its functions."""

    def __init__(self, stage: Any) -> None:
        self.stage, self.world = stage, stage.world
        self.seen: list[tuple[str, Any]] = []
        self.broken: set[str] = set()

    def serve(self, *names: str) -> None:
        """Make functions that answer with their own name, or raise while they are broken."""
        for name in names:
            self.world.functions[ARN + name] = lambda event, name=name: self._answer(name, event)

    def _answer(self, name: str, event: Any) -> dict[str, Any]:
        self.seen.append((name, event))
        if name in self.broken:
            raise ValueError(f"{name} is broken")
        return {"Value": f"{name}:{event['P']}"}

    def create(self, *steps: Any) -> None:
        """Create the pipeline."""
        parameters = [{"Name": "P", "Type": "String", "DefaultValue": "0"}]
        definition = json.dumps({"Version": "2020-12-01", "Parameters": parameters, "Steps": list(steps)})
        members = {"RoleArn": ROLE, "PipelineDefinition": definition}
        self.world.call("CreatePipeline", PipelineName="demo", ClientRequestToken=uuid.uuid4().hex, **members)

    def start(self, p: str | None = None, **members: Any) -> str:
        """Start an execution and return its ARN."""
        given = [{"Name": "P", "Value": p}] if p else []
        members = {"ClientRequestToken": uuid.uuid4().hex, "PipelineParameters": given, **members}
        return str(self.world.call("StartPipelineExecution", PipelineName="demo", **members)["PipelineExecutionArn"])

    def run(self, p: str | None = None, **members: Any) -> str:
        """Run an execution to its end."""
        arn = self.start(p, **members)
        self.world.settle()
        return arn

    def select(self, *names: str, source: str | None = None, p: str | None = None) -> str:
        """Run the selected steps."""
        config: dict[str, Any] = {"SelectedSteps": [{"StepName": name} for name in names]}
        config |= {"SourcePipelineExecutionArn": source} if source else {}
        self.seen.clear()
        return self.run(p, SelectiveExecutionConfig=config)

    def describe(self, arn: str) -> dict[str, Any]:
        """Describe an execution."""
        return dict(self.world.call("DescribePipelineExecution", PipelineExecutionArn=arn))

    def steps(self, arn: str) -> dict[str, dict[str, Any]]:
        """Return an execution's steps by name."""
        listed = self.world.call("ListPipelineExecutionSteps", PipelineExecutionArn=arn, SortOrder="Ascending")
        return {found["StepName"]: found for found in listed["PipelineExecutionSteps"]}


@pytest.fixture
def pipe(stage: Any) -> Pipe:
    """A chain of three steps A, B, C."""
    made = Pipe(stage)
    made.serve("A", "B", "C")
    made.create(step("A"), step("B", "A"), step("C", "B"))
    return made


def refusal(pipe: Pipe, *names: str, source: str | None = None) -> str:
    """Return why a selection is refused."""
    with pytest.raises(ApiError) as caught:
        pipe.select(*names, source=source)
    assert caught.value.code == "ValidationException"
    return caught.value.message


def test_a_retry_runs_only_what_did_not_succeed(pipe: Pipe) -> None:
    """The same execution goes on: A is kept, B runs again, C follows; the events tell both courses."""
    pipe.broken = {"B"}
    arn = pipe.run("1")
    assert pipe.describe(arn)["PipelineExecutionStatus"] == "Failed"
    pipe.broken = set()
    pipe.seen.clear()
    request = {"PipelineExecutionArn": arn, "ClientRequestToken": "r" * 32}
    assert pipe.world.call("RetryPipelineExecution", **request) == {"PipelineExecutionArn": arn}
    pipe.world.settle()
    described = pipe.describe(arn)
    assert described["PipelineExecutionStatus"] == "Succeeded"
    assert "FailureReason" not in described
    assert [name for name, _ in pipe.seen] == ["B", "C"]
    assert pipe.seen[0][1] == {"A": "A:1", "P": "1"}
    statuses = pipe.world.statuses(EXECUTION_EVENT, "currentPipelineExecutionStatus")
    assert statuses == ["Executing", "Failed", "Executing", "Succeeded"]
    assert pipe.world.call("RetryPipelineExecution", **request) == {"PipelineExecutionArn": arn}
    assert len(pipe.seen) == 2


def test_what_runs_or_succeeded_is_not_retried(pipe: Pipe) -> None:
    """An execution that succeeded conflicts, and so does a token with other parameters."""
    arn = pipe.run()
    with pytest.raises(ApiError, match="is Succeeded; only one that failed or was stopped") as caught:
        pipe.world.call("RetryPipelineExecution", PipelineExecutionArn=arn, ClientRequestToken="r" * 32)
    assert caught.value.code == "ConflictException"


def test_a_stopped_execution_is_retried(pipe: Pipe) -> None:
    """After a stop the steps that never ran run."""
    entered, release = threading.Event(), threading.Event()
    answer = pipe.world.functions[ARN + "A"]

    def slow(event: Any) -> Any:
        entered.set()
        release.wait(30)
        return answer(event)

    pipe.world.functions[ARN + "A"] = slow
    arn = pipe.start()
    assert entered.wait(30)
    pipe.world.call("StopPipelineExecution", PipelineExecutionArn=arn)
    release.set()
    pipe.world.settle()
    assert pipe.describe(arn)["PipelineExecutionStatus"] == "Stopped"
    pipe.world.call("RetryPipelineExecution", PipelineExecutionArn=arn, ClientRequestToken="r" * 32)
    pipe.world.settle()
    assert pipe.describe(arn)["PipelineExecutionStatus"] == "Succeeded"
    assert [name for name, _ in pipe.seen] == ["A", "B", "C"]


def test_selected_steps_reuse_what_the_reference_left(pipe: Pipe) -> None:
    """B alone reads A's output of the reference; A is listed as reused, C does not run."""
    source = pipe.run("1")
    arn = pipe.select("B", source=source)
    assert pipe.seen == [("B", {"A": "A:1", "P": "1"})]
    found = pipe.steps(arn)
    assert set(found) == {"A", "B"}
    assert found["A"]["SelectiveExecutionResult"] == {"SourcePipelineExecutionArn": source}
    assert "SelectiveExecutionResult" not in found["B"]
    assert pipe.describe(arn)["SelectiveExecutionConfig"]["SelectedSteps"] == [{"StepName": "B"}]
    assert pipe.describe(arn)["PipelineExecutionStatus"] == "Succeeded"


def test_a_retried_selective_execution_stays_selective(pipe: Pipe) -> None:
    """A retry runs the selected step that failed, and nothing that was not selected."""
    source = pipe.run("1")
    pipe.broken = {"B"}
    arn = pipe.select("B", source=source)
    pipe.broken = set()
    pipe.seen.clear()
    pipe.world.call("RetryPipelineExecution", PipelineExecutionArn=arn, ClientRequestToken="r" * 32)
    pipe.world.settle()
    assert pipe.seen == [("B", {"A": "A:1", "P": "1"})]
    assert set(pipe.steps(arn)) == {"A", "B"}
    assert pipe.describe(arn)["PipelineExecutionStatus"] == "Succeeded"


def test_given_parameters_override_the_references(pipe: Pipe) -> None:
    """Parameters come from the reference unless the request gives them."""
    source = pipe.run("1")
    pipe.select("B", "C", source=source, p="2")
    assert [event["P"] for _, event in pipe.seen] == ["2", "2"]


def test_first_steps_need_no_reference(pipe: Pipe) -> None:
    """Steps that need nothing run without a reference, with the defaults."""
    arn = pipe.select("A")
    assert pipe.seen == [("A", {"P": "0"})]
    assert set(pipe.steps(arn)) == {"A"}


def test_selections_that_cannot_run_are_refused(pipe: Pipe) -> None:
    """Unknown steps, gaps, missing or useless references are named."""
    pipe.broken = {"B"}
    failed = pipe.run()
    assert "no step is named 'D'" in refusal(pipe, "D")
    assert "step B lies between selected steps" in refusal(pipe, "A", "C", source=failed)
    assert "selected steps need A, which is not selected; give a SourcePipelineExecutionArn" in refusal(pipe, "B")
    assert f"selected steps need B, which did not succeed in {failed}" in refusal(pipe, "C", source=failed)
    assert "is no execution of" in refusal(pipe, "B", source=failed + "x")


def test_a_step_behind_a_condition_can_be_selected(stage: Any) -> None:
    """It runs whatever the unselected condition decided; steps of both branches need the condition."""
    pipe = Pipe(stage)
    pipe.serve("A", "Yes", "No")
    pipe.create(step("A"), condition("Ask", "A", [step("Yes", "A")], [step("No", "A")]))
    source = pipe.run()
    assert [name for name, _ in pipe.seen] == ["A", "No"]
    arn = pipe.select("Yes", source=source)
    assert [name for name, _ in pipe.seen] == ["Yes"]
    assert set(pipe.steps(arn)) == {"A", "Yes"}
    told = refusal(pipe, "Yes", "No", source=source)
    assert "steps of both branches of Ask are selected" in told
    pipe.select("Ask", "Yes", "No", source=source)
    assert [name for name, _ in pipe.seen] == ["No"]


def test_an_update_changes_name_description_and_parallelism(pipe: Pipe) -> None:
    """UpdatePipelineExecution is seen by Describe and List; what is not given stays."""
    arn = pipe.run(PipelineExecutionDescription="first")
    changes = {"PipelineExecutionDisplayName": "second", "ParallelismConfiguration": {"MaxParallelExecutionSteps": 2}}
    pipe.world.call("UpdatePipelineExecution", PipelineExecutionArn=arn, **changes)
    found = pipe.describe(arn)
    assert {name: found[name] for name in changes} == changes
    assert found["PipelineExecutionDescription"] == "first"
    listed = pipe.world.call("ListPipelineExecutions", PipelineName="demo")["PipelineExecutionSummaries"]
    assert listed[0]["PipelineExecutionDisplayName"] == "second"
    with pytest.raises(ApiError, match="does not exist"):
        pipe.world.call("UpdatePipelineExecution", PipelineExecutionArn=arn + "x")


def test_the_same_token_starts_once(pipe: Pipe) -> None:
    """The same request again is the same execution; the token with another request conflicts."""
    first = pipe.run("1", ClientRequestToken="t" * 32)
    assert pipe.run("1", ClientRequestToken="t" * 32) == first
    assert len(pipe.seen) == 3
    with pytest.raises(ApiError, match="used before with other parameters") as caught:
        pipe.start("2", ClientRequestToken="t" * 32)
    assert caught.value.code == "ConflictException"


def test_an_earlier_version_can_be_started(pipe: Pipe) -> None:
    """PipelineVersionId runs that version's definition; Describe tells it; an unknown one is not found."""
    definition = json.dumps({"Version": "2020-12-01", "Steps": [step("C", Arguments={"P": "new"})]})
    updated = pipe.world.call("UpdatePipeline", PipelineName="demo", PipelineDefinition=definition)
    assert updated["PipelineVersionId"] == 2
    assert pipe.describe(pipe.run(PipelineVersionId=1))["PipelineVersionId"] == 1
    assert [name for name, _ in pipe.seen] == ["A", "B", "C"]
    assert pipe.describe(pipe.run())["PipelineVersionId"] == 2
    assert [name for name, _ in pipe.seen] == ["A", "B", "C", "C"]
    with pytest.raises(ApiError, match="no version 9") as caught:
        pipe.start(PipelineVersionId=9)
    assert caught.value.code == "ResourceNotFound"


def test_an_execution_uses_its_pipelines_role(pipe: Pipe) -> None:
    """RoleArn is for pipelines that AWS manages only (StartPipelineExecution, RoleArn)."""
    with pytest.raises(ApiError, match="use its role"):
        pipe.start(RoleArn=ROLE)


def test_faults_and_throttling_are_retried_without_a_policy() -> None:
    """Pipelines retries these by itself; a policy of the step overrides it; other exceptions need one.

    Source: Developer Guide, "Retry Policy for Pipeline Steps".
    """
    for kind in ("Step.SERVICE_FAULT", "Step.THROTTLING"):
        automatic = policy_for([], kind)
        assert automatic is not None
        assert [automatic.delay(attempt, 0) for attempt in (1, 2, 3, 4)] == [1, 2, 4, None]
        own = RetryPolicy(exception_types=frozenset({kind}), interval=9, max_attempts=1)
        assert policy_for([own], kind) is own
    assert policy_for([], "SageMaker.JOB_INTERNAL_ERROR") is None
    assert policy_for([], None) is None


def test_a_throttled_function_is_called_again(pipe: Pipe) -> None:
    """A Lambda step, which takes no retry policies, survives one throttled invocation."""
    pipe.world.throttled.add(ARN + "A")
    found = pipe.steps(pipe.run())
    assert {name: step["AttemptCount"] for name, step in found.items()} == {"A": 2, "B": 1, "C": 1}
