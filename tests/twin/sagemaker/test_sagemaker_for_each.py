"""ForEach steps: a body for each item, some at a time, with outputs by iteration and a selector.

Source: SageMaker SDK v3, `sagemaker.mlops.workflow.for_each_step` (the definition it generates is checked here too);
API reference, ForEachStepMetadata, ForEachSelectorResult, IterationContext.
"""

from __future__ import annotations

import json
import threading
import uuid
from typing import Any

import pytest
from lockgate_twin.errors import ApiError

ROLE = "arn:aws:iam::111122223333:role/lockgate/sagemaker-p-test-execution"
ARN = "arn:aws:lambda:us-east-1:111122223333:function:"


def body_step(name: str = "Body", arguments: Any = None, **members: Any) -> dict[str, Any]:
    """Return a Lambda step with the output Score."""
    return {
        "Name": name,
        "Type": "Lambda",
        "FunctionArn": ARN + name,
        "Arguments": arguments or {"item": {"Get": "ForEach.CurrentItem"}},
        "OutputParameters": [{"OutputName": "Score", "OutputType": "Float"}],
        **members,
    }


def loop(*body: Any, items: Any = ("1", "3", "2"), most: int = 2, **arguments: Any) -> dict[str, Any]:
    """Return a ForEach step."""
    given = list(items) if isinstance(items, tuple) else items
    given = {"IterableItems": given, "MaxConcurrency": most, **arguments}
    return {"Name": "Loop", "Type": "ForEach", "Arguments": {**given, "ForEachBody": list(body or [body_step()])}}


def say(*values: Any) -> dict[str, Any]:
    """Return a Fail step that tells some values."""
    message = {"Std:Join": {"On": " ", "Values": list(values)}}
    return {"Name": "Say", "Type": "Fail", "Arguments": {"ErrorMessage": message}}


def create(world: Any, *steps: Any) -> None:
    """Create the pipeline."""
    parameters = [{"Name": "Items", "Type": "String", "DefaultValue": "[]"}]
    definition = json.dumps({"Version": "2020-12-01", "Parameters": parameters, "Steps": list(steps)})
    members = {"PipelineName": "demo", "RoleArn": ROLE, "PipelineDefinition": definition}
    world.call("CreatePipeline", ClientRequestToken=uuid.uuid4().hex, **members)


def run(world: Any, *steps: Any, **parameters: str) -> dict[str, dict[str, Any]]:
    """Run a pipeline of these steps and return its steps by name."""
    create(world, *steps)
    given = [{"Name": name, "Value": value} for name, value in parameters.items()]
    started = world.call(
        "StartPipelineExecution", PipelineName="demo", ClientRequestToken="t" * 32, PipelineParameters=given
    )
    world.settle()
    return listed(world, started["PipelineExecutionArn"])


def listed(world: Any, arn: str) -> dict[str, dict[str, Any]]:
    """Return an execution's steps by name."""
    found = world.call("ListPipelineExecutionSteps", PipelineExecutionArn=arn)["PipelineExecutionSteps"]
    return {step["StepName"]: step for step in found}


def refusal(world: Any, *steps: Any) -> str:
    """Return what CreatePipeline says about these steps."""
    with pytest.raises(ApiError) as caught:
        create(world, *steps)
    return caught.value.message


@pytest.fixture(autouse=True)
def score(world: Any) -> list[Any]:
    """A function that scores an item by its number; returned are the events it saw."""
    seen: list[Any] = []

    def answer(event: Any) -> dict[str, float]:
        seen.append(event)
        return {"Score": float(event["item"])}

    world.functions[ARN + "Body"] = answer
    return seen


