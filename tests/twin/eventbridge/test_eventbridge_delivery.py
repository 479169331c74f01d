"""From an event to its targets: retries, dead letters, duplicates, permissions.

Expected behaviour: EventBridge User Guide, "How EventBridge retries delivering events" and "Using dead-letter queues to
process undelivered events".
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from lockgate_twin.errors import ApiError
from lockgate_twin.services.eventbridge.record import Delivery, Outcome

PIPELINE = "arn:aws:codepipeline:us-east-1:111122223333:deploy"
DONE = {Outcome.DELIVERED, Outcome.DEAD_LETTERED, Outcome.DROPPED}


def settled(house: Any, event_id: str, *outcomes: Outcome) -> list[Delivery]:
    """Wait until all deliveries of an event have come to an end (or to one of `outcomes`)."""
    wanted = set(outcomes) or DONE
    for _ in range(1000):
        deliveries: list[Delivery] = house.bus.deliveries(event_id)
        if all(d.outcome in wanted for d in deliveries):
            return deliveries
        threading.Event().wait(0.005)
    pytest.fail(f"not settled: {house.bus.deliveries(event_id)}")


def error(status: int, code: str = "Failure") -> ApiError:
    """Return what a target answers."""
    return ApiError(code, "said the target", status)


def test_a_matching_event_reaches_the_pipeline(
    house: Any, new_rule: Callable[..., str], new_role: Callable[..., str]
) -> None:
    """The target's role starts the pipeline; an event that does not match starts nothing."""
    role = new_role("codepipeline:StartPipelineExecution")
    new_rule({"Arn": PIPELINE, "RoleArn": role}, case="start")
    house.pipelines.calls.clear()
    settled(house, house.put(case="other"))
    assert house.pipelines.calls == []
    (delivery,) = settled(house, house.put(case="start"))
    assert (delivery.outcome, delivery.attempts) == (Outcome.DELIVERED, 1)
    ((who, parameters),) = house.pipelines.calls
    assert {k: v for k, v in parameters.items() if k != "clientRequestToken"} == {"name": "deploy"}
    assert f":assumed-role/{role.rpartition('/')[2]}/" in who


def test_a_revision_can_be_pinned(house: Any, new_rule: Callable[..., str], new_role: Callable[..., str]) -> None:
    """Source revisions made by an InputTransformer are passed to the pipeline; other input is refused."""
    target = {"Arn": PIPELINE, "RoleArn": new_role("codepipeline:StartPipelineExecution")}
    template = """{"sourceRevisions": [
        {"actionName": "Source", "revisionType": "COMMIT_ID", "revisionValue": <commit>}]}"""
    transformer = {"InputPathsMap": {"commit": "$.detail.commit"}, "InputTemplate": template}
    new_rule({**target, "InputTransformer": transformer}, case="pin")
    new_rule({**target, "Input": '{"variables": []}'}, case="variables")
    house.pipelines.calls.clear()
    settled(house, house.put(case="pin", commit="abc"))
    revision = {"actionName": "Source", "revisionType": "COMMIT_ID", "revisionValue": "abc"}
    assert house.pipelines.calls[0][1]["sourceRevisions"] == [revision]
    (refused,) = settled(house, house.put(case="variables"))
    assert refused.outcome is Outcome.DROPPED
    assert "variables" in str(refused.error_message)


def test_a_failure_that_may_pass_is_retried_with_growing_delays(
    house: Any, new_rule: Callable[..., str], new_role: Callable[..., str]
) -> None:
    """5xx and throttling are tried again; the delay doubles."""
    role = new_role("codepipeline:StartPipelineExecution")
    new_rule({"Arn": PIPELINE, "RoleArn": role}, case="retry")
    throttled = error(400, "ThrottlingException")
    house.pipelines.failures[:] = [error(500), throttled, error(503)]
    already = len(house.scheduler.delays)
    event = house.put(case="retry")
    for _ in range(3):
        house.scheduler.wait_for_work()
    (delivery,) = settled(house, event)
    assert (delivery.outcome, delivery.attempts) == (Outcome.DELIVERED, 4)
    assert house.scheduler.delays[already:] == [0.25, 0.5, 1.0]


