"""Alarms through the API: from PutMetricData to state, event, actions and history.

Source: Amazon CloudWatch API Reference (PutMetricAlarm, SetAlarmState, DescribeAlarmHistory) and User Guide ("Alarm
events and EventBridge", "Invoke a Lambda function from an alarm").
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from lockgate_twin.services.cloudwatch import CloudWatchAlarms
from lockgate_twin.services.metric_data import metric_data
from lockgate_twin.services.topics import Topics

FUNCTION = "arn:aws:lambda:us-east-1:111122223333:function:retrain"


def eventually(found: Callable[[], Any]) -> Any:
    """Return what is found as soon as there is something."""
    for _ in range(400):
        if value := found():
            return value
        threading.Event().wait(0.01)
    return pytest.fail("nothing came")


def test_a_new_alarm_knows_nothing(house: Any, new_alarm: Callable[..., str]) -> None:
    """An alarm starts as INSUFFICIENT_DATA and stays so without data; nothing is told to anybody."""
    found = house.state(new_alarm())
    assert (found["StateValue"], found["StateReason"]) == ("INSUFFICIENT_DATA", "Unchecked: Initial alarm creation")
    assert house.events == []


def test_data_above_the_threshold_raise_the_alarm_at_once(house: Any, new_alarm: Callable[..., str]) -> None:
    """PutMetricData evaluates the metric's alarms: state, reason and reason data say which point it was."""
    name = new_alarm()
    house.put(0.25)
    assert house.state(name)["StateValue"] == "OK"
    house.put(0.75)
    found = house.state(name)
    assert found["StateValue"] == "ALARM"
    assert "[0.75 (02/03/26 12:00:00)] was greater than the threshold (0.5)" in found["StateReason"]
    data = json.loads(found["StateReasonData"])
    assert (data["recentDatapoints"], data["threshold"], data["statistic"]) == ([0.75], 0.5, "Maximum")


def test_the_event_has_the_documented_shape(house: Any, new_alarm: Callable[..., str]) -> None:
    """The event names the alarm, both states and the configuration's metric."""
    name = new_alarm(
        AlarmDescription="The features have drifted.", Dimensions=[{"Name": "Endpoint", "Value": "demo-prod"}]
    )
    house.put(0.75, Dimensions=[{"Name": "Endpoint", "Value": "demo-prod"}])
    (event,) = house.events
    assert (event.source, event.detail_type) == ("aws.cloudwatch", "CloudWatch Alarm State Change")
    assert list(event.resources) == [f"arn:aws:cloudwatch:us-east-1:111122223333:alarm:{name}"]
    detail = event.detail
    assert set(detail) == {"alarmName", "configuration", "previousState", "state"}
    assert detail["state"]["value"] == "ALARM"
    assert detail["state"]["timestamp"] == "2026-03-02T12:00:00.000+0000"
    assert detail["previousState"]["value"] == "INSUFFICIENT_DATA"
    assert detail["configuration"]["description"] == "The features have drifted."
    (metric,) = detail["configuration"]["metrics"]
    assert metric["returnData"] is True
    assert metric["metricStat"] == {
        "metric": {"dimensions": {"Endpoint": "demo-prod"}, "name": "drift", "namespace": "Lockgate"},
        "period": 60,
        "stat": "Maximum",
    }


def test_a_metric_is_its_exact_dimensions(house: Any, new_alarm: Callable[..., str]) -> None:
    """Data with other dimensions, another name or unit are another metric's."""
    name = new_alarm(Dimensions=[{"Name": "Endpoint", "Value": "a"}])
    house.put(0.75)
    house.put(0.75, Dimensions=[{"Name": "Endpoint", "Value": "b"}])
    house.put(0.75, Dimensions=[{"Name": "Endpoint", "Value": "a"}, {"Name": "Feature", "Value": "x"}])
    assert house.state(name)["StateValue"] == "INSUFFICIENT_DATA"
    house.put(0.75, Dimensions=[{"Name": "Endpoint", "Value": "a"}])
    assert house.state(name)["StateValue"] == "ALARM"


def test_data_that_stop_end_in_insufficient_data(house: Any, new_alarm: Callable[..., str]) -> None:
    """Every minute the alarm is evaluated: after the evaluation range without data the state is unknown again."""
    name = new_alarm()
    house.put(0.75)
    house.clock.move(minutes=2)
    assert house.state(name)["StateValue"] == "ALARM"
    house.clock.move(minutes=3)
    found = house.state(name)
    assert found["StateValue"] == "INSUFFICIENT_DATA"
    assert found["StateReason"] == "Insufficient Data: 1 datapoint was unknown."


