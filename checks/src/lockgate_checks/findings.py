"""From what a check answered to findings: every layer's limits, then the waivers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from lockgate_checks.check import Answer, Check, Measured, Result
from lockgate_checks.evaluate import Evaluation
from lockgate_checks.policy.judge import Judgement, judge
from lockgate_checks.policy.layers import (
    first_version_of,
    height_of,
    matches,
    threshold_for,
)
from lockgate_checks.policy.model import FirstVersion, Policy
from lockgate_checks.values import Finding, Outcome, Severity
from lockgate_checks.waiving import Granted, excepted


@dataclass(frozen=True)
class Ruling:
    """One layer's judgement on one subject."""

    height: int
    severity: Severity
    judgement: Judgement


@dataclass(frozen=True)
class Court:
    """What all answers are judged by: the policy, and the waivers about this model version."""

    policy: Policy
    granted: tuple[Granted, ...] = ()


def findings_of(evaluation: Evaluation, severity: Severity, court: Court) -> tuple[Finding, ...]:
    """Return the findings of one check, which the policy asks for with a severity; there is always at least one."""
    check = evaluation.check
    if evaluation.first_version:
        return (_first_version(check, evaluation.first_version, severity, first_version_of(court.policy)),)
    if evaluation.unfit:
        reason = f"{check.failure} It could not be answered: {evaluation.unfit}."
        return (_unanswered(check, check.id, severity, reason),)
    found = [finding for result in evaluation.results for finding in _of_result(result, check, severity, court)]
    found += _unmeasured(evaluation, severity, court.policy)
    return tuple(found) or (_unlimited(check),)


def _first_version(check: Check, reason: str, severity: Severity, rule: FirstVersion) -> Finding:
    outcome = Outcome.FAIL if rule is FirstVersion.REJECT else Outcome.SKIP
    eased = Severity.WARN if rule is FirstVersion.APPROVE else severity
    said = f"It is not asked: {reason}; the policy's champion.first_version says {rule}."
    return Finding(check.id, check.family, check.id, outcome, eased, reason=said)


def _unanswered(check: Check, subject: str, severity: Severity, reason: str) -> Finding:
    """Return what is not known: it fails what blocks. Where a bad number would only warn, a person looks at none."""
    outcome = Outcome.FAIL if severity is Severity.BLOCK else Outcome.SKIP
    return Finding(check.id, check.family, subject, outcome, Severity.BLOCK, reason=reason)


def _unlimited(check: Check) -> Finding:
    reason = "The policy sets no limit for anything that this check measures."
    return Finding(check.id, check.family, check.id, Outcome.SKIP, Severity.WARN, reason=reason)


def _of_result(result: Result, check: Check, severity: Severity, court: Court) -> Iterator[Finding]:
    if isinstance(result, Measured):
        rulings = list(_rulings(result, severity, court.policy))
        if rulings:
            yield _settled(result, check, rulings, court)
        return
    yield _answered(result, check, severity, court)


def _answered(answer: Answer, check: Check, severity: Severity, court: Court) -> Finding:
    """Return an answer of yes or no as a finding; a question that does not arise holds nothing up."""
    subject = answer.subject or check.id
    eased = Severity.WARN if answer.outcome is Outcome.SKIP else severity
    finding = Finding(check.id, check.family, subject, answer.outcome, eased, reason=answer.reason)
    if answer.outcome is not Outcome.FAIL:
        return finding
    explained = replace(finding, reason=f"{check.failure} {answer.reason}")
    return excepted(explained, height_of(court.policy, check), court.granted)


def _rulings(measured: Measured, severity: Severity, policy: Policy) -> Iterator[Ruling]:
    for height, layer in enumerate(policy.layers):
        threshold = threshold_for(layer, measured.subject)
        if threshold is not None:
            yield Ruling(height, threshold.severity or severity, judge(measured, threshold))


def _settled(measured: Measured, check: Check, rulings: list[Ruling], court: Court) -> Finding:
    """Return the gravest ruling of all layers; of several, the one with the least margin."""
    tried = [_finding(measured, check, ruling, court) for ruling in rulings]
    return min(tried, key=lambda finding: (_gravity(finding), -math.inf if finding.margin is None else finding.margin))


def _gravity(finding: Finding) -> int:
    """Return the place among what rejects, needs a person, only warns, was waived, and passes."""
    kinds = (
        finding.blocks,
        finding.outcome is Outcome.SKIP and finding.severity is Severity.BLOCK,
        finding.outcome is not Outcome.PASS and finding.waived_by is None,
        finding.outcome is not Outcome.PASS,
        True,
    )
    return kinds.index(True)


def _finding(measured: Measured, check: Check, ruling: Ruling, court: Court) -> Finding:
    judged, subject = ruling.judgement, measured.subject
    reason = judged.reason if judged.outcome is not Outcome.FAIL else f"{judged.reason} {check.failure}"
    if not judged.excusable:
        unknown = _unanswered(check, subject, ruling.severity, reason)
        return replace(unknown, value=judged.value, limit=judged.limit)
    finding = Finding(
        check.id, check.family, subject, judged.outcome, ruling.severity, judged.value, judged.limit, reason
    )
    return excepted(finding, ruling.height, court.granted) if judged.outcome is Outcome.FAIL else finding


def _unmeasured(evaluation: Evaluation, severity: Severity, policy: Policy) -> Iterator[Finding]:
    """Return a failure for every limit of a metric of this check that the evidence does not hold."""
    check = evaluation.check
    subjects = [result.subject for result in evaluation.results if isinstance(result, Measured)]
    for key, severities in limited(policy, sorted(check.measures)).items():
        if not any(is_about(key, subject) for subject in subjects):
            blocks = Severity.BLOCK in {own or severity for own in severities}
            reason = f"The policy limits {key}, but the evidence does not hold it. {check.failure}"
            yield _unanswered(check, key, Severity.BLOCK if blocks else Severity.WARN, reason)


def limited(policy: Policy, metrics: Iterable[str]) -> dict[str, list[Severity | None]]:
    """Return the keys of all layers' limits of these metrics, each with the severities that its layers give it."""
    found: dict[str, list[Severity | None]] = {}
    for layer in policy.layers:
        for metric in metrics:
            for key in layer.keys_by_metric.get(metric, ()):
                found.setdefault(key, []).append(layer.limits[key].severity)
    return found


def is_about(key: str, subject: str) -> bool:
    """Say whether a limit's key means this measured subject: all of a metric's, or those that its pattern matches."""
    return key == subject.partition("@")[0] or matches(key, subject)
