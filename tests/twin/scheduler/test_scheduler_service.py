"""EventBridge Scheduler through its API: when targets are called, as whom, with what, and what happens if they fail.

Source: EventBridge Scheduler User Guide and API Reference, as named in each module of the service.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from lockgate_twin.errors import ApiError
from lockgate_twin.services.scheduler import ScheduleService

GROUP = "arn:aws:scheduler:us-east-1:111122223333:schedule-group/default"


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    """Return an API error's code."""
    return str(error.value.response["Error"]["Code"])


def message(error: pytest.ExceptionInfo[ClientError]) -> str:
    """Return an API error's message."""
    return str(error.value.response["Error"]["Message"])


def test_a_rate_starts_at_once_and_goes_on(house: Any, new_schedule: Callable[..., str]) -> None:
    """Without a StartDate the target is called now and then every five minutes, as the schedule's role."""
    new_schedule("rate(5 minutes)")
    house.clock.move(minutes=0)
    assert len(house.functions.calls) == 1
    house.clock.move(minutes=11)
    assert len(house.functions.calls) == 3
    who, parameters = house.functions.calls[0]
    assert ":assumed-role/role-" in who
    assert parameters["InvocationType"] == "Event"


def test_the_default_event_names_the_schedule(house: Any, new_schedule: Callable[..., str]) -> None:
    """A function without Input gets a Scheduled Event of aws.scheduler with the schedule as its resource."""
    name = new_schedule("at(2026-03-02T13:00:00)")
    house.clock.move(minutes=59)
    assert house.functions.calls == []
    house.clock.move(minutes=2)
    event = json.loads(house.functions.calls[0][1]["Payload"])
    assert event["source"] == "aws.scheduler"
    assert event["detail-type"] == "Scheduled Event"
    assert event["time"] == "2026-03-02T13:00:00Z"
    assert event["resources"] == [f"arn:aws:scheduler:us-east-1:111122223333:schedule/default/{name}"]


def test_context_attributes_are_filled_in(house: Any, new_schedule: Callable[..., str]) -> None:
    """The keywords in Input are replaced by the occurrence's own values."""
    text = '{"at": "<aws.scheduler.scheduled-time>", "try": <aws.scheduler.attempt-number>, "other": "<aws.x>"}'
    new_schedule("cron(30 12 * * ? *)", target={"Input": text})
    house.clock.move(hours=1)
    payload = json.loads(house.functions.calls[0][1]["Payload"])
    assert payload == {"at": "2026-03-02T12:30:00Z", "try": 1, "other": "<aws.x>"}


def test_a_zone_moves_the_occurrence(house: Any, new_schedule: Callable[..., str]) -> None:
    """13:30 in Berlin is 12:30 UTC in winter."""
    new_schedule("cron(30 13 * * ? *)", ScheduleExpressionTimezone="Europe/Berlin")
    house.clock.move(minutes=29)
    assert house.functions.calls == []
    house.clock.move(minutes=1)
    assert len(house.functions.calls) == 1


def test_start_and_end_bound_the_occurrences(house: Any, new_schedule: Callable[..., str]) -> None:
    """Nothing happens before StartDate or after EndDate; ActionAfterCompletion DELETE then removes the schedule."""
    start = house.clock.now() + timedelta(minutes=10)
    name = new_schedule(
        "rate(10 minutes)",
        StartDate=start,
        EndDate=start + timedelta(minutes=25),
        ActionAfterCompletion="DELETE",
    )
    house.clock.move(minutes=9)
    assert house.functions.calls == []
    house.clock.move(hours=2)
    assert len(house.functions.calls) == 3
    with pytest.raises(ClientError) as gone:
        house.client("scheduler").get_schedule(Name=name)
    assert code(gone) == "ResourceNotFoundException"


def test_a_flexible_window_delays_the_call_but_not_its_scheduled_time(
    house: Any, new_schedule: Callable[..., str]
) -> None:
    """The call happens within the window and still tells the moment it was scheduled for."""
    window = {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15}
    new_schedule("cron(0 13 * * ? *)", window=window, target={"Input": '"<aws.scheduler.scheduled-time>"'})
    house.clock.move(minutes=60)
    early = len(house.functions.calls)
    house.clock.move(minutes=15)
    assert len(house.functions.calls) == 1
    assert early == 0
    assert json.loads(house.functions.calls[0][1]["Payload"]) == "2026-03-02T13:00:00Z"


