"""The request context that policies are evaluated against, and policy variables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

_VARIABLE = re.compile(r"\$\{([^}]+)\}")
_DEFAULT = re.compile(r"'(.*)'", re.DOTALL)
# `${*}`, `${?}` and `${$}` are literals in policies, and a variable's value is text whatever it holds: placeholders
# keep both from acting as wildcards.
_STAR, _MARK = "\x01", "\x02"
_LITERALS = {"*": _STAR, "?": _MARK, "$": "$"}
_ESCAPES = {_STAR: re.escape("*"), _MARK: re.escape("?"), "*": ".*", "?": "."}
_ROOT = re.compile(r"arn:[^:]+:iam::\d{12}:root")


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

    @cached_property
    def account(self) -> str:
        """Return the principal's account id; an AWS service ("events.amazonaws.com") has none."""
        parts = self.principal_arn.split(":")
        return parts[4] if len(parts) > 4 else ""

    @property
    def is_account_root(self) -> bool:
        """Tell whether the account's root user asks, who needs no identity policy."""
        return _ROOT.fullmatch(self.principal_arn) is not None

    def get(self, key: str) -> Any:
        """Return a condition key's value, or None when the request does not carry it (or only an empty set of it)."""
        value = self._lower.get(key.lower())
        return None if value == [] or value == () else value

    def substitute(self, text: str) -> str:
        """Replace the policy variables of a pattern (`${aws:PrincipalTag/team}`, with optional default).

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
            given = _DEFAULT.fullmatch(default)
            if given is None:
                raise UnresolvedVariableError(name)
            return given[1]
        return as_text(value).replace("*", _STAR).replace("?", _MARK)


def as_text(value: Any) -> str:
    """Return a value of a request or a policy as IAM compares it: true and false in lower case."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def plain(text: str) -> str:
    """Return a substituted text for operators that know no wildcards."""
    return text.replace(_STAR, "*").replace(_MARK, "?")


def expression(pattern: str) -> str:
    """Return an IAM wildcard pattern as a regular expression: `*` is any run of characters, `?` is one character."""
    return "".join(_ESCAPES.get(c) or re.escape(c) for c in pattern)


def resource_expression(pattern: str) -> str:
    r"""Return the pattern of a Resource element as a regular expression.

    Source: IAM User Guide, "IAM JSON policy elements: Resource", "Using wildcards in resource ARNs": a wildcard stays
    within its colon-delimited segment, but a `*` that ends a segment can match beyond the colon.
    """
    *head, rest = pattern.split(":", 5)
    return ":".join([*map(_segment, head), expression(rest)])


def _segment(part: str) -> str:
    inner, star = (part[:-1], ".*") if part.endswith("*") else (part, "")
    return "".join({"*": "[^:]*", "?": "[^:]"}.get(c) or _ESCAPES.get(c) or re.escape(c) for c in inner) + star


@lru_cache(maxsize=16384)
def wildcard(pattern: str) -> re.Pattern[str]:
    """Compile an IAM wildcard pattern."""
    return re.compile(expression(pattern), re.DOTALL)


@lru_cache(maxsize=16384)
def _resource(pattern: str) -> re.Pattern[str]:
    return re.compile(resource_expression(pattern), re.DOTALL)


def matches(value: str, pattern: str) -> bool:
    """Tell whether the whole value matches an IAM wildcard pattern."""
    return wildcard(pattern).fullmatch(value) is not None


def resource_matches(resource: str, pattern: str) -> bool:
    """Tell whether a resource matches a pattern of a Resource element, its variables replaced."""
    return _resource(pattern).fullmatch(resource) is not None


def arn_matches(value: str, pattern: str) -> bool:
    """Tell whether an ARN matches a pattern, segment by segment (ArnLike: six colon-delimited parts)."""
    values, patterns = value.split(":", 5), pattern.split(":", 5)
    return len(values) == len(patterns) == 6 and all(map(matches, values, patterns))