def test_exhausted_retries_end_in_the_dead_letter_queue(
    house: Any,
    new_rule: Callable[..., str],
    new_role: Callable[..., str],
    new_queue: Callable[..., Any],
) -> None:
    """After MaximumRetryAttempts the queue gets the event with the documented attributes."""
    queue = new_queue()
    rule = new_rule(
        {
            "Arn": PIPELINE,
            "RoleArn": new_role("codepipeline:StartPipelineExecution"),
            "RetryPolicy": {"MaximumRetryAttempts": 1},
            "DeadLetterConfig": {"Arn": queue.arn},
        },
        case="exhaust",
    )
    house.pipelines.failures[:] = [error(500), error(500)]
    event = house.put(case="exhaust")
    house.scheduler.wait_for_work()
    (delivery,) = settled(house, event)
    assert (delivery.outcome, delivery.attempts) == (Outcome.DEAD_LETTERED, 2)
    (message,) = queue.messages()
    assert json.loads(message["Body"])["id"] == event
    assert {k: v["StringValue"] for k, v in message["MessageAttributes"].items()} == {
        "RULE_ARN": rule,
        "TARGET_ARN": PIPELINE,
        "ERROR_CODE": "ERROR_FROM_TARGET",
        "ERROR_MESSAGE": "Failure: said the target",
        "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts",
        "RETRY_ATTEMPTS": "1",
    }


def test_an_old_event_is_given_up(
    house: Any,
    new_rule: Callable[..., str],
    new_role: Callable[..., str],
    new_queue: Callable[..., Any],
) -> None:
    """MaximumEventAgeInSeconds ends the retries too."""
    queue = new_queue()
    target = {
        "Arn": PIPELINE,
        "RoleArn": new_role("codepipeline:StartPipelineExecution"),
        "RetryPolicy": {"MaximumEventAgeInSeconds": 60},
        "DeadLetterConfig": {"Arn": queue.arn},
    }
    new_rule(target, case="age")
    house.pipelines.failures[:] = [error(500) for _ in range(20)]
    event = house.put(case="age")
    while not any(d.outcome in DONE for d in house.bus.deliveries(event)):
        house.scheduler.wait_for_work()
    house.pipelines.failures.clear()
    (message,) = queue.messages()
    attributes = message["MessageAttributes"]
    assert attributes["EXHAUSTED_RETRY_CONDITION"]["StringValue"] == "MaximumEventAgeInSeconds"
    assert 5 <= int(attributes["RETRY_ATTEMPTS"]["StringValue"]) < 20


@pytest.mark.parametrize(
    ("action", "service", "said"),
    [
        ("s3:ListBucket", "events.amazonaws.com", "not authorized to perform: codepipeline:StartPipelineExecution"),
        ("codepipeline:StartPipelineExecution", "lambda.amazonaws.com", "its trust policy does not allow it"),
    ],
)
def test_a_missing_permission_is_not_retried(
    house: Any,
    new_rule: Callable[..., str],
    new_role: Callable[..., str],
    new_queue: Callable[..., Any],
    action: str,
    service: str,
    said: str,
) -> None:
    """The event goes to the dead-letter queue at once, saying what was missing."""
    queue = new_queue()
    role = new_role(action, service=service)
    new_rule({"Arn": PIPELINE, "RoleArn": role, "DeadLetterConfig": {"Arn": queue.arn}}, case=said)
    (delivery,) = settled(house, house.put(case=said))
    assert (delivery.attempts, delivery.error_code) == (1, "NO_PERMISSIONS")
    (message,) = queue.messages()
    assert said in message["MessageAttributes"]["ERROR_MESSAGE"]["StringValue"]
    assert "EXHAUSTED_RETRY_CONDITION" not in message["MessageAttributes"]


def test_a_function_needs_a_permission_for_this_rule(
    house: Any,
    new_rule: Callable[..., str],
    new_function: Callable[..., str],
    tmp_path: Path,
) -> None:
    """Only a rule that the function's policy names may invoke it."""
    function = new_function(str(tmp_path / "event"))
    functions = house.client("lambda")
    rule = new_rule({"Arn": function}, case="function")
    (refused,) = settled(house, house.put(case="function"))
    assert (refused.outcome, refused.error_code) == (Outcome.DROPPED, "NO_PERMISSIONS")
    assert "AWS::Lambda::Permission" in str(refused.error_message)
    grant = {
        "FunctionName": function,
        "Action": "lambda:InvokeFunction",
        "Principal": "events.amazonaws.com",
    }
    functions.add_permission(**grant, StatementId="other", SourceArn=f"{rule}-other")
    assert settled(house, house.put(case="function"))[0].error_code == "NO_PERMISSIONS"
    functions.add_permission(**grant, StatementId="this", SourceArn=rule)
    event = house.put(case="function")
    assert settled(house, event)[0].outcome is Outcome.DELIVERED
    assert _written(tmp_path / "event")["id"] == event


