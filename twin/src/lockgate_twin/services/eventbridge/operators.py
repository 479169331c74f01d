"""The comparison operators of event patterns: from the JSON of one alternative to a test of one event value.

Source: EventBridge User Guide, "Comparison operators for use in event patterns", and the README and rule
compiler of aws/event-ruler, the library EventBridge publishes for the same language. Numbers are compared by
value, as event-ruler does (300 matches 300.0).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Test = Callable[[Any], bool]
_NUMERIC_LIMIT = 5.0e9
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "=": lambda value, bound: value == bound,
    "<": lambda value, bound: value < bound,
    "<=": lambda value, bound: value <= bound,
    ">": lambda value, bound: value > bound,
    ">=": lambda value, bound: value >= bound,
}


class PatternError(Exception):
    """An event pattern that EventBridge would refuse; the text says which part and why."""


def compile_test(wanted: Any) -> Test:
    """Turn one alternative of a pattern's field into a test of an event's value.

    Raises:
        PatternError: the alternative is no literal and no known operator.
    """
    if isinstance(wanted, Mapping):
        if len(wanted) != 1:
            raise PatternError("Only one key allowed in match expression")
        name, argument = next(iter(wanted.items()))
        if name not in _OPERATORS:
            raise PatternError(f"Unrecognized match type {name}")
        return _OPERATORS[name](argument)
    if isinstance(wanted, list):
        raise PatternError("Match value must be String, number, true, false, or null")
    return exactly(wanted)


def exactly(wanted: Any) -> Test:
    """Match the same JSON value of the same JSON type."""
    if is_number(wanted):
        return lambda value: is_number(value) and value == wanted
    return lambda value: type(value) is type(wanted) and value == wanted


def is_number(value: Any) -> bool:
    """Tell whether a value is a JSON number (Python's bool is an int, JSON's is not)."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _prefix(argument: Any) -> Test:
    text, fold = _text_or_folded("prefix", argument)
    return lambda value: isinstance(value, str) and fold(value).startswith(text)


def _suffix(argument: Any) -> Test:
    text, fold = _text_or_folded("suffix", argument)
    return lambda value: isinstance(value, str) and fold(value).endswith(text)


def _equals_ignore_case(argument: Any) -> Test:
    text = _text("equals-ignore-case", argument).lower()
    return lambda value: isinstance(value, str) and value.lower() == text


def _wildcard(argument: Any) -> Test:
    expression = _wildcard_expression(_text("wildcard", argument))
    return lambda value: isinstance(value, str) and expression.fullmatch(value) is not None


def _wildcard_expression(text: str) -> re.Pattern[str]:
    parts = re.findall(r"\\.|\\$|\*+|[^\\*]+", text, re.DOTALL)
    if any(p.startswith("**") for p in parts):
        raise PatternError("Consecutive wildcard characters are not allowed")
    if any(p.startswith("\\") and p not in {"\\*", "\\\\"} for p in parts):
        raise PatternError("Only * and \\ can be escaped in a wildcard")
    translated = [".*" if p == "*" else re.escape(p[1:]) if p.startswith("\\") else re.escape(p) for p in parts]
    return re.compile("".join(translated), re.DOTALL)


def _cidr(argument: Any) -> Test:
    try:
        network = ipaddress.ip_network(_text("cidr", argument), strict=False)
    except ValueError as malformed:
        raise PatternError(f"Malformed CIDR, {malformed}") from None

    def within(value: Any) -> bool:
        try:
            return isinstance(value, str) and ipaddress.ip_address(value) in network
        except ValueError:
            return False

    return within


def _numeric(argument: Any) -> Test:
    if not isinstance(argument, list) or len(argument) not in {2, 4}:
        raise PatternError("Value of numeric must be an array of one or two operators, each with a number")
    operators, bounds = argument[0::2], argument[1::2]
    if not all(op in _COMPARE for op in operators):
        raise PatternError(f"Unrecognized numeric range operator in {argument}")
    if not all(is_number(b) and abs(b) <= _NUMERIC_LIMIT for b in bounds):
        raise PatternError("A numeric bound must be a number between -5.0e9 and +5.0e9")
    if len(bounds) == 2 and not (operators[0].startswith(">") and operators[1].startswith("<")):
        raise PatternError("A numeric range is a > or >= followed by a < or <=")
    if len(bounds) == 2 and bounds[0] >= bounds[1]:
        raise PatternError("Bottom must be less than top")
    checks = [(_COMPARE[op], bound) for op, bound in zip(operators, bounds, strict=True)]
    return lambda value: is_number(value) and all(holds(value, bound) for holds, bound in checks)


def _exists(argument: Any) -> Test:
    if argument is not True:
        raise PatternError("exists match pattern must be either true or false")
    return lambda _: True


def _anything_but(argument: Any) -> Test:
    refused = _refused(argument)
    return lambda value: not any(test(value) for test in refused)


def _refused(argument: Any) -> Sequence[Test]:
    if isinstance(argument, Mapping):
        name, inner = next(iter(argument.items()), ("", None))
        if len(argument) != 1 or name not in {"prefix", "suffix", "wildcard", "equals-ignore-case"}:
            raise PatternError(f"Unsupported anything-but pattern: {dict(argument)}")
        return [_OPERATORS[name](item) for item in _non_empty(inner if isinstance(inner, list) else [inner])]
    items = _non_empty(argument if isinstance(argument, list) else [argument])
    if not (all(isinstance(i, str) for i in items) or all(is_number(i) for i in items)):
        raise PatternError("Inside anything but list, start|null|boolean is not supported")
    return [exactly(item) for item in items]


def _non_empty(items: list[Any]) -> list[Any]:
    if not items:
        raise PatternError("Empty arrays are not allowed")
    return items


def _text(name: str, argument: Any) -> str:
    if not isinstance(argument, str):
        raise PatternError(f"{name} match pattern must be a string")
    return argument


def _text_or_folded(name: str, argument: Any) -> tuple[str, Callable[[str], str]]:
    if isinstance(argument, Mapping) and list(argument) == ["equals-ignore-case"]:
        return _text(name, argument["equals-ignore-case"]).lower(), str.lower
    return _text(name, argument), str


def _exactly(argument: Any) -> Test:
    return exactly(_text("exact", argument))


_OPERATORS: Mapping[str, Callable[[Any], Test]] = {
    "exactly": _exactly,
    "prefix": _prefix,
    "suffix": _suffix,
    "equals-ignore-case": _equals_ignore_case,
    "wildcard": _wildcard,
    "cidr": _cidr,
    "numeric": _numeric,
    "exists": _exists,
    "anything-but": _anything_but,
}
RESERVED_IN_OR = frozenset(_OPERATORS)
