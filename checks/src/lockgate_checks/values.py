"""The words shared by evidence, checks, policy, decision and report.

All values are frozen: a change is a new value. Nothing here computes a metric or judges one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType


class Outcome(StrEnum):
    """How one check ended; a skip always carries its reason."""

    PASS = "pass"  # noqa: S105 - an outcome, not a password
    FAIL = "fail"
    SKIP = "skip"


class Severity(StrEnum):
    """What a failed check does: block the approval, or only be reported."""

    BLOCK = "block"
    WARN = "warn"


class Verdict(StrEnum):
    """What the evidence and the policy say together about a model version."""

    APPROVE = "approve"
    REJECT = "reject"
    HUMAN = "human"


class Mode(StrEnum):
    """Whether the decision is carried out, or only recommended to a person."""

    ENFORCE = "enforce"
    RECOMMEND = "recommend"


@dataclass(frozen=True)
class Limit:
    """A closed range of allowed values; None leaves that side open."""

    minimum: float | None = None
    maximum: float | None = None

    def contains(self, value: float) -> bool:
        """Say whether the value is a finite number within the range, bounds included."""
        return math.isfinite(value) and self.margin(value) >= 0

    def margin(self, value: float) -> float:
        """Return the distance to the nearest bound: negative outside, infinite where both sides are open."""
        above = math.inf if self.minimum is None else value - self.minimum
        below = math.inf if self.maximum is None else self.maximum - value
        return min(above, below)

    def __str__(self) -> str:
        if self.minimum is None and self.maximum is None:
            return "any number"
        if self.maximum is None:
            return f">= {self.minimum:g}"
        if self.minimum is None:
            return f"<= {self.maximum:g}"
        return f"in [{self.minimum:g}, {self.maximum:g}]"


@dataclass(frozen=True)
class Finding:
    """What one check found about one subject (a metric, a facet value, a segment, a document).

    `reason` is one sentence for a person. `value` is None where nothing could be measured.
    `waived_by` names the waiver's owner where a failure is excepted.
    """

    check: str
    family: str
    subject: str
    outcome: Outcome
    severity: Severity
    value: float | None = None
    limit: Limit | None = None
    reason: str = ""
    waived_by: str | None = None

    @property
    def margin(self) -> float | None:
        """Return how far inside (positive) or outside (negative) its limit the value is, if both are known."""
        if self.value is None or self.limit is None:
            return None
        return self.limit.margin(self.value)

    @property
    def blocks(self) -> bool:
        """Say whether this finding alone keeps a version from being approved."""
        return self.outcome is Outcome.FAIL and self.severity is Severity.BLOCK and self.waived_by is None


@dataclass(frozen=True)
class Waiver:
    """A person's exception from one check: why, who answers for it, and the last day on which it holds (UTC).

    `subject` is the finding's subject or a pattern with `*`; "*" excepts every subject of the check. `model` is a
    pattern for the model package's ARN. `limit`, where given, is how far the exception goes.
    """

    check: str
    reason: str
    owner: str
    expires: date
    subject: str = "*"
    model: str = "*"
    limit: Limit | None = None


@dataclass(frozen=True)
class Decision:
    """The verdict on one model version, with everything it rests on.

    `evidence_digests` are sha256 hex by document name, `policy_digest` that of the policy in canonical form.
    `waivers` are those in force at `decided_at` (UTC). `model_package_arn` is "" where none was named.
    `recommendation` is what the findings alone say; the verdict differs from it only in mode recommend, where it is
    always `human`, so that nobody who reads the verdict alone carries out what was only recommended.
    """

    verdict: Verdict
    findings: tuple[Finding, ...]
    policy_digest: str
    decided_at: datetime
    mode: Mode = Mode.ENFORCE
    evidence_digests: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    waivers: tuple[Waiver, ...] = ()
    model_package_arn: str = ""
    recommendation: Verdict = Verdict.HUMAN