def test_a_function_that_is_gone_is_no_resource(
    house: Any, new_rule: Callable[..., str], new_queue: Callable[..., Any]
) -> None:
    """A target that does not exist is not retried."""
    queue = new_queue(open_to_events=False)
    arn = "arn:aws:sqs:us-east-1:111122223333:never-made"
    new_rule({"Arn": arn, "DeadLetterConfig": {"Arn": queue.arn}}, case="gone")
    (delivery,) = settled(house, house.put(case="gone"))
    assert (delivery.outcome, delivery.attempts) == (Outcome.DROPPED, 1)


def test_a_dead_letter_queue_must_be_open_to_eventbridge(
    house: Any,
    new_rule: Callable[..., str],
    new_queue: Callable[..., Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """If the queue's policy does not allow it, the event is dropped, and the twin's log says so."""
    queue = new_queue(open_to_events=False)
    topic = "arn:aws:sns:us-east-1:111122223333:t"
    new_rule({"Arn": topic, "DeadLetterConfig": {"Arn": queue.arn}}, case="closed")
    (delivery,) = settled(house, house.put(case="closed"))
    assert delivery.outcome is Outcome.DROPPED
    assert "does not allow sqs:SendMessage" in caplog.text
    assert queue.messages(wait=0) == []


def test_a_kind_of_target_the_twin_lacks_is_never_silent(
    house: Any, new_rule: Callable[..., str], new_queue: Callable[..., Any]
) -> None:
    """The event is in the dead-letter queue with the reason."""
    queue = new_queue()
    topic = "arn:aws:sns:us-east-1:111122223333:t"
    new_rule({"Arn": topic, "DeadLetterConfig": {"Arn": queue.arn}}, case="sns")
    settled(house, house.put(case="sns"))
    (message,) = queue.messages()
    said = message["MessageAttributes"]["ERROR_MESSAGE"]["StringValue"]
    assert "An EventBridge target of service sns is not implemented by the twin" in said


def test_a_defect_loses_no_event(
    house: Any, new_rule: Callable[..., str], new_queue: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What nobody expected to fail is retried like a failing target, and ends in the dead-letter queue."""

    def broken(*_: Any) -> None:
        raise ZeroDivisionError("nobody expected this")

    queue, target = new_queue(), new_queue()
    new_rule(
        {
            "Arn": target.arn,
            "DeadLetterConfig": {"Arn": queue.arn},
            "RetryPolicy": {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60},
        },
        case="defect",
    )
    monkeypatch.setattr(type(house.bus), "_deliver", broken)
    (delivery,) = settled(house, house.put(case="defect"))
    assert (delivery.outcome, delivery.error_code) == (Outcome.DEAD_LETTERED, "INTERNAL_ERROR")
    assert (
        "ZeroDivisionError: nobody expected this"
        in queue.messages()[0]["MessageAttributes"]["ERROR_MESSAGE"]["StringValue"]
    )


def test_a_queue_is_a_target(house: Any, new_rule: Callable[..., str], new_queue: Callable[..., Any]) -> None:
    """A queue gets the transformed input."""
    queue = new_queue()
    transformer = {"InputPathsMap": {"c": "$.detail.case"}, "InputTemplate": '{"was": <c>}'}
    new_rule({"Arn": queue.arn, "InputTransformer": transformer}, case="queue")
    house.put(case="queue")
    (message,) = queue.messages()
    assert json.loads(message["Body"]) == {"was": "queue"}


def test_a_sagemaker_pipeline_gets_parameters_from_the_event(
    house: Any, new_rule: Callable[..., str], new_role: Callable[..., str]
) -> None:
    """Constants and JSON paths; a path into nothing is an error (SageMaker Developer Guide)."""
    target = {
        "Arn": "arn:aws:sagemaker:us-east-1:111122223333:pipeline/checks",
        "RoleArn": new_role("sagemaker:StartPipelineExecution"),
    }

    def parameters(value: str) -> dict[str, Any]:
        listed = [{"Name": "Mode", "Value": "enforce"}, {"Name": "Arn", "Value": value}]
        return {"SageMakerPipelineParameters": {"PipelineParameterList": listed}}

    new_rule({**target, **parameters("$.detail.arn")}, case="sagemaker")
    new_rule({**target, **parameters("$.detail.nothing")}, case="nothing")
    house.sagemaker.calls.clear()
    event = house.put(case="sagemaker", arn="the-arn")
    settled(house, event)
    ((_, started),) = house.sagemaker.calls
    assert started == {
        "PipelineName": "checks",
        "PipelineParameters": [{"Name": "Mode", "Value": "enforce"}, {"Name": "Arn", "Value": "the-arn"}],
        "ClientRequestToken": event,
    }
    (refused,) = settled(house, house.put(case="nothing"))
    assert refused.error_message == "The event has nothing at $.detail.nothing."


def test_every_target_of_every_rule_gets_the_event(
    house: Any, new_rule: Callable[..., str], new_queue: Callable[..., Any]
) -> None:
    """Two rules match, one of them has two targets: three deliveries."""
    queues = [new_queue() for _ in range(3)]
    new_rule({"Arn": queues[0].arn}, {"Arn": queues[1].arn}, case="fan")
    new_rule({"Arn": queues[2].arn}, case="fan")
    assert len(settled(house, house.put(case="fan"))) == 3
    assert [len(q.messages()) for q in queues] == [1, 1, 1]


def test_an_event_can_come_twice(house: Any, new_rule: Callable[..., str], new_queue: Callable[..., Any]) -> None:
    """At least once: a redelivered event is the same event, with the same id."""
    queue = new_queue()
    new_rule({"Arn": queue.arn}, case="twice")
    event = house.put(case="twice")
    settled(house, event)
    assert house.bus.redeliver(event) == 1
    settled(house, event)
    bodies = [json.loads(m["Body"]) for _ in range(2) for m in queue.messages(wait=1)]
    assert len(bodies) == 2
    assert bodies[0] == bodies[1]


def test_a_disabled_rule_is_not_followed(
    house: Any, new_rule: Callable[..., str], new_queue: Callable[..., Any]
) -> None:
    """DisableRule stops deliveries."""
    queue = new_queue()
    rule = new_rule({"Arn": queue.arn}, case="disabled")
    house.client("events").disable_rule(Name=rule.rpartition("/")[2])
    assert house.bus.deliveries(house.put(case="disabled")) == []


def test_customers_put_events(house: Any, new_rule: Callable[..., str], new_queue: Callable[..., Any]) -> None:
    """Each entry is accepted or refused on its own, with EventBridge's codes."""
    queue = new_queue()
    new_rule({"Arn": queue.arn}, case="customer")
    good = {"Source": "test.house", "DetailType": "Test", "Detail": json.dumps({"case": "customer"})}
    answer = house.client("events").put_events(
        Entries=[good, {**good, "Source": "aws.codecommit"}, {**good, "Detail": "{"}, {"Source": "x"}]
    )
    codes = [e.get("ErrorCode") for e in answer["Entries"]]
    assert codes == [None, "NotAuthorizedForSourceException", "MalformedDetail", "InvalidArgument"]
    assert answer["FailedEntryCount"] == 3
    (message,) = queue.messages()
    assert json.loads(message["Body"])["id"] == answer["Entries"][0]["EventId"]


def test_the_envelope_has_aws_members(house: Any, new_rule: Callable[..., str], new_queue: Callable[..., Any]) -> None:
    """Members and forms are those of the User Guide's "Events in Amazon EventBridge"."""
    queue = new_queue()
    new_rule({"Arn": queue.arn}, case="envelope")
    event = house.put(case="envelope")
    (message,) = queue.messages()
    body = json.loads(message["Body"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", body.pop("time"))
    assert body == {
        "version": "0",
        "id": event,
        "detail-type": "Test",
        "source": "test.house",
        "account": "111122223333",
        "region": "us-east-1",
        "resources": [],
        "detail": {"case": "envelope"},
    }


def test_a_pattern_can_be_tried(house: Any) -> None:
    """TestEventPattern answers with the matcher that delivery uses."""
    events = house.client("events")
    pattern = json.dumps({"detail": {"n": [{"numeric": [">", 1]}]}})
    answers = [events.test_event_pattern(EventPattern=pattern, Event=json.dumps({"detail": {"n": n}})) for n in (1, 2)]
    assert [a["Result"] for a in answers] == [False, True]
    with pytest.raises(ClientError, match=r"InvalidEventPatternException.*Empty arrays are not allowed"):
        events.test_event_pattern(EventPattern='{"source": []}', Event="{}")


def _written(path: Path) -> Any:
    for _ in range(2000):
        if path.exists() and path.read_text():
            return json.loads(path.read_text())
        threading.Event().wait(0.005)
    pytest.fail(f"{path} was not written")