def test_every_item_is_run_and_its_output_read(world: Any, score: list[Any]) -> None:
    """Children are named by their index and tell their item; outputs and counts are properties."""
    reading = {"Get": "Steps.Loop.IterationOutputs[1].Body.OutputParameters['Score']"}
    found = run(world, loop(), say(reading, {"Get": "Steps.Loop.InputItemCount"}))
    assert found["Say"]["FailureReason"] == "3.0 3"
    assert sorted(event["item"] for event in score) == ["1", "2", "3"]
    assert {name: step.get("IterationContext") for name, step in found.items()} == {
        "Loop": None,
        "Say": None,
        "Body-0": {"ParentStepName": "Loop", "Index": 0, "Item": "1"},
        "Body-1": {"ParentStepName": "Loop", "Index": 1, "Item": "3"},
        "Body-2": {"ParentStepName": "Loop", "Index": 2, "Item": "2"},
    }
    counts = {"InputItemCount": 3, "TotalStepCount": 3, "SucceededStepCount": 3}
    counts |= {"FailedStepCount": 0, "StoppedStepCount": 0}
    assert found["Loop"]["Metadata"]["ForEach"] == {"Status": "Succeeded", **counts}


@pytest.mark.parametrize(("pick", "told", "index"), [("MaxBy", "3.0", 1), ("MinBy", "1.0", 0)])
def test_a_selector_picks_one_iteration(world: Any, pick: str, told: str, index: int) -> None:
    """Selected has the members of the body step that the field names."""
    selector = {"Pick": pick, "Field": {"Get": "IterationOutput.Body.OutputParameters['Score']"}}
    found = run(world, loop(Selector=selector), say({"Get": "Steps.Loop.Selected.OutputParameters['Score']"}))
    assert found["Say"]["FailureReason"] == told
    assert found["Loop"]["Metadata"]["ForEach"]["Selector"] == {"StepName": f"Body-{index}", "Index": index}


def test_items_come_from_a_parameter_and_are_read_by_member(world: Any, score: list[Any]) -> None:
    """A JSON list of objects is iterated; CurrentItem drills into each; no item is no failure."""
    body = body_step(arguments={"item": {"Get": "ForEach.CurrentItem.size"}})
    step = loop(body, items={"Get": "Parameters.Items"})
    found = run(world, step, Items='[{"size": 4}, {"size": 5}]')
    assert found["Loop"]["StepStatus"] == "Succeeded", found
    assert sorted(event["item"] for event in score) == [4, 5]
    assert json.loads(found["Body-1"]["IterationContext"]["Item"]) == {"size": 5}
    arn = world.call("StartPipelineExecution", PipelineName="demo", ClientRequestToken="u" * 32)["PipelineExecutionArn"]
    world.settle()
    assert listed(world, arn)["Loop"]["Metadata"]["ForEach"]["InputItemCount"] == 0


def test_what_is_no_list_fails_the_step(world: Any) -> None:
    """IterableItems that resolve to no list are told."""
    found = run(world, loop(items={"Get": "Parameters.Items"}), Items="nine")
    assert "must be a JSON list of at most 100 items" in found["Loop"]["FailureReason"]


def test_body_steps_read_each_other_within_an_iteration(world: Any) -> None:
    """A body step waits for its sibling of the same iteration and reads its output."""
    world.functions[ARN + "Next"] = lambda event: {"Score": event["before"] * 10}
    second = body_step("Next", {"before": {"Get": "Steps.Body.OutputParameters['Score']"}})
    reading = [{"Get": f"Steps.Loop.IterationOutputs[{i}].Next.OutputParameters['Score']"} for i in range(3)]
    found = run(world, loop(second, body_step()), say(*reading))
    assert found["Say"]["FailureReason"] == "10.0 30.0 20.0"


def test_no_more_children_run_at_once_than_allowed(world: Any) -> None:
    """MaxConcurrency children run at once, and not one more."""
    lock, together = threading.Lock(), threading.Barrier(2)
    running, most = 0, 0

    def answer(_: Any) -> dict[str, float]:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        together.wait(30)
        with lock:
            running -= 1
        return {"Score": 1.0}

    world.functions[ARN + "Body"] = answer
    found = run(world, loop(items=("1", "2", "3", "4")))
    assert found["Loop"]["StepStatus"] == "Succeeded"
    assert most == 2


