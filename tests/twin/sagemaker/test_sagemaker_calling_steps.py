"""Lambda and Callback steps: outputs, failures, stopping, caching, and what a definition may say.

Source: Amazon SageMaker Developer Guide, "Lambda step", "Callback step" and "Retry Policy for Pipeline Steps".
"""

from __future__ import annotations

import json
import threading
import uuid
from typing import Any

import pytest
from lockgate_twin.errors import ApiError, NotImplementedByTwin
from lockgate_twin.services.sagemaker.lambda_steps import LambdaSteps

ROLE = "arn:aws:iam::111122223333:role/lockgate/sagemaker-p-test-execution"
FUNCTION = "arn:aws:lambda:us-east-1:111122223333:function:sagemaker-lockgate-verify"
QUEUE = "https://sqs.us-east-1.amazonaws.com/111122223333/review"
STEP_EVENT = "SageMaker Model Building Pipeline Execution Step Status Change"


def lambda_step(name: str = "Verify", **members: Any) -> dict[str, Any]:
    """Return a Lambda step with one output of each type."""
    outputs = {"Verdict": "String", "Rows": "Integer", "Score": "Float", "Sound": "Boolean"}
    return {
        "Name": name,
        "Type": "Lambda",
        "FunctionArn": FUNCTION,
        "Arguments": {"Arn": {"Get": "Parameters.ModelPackageArn"}},
        "OutputParameters": [{"OutputName": n, "OutputType": t} for n, t in outputs.items()],
        **members,
    }


def callback_step(**members: Any) -> dict[str, Any]:
    """Return a Callback step with one output."""
    return {
        "Name": "Review",
        "Type": "Callback",
        "SqsQueueUrl": QUEUE,
        "Arguments": {"number": 5},
        "OutputParameters": [{"OutputName": "Reviewer", "OutputType": "String"}],
        **members,
    }


def create(stage: Any, *steps: dict[str, Any], name: str = "demo") -> None:
    """Create a pipeline of these steps."""
    parameters = [{"Name": "ModelPackageArn", "Type": "String", "DefaultValue": "arn:none"}]
    definition = json.dumps({"Version": "2020-12-01", "Parameters": parameters, "Steps": list(steps)})
    stage.world.call(
        "CreatePipeline",
        PipelineName=name,
        RoleArn=ROLE,
        ClientRequestToken=uuid.uuid4().hex,
        PipelineDefinition=definition,
    )


def started(stage: Any, **parameters: str) -> Any:
    """Start an execution and return it."""
    given = [{"Name": key, "Value": value} for key, value in parameters.items()]
    answer = stage.world.call(
        "StartPipelineExecution",
        PipelineName="demo",
        ClientRequestToken=uuid.uuid4().hex,
        PipelineParameters=given,
    )
    (execution,) = [e for e in stage.sagemaker.executions.executions.all() if e.arn == answer["PipelineExecutionArn"]]
    return execution


def run(stage: Any, **parameters: str) -> Any:
    """Run an execution to its end."""
    execution = started(stage, **parameters)
    assert execution.done.wait(30)
    return execution


def steps(stage: Any, execution: Any) -> dict[str, dict[str, Any]]:
    """Return an execution's steps by name."""
    listed = stage.world.call("ListPipelineExecutionSteps", PipelineExecutionArn=execution.arn)
    return {step["StepName"]: step for step in listed["PipelineExecutionSteps"]}


def refusal(stage: Any, *given: dict[str, Any]) -> str:
    """Return what CreatePipeline says about these steps."""
    with pytest.raises(ApiError) as caught:
        create(stage, *given)
    return caught.value.message


def sound(_: Any) -> dict[str, Any]:
    """Answer with every declared output."""
    return {"Verdict": "APPROVE", "Rows": 12, "Score": 0.5, "Sound": True, "Other": {"is": "dropped"}}


