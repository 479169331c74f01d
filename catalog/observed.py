"""What an account was found to hold, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from catalog.release import HubOutputs


@dataclass(frozen=True, kw_only=True)
class Account:
    """Where a publish goes and as whom."""

    id: str
    region: str
    partition: str
    caller_arn: str


@dataclass(frozen=True, kw_only=True)
class FoundStack:
    """A stack: CloudFormation's status and the template's text."""

    status: str
    template: str


@dataclass(frozen=True, kw_only=True)
class HubStack:
    """The hub stack: CloudFormation's status, the template's text and, once it was created, its outputs."""

    status: str
    template: str
    outputs: HubOutputs | None


@dataclass(frozen=True, kw_only=True)
class FoundPortfolio:
    """The portfolio of the wanted name. `principals` are (ARN, type) pairs."""

    id: str
    provider: str
    description: str
    principals: frozenset[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class LaunchConstraint:
    """The product's launch constraint in the portfolio; `role_arn` is None if it names no role by ARN."""

    id: str
    role_arn: str | None


@dataclass(frozen=True, kw_only=True)
class FoundProduct:
    """The product of the wanted name, its versions' names, and its place in the portfolio."""

    id: str
    owner: str
    description: str
    tags: frozenset[tuple[str, str]]
    versions: frozenset[str]
    in_portfolio: bool
    launch_constraint: LaunchConstraint | None


@dataclass(frozen=True, kw_only=True)
class Observed:
    """One account's state. `objects` are the tags by key of those wanted objects that the hub bucket holds.

    `parts` are the stacks beside the hub's, by name.
    """

    account: Account
    hub: HubStack | None
    objects: Mapping[str, frozenset[tuple[str, str]]]
    portfolio: FoundPortfolio | None
    product: FoundProduct | None
    parts: Mapping[str, FoundStack] = field(default_factory=dict)
