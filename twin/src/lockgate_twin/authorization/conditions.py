"""Condition operators (IAM User Guide, "IAM JSON policy elements: Condition operators")."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Callable, Iterable
from typing import Any

from lockgate_twin.authorization.context import (
    RequestContext,
    UnresolvedVariableError,
    arn_matches,
    matches,
)

Comparison = Callable[[str, str], bool]


def _numeric(compare: Callable[[float, float], bool]) -> Comparison:
    def operator(value: str, wanted: str) -> bool:
        try:
            return compare(float(value), float(wanted))
        except ValueError:
            return False

    return operator


def _moment(text: str) -> dt.datetime:
    try:
        return dt.datetime.fromtimestamp(float(text), dt.UTC)
    except ValueError:
        moment = dt.datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _date(compare: Callable[[dt.datetime, dt.datetime], bool]) -> Comparison:
    def operator(value: str, wanted: str) -> bool:
        try:
            return compare(_moment(value), _moment(wanted))
        except ValueError:
            return False

    return operator


def _in_network(value: str, wanted: str) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        return False


_OPERATORS: dict[str, Comparison] = {
    "stringequals": str.__eq__,
    "stringequalsignorecase": lambda v, w: v.lower() == w.lower(),
    "stringlike": matches,
    "arnequals": arn_matches,
    "arnlike": arn_matches,
    "bool": lambda v, w: v.lower() == w.lower(),
    "binaryequals": str.__eq__,
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


def as_list(value: Any) -> list[Any]:
    """Return a policy element as a list: one value stands for a list of one, None for none."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def holds(operator: str, key: str, wanted: Any, context: RequestContext) -> bool:
    """Tell whether one condition holds for a request.

    Raises:
        ValueError: the operator is none that IAM knows.
    """
    quantifier, _, name = operator.lower().rpartition(":")
    if name == "null":
        return (context.get(key) is None) == (str(as_list(wanted)[0]).lower() == "true")
    if_exists = name.endswith("ifexists")
    name = name.removesuffix("ifexists")
    negated = name in _NEGATED
    compare = _OPERATORS.get(_NEGATED.get(name, name))
    if compare is None:
        raise ValueError(f"'{operator}' is not a condition operator of IAM.")
    value = context.get(key)
    if value is None:
        return if_exists or quantifier == "forallvalues" or (negated and quantifier != "foranyvalue")
    targets = list(_targets(as_list(wanted), context))
    results = (any(compare(_text(v), t) for t in targets) != negated for v in as_list(value))
    return any(results) if quantifier == "foranyvalue" else all(results)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _targets(wanted: Iterable[Any], context: RequestContext) -> Iterable[str]:
    for item in wanted:
        try:
            yield context.substitute(_text(item))
        except UnresolvedVariableError:
            continue