def test_a_lambda_step_gives_its_answer_as_typed_outputs(stage: Any) -> None:
    """The function gets the arguments; later steps and conditions read its outputs by name and type."""
    seen: list[Any] = []
    stage.world.functions[FUNCTION] = lambda event: seen.append(event) or sound(event)
    outcome = {"Type": "Equals", "LeftValue": {"Get": "Steps.Verify.OutputParameters['Rows']"}, "RightValue": 12}
    message = {"Std:Join": {"On": " ", "Values": [{"Get": "Steps.Verify.OutputParameters['Verdict']"}, "it is"]}}
    fail = {"Name": "Say", "Type": "Fail", "Arguments": {"ErrorMessage": message}}
    choice = {"Name": "Choose", "Type": "Condition", "Arguments": {"Conditions": [outcome], "IfSteps": [fail]}}
    create(stage, lambda_step(), choice)
    execution = run(stage, ModelPackageArn="arn:package/1")
    assert seen == [{"Arn": "arn:package/1"}]
    found = steps(stage, execution)
    assert found["Say"]["FailureReason"] == "APPROVE it is"
    assert found["Verify"]["StepStatus"] == "Succeeded"
    assert found["Verify"]["Metadata"]["Lambda"] == {
        "Arn": FUNCTION,
        "OutputParameters": [
            {"Name": "Verdict", "Value": "APPROVE"},
            {"Name": "Rows", "Value": "12"},
            {"Name": "Score", "Value": "0.5"},
            {"Name": "Sound", "Value": "true"},
        ],
    }
    metadata = [
        e.detail["metadata"] for e in stage.world.events if e.detail_type == STEP_EVENT and e.detail["metadata"]
    ]
    assert {"arn", "outputParameters"} <= set(metadata[-3]["lambda"]) or metadata[0]["lambda"]["arn"] == FUNCTION


def test_a_nested_output_is_one_string(stage: Any) -> None:
    """A nested value is treated as a single string ("Lambda step", Inputs and outputs)."""
    stage.world.functions[FUNCTION] = lambda _: {"Deep": {"a": 1}}
    create(stage, lambda_step(OutputParameters=[{"OutputName": "Deep", "OutputType": "String"}]))
    execution = run(stage)
    assert steps(stage, execution)["Verify"]["Metadata"]["Lambda"]["OutputParameters"][0]["Value"] == '{"a": 1}'


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"Rows": 1, "Score": 1, "Sound": False}, "no output named Verdict"),
        (
            {"Verdict": "v", "Rows": "many", "Score": 1, "Sound": False},
            "output Rows of step Verify is no Integer: many",
        ),
        ({"Verdict": "v" * 1025, "Rows": 1, "Score": 1, "Sound": False}, "longer than 1024 characters"),
        (["a list"], "no output named Verdict, Rows, Score, Sound"),
    ],
)
def test_an_answer_without_the_declared_outputs_fails_the_step(stage: Any, answer: Any, told: str) -> None:
    """A missing output, one of another type and one that is too long each fail the step by name."""
    stage.world.functions[FUNCTION] = lambda _: answer
    create(stage, lambda_step())
    execution = run(stage)
    assert execution.status == "Failed"
    assert told in steps(stage, execution)["Verify"]["FailureReason"]


def test_a_function_that_raises_fails_the_step_with_its_error(stage: Any) -> None:
    """The function's own error is the reason; nothing is tried again."""
    calls: list[Any] = []

    def broken(event: Any) -> None:
        calls.append(event)
        raise ValueError("digest differs")

    stage.world.functions[FUNCTION] = broken
    create(stage, lambda_step())
    execution = run(stage)
    reason = steps(stage, execution)["Verify"]["FailureReason"]
    assert reason == f"ClientError: Lambda function {FUNCTION} failed: ValueError: digest differs"
    assert len(calls) == 1


def test_a_function_that_may_not_be_invoked_fails_the_step(stage: Any) -> None:
    """What Lambda refuses is told with Lambda's words."""
    create(stage, lambda_step())
    reason = steps(stage, run(stage))["Verify"]["FailureReason"]
    assert reason.startswith("ClientError: Failed to invoke lambda:Invoke. Error Details: ResourceNotFoundException")