def test_disabling_and_changing_take_effect(house: Any, new_schedule: Callable[..., str]) -> None:
    """A disabled schedule calls nothing; enabled again it goes on with its new expression."""
    name, scheduler = new_schedule("cron(0 13 * * ? *)"), house.client("scheduler")
    kept = {k: scheduler.get_schedule(Name=name)[k] for k in ("Target", "FlexibleTimeWindow")}
    scheduler.update_schedule(Name=name, ScheduleExpression="cron(0 13 * * ? *)", State="DISABLED", **kept)
    house.clock.move(hours=2)
    assert house.functions.calls == []
    scheduler.update_schedule(Name=name, ScheduleExpression="cron(30 14 * * ? *)", **kept)
    house.clock.move(hours=1)
    assert len(house.functions.calls) == 1
    assert scheduler.get_schedule(Name=name)["State"] == "ENABLED"


def test_a_sagemaker_pipeline_gets_its_parameters(
    house: Any, new_role: Callable[..., str], new_schedule: Callable[..., str]
) -> None:
    """SageMakerPipelineParameters are passed with the start of the pipeline, in the role's name."""
    pipeline = "arn:aws:sagemaker:us-east-1:111122223333:pipeline/sagemaker-lockgate-watch"
    parameters = [{"Name": "EndpointName", "Value": "demo-prod"}]
    new_schedule(
        "at(2026-03-02T12:01:00)",
        target={
            "Arn": pipeline,
            "RoleArn": new_role("sagemaker:StartPipelineExecution"),
            "SageMakerPipelineParameters": {"PipelineParameterList": parameters},
        },
    )
    house.clock.move(minutes=2)
    ((_, given),) = house.sagemaker.calls
    assert given["PipelineName"] == "sagemaker-lockgate-watch"
    assert given["PipelineParameters"] == parameters


def test_a_code_pipeline_is_started(house: Any, new_role: Callable[..., str], new_schedule: Callable[..., str]) -> None:
    """A pipeline of CodePipeline is started by its name."""
    target = {
        "Arn": "arn:aws:codepipeline:us-east-1:111122223333:retrain",
        "RoleArn": new_role("codepipeline:StartPipelineExecution"),
    }
    new_schedule("at(2026-03-02T12:01:00)", target=target)
    house.clock.move(minutes=2)
    assert house.pipelines.calls[0][1]["name"] == "retrain"


def test_queues_and_topics_get_the_input(
    house: Any, new_role: Callable[..., str], new_schedule: Callable[..., str]
) -> None:
    """A queue receives the Input as its message; a topic passes it on to its own subscribers."""
    sqs, sns = house.client("sqs"), house.client("sns")
    url = sqs.create_queue(QueueName="scheduled")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = sns.create_topic(Name="scheduled")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    role = new_role("sqs:SendMessage", "sns:Publish")
    for number, target in enumerate((arn, topic)):
        new_schedule("at(2026-03-02T12:01:00)", target={"Arn": target, "RoleArn": role, "Input": f"hello {number}"})
    house.clock.move(minutes=2)
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=5)["Messages"]
    assert sorted(m["Body"] for m in messages) == ["hello 0", "hello 1"]


def test_failures_that_may_pass_are_retried(house: Any, new_schedule: Callable[..., str]) -> None:
    """Two answers of 5xx are followed by a third attempt, which knows its number."""
    house.functions.failures += [ApiError("ServiceException", "busy", 500)] * 2
    new_schedule("at(2026-03-02T12:01:00)", target={"Input": '"<aws.scheduler.attempt-number>"'})
    house.clock.move(minutes=3)
    assert [json.loads(p["Payload"]) for _, p in house.functions.calls] == ["3"]


