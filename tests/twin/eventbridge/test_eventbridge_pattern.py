"""The pattern language.

Examples are taken from the EventBridge User Guide, "Comparison operators for use in event patterns", and from the
README of aws/event-ruler (marked "ruler"), AWS's open implementation of the language.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lockgate_twin.services.eventbridge.operators import PatternError
from lockgate_twin.services.eventbridge.pattern import compile_pattern

RULER_EVENT = {
    "version": "0",
    "id": "ddddd4-aaaa-7777-4444-345dd43cc333",
    "detail-type": "EC2 Instance State-change Notification",
    "source": "aws.ec2",
    "account": "012345679012",
    "time": "2017-10-02T16:24:49Z",
    "region": "us-east-1",
    "resources": ["arn:aws:ec2:us-east-1:123456789012:instance/i-000000aaaaaa00000"],
    "detail": {
        "c-count": 5,
        "d-count": 3,
        "x-limit": 301.8,
        "source-ip": "10.0.0.33",
        "instance-id": "i-000000aaaaaa00000",
        "state": "running",
    },
}
EMPLOYEES = [
    {"firstName": "John", "lastName": "Doe"},
    {"firstName": "Anna", "lastName": "Smith"},
    {"firstName": "Peter", "lastName": "Jones"},
]


def matches(pattern: Any, event: Any) -> bool:
    """Compile and match."""
    return compile_pattern(pattern).matches(event)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ({"resources": RULER_EVENT["resources"], "detail": {"state": ["initializing", "running"]}}, True),
        ({"detail-type": ["EC2 Instance State-change Notification"], "detail": {"state": ["stopped"]}}, False),
        ({"time": [{"prefix": "2017-10-02"}]}, True),
        ({"source": [{"suffix": "ec2"}]}, True),
        ({"source": [{"equals-ignore-case": "AWS.EC2"}]}, True),
        ({"source": [{"wildcard": "*.e*2"}]}, True),
        ({"detail": {"state": [{"anything-but": "initializing"}]}}, True),
        ({"detail": {"x-limit": [{"anything-but": 123}]}}, True),
        ({"detail": {"state": [{"anything-but": ["stopped", "running"]}]}}, False),
        ({"detail": {"x-limit": [{"anything-but": [100, 200, 300]}]}}, True),
        ({"detail": {"state": [{"anything-but": {"prefix": "run"}}]}}, False),
        ({"detail": {"c-count": [{"numeric": [">", 0, "<=", 5]}]}}, True),
        ({"detail": {"d-count": [{"numeric": ["<", 10]}]}}, True),
        ({"detail": {"x-limit": [{"numeric": ["=", 3.018e2]}]}}, True),
        ({"detail": {"source-ip": [{"cidr": "10.0.0.0/24"}]}}, True),
        ({"detail": {"source-ip": [{"cidr": "10.0.1.0/24"}]}}, False),
        ({"detail": {"c-count": [{"exists": True}]}}, True),
        ({"detail": {"c-count": [{"exists": False}]}}, False),
        ({"detail": {"e-count": [{"exists": False}]}}, True),
    ],
)
def test_examples_of_the_ruler(pattern: Any, expected: bool) -> None:  # noqa: FBT001
    """Each example gives what event-ruler's README says."""
    assert matches(pattern, RULER_EVENT) is expected