def test_a_child_that_fails_fails_the_step_and_a_retry_goes_on(world: Any, score: list[Any]) -> None:
    """No other child starts after a failure; a retry of the execution keeps the children that succeeded."""
    found = run(world, loop(items=("1", "x", "2"), most=1))
    assert found["Loop"]["FailureReason"] == "ClientError: Body-1 failed."
    assert found["Loop"]["Metadata"]["ForEach"]["Status"] == "Failed"
    assert set(found) == {"Loop", "Body-0", "Body-1"}
    world.functions[ARN + "Body"] = lambda event: score.append(event) or {"Score": 0.0}
    score.clear()
    arn = world.call("ListPipelineExecutions", PipelineName="demo")["PipelineExecutionSummaries"][0]
    world.call("RetryPipelineExecution", PipelineExecutionArn=arn["PipelineExecutionArn"], ClientRequestToken="r" * 32)
    world.settle()
    again = listed(world, arn["PipelineExecutionArn"])
    assert again["Loop"]["Metadata"]["ForEach"]["SucceededStepCount"] == 3
    assert [event["item"] for event in score] == ["x", "2"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"most": 51}, "MaxConcurrency: must be a number from 1 to 50"),
        ({"items": []}, "IterableItems: must be an expression or a list of 1 to 100 items"),
        ({"Other": 1}, "Steps[Loop].Arguments.Other: unknown field"),
        ({"Selector": {"Pick": "First", "Field": {"Get": "x"}}}, "'First' is not MaxBy or MinBy"),
        (
            {"Selector": {"Pick": "MaxBy", "Field": {"Get": "IterationOutput.No.x"}}},
            "must be IterationOutput.<body step>",
        ),
    ],
)
def test_wrong_members_are_named(world: Any, change: Any, told: str) -> None:
    """The limits that the SDK checks are checked here too."""
    assert told in refusal(world, loop(**change))


def test_steps_that_do_not_fit_are_named(world: Any) -> None:
    """Nested loops, names of children, items outside a body, and circles in a body are refused."""
    assert "of type ForEach cannot be in a ForEachBody" in refusal(world, {**loop(loop()), "Name": "Outer"})
    assert "the name is that of a child" in refusal(world, loop(), {**say("x"), "Name": "Body-7"})
    assert "within the body of a ForEach step only" in refusal(world, say({"Get": "ForEach.CurrentItem"}))
    assert "two steps are named 'Body'" in refusal(world, loop(), {**say("x"), "Name": "Body"})
    assert "no step is named 'Body'" in refusal(world, loop(), say({"Get": "Steps.Body.OutputParameters['Score']"}))
    assert "has no property ('Selected'" in refusal(world, loop(), say({"Get": "Steps.Loop.Selected.x"}))
    first, second = body_step(DependsOn=["Next"]), body_step("Next", DependsOn=["Body"])
    assert "in a circle" in refusal(world, loop(first, second))


@pytest.mark.filterwarnings("ignore:::sagemaker")
def test_the_sdks_own_definition_is_accepted(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the SDK generates for a ForEach step passes every check."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    from sagemaker.core.lambda_helper import Lambda
    from sagemaker.core.workflow.parameters import ParameterString
    from sagemaker.mlops.workflow.for_each_step import CurrentItem, ForEachSelector, ForEachStep, IterationOutput
    from sagemaker.mlops.workflow.lambda_step import LambdaOutput, LambdaOutputTypeEnum, LambdaStep

    output = LambdaOutput(output_name="Score", output_type=LambdaOutputTypeEnum.Float)
    body = LambdaStep("Body", Lambda(function_arn=ARN + "Body"), inputs={"item": CurrentItem()}, outputs=[output])
    selector = ForEachSelector("MaxBy", IterationOutput(body).OutputParameters["Score"])
    made = ForEachStep("Loop", ParameterString("Items"), 2, [body], selector)

    def plain(value: Any) -> Any:
        if hasattr(value, "expr"):
            return value.expr
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        return [plain(item) for item in value] if isinstance(value, list) else value

    create(world, plain(made.to_request()))