def test_what_cannot_be_delivered_goes_to_the_dead_letter_queue(
    house: Any, new_role: Callable[..., str], new_schedule: Callable[..., str]
) -> None:
    """After the last retry the queue gets the request and the documented attributes, sent as the execution role."""
    sqs = house.client("sqs")
    url = sqs.create_queue(QueueName="dead")["QueueUrl"]
    house.functions.failures += [ApiError("TooManyRequestsException", "slow down", 429)] * 2
    target = {
        "RoleArn": new_role("lambda:InvokeFunction", "sqs:SendMessage"),
        "Input": "{}",
        "RetryPolicy": {"MaximumRetryAttempts": 1},
        "DeadLetterConfig": {"Arn": "arn:aws:sqs:us-east-1:111122223333:dead"},
    }
    name = new_schedule("at(2026-03-02T12:01:00)", target=target)
    house.clock.move(minutes=3)
    (letter,) = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"], WaitTimeSeconds=5)["Messages"]
    told = {k: v["StringValue"] for k, v in letter["MessageAttributes"].items()}
    assert told["ERROR_CODE"] == "TooManyRequestsException"
    assert told["EXHAUSTED_RETRY_CONDITION"] == "MaximumRetryAttempts"
    assert told["RETRY_ATTEMPTS"] == "1"
    assert told["SCHEDULED_TIME"] == "2026-03-02T12:01:00Z"
    assert told["SCHEDULE_ARN"].endswith(f"schedule/default/{name}")
    assert json.loads(letter["Body"])["InvocationType"] == "Event"


def test_a_role_without_the_permission_calls_nothing(
    house: Any, new_role: Callable[..., str], new_schedule: Callable[..., str]
) -> None:
    """The target's action is authorized as the schedule's role; the refusal is not retried and is kept."""
    new_schedule("at(2026-03-02T12:01:00)", target={"RoleArn": new_role("s3:GetObject")})
    house.clock.move(minutes=2)
    assert house.functions.calls == []
    (ended,) = house.schedules.ended()
    assert "lambda:InvokeFunction" in str(ended.error)


def test_the_trust_policy_can_name_the_schedule_group(house: Any, new_role: Callable[..., str]) -> None:
    """aws:SourceArn is the schedule group's ARN: a role that trusts another group is refused when it is given."""
    scheduler = house.client("scheduler")
    wanted: dict[str, Any] = {
        "ScheduleExpression": "rate(1 hour)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
    }
    function = "arn:aws:lambda:us-east-1:111122223333:function:watch"
    source = {"StringEquals": {"aws:SourceArn": GROUP, "aws:SourceAccount": "111122223333"}}
    mine = new_role("lambda:InvokeFunction", condition=source)
    scheduler.create_schedule(Name="mine", Target={"Arn": function, "RoleArn": mine}, **wanted)
    other = new_role("lambda:InvokeFunction", condition={"StringEquals": {"aws:SourceArn": f"{GROUP}-other"}})
    with pytest.raises(ClientError) as refused:
        scheduler.create_schedule(Name="other", Target={"Arn": function, "RoleArn": other}, **wanted)
    assert code(refused) == "ValidationException"
    assert "must allow AWS EventBridge Scheduler to assume the role" in message(refused)


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ({"Arn": "arn:aws:states:us-east-1:111122223333:stateMachine:x"}, "of service states"),
        ({"Arn": "arn:aws:scheduler:::aws-sdk:sqs:sendMessage"}, "universal target"),
        ({"KinesisParameters": {"PartitionKey": "k"}}, "KinesisParameters"),
    ],
)
def test_other_targets_are_refused_by_name(new_schedule: Callable[..., str], target: Any, told: str) -> None:
    """What the twin does not call it refuses when the schedule is made, not when it is due."""
    with pytest.raises(ClientError) as refused:
        new_schedule("rate(1 hour)", target=target)
    assert code(refused) == "NotImplemented"
    assert told in message(refused)