def test_silence_can_be_the_alarm(house: Any, new_alarm: Callable[..., str]) -> None:
    """With TreatMissingData breaching no data raise the alarm as soon as it is put."""
    found = house.state(new_alarm(TreatMissingData="breaching", EvaluationPeriods=2))
    assert found["StateValue"] == "ALARM"
    assert found["StateReason"] == (
        "Threshold Crossed: no datapoints were received for 2 periods and 2 missing datapoints were treated as "
        "[Breaching]."
    )


def test_a_function_is_invoked_by_its_own_policy(house: Any, new_alarm: Callable[..., str]) -> None:
    """A function with a permission for alarms gets the alarm's data; history says that the action succeeded."""
    house.policies[FUNCTION] = {
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.alarms.cloudwatch.amazonaws.com"},
            "Action": "lambda:InvokeFunction",
            "Resource": FUNCTION,
            "Condition": {"StringEquals": {"AWS:SourceAccount": "111122223333"}},
        }
    }
    name = new_alarm(AlarmActions=[FUNCTION])
    house.put(0.75)
    assert house.functions.came.wait(60)
    ((arn, told),) = house.functions.calls
    assert (arn, told["source"], told["alarmArn"]) == (FUNCTION, "aws.cloudwatch", house.state(name)["AlarmArn"])
    assert told["alarmData"]["state"]["value"] == "ALARM"
    (item,) = eventually(lambda: house.history(name, "Action"))
    assert item["HistorySummary"] == f"Successfully executed action {FUNCTION}"


def test_a_function_that_does_not_allow_it_is_not_invoked(house: Any, new_alarm: Callable[..., str]) -> None:
    """Without the permission nothing is invoked and the history names what is missing."""
    name = new_alarm(AlarmActions=[FUNCTION])
    house.put(0.75)
    (item,) = eventually(lambda: house.history(name, "Action"))
    assert item["HistorySummary"].startswith(f"Failed to execute action {FUNCTION}")
    assert "lambda.alarms.cloudwatch.amazonaws.com" in item["HistorySummary"]
    assert house.functions.calls == []


def test_a_topic_gets_the_alarms_message(house: Any, new_alarm: Callable[..., str]) -> None:
    """A topic whose policy lets CloudWatch publish passes subject and message on to its subscribers."""
    sns, sqs = house.client("sns"), house.client("sqs")
    topic = sns.create_topic(Name="alarms")["TopicArn"]
    url = sqs.create_queue(QueueName="alarms")["QueueUrl"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:111122223333:alarms")
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": topic,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    new_alarm(AlarmActions=[topic])
    house.put(0.75)
    (got,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"]
    body = json.loads(got["Body"])
    assert body["Subject"] == 'ALARM: "drifted" in US East (N. Virginia)'
    told = json.loads(body["Message"])
    assert (told["AlarmName"], told["NewStateValue"], told["OldStateValue"]) == (
        "drifted",
        "ALARM",
        "INSUFFICIENT_DATA",
    )
    assert told["Trigger"]["MetricName"] == "drift"


def test_a_topic_with_a_key_needs_the_keys_permission(house: Any, new_alarm: Callable[..., str]) -> None:
    """A topic encrypted with a key that does not know CloudWatch refuses; with the permission it takes the message.

    Source: SNS Developer Guide, "Enable compatibility between event sources from AWS services and encrypted topics".
    """
    sns, kms = house.client("sns"), house.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    topic = sns.create_topic(Name="sealed", Attributes={"KmsMasterKeyId": key})["TopicArn"]
    name = new_alarm(AlarmActions=[topic])
    house.put(0.75)
    (item,) = eventually(lambda: house.history(name, "Action"))
    assert "kms:GenerateDataKey" in item["HistorySummary"]
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": ["kms:GenerateDataKey*", "kms:Decrypt"],
        "Resource": "*",
    }
    kms.put_key_policy(
        KeyId=key, PolicyName="default", Policy=json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    )
    house.put(0.1, at=house.clock.now() + timedelta(minutes=1))
    house.clock.move(minutes=1)
    house.put(0.75)
    items = eventually(lambda: found if len(found := house.history(name, "Action")) == 2 else None)
    assert items[1]["HistorySummary"] == f"Successfully executed action {topic}"


def test_disabled_actions_are_not_performed(house: Any, new_alarm: Callable[..., str]) -> None:
    """The state changes and the event comes, and no action is tried."""
    name = new_alarm(AlarmActions=[FUNCTION])
    house.client("cloudwatch").disable_alarm_actions(AlarmNames=[name])
    house.put(0.75)
    assert house.state(name)["ActionsEnabled"] is False
    assert [e.detail["state"]["value"] for e in house.events] == ["ALARM"]
    assert house.history(name, "Action") == []


def test_a_state_can_be_set_until_the_next_evaluation(house: Any, new_alarm: Callable[..., str]) -> None:
    """SetAlarmState changes the state with its own reason; the next evaluation finds the true one again."""
    name = new_alarm()
    house.put(0.25)
    house.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="drill")
    assert house.state(name)["StateReason"] == "drill"
    house.clock.move(minutes=1)
    assert house.state(name)["StateValue"] == "OK"
    summaries = [item["HistorySummary"] for item in house.history(name, "StateUpdate")]
    assert summaries == [
        "Alarm updated from INSUFFICIENT_DATA to OK",
        "Alarm updated from OK to ALARM",
        "Alarm updated from ALARM to OK",
    ]


