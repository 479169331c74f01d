"""IAM statements as data: everything a role of the product may or may not do is one of these."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Resource = str | Mapping[str, Any]
Condition = Mapping[str, Mapping[str, Any]]

WILDCARD_REASONS = "WildcardReasons"
"""Metadata of a role's resource: by Sid, why patterns are as narrow as they can be. `lockgate audit` reads it."""


class UnreasonedWildcardError(ValueError):
    """A statement allows actions on a pattern of resources without stating why."""


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement of an identity policy.

    ``resources`` are ARNs in Fn::Sub syntax, or intrinsic functions. ``reason`` says why a pattern (an ARN with ``*``)
    is as narrow as it can be; an Allow on a pattern without one raises UnreasonedWildcardError.
    """

    sid: str
    actions: tuple[str, ...]
    resources: tuple[Resource, ...]
    condition: Condition = field(default_factory=dict)
    effect: str = "Allow"
    reason: str = ""

    def __post_init__(self) -> None:
        if self.patterns() and not self.reason:
            raise UnreasonedWildcardError(
                f"Statement {self.sid} allows {self.patterns()[0]} without a reason: name the resource or say why."
            )

    def patterns(self) -> tuple[str, ...]:
        """The resources that match more than one ARN, if this statement allows something on them."""
        if self.effect != "Allow":
            return ()
        return tuple(resource for resource in self.resources if isinstance(resource, str) and "*" in resource)

    def render(self) -> dict[str, Any]:
        """The statement as CloudFormation takes it."""
        rendered: dict[str, Any] = {
            "Sid": self.sid,
            "Effect": self.effect,
            "Action": list(self.actions),
            "Resource": [substituted(resource) for resource in self.resources],
        }
        return rendered | ({"Condition": substituted(self.condition)} if self.condition else {})


def policy_document(statements: Iterable[Statement]) -> dict[str, Any]:
    """A policy document of these statements."""
    return {"Version": "2012-10-17", "Statement": [statement.render() for statement in statements]}


def substituted(value: Any) -> Any:
    """The value with every text that has something to substitute made an intrinsic: Ref for one name, else Fn::Sub."""
    if isinstance(value, str):
        return _intrinsic(value) if "${" in value else value
    if isinstance(value, Mapping):
        return {key: substituted(item) for key, item in value.items()}
    return [substituted(item) for item in value]


def _intrinsic(text: str) -> dict[str, str]:
    lone = re.fullmatch(r"\$\{([^}]+)\}", text)
    return {"Ref": lone[1]} if lone else {"Fn::Sub": text}