def test_all_mistakes_are_told_together(new_schedule: Callable[..., str]) -> None:
    """One answer names the expression, the zone, the dates, the window and the target's parameters."""
    with pytest.raises(ClientError) as refused:
        new_schedule(
            "rate(0 minutes)",
            ScheduleExpressionTimezone="Mars/Olympus",
            EndDate=datetime(2026, 3, 1, tzinfo=UTC),
            window={"Mode": "FLEXIBLE"},
            target={"Arn": "arn:aws:events:us-east-1:111122223333:event-bus/default"},
        )
    assert code(refused) == "ValidationException"
    for part in ("Expression rate(0 minutes)", "Mars/Olympus", "EndDate", "MaximumWindowInMinutes", "EventBridgeParam"):
        assert part in message(refused)


def test_a_repeated_request_is_one_schedule(house: Any, new_role: Callable[..., str]) -> None:
    """The same ClientToken gives the same schedule; another request for its name conflicts."""
    scheduler = house.client("scheduler")
    target = {"Arn": "arn:aws:lambda:us-east-1:111122223333:function:watch", "RoleArn": new_role()}
    wanted: dict[str, Any] = {
        "Name": "again",
        "ScheduleExpression": "rate(1 hour)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": target,
    }
    first = scheduler.create_schedule(ClientToken="one", **wanted)
    assert scheduler.create_schedule(ClientToken="one", **wanted)["ScheduleArn"] == first["ScheduleArn"]
    with pytest.raises(ClientError) as conflict:
        scheduler.create_schedule(ClientToken="two", **wanted)
    assert code(conflict) == "ConflictException"


def test_groups_hold_schedules_and_tags(house: Any, new_schedule: Callable[..., str]) -> None:
    """A group is listed, tagged and deleted with its schedules; the default group stays."""
    scheduler = house.client("scheduler")
    arn = scheduler.create_schedule_group(Name="watch", Tags=[{"Key": "a", "Value": "1"}])["ScheduleGroupArn"]
    scheduler.tag_resource(ResourceArn=arn, Tags=[{"Key": "b", "Value": "2"}])
    scheduler.untag_resource(ResourceArn=arn, TagKeys=["a"])
    assert scheduler.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    name = new_schedule("cron(0 0 1 1 ? *)", GroupName="watch")
    listed = scheduler.list_schedules(GroupName="watch")["Schedules"]
    assert [(s["Name"], s["GroupName"], s["State"]) for s in listed] == [(name, "watch", "ENABLED")]
    assert [g["Name"] for g in scheduler.list_schedule_groups()["ScheduleGroups"]] == ["default", "watch"]
    scheduler.delete_schedule_group(Name="watch")
    with pytest.raises(ClientError) as gone:
        scheduler.list_schedules(GroupName="watch")
    assert code(gone) == "ResourceNotFoundException"
    with pytest.raises(ClientError) as kept:
        scheduler.delete_schedule_group(Name="default")
    assert code(kept) == "ValidationException"


def test_firing_out_of_turn_tells_the_time_it_is(house: Any, new_schedule: Callable[..., str]) -> None:
    """A fired schedule's target is told that it was scheduled for now; the schedule's own next turn stays."""
    name = new_schedule("cron(0 13 * * ? *)", target={"Input": '"<aws.scheduler.scheduled-time>"'})
    fired = house.schedules.fire("default", name)
    assert fired.on_demand
    house.clock.move(hours=2)
    told = [json.loads(p["Payload"]) for _, p in house.functions.calls]
    assert told == ["2026-03-02T12:00:00Z", "2026-03-02T13:00:00Z"]
    with pytest.raises(ApiError):
        house.schedules.fire("default", "nobody")


def test_schedules_outlive_the_twin(house: Any, new_schedule: Callable[..., str]) -> None:
    """After a restart a missed one-time schedule fires late, a recurring one goes on, and nothing fires twice."""
    new_schedule("at(2026-03-02T12:30:00)", target={"Input": '"once"'})
    new_schedule("cron(0 * * * ? *)", target={"Input": '"hourly"'})
    house.clock.close()
    house.clock.move(hours=3, minutes=30)
    again = ScheduleService(house.core, house.clock)
    again.resume()
    house.clock.move(minutes=31)
    told = [json.loads(p["Payload"]) for _, p in house.functions.calls]
    assert told == ["once", "hourly"]
    house.clock.close()
    ScheduleService(house.core, house.clock).resume()
    house.clock.move(minutes=1)
    assert len(house.functions.calls) == 2