def test_the_complex_example_of_the_ruler() -> None:
    """All conditions hold at once; one that does not is enough to miss."""
    pattern = {
        "time": [{"prefix": "2017-10-02"}],
        "detail": {
            "state": [{"anything-but": "initializing"}],
            "c-count": [{"numeric": [">", 0, "<=", 5]}],
            "d-count": [{"numeric": ["<", 10]}],
            "x-limit": [{"anything-but": [100, 200, 300]}],
            "source-ip": [{"cidr": "10.0.0.0/8"}],
        },
    }
    assert matches(pattern, RULER_EVENT)
    assert not matches(pattern, {**RULER_EVENT, "detail": {**RULER_EVENT["detail"], "d-count": 10}})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        ([{"anything-but": {"suffix": ".png"}}], "a.png", False),
        ([{"anything-but": {"suffix": ".png"}}], "a.jpg", True),
        ([{"anything-but": {"equals-ignore-case": "initializing"}}], "INITIALIZING", False),
        ([{"anything-but": {"equals-ignore-case": ["a", "b"]}}], "B", False),
        ([{"anything-but": {"wildcard": "*/lib/*"}}], "x/lib/y", False),
        ([{"anything-but": {"wildcard": "*/lib/*"}}], "x/bin/y", True),
        ([{"prefix": {"equals-ignore-case": "EventB"}}], "eVENTbridge", True),
        ([{"suffix": {"equals-ignore-case": ".png"}}], "photo.PNG", True),
        ([{"wildcard": "dir/*.png"}], "dir/a/b.png", True),
        ([{"wildcard": "dir/*.png"}], "other/a.png", False),
        ([{"wildcard": r"a\*b"}], "a*b", True),
        ([{"wildcard": r"a\*b"}], "axb", False),
        ([{"wildcard": r"a\\*"}], "a\\zzz", True),
        ([{"cidr": "2001:db8::/32"}], "2001:db8::1", True),
        ([{"cidr": "10.0.0.0/8"}], "not an address", False),
        ([""], "", True),
        ([None], None, True),
        ([None], "null", False),
        ([None], "", False),
        ([True], True, True),
        ([True], 1, False),
        ([1], True, False),
        ([1], "1", False),
        ([100], 100.0, True),
        ([{"numeric": ["=", 1]}], "1", False),
        ([{"numeric": [">=", 10, "<", 20]}], 20, False),
        (["a", {"prefix": "b"}], "bcd", True),
        ([{"exactly": "a"}], "a", True),
    ],
)
def test_single_values(pattern: Any, value: Any, expected: bool) -> None:  # noqa: FBT001
    """Each operator, on a value it takes and on one it does not (User Guide and ruler)."""
    assert matches({"detail": {"x": pattern}}, {"detail": {"x": value}}) is expected


def test_null_is_not_absence() -> None:
    """A field that is null exists; one that is missing is not null (User Guide, "Null values and empty strings")."""
    assert not matches({"detail": {"x": [None]}}, {"detail": {}})
    assert matches({"detail": {"x": [{"exists": True}]}}, {"detail": {"x": None}})
    assert not matches({"detail": {"x": [{"exists": False}]}}, {"detail": {"x": None}})


def test_a_missing_field_never_satisfies_anything_but() -> None:
    """Anything-but needs the field."""
    assert not matches({"detail": {"x": [{"anything-but": "a"}]}}, {"detail": {"y": "b"}})


def test_exists_looks_at_leaves_only() -> None:
    """An object is no leaf: {"exists": false} matches it (ruler, "Exists matching")."""
    event = {"detail": {"state": "a", "c-count": {"c1": 100}}}
    assert matches({"detail": {"c-count": [{"exists": False}]}}, event)
    assert not matches({"detail": {"c-count": [{"exists": True}]}}, event)
    assert matches({"nowhere": {"at": {"all": [{"exists": False}]}}}, event)


def test_arrays_match_if_they_intersect() -> None:
    """One element of the event's array is enough (User Guide, "Event patterns")."""
    pattern = {"resources": ["a", "b"]}
    assert matches(pattern, {"resources": ["x", "b"]})
    assert not matches(pattern, {"resources": ["x", "y"]})
    assert not matches(pattern, {"resources": []})