def test_a_lambda_step_that_takes_too_long_fails_and_the_function_goes_on(stage: Any) -> None:
    """At the limit the step fails and the execution with it ("Timeout and stopping behavior")."""
    release, ended = threading.Event(), threading.Event()

    def slow(_: Any) -> dict[str, Any]:
        release.wait(30)
        ended.set()
        return {}

    stage.world.functions[FUNCTION] = slow
    runners = stage.sagemaker.executions._executor.runners  # the limit is 10 minutes
    runners["Lambda"] = LambdaSteps(timeout=0.05).run
    create(stage, lambda_step(OutputParameters=[]))
    execution = run(stage)
    assert execution.status == "Failed"
    assert "the limit of a Lambda step" in steps(stage, execution)["Verify"]["FailureReason"]
    assert not ended.is_set()
    release.set()
    assert ended.wait(30)
    assert LambdaSteps().timeout == 600


def test_a_stop_waits_for_the_function(stage: Any) -> None:
    """A running Lambda step cannot be stopped: it ends, the next does not start, the execution is Stopped."""
    entered, release = threading.Event(), threading.Event()

    def slow(event: Any) -> dict[str, Any]:
        entered.set()
        release.wait(30)
        return sound(event)

    stage.world.functions[FUNCTION] = slow
    create(stage, lambda_step(), lambda_step("After", DependsOn=["Verify"]))
    execution = started(stage)
    assert entered.wait(30)
    stage.world.call("StopPipelineExecution", PipelineExecutionArn=execution.arn)
    assert execution.status == "Stopping"
    release.set()
    assert execution.done.wait(30)
    assert execution.status == "Stopped"
    found = steps(stage, execution)
    assert [(n, s["StepStatus"]) for n, s in found.items()] == [("Verify", "Succeeded")]


def test_a_cached_lambda_step_is_reused_for_the_same_arguments_only(stage: Any) -> None:
    """With CacheConfig the same arguments give the earlier outputs; others run the function."""
    calls: list[Any] = []
    stage.world.functions[FUNCTION] = lambda event: calls.append(event) or sound(event)
    create(stage, lambda_step(CacheConfig={"Enabled": True, "ExpireAfter": "T1h"}))
    first = run(stage)
    second = run(stage)
    assert steps(stage, second)["Verify"]["CacheHitResult"] == {"SourcePipelineExecutionArn": first.arn}
    assert len(calls) == 1
    run(stage, ModelPackageArn="arn:other")
    assert len(calls) == 2


def test_every_mistake_of_a_calling_step_is_named(stage: Any) -> None:
    """A missing function, nested arguments, retry policies and bad outputs are told together; form comes first."""
    wrong = lambda_step(RetryPolicies=[{"ExceptionType": ["Step.THROTTLING"]}], OutputParameters=[{"OutputName": "x"}])
    del wrong["FunctionArn"]
    told = refusal(stage, wrong, callback_step(SqsQueueUrl=""))
    assert "Steps[Verify].RetryPolicies: unknown field" in told
    assert "Steps[Verify].FunctionArn: required field missing" in told
    assert "Steps[Verify].OutputParameters[0]: an output has an OutputName and an OutputType" in told
    assert "Steps[Review].SqsQueueUrl: required field missing" in told
    assert "Steps[Verify].Arguments.Deep: must be a string" in refusal(stage, lambda_step(Arguments={"Deep": {"a": 1}}))


def test_an_output_that_is_not_declared_is_no_property(stage: Any) -> None:
    """References to unknown outputs are refused when the pipeline is created; known ones carry their type."""
    reading = {"Get": "Steps.Verify.OutputParameters['Verdikt']"}
    fail = {"Name": "Say", "Type": "Fail", "Arguments": {"ErrorMessage": reading}}
    assert "its OutputParameters are Verdict, Rows, Score, Sound" in refusal(stage, lambda_step(), fail)


