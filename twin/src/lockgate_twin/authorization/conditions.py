"""Condition operators (IAM User Guide, "IAM JSON policy elements: Condition operators").

Set operators follow "Single-valued vs. multivalued context keys" of the same guide.

Assumption: ForAnyValue is false for a missing key with ...IfExists too; the guide says both "false" and "true".
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lockgate_twin.authorization.context import (
    RequestContext,
    UnresolvedVariableError,
    arn_matches,
    as_text,
    matches,
    plain,
)

Comparison = Callable[[str, str], bool]
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_MONTH = re.compile(r"\d{4}-\d{2}")


def _numeric(compare: Callable[[float, float], bool]) -> Comparison:
    def operator(value: str, wanted: str) -> bool:
        numbers = _NUMBER.fullmatch(value) and _NUMBER.fullmatch(wanted)
        return bool(numbers) and compare(float(value), float(wanted))

    return operator


def _moment(text: str) -> dt.datetime:
    if _NUMBER.fullmatch(text):
        return dt.datetime.fromtimestamp(float(text), dt.UTC)
    moment = dt.datetime.fromisoformat(f"{text}-01" if _MONTH.fullmatch(text) else text)
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _date(compare: Callable[[dt.datetime, dt.datetime], bool]) -> Comparison:
    def operator(value: str, wanted: str) -> bool:
        try:
            return compare(_moment(value), _moment(wanted))
        except (ValueError, OverflowError):
            return False

    return operator


def _in_network(value: str, wanted: str) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        return False


def _same_bytes(value: str, wanted: str) -> bool:
    try:
        return base64.b64decode(value, validate=True) == base64.b64decode(wanted, validate=True)
    except (binascii.Error, ValueError):
        return False


_OPERATORS: dict[str, Comparison] = {
    "stringequals": lambda v, w: v == plain(w),
    "stringequalsignorecase": lambda v, w: v.casefold() == plain(w).casefold(),
    "stringlike": matches,
    "arnequals": arn_matches,
    "arnlike": arn_matches,
    "bool": lambda v, w: v.lower() == plain(w).lower(),
    "binaryequals": _same_bytes,
    "ipaddress": _in_network,
    "numericequals": _numeric(lambda v, w: v == w),
    "numericlessthan": _numeric(lambda v, w: v < w),
    "numericlessthanequals": _numeric(lambda v, w: v <= w),
    "numericgreaterthan": _numeric(lambda v, w: v > w),
    "numericgreaterthanequals": _numeric(lambda v, w: v >= w),
    "dateequals": _date(lambda v, w: v == w),
    "datelessthan": _date(lambda v, w: v < w),
    "datelessthanequals": _date(lambda v, w: v <= w),
    "dategreaterthan": _date(lambda v, w: v > w),
    "dategreaterthanequals": _date(lambda v, w: v >= w),
}
_NEGATED = {
    "stringnotequals": "stringequals",
    "stringnotequalsignorecase": "stringequalsignorecase",
    "stringnotlike": "stringlike",
    "arnnotequals": "arnequals",
    "arnnotlike": "arnlike",
    "notipaddress": "ipaddress",
    "numericnotequals": "numericequals",
    "datenotequals": "dateequals",
}
_QUANTIFIERS = {"", "forallvalues", "foranyvalue"}
# "IAM policy elements: Variables and tags", "Where you can use policy variables": strings, Boolean and ARNs only.
_WITH_VARIABLES = ("string", "arn", "bool")


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator on one key. `compare` is None for Null, whose `wanted` are texts 'true' and 'false'."""

    key: str
    wanted: tuple[str, ...]
    compare: Comparison | None
    quantifier: str = ""
    negated: bool = False
    if_exists: bool = False

    def holds(self, context: RequestContext) -> bool:
        """Tell whether the condition holds for a request."""
        value = context.get(self.key)
        if self.compare is None:
            return as_text(value is None) in self.wanted
        if value is None:
            return self._without_key()
        values = as_list(value)
        if not self.quantifier and len(values) > 1:
            # "Multivalued context keys require a condition set operator."
            return False
        targets = list(_targets(self.wanted, context)) if self._has_variables else self.wanted
        compare = self.compare
        results = (any(compare(as_text(v), t) for t in targets) != self.negated for v in values)
        return any(results) if self.quantifier == "foranyvalue" else all(results)

    @property
    def _has_variables(self) -> bool:
        return any("${" in text for text in self.wanted)

    def _without_key(self) -> bool:
        if self.quantifier:
            return self.quantifier == "forallvalues"
        return self.if_exists or self.negated


def conditions_of(block: Mapping[str, Any], *, variables: bool = True) -> tuple[Condition, ...]:
    """Compile a Condition element; `variables` says whether the policy's version knows policy variables.

    Raises:
        ValueError: an operator is none that IAM knows.
    """
    return tuple(
        _condition(operator, key, wanted, variables=variables)
        for operator, keys in block.items()
        for key, wanted in keys.items()
    )


def _condition(operator: str, key: str, wanted: Any, *, variables: bool) -> Condition:
    quantifier, _, name = operator.lower().rpartition(":")
    texts = tuple(as_text(item) for item in as_list(wanted))
    if operator.lower() == "null":
        return Condition(key.lower(), tuple(text.lower() for text in texts), None)
    if_exists = name.endswith("ifexists")
    name = name.removesuffix("ifexists")
    base = _NEGATED.get(name, name)
    compare = _OPERATORS.get(base)
    if compare is None or quantifier not in _QUANTIFIERS:
        raise ValueError(f"'{operator}' is not a condition operator of IAM.")
    if not (variables and base.startswith(_WITH_VARIABLES)):
        texts = tuple(text.replace("${", "$\x00{") for text in texts)
    return Condition(key.lower(), texts, compare, quantifier, name in _NEGATED, if_exists)


def as_list(value: Any) -> list[Any]:
    """Return a policy element as a list: one value stands for a list of one, None for none."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _targets(wanted: Iterable[str], context: RequestContext) -> Iterable[str]:
    for item in wanted:
        try:
            yield context.substitute(item)
        except UnresolvedVariableError:
            continue