def test_fields_come_from_one_element_of_an_array() -> None:
    """Anna Jones is nobody: first and last name are in different elements (ruler, "JSON Array Matching")."""
    flat, nested = {"employees": EMPLOYEES}, {"employees": [EMPLOYEES[:2], EMPLOYEES[2:]]}
    for event in (flat, nested):
        assert matches({"employees": {"firstName": ["Anna"]}}, event)
        assert matches({"employees": {"firstName": ["Anna"], "lastName": ["Smith"]}}, event)
        assert not matches({"employees": {"firstName": ["Anna"], "lastName": ["Jones"]}}, event)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"source": "aws.cloudwatch", "metricName": "ReadLatency"}, True),
        ({"source": "aws.cloudwatch", "metricType": "MetricType", "namespace": "AWS/EC2"}, False),
        ({"source": "aws.cloudwatch", "metricType": "MetricType", "namespace": "AWS/EC2", "metricId": 1234}, True),
        ({"source": "aws.cloudwatch", "scope": "Service"}, True),
        ({"source": "aws.ec2", "scope": "Service"}, False),
    ],
)
def test_or_with_and_inside(event: Any, expected: bool) -> None:  # noqa: FBT001
    """Nested $or and and (ruler, 'The "$or" Primitive')."""
    pattern = {
        "source": ["aws.cloudwatch"],
        "$or": [
            {"metricName": ["CPUUtilization", "ReadLatency"]},
            {
                "metricType": ["MetricType"],
                "namespace": ["AWS/EC2", "AWS/ES"],
                "$or": [{"metricId": [1234]}, {"spaceId": [1000]}],
            },
            {"scope": ["Service"]},
        ],
    }
    assert matches(pattern, event) is expected


def test_or_can_be_a_field_name() -> None:
    """With an object behind it, "$or" is a name like any other (ruler, "The backward compatibility")."""
    pattern = {"source": ["s"], "$or": {"metricType": ["m"], "namespace": ["n"]}}
    assert matches(pattern, {"source": "s", "$or": {"metricType": "m", "namespace": "n"}})
    assert not matches(pattern, {"source": "s", "metricType": "m", "namespace": "n"})


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("[]", "Filter is not an object"),
        ("{", "not valid JSON"),
        ({}, "Empty objects are not allowed"),
        ({"a": []}, "Empty arrays are not allowed"),
        ({"a": "b"}, '"a" must be an object or an array'),
        ({"a": [["b"]]}, "Match value must be String"),
        ({"a": [{"prefix": "x", "suffix": "y"}]}, "Only one key"),
        ({"a": [{"like": "x"}]}, "Unrecognized match type like"),
        ({"a": [{"prefix": 1}]}, "prefix match pattern must be a string"),
        ({"a": [{"wildcard": "a**b"}]}, "Consecutive wildcard"),
        ({"a": [{"wildcard": r"a\b"}]}, "Only . and . can be escaped"),
        ({"a": [{"numeric": [">", 5, "<", 5]}]}, "Bottom must be less than top"),
        ({"a": [{"numeric": ["<", 5, ">", 1]}]}, "A numeric range"),
        ({"a": [{"numeric": ["=", 5.1e9]}]}, "between -5.0e9"),
        ({"a": [{"anything-but": ["x", 1]}]}, "Inside anything but list"),
        ({"a": [{"anything-but": {"cidr": "10.0.0.0/8"}}]}, "Unsupported anything-but"),
        ({"a": [{"cidr": "10.0.0.0/99"}]}, "Malformed CIDR"),
        ({"a": [{"exists": "yes"}]}, "either true or false"),
    ],
)
def test_what_eventbridge_refuses(pattern: Any, said: str) -> None:
    """A pattern that says nothing sensible is an error, not a rule that never matches."""
    with pytest.raises(PatternError, match=said):
        compile_pattern(pattern)


def test_only_a_change_of_approval_starts_a_deployment() -> None:
    """The rule of "SageMaker Model Package State Change" that asks for the changed field ignores later stamps.

    Members are those of the SageMaker event reference ("SageMaker Model Package State Change").
    """
    pattern = {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Package State Change"],
        "detail": {"ModelApprovalStatus": ["Approved"], "UpdatedModelPackageFields": ["ModelApprovalStatus"]},
    }

    def event(*changed: str) -> dict[str, Any]:
        detail = {"ModelApprovalStatus": "Approved", "UpdatedModelPackageFields": list(changed)}
        kind = "SageMaker Model Package State Change"
        return {"source": "aws.sagemaker", "detail-type": kind, "detail": detail}

    assert matches(pattern, event("ApprovalDescription", "ModelApprovalStatus"))
    assert not matches(pattern, event("CustomerMetadataProperties"))
    assert not matches(pattern, event())