@pytest.mark.parametrize("kind", ["EMR", "Tuning", "AutoML", "QualityCheck", "ClarifyCheck", "NotebookJob"])
def test_step_types_that_the_twin_does_not_run_are_refused_by_name(stage: Any, kind: str) -> None:
    """What no twin runs is refused at CreatePipeline, naming the step and its type."""
    with pytest.raises(NotImplementedByTwin, match=rf"Step 'X' of type '{kind}'"):
        create(stage, {"Name": "X", "Type": kind, "Arguments": {}})


def message(stage: Any) -> Any:
    """Return the next message of the queue."""
    url, body = stage.world.messages.get(timeout=30)
    assert url == QUEUE
    return body


def test_a_callback_step_waits_for_its_token(stage: Any) -> None:
    """The message has token, execution, arguments and status; the answer's outputs are the step's."""
    create(stage, callback_step())
    execution = started(stage)
    body = message(stage)
    assert {k: v for k, v in body.items() if k != "token"} == {
        "pipelineExecutionArn": execution.arn,
        "arguments": {"number": 5},
        "status": "Executing",
    }
    assert len(body["token"]) == 10
    assert steps(stage, execution)["Review"]["StepStatus"] == "Executing"
    answer = stage.world.call(
        "SendPipelineExecutionStepSuccess",
        CallbackToken=body["token"],
        OutputParameters=[{"Name": "Reviewer", "Value": "ada"}],
    )
    assert answer == {"PipelineExecutionArn": execution.arn}
    assert execution.done.wait(30)
    found = steps(stage, execution)["Review"]
    assert found["Metadata"]["Callback"] == {
        "CallbackToken": body["token"],
        "SqsQueueUrl": QUEUE,
        "OutputParameters": [{"Name": "Reviewer", "Value": "ada"}],
    }
    assert execution.status == "Succeeded"


def test_a_callback_answered_with_failure_fails_the_step(stage: Any) -> None:
    """SendPipelineExecutionStepFailure's reason is the step's."""
    create(stage, callback_step())
    execution = started(stage)
    token = message(stage)["token"]
    stage.world.call("SendPipelineExecutionStepFailure", CallbackToken=token, FailureReason="no reviewer")
    assert execution.done.wait(30)
    assert (execution.status, steps(stage, execution)["Review"]["FailureReason"]) == ("Failed", "no reviewer")


def test_a_token_counts_once(stage: Any) -> None:
    """An unknown token is ResourceNotFound; a second answer conflicts, unless it is the same request again."""
    create(stage, callback_step(OutputParameters=[]))
    execution = started(stage)
    request = {"CallbackToken": message(stage)["token"], "ClientRequestToken": "r" * 32}
    stage.world.call("SendPipelineExecutionStepSuccess", **request)
    assert execution.done.wait(30)
    assert stage.world.call("SendPipelineExecutionStepSuccess", **request) == {"PipelineExecutionArn": execution.arn}
    with pytest.raises(ApiError, match="answered already") as caught:
        stage.world.call("SendPipelineExecutionStepFailure", **request)
    assert caught.value.code == "ConflictException"
    with pytest.raises(ApiError, match="No callback step waits") as caught:
        stage.world.call("SendPipelineExecutionStepSuccess", CallbackToken="A" * 10)
    assert caught.value.code == "ResourceNotFound"


def test_a_stop_tells_the_queue_and_waits_for_the_answer(stage: Any) -> None:
    """A second message has the status Stopping; the execution stops when the token is answered."""
    create(stage, callback_step(OutputParameters=[]))
    execution = started(stage)
    token = message(stage)["token"]
    stage.world.call("StopPipelineExecution", PipelineExecutionArn=execution.arn)
    again = message(stage)
    assert (again["token"], again["status"]) == (token, "Stopping")
    assert execution.status == "Stopping"
    stage.world.call("SendPipelineExecutionStepSuccess", CallbackToken=token)
    assert execution.done.wait(30)
    assert execution.status == "Stopped"
