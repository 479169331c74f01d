"""Condition functions: the Conditions section and the Rules section.

Source: "Condition functions", "Rules" and "Rule-specific intrinsic functions" of the CloudFormation user guide.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lockgate_twin.cloudformation.failures import invalid
from lockgate_twin.cloudformation.intrinsics import Scope, resolve, text_of
from lockgate_twin.errors import NotImplementedByTwin

_VALUE_FUNCTIONS = frozenset({"Fn::RefAll", "Fn::ValueOf", "Fn::ValueOfAll"})


def evaluate_all(conditions: Mapping[str, Any], scope: Scope) -> dict[str, bool]:
    """Evaluate a Conditions section.

    Raises:
        ApiError: ValidationError for unknown or circular conditions and values that are not conditions.
    """
    evaluator = _Evaluator(conditions, scope)
    return {name: evaluator.named(name) for name in conditions}


def check_rules(rules: Mapping[str, Mapping[str, Any]], scope: Scope) -> None:
    """Check a Rules section over the parameters' values.

    Assumption: AWS's refusal quotes the AssertDescription; its exact sentence is not documented.

    Raises:
        ApiError: ValidationError with the descriptions of all assertions that do not hold.
    """
    evaluator = _Evaluator({}, scope)
    broken: list[str] = []
    for name, rule in rules.items():
        if "RuleCondition" in rule and not evaluator.value(rule["RuleCondition"]):
            continue
        broken += [
            f"rule {name}: {assertion.get('AssertDescription', 'assertion failed')}"
            for assertion in rule.get("Assertions", [])
            if not evaluator.value(assertion.get("Assert"))
        ]
    if broken:
        raise invalid("Template validation error: " + "; ".join(broken))


class _Evaluator:
    def __init__(self, conditions: Mapping[str, Any], scope: Scope) -> None:
        self._conditions = conditions
        self._scope = scope
        self._known: dict[str, bool] = {}
        self._open: list[str] = []
        self._functions: Mapping[str, Callable[[list[Any]], bool]] = {
            "Fn::And": lambda given: all(self.value(item) for item in given),
            "Fn::Or": lambda given: any(self.value(item) for item in given),
            "Fn::Not": lambda given: not self.value(given[0]),
            "Fn::Equals": self._equals,
            "Fn::Contains": self._contains,
            "Fn::EachMemberEquals": self._each_member_equals,
            "Fn::EachMemberIn": self._each_member_in,
        }

    def named(self, name: str) -> bool:
        if name in self._open:
            raise invalid(f"Template error: Found circular condition dependency between [{', '.join(self._open)}]")
        if name not in self._conditions:
            raise invalid(f"Template format error: Unresolved condition dependency {name} in the Conditions block")
        if name not in self._known:
            self._open.append(name)
            self._known[name] = self.value(self._conditions[name])
            self._open.pop()
        return self._known[name]

    def value(self, value: Any) -> bool:
        if not isinstance(value, dict) or len(value) != 1:
            raise invalid("Template format error: Every Condition must be a condition function.")
        name, argument = next(iter(value.items()))
        if name == "Condition":
            return self.named(str(argument))
        if name in _VALUE_FUNCTIONS:
            raise NotImplementedByTwin(f"The rule function {name}")
        if name not in self._functions or not isinstance(argument, list) or len(argument) not in _lengths(name):
            raise invalid(f"Template error: {name} is not a condition function or has a wrong number of arguments")
        return self._functions[name](argument)

    def _equals(self, given: list[Any]) -> bool:
        left, right = (_comparable(resolve(item, self._scope)) for item in given)
        return bool(left == right)

    def _contains(self, given: list[Any]) -> bool:
        values, value = (resolve(item, self._scope) for item in given)
        return text_of(value) in [text_of(item) for item in values]

    def _each_member_equals(self, given: list[Any]) -> bool:
        values, value = (resolve(item, self._scope) for item in given)
        return all(text_of(item) == text_of(value) for item in values)

    def _each_member_in(self, given: list[Any]) -> bool:
        members, values = (resolve(item, self._scope) for item in given)
        return {text_of(item) for item in members} <= {text_of(item) for item in values}


def _comparable(value: Any) -> Any:
    return value if isinstance(value, dict | list) else text_of(value)


def _lengths(name: str) -> range:
    """Fn::And and Fn::Or take 2 to 10 conditions, Fn::Not one, the others two values."""
    if name in {"Fn::And", "Fn::Or"}:
        return range(2, 11)
    return range(1, 2) if name == "Fn::Not" else range(2, 3)