def test_only_pushes_to_main_of_build_repositories_start_builds() -> None:
    """A wildcard on the repository's name and the two reference events select the pushes."""
    pattern = {
        "source": ["aws.codecommit"],
        "detail": {
            "event": ["referenceCreated", "referenceUpdated"],
            "referenceFullName": ["refs/heads/main"],
            "repositoryName": [{"wildcard": "sagemaker-*-modelbuild"}],
        },
    }
    push = {
        "event": "referenceUpdated",
        "repositoryName": "sagemaker-churn-p-idy6c3e1fiqj-modelbuild",
        "referenceFullName": "refs/heads/main",
    }

    def event(**changes: str) -> dict[str, Any]:
        return {"source": "aws.codecommit", "detail": {**push, **changes}}

    assert matches(pattern, event())
    assert not matches(pattern, event(referenceFullName="refs/heads/feature"))
    assert not matches(pattern, event(repositoryName="sagemaker-churn-p-idy6c3e1fiqj-modeldeploy"))
    assert not matches(pattern, event(event="referenceDeleted"))


scalars = st.none() | st.booleans() | st.integers(-1000, 1000) | st.text(max_size=5)
names = st.sampled_from(["a", "b", "c"])
events = st.recursive(
    st.dictionaries(names, scalars | st.lists(scalars, max_size=3), max_size=3),
    lambda inner: st.dictionaries(names, inner | scalars | st.lists(inner, max_size=2), max_size=3),
    max_leaves=8,
)


def _pattern_of(value: Any) -> Any:
    """Return a pattern that says exactly what is in the event (leaf by leaf), or None if there is nothing to say."""
    if isinstance(value, dict):
        inner = {k: p for k, v in value.items() if (p := _pattern_of(v))}
        return inner or None
    if isinstance(value, list):
        leaves = [v for v in value if not isinstance(v, dict)]
        return leaves or None
    return [value]


@given(events)
def test_an_event_matches_the_pattern_made_of_itself(event: dict[str, Any]) -> None:
    """A pattern that lists an event's own values matches it."""
    pattern = _pattern_of(event)
    if pattern:
        assert matches(pattern, event)


@given(events, events)
def test_more_in_an_event_never_hurts_without_negations(event: dict[str, Any], more: dict[str, Any]) -> None:
    """Fields that a pattern does not name make no difference."""
    pattern = _pattern_of(event)
    if pattern:
        assert matches(pattern, {**{f"x{k}": v for k, v in more.items()}, **event})


@given(events, names, scalars)
def test_exists_false_is_the_opposite_of_exists_true(event: dict[str, Any], name: str, value: Any) -> None:
    """Exactly one of the two matches, whatever the event."""
    event = {**event, "a": value} if value else event
    assert matches({name: [{"exists": True}]}, event) != matches({name: [{"exists": False}]}, event)


@given(st.text(max_size=8), st.text(max_size=8))
def test_anything_but_is_the_opposite_of_equal(wanted: str, value: str) -> None:
    """For a single value, anything-but matches exactly what the literal does not."""
    event = {"a": value}
    assert matches({"a": [{"anything-but": wanted}]}, event) != matches({"a": [wanted]}, event)


@given(st.text(max_size=8), st.text(max_size=4))
def test_prefix_is_a_wildcard_at_the_end(text: str, start: str) -> None:
    """A prefix p and wildcard p* agree, when p is escaped."""
    escaped = start.replace("\\", "\\\\").replace("*", "\\*")
    event = {"a": text}
    assert matches({"a": [{"prefix": start}]}, event) == matches({"a": [{"wildcard": f"{escaped}*"}]}, event)


@given(events)
def test_an_event_survives_json(event: dict[str, Any]) -> None:
    """Matching does not depend on whether the event came over the wire."""
    pattern = _pattern_of(event)
    if pattern:
        assert matches(json.dumps(pattern), json.loads(json.dumps(event)))
