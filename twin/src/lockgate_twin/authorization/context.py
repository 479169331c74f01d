"""The request context that policies are evaluated against, and policy variables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

_VARIABLE = re.compile(r"\$\{([^}]+)\}")
# `${*}`, `${?}` and `${$}` are literals in policies; a placeholder keeps them from acting as wildcards.
_LITERALS = {"*": "\x01", "?": "\x02", "$": "$"}
_ESCAPES = {"\x01": re.escape("*"), "\x02": re.escape("?"), "*": ".*", "?": "."}


class UnresolvedVariableError(Exception):
    """A policy variable has no value in this request: the element that uses it cannot match."""


@dataclass(frozen=True)
class RequestContext:
    """One (action, resource) pair asked for by one principal, with its condition keys.

    Condition keys are case-insensitive (IAM User Guide, "IAM JSON policy elements: Condition").
    """

    principal_arn: str
    action: str
    resource: str
    keys: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def _lower(self) -> dict[str, Any]:
        return {k.lower(): v for k, v in self.keys.items()}

    @property
    def account(self) -> str:
        """Return the principal's account id."""
        return self.principal_arn.split(":")[4]

    def get(self, key: str) -> Any:
        """Return a condition key's value, or None when the request does not carry it."""
        return self._lower.get(key.lower())

    def substitute(self, text: str) -> str:
        """Replace policy variables (`${aws:PrincipalTag/team}`, with optional default).

        Raises:
            UnresolvedVariableError: a variable has no single value in this request.
        """
        return _VARIABLE.sub(self._value_of, text) if "${" in text else text

    def _value_of(self, match: re.Match[str]) -> str:
        name, _, default = (part.strip() for part in match.group(1).partition(","))
        if name in _LITERALS:
            return _LITERALS[name]
        value = self.get(name)
        if value is None or isinstance(value, list | tuple):
            if not default:
                raise UnresolvedVariableError(name)
            return default.strip("'")
        return str(value)


@lru_cache(maxsize=16384)
def wildcard(pattern: str, *, ignore_case: bool = False) -> re.Pattern[str]:
    """Compile an IAM wildcard pattern: `*` is any run of characters, `?` is one character."""
    text = "".join(_ESCAPES.get(c) or re.escape(c) for c in pattern)
    return re.compile(text, re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def matches(value: str, pattern: str, *, ignore_case: bool = False) -> bool:
    """Tell whether the whole value matches an IAM wildcard pattern."""
    return wildcard(pattern, ignore_case=ignore_case).fullmatch(value) is not None


def arn_matches(value: str, pattern: str) -> bool:
    """Tell whether an ARN matches a pattern, segment by segment (ArnLike: six colon-delimited parts)."""
    values, patterns = value.split(":", 5), pattern.split(":", 5)
    return len(values) == len(patterns) == 6 and all(map(matches, values, patterns))
