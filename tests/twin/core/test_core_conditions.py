"""Condition operators and policy variables (IAM User Guide; each test names its page)."""

from __future__ import annotations

from typing import Any

import pytest
from lockgate_twin.authorization.context import RequestContext
from lockgate_twin.authorization.evaluator import Policies, evaluate

ROLE = "arn:aws:iam::111122223333:role/team/build"
SESSION = "arn:aws:sts::111122223333:assumed-role/build/me"
OBJECT = "arn:aws:s3:::bucket/a/x"


def allows(condition: dict[str, Any], keys: dict[str, Any], **statement: Any) -> bool:
    """Tell whether an Allow under a condition allows a request with these keys."""
    found = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", **statement, "Condition": condition}
    document = {"Version": statement.pop("Version", "2012-10-17"), "Statement": found}
    return evaluate(RequestContext(SESSION, "s3:GetObject", OBJECT, keys), Policies(identity=[document])).allowed


# Source: IAM User Guide, page on condition operators.
OPERATORS = [
    ("StringEquals", "a", "a", "A"),
    ("StringNotEquals", "a", "b", "a"),
    ("StringEqualsIgnoreCase", "aB", "Ab", "ac"),
    ("StringNotEqualsIgnoreCase", "aB", "ac", "Ab"),
    ("StringLike", "a*c?", "abbcd", "abbc"),
    ("StringNotLike", "a*", "b", "ab"),
    ("NumericEquals", "10", "10.0", "11"),
    ("NumericNotEquals", "10", "9", "10"),
    ("NumericLessThan", "10", "9.5", "10"),
    ("NumericLessThanEquals", "10", "10", "10.5"),
    ("NumericGreaterThan", "10", "11", "10"),
    ("NumericGreaterThanEquals", "10", "10", "9"),
    ("NumericEquals", "10", "10", "ten"),
    ("DateEquals", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00", "2026-01-02"),
    ("DateNotEquals", "2026-01-01", "2026-01-02", "1767225600"),
    ("DateLessThan", "2026-01", "2025-12-31T23:59:59Z", "2026-01-01T00:00:00Z"),
    ("DateLessThanEquals", "2026-01-01", "2026-01-01", "2026-01-02"),
    ("DateGreaterThan", "2026-01-01", "1767225601", "1767225600"),
    ("DateGreaterThanEquals", "2026-01-01", "2026-01-01", "2025-12-31"),
    ("Bool", "true", "True", "false"),
    ("BinaryEquals", "QmluYXJ5", "QmluYXJ5", "QmluYXJ6"),
    ("IpAddress", "203.0.113.0/24", "203.0.113.9", "203.0.114.9"),
    ("IpAddress", "2001:db8::/32", "2001:db8::1", "2001:db9::1"),
    ("IpAddress", "203.0.113.9", "203.0.113.9", "::1"),
    ("NotIpAddress", "2001:db8::/32", "10.0.0.1", "2001:db8::1"),
    ("ArnEquals", "arn:aws:sns:*:1:t", "arn:aws:sns:us-east-1:1:t", "arn:aws:sns:us-east-1:1:t:s"),
    ("ArnLike", "arn:aws:s3:::b*/k", "arn:aws:s3:::b1/k", "arn:aws:s3:us-east-1::b1/k"),
    ("ArnLike", "arn:aws:*:x", "arn:aws:a:b:c:x", "arn:aws:sns:us-east-1:1:x"),
    ("ArnNotLike", "arn:aws:iam::1:role/*", "arn:aws:iam::2:role/r", "arn:aws:iam::1:role/r"),
]


@pytest.mark.parametrize(("operator", "wanted", "right", "wrong"), [o for o in OPERATORS if o[1] != "arn:aws:*:x"])
def test_an_operator_compares_as_documented(operator: str, wanted: str, right: str, wrong: str) -> None:
    """Each operator holds for one value and not for another."""
    assert allows({operator: {"aws:key": wanted}}, {"aws:key": right})
    assert not allows({operator: {"aws:key": wanted}}, {"aws:key": wrong})


def test_an_arn_pattern_of_too_few_parts_matches_no_arn() -> None:
    """ArnLike checks each of the six colon-delimited components separately."""
    assert not allows({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam:*"}}, {"aws:PrincipalArn": ROLE})


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        ("StringEquals", False),
        ("StringNotEquals", True),
        ("StringEqualsIfExists", True),
        ("StringNotEqualsIfExists", True),
        ("Bool", False),
        ("BoolIfExists", True),
        ("IpAddress", False),
        ("NotIpAddress", True),
        ("ForAllValues:StringEquals", True),
        ("ForAllValues:StringNotEquals", True),
        ("ForAnyValue:StringEquals", False),
        ("ForAnyValue:StringNotEquals", False),
        ("ForAnyValue:StringEqualsIfExists", False),
        ("ForAllValues:StringEqualsIfExists", True),
    ],
)
def test_a_missing_key_is_judged_as_documented(operator: str, expected: bool) -> None:  # noqa: FBT001
    """Missing keys: false, but true for negated operators and ...IfExists; set operators have rules of their own.

    "Condition operators", Important; "Single-valued vs. multivalued context keys"; an empty set is no value.
    """
    assert allows({operator: {"aws:key": "x"}}, {}) is expected
    assert allows({operator: {"aws:key": "x"}}, {"aws:key": []}) is expected


@pytest.mark.parametrize(
    ("operator", "values", "expected"),
    [
        ("ForAllValues:StringEquals", ["a", "b"], True),
        ("ForAllValues:StringEquals", ["a", "c"], False),
        ("ForAnyValue:StringEquals", ["a", "c"], True),
        ("ForAnyValue:StringEquals", ["c"], False),
        ("ForAllValues:StringNotEquals", ["c", "d"], True),
        ("ForAllValues:StringNotEquals", ["a", "d"], False),
        ("ForAnyValue:StringNotEquals", ["a", "d"], True),
        ("ForAnyValue:StringNotEquals", ["a", "b"], False),
        ("StringEquals", ["a"], True),
        ("StringEquals", ["a", "b"], False),
        ("StringNotEquals", ["c", "d"], False),
    ],
)
def test_keys_of_several_values_need_a_set_operator(
    operator: str,
    values: list[str],
    expected: bool,  # noqa: FBT001
) -> None:
    """Page "Single-valued vs. multivalued context keys": without one, several values match nothing."""
    assert allows({operator: {"aws:TagKeys": ["a", "b"]}}, {"aws:TagKeys": values}) is expected


@pytest.mark.parametrize(("wanted", "keys"), [("true", {}), ("false", {"aws:key": "x"}), (True, {}), (["true"], {})])
def test_null_asks_whether_a_key_is_there(wanted: Any, keys: dict[str, Any]) -> None:
    """Page "Condition operator to check existence of condition keys"."""
    other = {"aws:key": "x"} if not keys else {}
    assert allows({"Null": {"aws:key": wanted}}, keys)
    assert not allows({"Null": {"aws:key": wanted}}, other)


def test_key_names_have_no_case_and_conditions_are_all_needed() -> None:
    """Page "IAM JSON policy elements: Condition": names in any case; operators AND, values OR."""
    both = {"StringEquals": {"AWS:principaltag/TEAM": ["a", "b"]}, "Bool": {"aws:SecureTransport": "true"}}
    assert allows(both, {"aws:PrincipalTag/team": "b", "aws:SecureTransport": "true"})
    assert not allows(both, {"aws:PrincipalTag/team": "b", "aws:SecureTransport": "false"})


def test_policy_variables_take_their_value_or_their_default() -> None:
    """Page "IAM policy elements: Variables and tags": `${key, 'default'}`."""
    resource = "arn:aws:s3:::bucket/${aws:PrincipalTag/team, 'a'}/*"
    assert allows({}, {}, Resource=resource)
    assert not allows({}, {"aws:PrincipalTag/team": "b"}, Resource=resource)


def test_an_unresolved_variable_matches_nothing() -> None:
    """Without a value and without a default, the element that uses it does not match; a set of values is no value."""
    resource = "arn:aws:s3:::bucket/${aws:PrincipalTag/team}/*"
    assert not allows({}, {}, Resource=resource)
    assert not allows({}, {"aws:PrincipalTag/team": ["a", "a"]}, Resource=resource)


def test_the_value_of_a_variable_is_text_and_never_a_wildcard() -> None:
    """A tag `*` must not open every folder, and `${*}` is the character itself."""
    resource = "arn:aws:s3:::bucket/${aws:PrincipalTag/team}/x"
    assert not allows({}, {"aws:PrincipalTag/team": "*"}, Resource=resource)
    assert allows({"StringEquals": {"aws:key": "${*}"}}, {"aws:key": "*"})
    assert allows({"StringLike": {"aws:key": "a${?}*"}}, {"aws:key": "a?b"})
    assert not allows({"StringLike": {"aws:key": "a${?}*"}}, {"aws:key": "abb"})


def test_policies_of_the_old_version_know_no_variables() -> None:
    """Page "IAM JSON policy elements: Version": in 2008-10-17, `${aws:username}` is a text."""
    for version, expected in (("2012-10-17", True), ("2008-10-17", False)):
        statement = {"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::bucket/${aws:PrincipalTag/t}/*"}
        context = RequestContext(SESSION, "s3:GetObject", OBJECT, {"aws:PrincipalTag/t": "a"})
        assert evaluate(context, Policies(identity=[{"Version": version, "Statement": statement}])).allowed is expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("arn:aws:s3:::bucket/*", True),
        ("arn:aws:s3:*:*:bucket/?/x", True),
        ("arn:aws:*", True),
        ("arn:aws:s*:::bucket/*", True),
        ("arn:a*z:s3:::bucket/*", False),
        ("arn:aws:s3:::BUCKET/*", False),
        ("*", True),
    ],
)
def test_wildcards_in_resources(pattern: str, expected: bool) -> None:  # noqa: FBT001
    """Page "IAM JSON policy elements: Resource": within a segment, or beyond the colon at its end."""
    assert allows({}, {}, Resource=pattern) is expected


def test_a_star_within_a_segment_does_not_reach_beyond_it() -> None:
    """`us-*1` is a region, not a region with an account."""
    context = RequestContext(SESSION, "sqs:SendMessage", "arn:aws:sqs:us-east-1:111122223333:q-1:q", {})
    statement = {"Effect": "Allow", "Action": "sqs:*", "Resource": "arn:aws:sqs:us-*1:q"}
    assert not evaluate(context, Policies(identity=[{"Version": "2012-10-17", "Statement": statement}])).allowed