def test_an_updated_alarm_keeps_its_state(house: Any, new_alarm: Callable[..., str]) -> None:
    """PutMetricAlarm again replaces the configuration as a whole; the state is then evaluated anew."""
    name = new_alarm(AlarmDescription="first")
    house.put(0.75)
    new_alarm(Threshold=0.9)
    found = house.state(name)
    assert ("AlarmDescription" in found, found["Threshold"], found["StateValue"]) == (False, 0.9, "OK")


@pytest.mark.parametrize(
    ("members", "code", "told"),
    [
        ({"Metrics": [{"Id": "a", "Expression": "1"}]}, "NotImplemented", "Metrics"),
        ({"Statistic": None, "ExtendedStatistic": "tm99"}, "NotImplemented", "tm99"),
        ({"AlarmActions": ["arn:aws:automate:us-east-1:ec2:stop"]}, "NotImplemented", "automate"),
        ({"Period": 90}, "ValidationError", "multiple of 60"),
        ({"DatapointsToAlarm": 2}, "ValidationError", "DatapointsToAlarm"),
        ({"ExtendedStatistic": "p90"}, "ValidationError", "Exactly one"),
        ({"Period": None, "Threshold": None}, "ValidationError", "Threshold"),
    ],
)
def test_what_is_not_evaluated_is_refused(
    new_alarm: Callable[..., str], members: dict[str, Any], code: str, told: str
) -> None:
    """Metric math, other statistics and other actions are refused by name; wrong members with their rule."""
    with pytest.raises(ClientError) as refused:
        new_alarm(**members)
    assert refused.value.response["Error"]["Code"] == code
    assert told in refused.value.response["Error"]["Message"]


def test_deleting_takes_all_or_nothing(house: Any, new_alarm: Callable[..., str]) -> None:
    """An unknown name among those to delete leaves all of them."""
    name, cloudwatch = new_alarm(), house.client("cloudwatch")
    with pytest.raises(ClientError) as refused:
        cloudwatch.delete_alarms(AlarmNames=[name, "nobody"])
    assert refused.value.response["Error"]["Code"] == "ResourceNotFound"
    cloudwatch.delete_alarms(AlarmNames=[name])
    assert cloudwatch.describe_alarms()["MetricAlarms"] == []


def test_alarms_outlive_the_twin(house: Any, new_alarm: Callable[..., str]) -> None:
    """State, configuration, tags and history are there again, and evaluation goes on."""
    new_alarm(Tags=[{"Key": "team", "Value": "risk"}])
    house.put(0.75)
    house.clock.close()
    topics = Topics(house.core, house.core.administrator_of, house.core.authorizer.service_may)
    again = CloudWatchAlarms(house.core, metric_data, functions=house.functions, topics=topics, clock=house.clock)
    again.resume()
    house.clock.move(minutes=10)
    handlers = again.operations()
    call = type("Call", (), {"account": "111122223333", "region": "us-east-1"})()
    (found,) = handlers["DescribeAlarms"]({}, call)["MetricAlarms"]  # type: ignore[index]
    assert found["StateValue"] == "INSUFFICIENT_DATA"
    told = handlers["ListTagsForResource"]({"ResourceARN": found["AlarmArn"]}, call)
    assert told == {"Tags": [{"Key": "team", "Value": "risk"}]}
