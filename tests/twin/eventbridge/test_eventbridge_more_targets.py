"""Topics, log groups and other event buses as targets.

Source: EventBridge User Guide, "Using resource-based policies for Amazon EventBridge" and "Sending and receiving events
between event buses".
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from lockgate_twin import moto_resources
from lockgate_twin.services.eventbridge import (
    REFUSED_OPERATIONS,
    EventBus,
    QueueSender,
    SessionQueues,
    Wiring,
    check_targets,
    messaging_targets,
    refuse,
    standard_targets,
)
from lockgate_twin.services.eventbridge.faults import Fault
from lockgate_twin.services.topics import Topics

from tests.support.manual_scheduler import ManualScheduler
from tests.support.twin_server import client_of

ACCOUNT = "111122223333"
EVENTS = {"Service": "events.amazonaws.com"}


def settled(bus: EventBus, event_id: str) -> dict[str, Any]:
    """Wait until all deliveries of an event have ended; return outcome and message by target id."""
    for _ in range(1000):
        found = bus.deliveries(event_id)
        if found and all(d.outcome.value not in {"pending", "retrying"} for d in found):
            return {d.target_id: (d.outcome.value, d.error_message) for d in found}
        threading.Event().wait(0.005)
    return pytest.fail(f"not settled: {bus.deliveries(event_id)}")


@pytest.fixture(scope="module")
def bus(house: Any) -> Iterator[EventBus]:
    """Another event bus over the same core, with every kind of target."""
    core = house.core
    queues, may = SessionQueues(core, core.administrator_of), core.authorizer.service_may
    topics = Topics(core, core.administrator_of, may)
    kinds = standard_targets(core, None, queues, may)  # type: ignore[arg-type] # no functions here
    wiring = Wiring(
        rules=core.moto.rules,
        targets={**kinds, **messaging_targets(core, core.administrator_of, topics)},
        dead_letters=QueueSender(queues, may),
        scheduler=ManualScheduler(),
    )
    core.authorizer.register_resource_policies("logs", moto_resources.log_policy)
    return EventBus(core, wiring)


@pytest.fixture
def put(bus: EventBus, house: Any) -> Callable[..., dict[str, Any]]:
    """Put an event on a bus as the administrator and wait for its deliveries."""
    principal = house.core.administrator.principal

    def send(case: str, bus_name: str = "default") -> dict[str, Any]:
        call = type("Call", (), {"account": ACCOUNT, "region": "us-east-1", "principal": principal})()
        entry = {
            "Source": "test.house",
            "DetailType": "Test",
            "Detail": json.dumps({"case": case}),
            "EventBusName": bus_name,
        }
        answer = bus.put_events({"Entries": [entry]}, call)
        return settled(bus, answer["Entries"][0]["EventId"])

    return send


def test_a_topic_gets_the_event_if_its_policy_allows_it(
    house: Any, new_rule: Callable[..., str], put: Callable[..., dict[str, Any]]
) -> None:
    """The topic's policy must name events.amazonaws.com; without it the delivery says what is missing."""
    sns, case = house.client("sns"), uuid.uuid4().hex
    topic = sns.create_topic(Name=f"topic-{case[:8]}")["TopicArn"]
    policy = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sns:*"}
    _topic_policy(sns, topic, policy)
    new_rule({"Arn": topic}, case=case)
    outcome, told = put(case)["0"]
    assert (outcome, "sns:Publish" in told) == ("dropped", True)
    _topic_policy(sns, topic, {"Effect": "Allow", "Principal": EVENTS, "Action": "sns:Publish"})
    assert put(case)["0"] == ("delivered", None)


def _topic_policy(sns: Any, topic: str, statement: dict[str, Any]) -> None:
    whole = {"Version": "2012-10-17", "Statement": [{**statement, "Resource": topic}]}
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(whole))


