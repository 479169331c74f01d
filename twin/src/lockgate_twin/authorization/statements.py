"""Does a policy statement apply to a request? Documents are compiled once and applied many times."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lockgate_twin.authorization.conditions import Condition, as_list, conditions_of
from lockgate_twin.authorization.context import (
    RequestContext,
    UnresolvedVariableError,
    expression,
    resource_expression,
    resource_matches,
)
from lockgate_twin.authorization.principals import NOBODY, Principals, principals_of

Document = Mapping[str, Any]
# Policies of version 2008-10-17 (or of none) read `${...}` as text ("IAM JSON policy elements: Version").
_WITH_VARIABLES = "2012-10-17"


@dataclass(frozen=True)
class Matcher:
    """An Action, NotAction, Resource or NotResource element: one expression for all patterns without variables."""

    fixed: re.Pattern[str] | None
    variable: tuple[str, ...] = ()
    negated: bool = False

    def applies(self, value: str, context: RequestContext) -> bool:
        """Tell whether the element lets the statement apply to an action or resource."""
        named = self.fixed is not None and self.fixed.fullmatch(value) is not None
        return (named or any(_is(pattern, value, context) for pattern in self.variable)) != self.negated


@dataclass(frozen=True)
class Statement:
    """One compiled statement; `principals` is None where the element is absent (identity policies)."""

    sid: str
    effect: str
    action: Matcher
    resource: Matcher
    conditions: tuple[Condition, ...]
    principals: Principals | None

    def applies(self, context: RequestContext) -> bool:
        """Tell whether the statement of an identity policy, boundary or session policy applies."""
        return (
            self.action.applies(context.action, context)
            and self.resource.applies(context.resource, context)
            and all(condition.holds(context) for condition in self.conditions)
        )

    def applies_to(self, context: RequestContext, kinds: Sequence[str], service: str = "") -> bool:
        """Tell whether the statement of a resource policy applies, its principal named in one of these ways."""
        return (self.principals or NOBODY).named(context, kinds, service) and self.applies(context)


@dataclass(frozen=True)
class Policy:
    """A compiled policy document."""

    statements: tuple[Statement, ...]

    @cached_property
    def allows(self) -> tuple[Statement, ...]:
        """Return the Allow statements."""
        return tuple(s for s in self.statements if s.effect == "Allow")

    @cached_property
    def denies(self) -> tuple[Statement, ...]:
        """Return the Deny statements."""
        return tuple(s for s in self.statements if s.effect == "Deny")

    def of(self, effect: str) -> tuple[Statement, ...]:
        """Return the statements of one effect."""
        return self.allows if effect == "Allow" else self.denies


def compiled(document: Document | Policy) -> Policy:
    """Compile a policy document; a compiled one is returned as it is.

    Raises:
        ValueError: a condition operator is none that IAM knows.
    """
    if isinstance(document, Policy):
        return document
    variables = document.get("Version") == _WITH_VARIABLES
    return Policy(tuple(_statement(s, variables=variables) for s in as_list(document.get("Statement"))))


def _statement(statement: Mapping[str, Any], *, variables: bool) -> Statement:
    return Statement(
        sid=str(statement.get("Sid", "*")),
        effect=str(statement.get("Effect")),
        action=_actions(statement),
        resource=_resources(statement, variables=variables),
        conditions=conditions_of(statement.get("Condition") or {}, variables=variables),
        principals=principals_of(statement),
    )


def _actions(statement: Mapping[str, Any]) -> Matcher:
    negated = "Action" not in statement
    patterns = as_list(statement.get("NotAction" if negated else "Action"))
    return Matcher(_joined(map(expression, patterns), re.IGNORECASE), negated=negated)


def _resources(statement: Mapping[str, Any], *, variables: bool) -> Matcher:
    if "Resource" not in statement and "NotResource" not in statement:
        # A trust policy names no resource: it is attached to it.
        return Matcher(re.compile(".*", re.DOTALL))
    negated = "Resource" not in statement
    patterns = as_list(statement["NotResource" if negated else "Resource"])
    dynamic = tuple(p for p in patterns if variables and "${" in p)
    return Matcher(_joined((resource_expression(p) for p in patterns if p not in dynamic), 0), dynamic, negated)


def _joined(expressions: Iterable[str], flags: int) -> re.Pattern[str] | None:
    text = "|".join(f"(?:{e})" for e in expressions)
    return re.compile(text, re.DOTALL | flags) if text else None


def _is(pattern: str, resource: str, context: RequestContext) -> bool:
    try:
        return resource_matches(resource, context.substitute(pattern))
    except UnresolvedVariableError:
        return False
