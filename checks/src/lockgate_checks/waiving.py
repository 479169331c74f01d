"""Waivers: whose they are, until when they hold, and which failure they except.

A waiver excepts from rules of the policy file that holds it and of the files on top of it, never from rules of a file
below: a project cannot waive what its organization demands. A shipped policy that a file includes counts as its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date

from lockgate_checks.policy.layers import matches
from lockgate_checks.policy.model import Policy
from lockgate_checks.values import Finding, Outcome, Severity, Waiver

RULE = "policy.waivers"


@dataclass(frozen=True)
class Granted:
    """A waiver about this model version: the height of the policy that grants it, and whether it has expired."""

    height: int
    waiver: Waiver
    expired: bool

    def is_about(self, finding: Finding) -> bool:
        """Say whether the waiver names this finding's check and subject."""
        return self.waiver.check == finding.check and matches(self.waiver.subject, finding.subject)

    def reaches(self, finding: Finding) -> bool:
        """Say whether the finding's value lies within the waiver's own limit; one without a limit reaches any."""
        limit = self.waiver.limit
        return limit is None or (finding.value is not None and limit.contains(finding.value))


def grants(policy: Policy, today: date, model_package_arn: str) -> tuple[Granted, ...]:
    """Return the waivers about this model version. A waiver holds through its last day."""
    return tuple(
        Granted(height - layer.adopts_base, waiver, today > waiver.expires)
        for height, layer in enumerate(policy.layers)
        for waiver in layer.waivers
        if matches(waiver.model, model_package_arn)
    )


def excepted(finding: Finding, height: int, granted: Iterable[Granted]) -> Finding:
    """Return the failure of a rule of that height with its waiver, or with the reason why a waiver does not help."""
    about = [grant for grant in granted if grant.is_about(finding)]
    valid = [grant for grant in about if not grant.expired and grant.height <= height and grant.reaches(finding)]
    if valid:
        waiver = valid[0].waiver
        said = f"Waived by {waiver.owner} until {waiver.expires}: {waiver.reason}"
        return replace(finding, reason=f"{finding.reason} {said}", waived_by=waiver.owner)
    notes = " ".join(_useless(grant, height) for grant in about)
    return replace(finding, reason=f"{finding.reason} {notes}") if notes else finding


def _useless(grant: Granted, height: int) -> str:
    waiver = grant.waiver
    if grant.expired:
        return f"The waiver of {waiver.owner} expired on {waiver.expires}."
    if grant.height > height:
        return f"The waiver of {waiver.owner} is in a policy on top of the one that demands this: ask that one's owner."
    return f"The waiver of {waiver.owner} goes no further than {waiver.limit}."


def expired_without_use(granted: Iterable[Granted], findings: Iterable[Finding]) -> Iterator[Finding]:
    """Return a finding for a person for every expired waiver that no failure names: renew it or remove it."""
    failures = [finding for finding in findings if finding.outcome is Outcome.FAIL]
    for grant in granted:
        if grant.expired and not any(map(grant.is_about, failures)):
            waiver = grant.waiver
            subject = f"{waiver.check} {waiver.subject}"
            reason = (
                f"The waiver of {waiver.owner} expired on {waiver.expires}; renew it, or remove it from the policy."
            )
            yield Finding(RULE, "policy", subject, Outcome.SKIP, Severity.BLOCK, reason=reason)