def test_a_log_group_keeps_the_event_if_a_resource_policy_allows_it(
    house: Any, new_rule: Callable[..., str], put: Callable[..., dict[str, Any]]
) -> None:
    """The account's resource policy of CloudWatch Logs must let EventBridge write; then the event is the message."""
    logs, case = house.client("logs"), uuid.uuid4().hex
    name = f"/aws/events/{case[:8]}"
    logs.create_log_group(logGroupName=name)
    arn = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{name}"
    new_rule({"Arn": arn}, case=case)
    outcome, told = put(case)["0"]
    assert (outcome, "PutResourcePolicy" in told) == ("dropped", True)
    allow = {
        "Effect": "Allow",
        "Principal": EVENTS,
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": f"{arn}:*",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    logs.put_resource_policy(policyName=case, policyDocument=document)
    assert put(case)["0"] == ("delivered", None)
    (event,) = logs.filter_log_events(logGroupName=name)["events"]
    assert json.loads(event["message"])["detail"] == {"case": case}


@pytest.fixture
def custom_bus(house: Any, new_queue: Callable[..., Any]) -> Iterator[tuple[str, Any]]:
    """A custom bus whose rule sends every test event to a queue: (ARN, queue)."""
    events, name, queue = house.client("events"), f"bus-{uuid.uuid4().hex[:8]}", new_queue()
    arn = events.create_event_bus(Name=name)["EventBusArn"]
    events.put_rule(Name="all", EventBusName=name, EventPattern='{"source": ["test.house"]}')
    events.put_targets(Rule="all", EventBusName=name, Targets=[{"Id": "queue", "Arn": queue.arn}])
    yield arn, queue
    events.remove_targets(Rule="all", EventBusName=name, Ids=["queue"])
    events.delete_rule(Name="all", EventBusName=name)
    events.delete_event_bus(Name=name)


def test_an_event_goes_on_to_another_bus_of_the_account(
    new_rule: Callable[..., str], custom_bus: tuple[str, Any], put: Callable[..., dict[str, Any]]
) -> None:
    """Without a role a bus of the same account and region takes the event; the event itself does not change."""
    arn, queue = custom_bus
    case = uuid.uuid4().hex
    new_rule({"Arn": arn}, case=case)
    assert put(case)["0"] == ("delivered", None)
    event = json.loads(queue.messages()[0]["Body"])
    assert (event["account"], event["detail"]) == (ACCOUNT, {"case": case})


def test_an_event_does_not_go_on_to_a_third_bus(
    house: Any, new_rule: Callable[..., str], custom_bus: tuple[str, Any], put: Callable[..., dict[str, Any]]
) -> None:
    """An event that came from another bus stays there."""
    arn, queue = custom_bus
    events, case, name = house.client("events"), uuid.uuid4().hex, arn.rpartition("/")[2]
    third = events.create_event_bus(Name=f"third-{case[:8]}")["EventBusArn"]
    events.put_targets(Rule="all", EventBusName=name, Targets=[{"Id": "third", "Arn": third}])
    new_rule({"Arn": arn}, case=case)
    outcome, told = put(case)["third"]
    assert (outcome, "came from another bus" in told) == ("dropped", True)
    events.remove_targets(Rule="all", EventBusName=name, Ids=["third"])
    assert len(queue.messages()) == 1


def test_a_bus_is_reached_with_a_role_that_may(
    new_rule: Callable[..., str],
    new_role: Callable[..., str],
    custom_bus: tuple[str, Any],
    put: Callable[..., dict[str, Any]],
) -> None:
    """The target's role needs events:PutEvents; a bus of another account needs a role at all."""
    arn, _ = custom_bus
    cases = [uuid.uuid4().hex for _ in range(3)]
    new_rule({"Arn": arn, "RoleArn": new_role("events:PutEvents")}, case=cases[0])
    new_rule({"Arn": arn, "RoleArn": new_role("sqs:SendMessage")}, case=cases[1])
    new_rule({"Arn": arn.replace(ACCOUNT, "444455556666")}, case=cases[2])
    assert put(cases[0])["0"] == ("delivered", None)
    assert "events:PutEvents" in put(cases[1])["0"][1]
    assert "RoleArn" in put(cases[2])["0"][1]


def test_events_on_a_custom_bus_meet_its_rules_alone(
    new_rule: Callable[..., str], new_queue: Callable[..., Any], custom_bus: tuple[str, Any], put: Callable[..., Any]
) -> None:
    """PutEvents to a bus by name or ARN reaches that bus; the default bus does not see the event."""
    arn, queue = custom_bus
    case, other = uuid.uuid4().hex, new_queue()
    new_rule({"Arn": other.arn}, case=case)
    assert set(put(case, arn)) == set(put(case, arn.rpartition("/")[2])) == {"queue"}
    assert other.messages(wait=0) == []
    assert len(queue.messages()) >= 1


def test_a_fault_doubles_real_deliveries(
    bus: EventBus, new_rule: Callable[..., str], new_queue: Callable[..., Any], put: Callable[..., dict[str, Any]]
) -> None:
    """With duplicate=3 switched on a queue gets the same event three times, with one id."""
    case, queue = uuid.uuid4().hex, new_queue()
    new_rule({"Arn": queue.arn}, case=case)
    bus.faults.switch([Fault(duplicate=3)])
    put(case)
    bus.faults.switch([])
    ids: list[str] = []
    for _ in range(100):
        ids += [json.loads(m["Body"])["id"] for m in queue.messages(wait=1)]
        if len(ids) == 3:
            break
    assert len(ids) == 3
    assert len(set(ids)) == 1


def test_what_is_not_delivered_to_is_refused_by_name(house: Any) -> None:
    """Other targets and archives are refused when they are asked for, not when an event comes."""
    front, events = house.core.front, house.client("events")
    front.check_before_moto("events", "PutTargets", check_targets)
    for operation in REFUSED_OPERATIONS:
        front.check_before_moto("events", operation, refuse(operation))
    arn = f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:x"
    with pytest.raises(ClientError, match="service states"):
        events.put_targets(Rule="any", Targets=[{"Id": "1", "Arn": arn}])
    with pytest.raises(ClientError, match="events:CreateArchive is not implemented"):
        events.create_archive(ArchiveName="a", EventSourceArn=f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/default")
    front.check_before_moto("events", "PutTargets", lambda _: None)


def test_another_accounts_bus_asks_its_own_policy(
    house: Any,
    new_rule: Callable[..., str],
    new_role: Callable[..., str],
    put: Callable[..., dict[str, Any]],
) -> None:
    """With a role that may, the bus of another account takes the event only if its policy lets the sender's account.

    Source: EventBridge User Guide, "Sending and receiving events between AWS accounts".
    """
    other, case = "444455556666", uuid.uuid4().hex
    there = client_of(house.core, "events", house.core.credentials.add_administrator(other))
    arn = there.create_event_bus(Name=f"bus-{case[:8]}")["EventBusArn"]
    new_rule({"Arn": arn, "RoleArn": new_role("events:PutEvents")}, case=case)
    outcome, told = put(case)["0"]
    assert (outcome, "events:PutEvents" in told) == ("dropped", True)
    there.put_permission(
        EventBusName=arn.rpartition("/")[2], StatementId="sender", Action="events:PutEvents", Principal=ACCOUNT
    )
    assert put(case)["0"] == ("delivered", None)
    there.delete_event_bus(Name=arn.rpartition("/")[2])
