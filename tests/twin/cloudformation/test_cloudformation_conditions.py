"""Conditions and rules."""

from __future__ import annotations

from typing import Any

import pytest
from lockgate_twin.cloudformation.conditions import check_rules, evaluate_all
from lockgate_twin.cloudformation.intrinsics import Scope
from lockgate_twin.errors import ApiError, NotImplementedByTwin

SCOPE = Scope(values={"Stage": "prod", "Count": "0"}, mappings={"M": {"a": {"b": "prod"}}})
IS_PROD = {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}


@pytest.mark.parametrize(
    ("condition", "result"),
    [
        (IS_PROD, True),
        ({"Fn::Not": [IS_PROD]}, False),
        ({"Fn::And": [IS_PROD, {"Fn::Equals": ["a", "b"]}]}, False),
        ({"Fn::Or": [IS_PROD, {"Fn::Equals": ["a", "b"]}]}, True),
        ({"Fn::Equals": [{"Ref": "Count"}, 0]}, True),
        ({"Fn::Equals": [{"Fn::FindInMap": ["M", "a", "b"]}, {"Ref": "Stage"}]}, True),
        ({"Condition": "Other"}, True),
    ],
)
def test_a_condition_has_a_value(condition: Any, result: bool) -> None:  # noqa: FBT001 - a parametrized expectation
    """Condition functions compare as text and may use other conditions."""
    assert evaluate_all({"It": condition, "Other": IS_PROD}, SCOPE)["It"] is result


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"A": {"Condition": "B"}, "B": {"Condition": "A"}}, "circular condition dependency between [A, B]"),
        ({"A": {"Condition": "Nowhere"}}, "Unresolved condition dependency Nowhere"),
        ({"A": True}, "Every Condition must be a condition function."),
        ({"A": {"Fn::Equals": ["a"]}}, "wrong number of arguments"),
        ({"A": {"Fn::Join": ["", ["a"]]}}, "is not a condition function"),
    ],
)
def test_a_wrong_condition_is_refused(conditions: dict[str, Any], message: str) -> None:
    """Circles, unknown names and other functions are refused."""
    with pytest.raises(ApiError) as refused:
        evaluate_all(conditions, SCOPE)
    assert message in refused.value.message


def test_all_broken_assertions_are_reported_together() -> None:
    """A rule's failed assertions are told with their descriptions; rules that do not apply are not checked."""
    rules = {
        "Stages": {
            "RuleCondition": IS_PROD,
            "Assertions": [
                {"Assert": {"Fn::Contains": [["dev"], {"Ref": "Stage"}]}, "AssertDescription": "only dev"},
                {"Assert": {"Fn::EachMemberIn": [["a"], ["b"]]}, "AssertDescription": "a in b"},
                {"Assert": {"Fn::EachMemberEquals": [["a", "a"], "a"]}, "AssertDescription": "fine"},
            ],
        },
        "Idle": {"RuleCondition": {"Fn::Not": [IS_PROD]}, "Assertions": [{"Assert": {"Fn::Equals": ["a", "b"]}}]},
    }
    with pytest.raises(ApiError) as refused:
        check_rules(rules, SCOPE)
    assert refused.value.message == "Template validation error: rule Stages: only dev; rule Stages: a in b"
    check_rules({"Idle": rules["Idle"]}, SCOPE)


def test_rule_functions_the_twin_lacks_are_named() -> None:
    """Functions over EC2 parameter types are refused as not implemented."""
    with pytest.raises(NotImplementedByTwin, match="Fn::ValueOf"):
        check_rules({"R": {"Assertions": [{"Assert": {"Fn::ValueOf": ["a", "b"]}}]}}, SCOPE)
