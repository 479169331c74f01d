"""What a policy says, as frozen values. A policy stands on the policy that it includes: its base."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType

from lockgate_checks.values import Limit, Mode, Severity, Waiver


class FirstVersion(StrEnum):
    """What becomes of checks that compare with an approved version while there is none."""

    APPROVE = "approve"
    HUMAN = "human"
    REJECT = "reject"


class Recompute(StrEnum):
    """Whose scores count: those of the registered model, asked again by the gate, or those the project declares."""

    REQUIRED = "required"
    DECLARED = "declared"


class Unsure(StrEnum):
    """What becomes of a value within its limits whose confidence interval reaches beyond them."""

    REJECT = "reject"
    HUMAN = "human"


@dataclass(frozen=True)
class Threshold:
    """The limit of one metric.

    With `confidence` (0.95 = 95 %) the whole confidence interval must lie within the limit, not only the value.
    `severity` is that of the metric's check where it is None.
    """

    limit: Limit
    confidence: float | None = None
    unsure: Unsure = Unsure.REJECT
    severity: Severity | None = None


@dataclass(frozen=True)
class Policy:
    """One policy file. `limits` are by `metric` or `metric@of`, where `of` may hold `*`.

    `packs` gives families of checks, and `checks` single ones, their severity; None there switches a check off.
    `adopts_base` says that the base is a policy shipped with the library, which this file made its own.
    """

    name: str
    source: str = field(default="", compare=False)
    mode: Mode | None = None
    packs: Mapping[str, Severity] = field(default_factory=lambda: MappingProxyType({}))
    checks: Mapping[str, Severity | None] = field(default_factory=lambda: MappingProxyType({}))
    limits: Mapping[str, Threshold] = field(default_factory=lambda: MappingProxyType({}))
    champion_metric: str | None = None
    first_version: FirstVersion | None = None
    recompute: Recompute | None = None
    waivers: tuple[Waiver, ...] = ()
    base: Policy | None = None
    adopts_base: bool = False

    @property
    def layers(self) -> tuple[Policy, ...]:
        """Return the chain of policies from the organization's own to this one."""
        return (*(self.base.layers if self.base else ()), self)

    @cached_property
    def keys_by_metric(self) -> Mapping[str, tuple[str, ...]]:
        """Return this layer's keys of `limits` by the metric that they limit."""
        found: dict[str, tuple[str, ...]] = {}
        for key in self.limits:
            metric = key.partition("@")[0]
            found[metric] = (*found.get(metric, ()), key)
        return MappingProxyType(found)
