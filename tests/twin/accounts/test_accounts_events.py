"""Events that cross accounts: PutEvents on another account's bus, and rules that send on to one."""

from __future__ import annotations

import json
import threading
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.twin.accounts.several import HUB, REGION, STAGING, Accounts, document


def bus(accounts: Accounts, *statements: dict[str, Any]) -> str:
    """Make an event bus of the hub with a policy and return its ARN."""
    name = f"bus-{uuid.uuid4().hex[:8]}"
    events = accounts.administrator(HUB, "events")
    arn = str(events.create_event_bus(Name=name)["EventBusArn"])
    if statements:
        events.put_permission(EventBusName=name, Policy=document(*({**s, "Resource": arn} for s in statements)))
    return arn


def inbox(accounts: Accounts, bus_arn: str) -> str:
    """Let the hub put every event of a bus into a queue and return its URL."""
    name = f"inbox-{uuid.uuid4().hex[:8]}"
    events, sqs = accounts.administrator(HUB, "events"), accounts.administrator(HUB, "sqs")
    queue = f"arn:aws:sqs:{REGION}:{HUB}:{name}"
    service = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}}
    policy = document({**service, "Action": "sqs:SendMessage", "Resource": queue})
    url = sqs.create_queue(QueueName=name, Attributes={"Policy": policy})["QueueUrl"]
    of_bus = bus_arn.rpartition("/")[2]
    events.put_rule(Name=name, EventBusName=of_bus, EventPattern='{"source": [{"prefix": "staging."}]}')
    events.put_targets(Rule=name, EventBusName=of_bus, Targets=[{"Id": "1", "Arn": queue}])
    return str(url)


def received(accounts: Accounts, url: str) -> dict[str, Any]:
    """Wait for one event in a queue of the hub."""
    sqs = accounts.administrator(HUB, "sqs")
    for _ in range(400):
        for message in sqs.receive_message(QueueUrl=url).get("Messages", ()):
            found: dict[str, Any] = json.loads(message["Body"])
            return found
        threading.Event().wait(0.02)
    raise AssertionError("no event arrived")


def to_hub(statement_more: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a statement that opens a bus to staging."""
    principal = {"AWS": f"arn:aws:iam::{STAGING}:root"}
    opened = {"Sid": "staging", "Effect": "Allow", "Principal": principal, "Action": "events:PutEvents"}
    return opened | (statement_more or {})


def entry(bus_arn: str, source: str = "staging.release") -> dict[str, Any]:
    """Return an event for a bus."""
    return {"EventBusName": bus_arn, "Source": source, "DetailType": "Released", "Detail": '{"version": 3}'}


def test_an_event_reaches_a_bus_of_another_account_that_lets_it(accounts: Accounts) -> None:
    """Both sides allow events:PutEvents on the bus; the event keeps the account it came from."""
    opened, closed = bus(accounts, to_hub()), bus(accounts)
    url = inbox(accounts, opened)
    sender = accounts.role(STAGING, {"Effect": "Allow", "Action": "events:PutEvents", "Resource": "*"})
    client = accounts.session(sender, "events")
    for refused in (
        lambda: client.put_events(Entries=[entry(closed)]),
        lambda: accounts.session(accounts.role(STAGING), "events").put_events(Entries=[entry(opened)]),
    ):
        with pytest.raises(ClientError, match="events:PutEvents"):
            refused()
    assert client.put_events(Entries=[entry(opened)])["FailedEntryCount"] == 0
    event = received(accounts, url)
    assert (event["account"], event["detail"]) == (STAGING, {"version": 3})


def test_a_rule_sends_on_to_a_bus_of_another_account(accounts: Accounts) -> None:
    """Source: User Guide, "Sending and receiving events between accounts": the target's role and the bus allow."""
    opened = bus(accounts, to_hub())
    url = inbox(accounts, opened)
    put = {"Effect": "Allow", "Action": "events:PutEvents", "Resource": opened}
    role = accounts.role(STAGING, put, trust={"Principal": {"Service": "events.amazonaws.com"}})
    events, name = accounts.administrator(STAGING, "events"), f"on-{uuid.uuid4().hex[:8]}"
    events.put_rule(Name=name, EventPattern=json.dumps({"source": ["staging.forwarded"]}))
    events.put_targets(Rule=name, Targets=[{"Id": "hub", "Arn": opened, "RoleArn": role}])
    events.put_events(Entries=[{**entry("default", "staging.forwarded")}])
    event = received(accounts, url)
    assert (event["account"], event["source"]) == (STAGING, "staging.forwarded")


def test_a_rule_of_another_account_dead_letters_into_its_own_queue(accounts: Accounts) -> None:
    """A closed bus of the hub leaves the event in staging's own dead-letter queue."""
    closed, name = bus(accounts), f"dead-{uuid.uuid4().hex[:8]}"
    put = {"Effect": "Allow", "Action": "events:PutEvents", "Resource": "*"}
    role = accounts.role(STAGING, put, trust={"Principal": {"Service": "events.amazonaws.com"}})
    queue = f"arn:aws:sqs:{REGION}:{STAGING}:{name}"
    service = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}}
    sqs = accounts.administrator(STAGING, "sqs")
    policy = document({**service, "Action": "sqs:SendMessage", "Resource": queue})
    url = sqs.create_queue(QueueName=name, Attributes={"Policy": policy})["QueueUrl"]
    events = accounts.administrator(STAGING, "events")
    events.put_rule(Name=name, EventPattern=json.dumps({"source": ["staging.closed"]}))
    target = {"Id": "hub", "Arn": closed, "RoleArn": role, "DeadLetterConfig": {"Arn": queue}}
    events.put_targets(Rule=name, Targets=[target])
    events.put_events(Entries=[entry("default", "staging.closed")])
    for _ in range(400):
        found = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"]).get("Messages", ())
        if found:
            assert found[0]["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"
            return
        threading.Event().wait(0.02)
    raise AssertionError("no dead letter arrived")


def test_a_bus_policy_may_ask_for_a_source(accounts: Accounts) -> None:
    """events:source and events:detail-type are those of the entry."""
    only = {"Condition": {"StringEquals": {"events:source": "staging.release"}}}
    opened = bus(accounts, to_hub(only))
    client = accounts.administrator(STAGING, "events")
    assert client.put_events(Entries=[entry(opened)])["FailedEntryCount"] == 0
    with pytest.raises(ClientError, match="events:PutEvents"):
        client.put_events(Entries=[entry(opened, "staging.other")])
