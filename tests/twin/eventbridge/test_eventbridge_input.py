"""What a target receives.

The event and the templates are the examples of the EventBridge User Guide, "Amazon EventBridge input transformation".
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lockgate_twin.services.eventbridge.input_transformer import Matched, TemplateError, target_input
from lockgate_twin.services.eventbridge.json_path import ABSENT, JsonPathError, resolve

EVENT: dict[str, Any] = {
    "version": "0",
    "id": "7bf73129-1428-4cd3-a780-95db273d1602",
    "detail-type": "EC2 Instance State-change Notification",
    "source": "aws.ec2",
    "account": "123456789012",
    "time": "2015-11-11T21:29:54Z",
    "region": "us-east-1",
    "resources": ["arn:aws:ec2:us-east-1:123456789012:instance/i-abcd1111"],
    "detail": {"instance-id": "i-0123456789", "state": "RUNNING"},
}
PATHS = {"instance": "$.detail.instance-id", "state": "$.detail.state"}
RULE = "arn:aws:events:us-east-1:123456789012:rule/example"


def received(event: Any = EVENT, **target: Any) -> str:
    """Return what a target with these settings receives."""
    return target_input(
        Matched(
            event=event,
            rule_arn=RULE,
            rule_name="example",
            target={"Id": "1", "Arn": "arn:aws:lambda:us-east-1:123456789012:function:f", **target},
            received_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        )
    )


def transformed(template: str, paths: Any = PATHS, event: Any = EVENT) -> str:
    """Return what an InputTransformer makes."""
    return received(event, InputTransformer={"InputPathsMap": paths, "InputTemplate": template})


def test_the_whole_event_by_default() -> None:
    """Without settings the target gets the event."""
    assert json.loads(received()) == EVENT


def test_a_constant_input_replaces_the_event() -> None:
    """Input is passed as it stands."""
    assert received(Input='{"a": 1}') == '{"a": 1}'


def test_a_path_selects_a_part() -> None:
    """InputPath passes one part; null if there is nothing (assumption)."""
    assert json.loads(received(InputPath="$.detail")) == EVENT["detail"]
    assert received(InputPath="$.detail.nothing") == "null"


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ('"instance <instance> is in <state>"', '"instance i-0123456789 is in RUNNING"'),
        (
            '{"instance": <instance>, "state": "<state>"}',
            '{"instance": "i-0123456789", "state": "RUNNING"}',
        ),
        (
            '{"instance": <instance>, "state": [9, <state>, true], "Transformed": "Yes"}',
            '{"instance": "i-0123456789", "state": [9, "RUNNING", true], "Transformed": "Yes"}',
        ),
        (
            '{"status": "instance \\"<instance>\\" is in <state>"}',
            '{"status": "instance \\"i-0123456789\\" is in RUNNING"}',
        ),
        ('"<instance>"\n"<state>"', '"i-0123456789"\n"RUNNING"'),
    ],
)
def test_examples_of_the_user_guide(template: str, expected: str) -> None:
    """Variables stand as JSON outside quotes and as text inside."""
    assert transformed(template) == expected


def test_predefined_variables() -> None:
    """Rule, ingestion time and the event itself can be used without a path."""
    template = """{
        "rule": <aws.events.rule-arn>, "name": "<aws.events.rule-name>", "full": <aws.events.event.json>,
        "head": <aws.events.event>, "at": <aws.events.event.ingestion-time>
    }"""
    made = json.loads(transformed(template, {}))
    assert (made["rule"], made["name"], made["at"]) == (RULE, "example", "2026-01-02T03:04:05Z")
    assert made["full"] == EVENT
    assert made["head"] == {k: v for k, v in EVENT.items() if k != "detail"}


def test_a_variable_that_points_at_nothing_does_not_appear() -> None:
    """User Guide: that variable is not created and does not appear in the output."""
    assert transformed('"<a>|<state>"', {"a": "$.detail.none", **PATHS}) == '"|RUNNING"'


def test_an_undefined_variable_is_an_error() -> None:
    """A template must not use what InputPathsMap does not define."""
    with pytest.raises(TemplateError, match="<typo>"):
        transformed('"<typo>"')


def test_an_object_inside_quotes_loses_its_quotes() -> None:
    """Otherwise it would end the string it stands in."""
    assert transformed('"got <d>"', {"d": "$.detail"}) == '"got {instance-id:i-0123456789,state:RUNNING}"'


@given(st.text(max_size=20))
def test_any_text_keeps_the_output_valid_json(text: str) -> None:
    """Quotes, backslashes and control characters in an event cannot break the target's JSON."""
    event = {**EVENT, "detail": {"state": text}}
    made = json.loads(transformed('{"a": <s>, "b": "is <s>"}', {"s": "$.detail.state"}, event))
    assert made == {"a": text, "b": f"is {text}"}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$", EVENT),
        ("$.detail-type", "EC2 Instance State-change Notification"),
        ("$.resources[0]", EVENT["resources"][0]),
        ("$.resources[1]", ABSENT),
        ("$.resources[*]", EVENT["resources"]),
        ("$.detail.*", ["i-0123456789", "RUNNING"]),
        ("$.detail.state.deeper", ABSENT),
    ],
)
def test_paths(path: str, expected: Any) -> None:
    """The supported syntax: dots, dashes, indices and wildcards."""
    found = resolve(path, EVENT)
    assert found is expected or found == expected


@pytest.mark.parametrize("path", ["detail", "$detail", "$.a..b", "$.a[x]", "$['a']", "$."])
def test_malformed_paths(path: str) -> None:
    """What EventBridge does not support is an error, not an empty value."""
    with pytest.raises(JsonPathError):
        resolve(path, EVENT)
