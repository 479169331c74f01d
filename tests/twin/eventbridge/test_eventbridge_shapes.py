from __future__ import annotations

from typing import Any

import pytest
from lockgate_twin.ports import Event

from tests.twin.eventbridge.event_shapes import SECONDS, delivered, differences

_SHAPE = {"Name": str, "Count": int, "Weight": float, "At": SECONDS, "Reason?": str, "Items": [{"A": str}]}
_DETAIL = {"Name": "n", "Count": 1, "Weight": 1.0, "At": "2021-02-24T17:00:14Z", "Items": [{"A": "a"}]}


def _event(detail: dict[str, Any]) -> Event:
    return Event(
        source="aws.test",
        detail_type="A Change",
        detail=detail,
        account="111122223333",
        region="us-east-1",
        resources=("arn:aws:test:x",),
    )


def test_an_event_of_the_published_shape_has_no_difference() -> None:
    """Members that may be absent are not missed; the envelope has the members that EventBridge documents.

    Source: "Events in Amazon EventBridge" (EventBridge User Guide).
    """
    event = _event(_DETAIL)

    assert differences(event, "A Change", ["arn:aws:test:.*"], _SHAPE) == []
    assert list(delivered(event)) == [
        *("version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail")
    ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"Name": None}, "detail.Name: None is not of type str"),
        ({"Count": 1.0}, "detail.Count: 1.0 is not of type int"),
        ({"Weight": 1}, "detail.Weight: 1 is not of type float"),
        ({"At": "2021-02-24"}, "detail.At: '2021-02-24' is not written like"),
        ({"Items": [{"A": "a"}, {}]}, "detail.Items[1].A is missing"),
        ({"Items": {}}, "detail.Items: {} is no list"),
        ({"More": 1}, "detail.More is not published"),
    ],
)
def test_every_difference_is_found(changes: dict[str, Any], said: str) -> None:
    """A member that is missing, written otherwise or not published is named with its place."""
    (difference,) = differences(_event({**_DETAIL, **changes}), "A Change", ["arn:.*"], _SHAPE)

    assert said in difference


def test_type_and_resources_are_compared() -> None:
    """Another detail-type and another resource are differences, too."""
    found = differences(_event(_DETAIL), "Another Change", ["arn:aws:other:.*"], _SHAPE)

    assert len(found) == 2
