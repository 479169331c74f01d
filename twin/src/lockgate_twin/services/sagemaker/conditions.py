"""Conditions of a Condition step (Developer Guide, "Condition step"): a step's conditions are ANDed."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from lockgate_twin.services.sagemaker.expressions import ExpressionError

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "Equals": operator.eq,
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}
MEMBERS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(COMPARISONS, ("LeftValue", "RightValue")),
    "In": ("QueryValue", "Values"),
    "Not": ("Expression",),
    "Or": ("Conditions",),
}


def problems(condition: Any, path: str) -> list[str]:
    """Return what is wrong with a condition's form."""
    if not isinstance(condition, Mapping):
        return [f"{path}: a condition is an object"]
    kind = condition.get("Type")
    if kind not in MEMBERS:
        return [f"{path}.Type: {kind!r} is not one of {', '.join(MEMBERS)}"]
    wanted = MEMBERS[kind]
    found = [f"{path}: {kind} needs {name}" for name in wanted if name not in condition]
    found += [f"{path}.{name}: unknown field of {kind}" for name in condition if name not in {"Type", *wanted}]
    if found:
        return found
    inner = [condition["Expression"]] if kind == "Not" else condition["Conditions"] if kind == "Or" else []
    return [p for i, c in enumerate(inner) for p in problems(c, f"{path}.{wanted[0]}[{i}]")]


def holds(condition: Mapping[str, Any], resolve: Callable[[Any], Any]) -> bool:
    """Tell whether a condition is true; `resolve` replaces expressions.

    Raises:
        ExpressionError: a value is missing, or two values cannot be compared.
    """
    kind = condition["Type"]
    if kind == "Not":
        return not holds(condition["Expression"], resolve)
    if kind == "Or":
        return any(holds(inner, resolve) for inner in condition["Conditions"])
    if kind == "In":
        return resolve(condition["QueryValue"]) in [resolve(value) for value in condition["Values"]]
    left, right = resolve(condition["LeftValue"]), resolve(condition["RightValue"])
    try:
        return bool(COMPARISONS[kind](left, right))
    except TypeError as error:
        raise ExpressionError(f"{left!r} and {right!r} cannot be compared by {kind}") from error
