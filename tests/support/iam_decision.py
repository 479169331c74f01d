"""What a role's identity policy decides for a call, as IAM evaluates it: an explicit Deny wins, no Allow is a denial.

It knows the operators the templates use and raises on any other, so that nothing passes for lack of understanding.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tests.support.template_rules import as_list

Statement = Mapping[str, Any]
Context = Mapping[str, str]


def allowed(statements: Iterable[Statement], action: str, resource: str, context: Context | None = None) -> bool:
    """Whether the policy allows the action on the resource in this request context."""
    effects = {
        statement["Effect"]
        for statement in statements
        if _applies(statement, action, resource, {key.lower(): value for key, value in (context or {}).items()})
    }
    return effects == {"Allow"}


def _applies(statement: Statement, action: str, resource: str, context: Context) -> bool:
    return (
        any(_like(pattern.lower(), action.lower()) for pattern in as_list(statement["Action"]))
        and any(_like(pattern, resource) for pattern in as_list(statement["Resource"]))
        and all(
            _OPERATORS[operator](context.get(key.lower()), as_list(values))
            for operator, keys in statement.get("Condition", {}).items()
            for key, values in keys.items()
        )
    )


def _like(pattern: str, text: str) -> bool:
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, text) is not None


def _equals(value: str | None, wanted: list[str]) -> bool:
    return value is not None and value in wanted


def _matches(value: str | None, patterns: list[str]) -> bool:
    return value is not None and any(_like(pattern, value) for pattern in patterns)


_OPERATORS: dict[str, Callable[[str | None, list[str]], bool]] = {
    "StringEquals": _equals,
    "StringLike": _matches,
    "StringEqualsIfExists": lambda value, wanted: value is None or value in wanted,
    "ArnLike": _matches,
    "ArnEquals": _matches,
    "ArnLikeIfExists": lambda value, patterns: value is None or _matches(value, patterns),
    "ArnNotLike": lambda value, patterns: not _matches(value, patterns),
    "Null": lambda value, wanted: str(value is None).lower() in [str(item).lower() for item in wanted],
    "Bool": lambda value, wanted: value is not None and value.lower() in [str(item).lower() for item in wanted],
}
