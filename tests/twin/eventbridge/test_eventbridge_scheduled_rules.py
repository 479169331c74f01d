"""Rules with a schedule expression.

Source: EventBridge User Guide, "Creating a scheduled rule (legacy)" and "Setting a schedule pattern for scheduled
rules"; the event's shape: "Events from AWS services", Scheduled Event.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from lockgate_twin import moto_host
from lockgate_twin.services.eventbridge import SCHEDULE_OPERATIONS, ScheduledRules, check_rule

from tests.support.manual_clock import ManualClock


@pytest.fixture
def clock(house: Any) -> Iterator[ManualClock]:
    """Let scheduled rules wait on a clock of the test."""
    clock = ManualClock()
    scheduled = ScheduledRules(clock, moto_host.scheduled_rules, house.bus.put_scheduled)
    house.core.front.check_before_moto("events", "PutRule", check_rule)
    house.core.front.after_moto("events", scheduled.changed, *SCHEDULE_OPERATIONS)
    yield clock
    house.core.front.after_moto("events", lambda *_: None, *SCHEDULE_OPERATIONS)


@pytest.fixture
def scheduled_rule(house: Any, new_queue: Callable[..., Any]) -> Iterator[Callable[[str], tuple[str, Any]]]:
    """Make rules with a schedule and a queue as target: `(name, queue)`."""
    events, made = house.client("events"), []

    def make(expression: str) -> tuple[str, Any]:
        name, queue = f"scheduled-{len(made)}", new_queue()
        events.put_rule(Name=name, ScheduleExpression=expression)
        events.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": queue.arn}])
        made.append(name)
        return name, queue

    yield make
    for name in made:
        events.remove_targets(Rule=name, Ids=["q"])
        events.delete_rule(Name=name)


def test_a_rate_puts_an_event_after_each_period(
    clock: ManualClock, scheduled_rule: Callable[[str], tuple[str, Any]]
) -> None:
    """The first event comes after one period, from aws.events, with the rule as its resource and an empty detail."""
    name, queue = scheduled_rule("rate(5 minutes)")
    clock.move(minutes=4)
    assert queue.messages(wait=0) == []
    clock.move(minutes=1)
    event = json.loads(queue.messages()[0]["Body"])
    arn = f"arn:aws:events:us-east-1:111122223333:rule/{name}"
    kept = {k: event[k] for k in ("detail-type", "source", "time", "resources", "detail", "account")}
    assert kept == {
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "time": "2026-03-02T12:05:00Z",
        "resources": [arn],
        "detail": {},
        "account": "111122223333",
    }


def test_a_disabled_rule_is_silent_until_it_is_enabled(
    house: Any, clock: ManualClock, scheduled_rule: Callable[[str], tuple[str, Any]]
) -> None:
    """DisableRule stops the events; EnableRule lets them come again, once each."""
    name, queue = scheduled_rule("cron(0 * * * ? *)")
    house.client("events").disable_rule(Name=name)
    clock.move(hours=3)
    assert queue.messages(wait=0) == []
    house.client("events").enable_rule(Name=name)
    clock.move(hours=1)
    assert len(queue.messages()) == 1
    assert queue.messages(wait=0) == []


@pytest.mark.parametrize("expression", ["rate(1 minutes)", "rate(5 minute)", "at(2026-03-02T13:00:00)", "cron(* *)"])
def test_what_a_rule_does_not_know_is_refused(house: Any, clock: ManualClock, expression: str) -> None:  # noqa: ARG001
    """A unit that does not agree with its number, at() and a malformed cron are not valid in a rule."""
    with pytest.raises(ClientError, match="ScheduleExpression is not valid"):
        house.client("events").put_rule(Name="wrong", ScheduleExpression=expression)
