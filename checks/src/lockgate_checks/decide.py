"""Evidence and policy to decision. Pure: the same bundle, policy, time and checks give the same decision.

Reject: anything that blocks failed. Human: something that blocks could be neither passed nor failed, nothing passed
at all, or the policy only recommends. Approve: everything else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from lockgate_checks.bundle import Bundle
from lockgate_checks.check import Check, Measured
from lockgate_checks.errors import CheckError
from lockgate_checks.evaluate import Evaluation, evaluate, facts_for_checks
from lockgate_checks.findings import Court, findings_of
from lockgate_checks.integrity import Subject, integrity, unexaminable
from lockgate_checks.policy.digest import policy_digest
from lockgate_checks.policy.layers import champion_metric_of, mode_of, severity_of
from lockgate_checks.policy.model import Policy
from lockgate_checks.recomputation import recomputation
from lockgate_checks.registry import BUILT_IN
from lockgate_checks.values import Decision, Finding, Mode, Outcome, Severity, Verdict
from lockgate_checks.waiving import expired_without_use, grants

LIMITS, CHECKS = "policy.limits", "policy.checks"
_SYSTEM = ("evidence", "policy")  # families of findings about the means of deciding, not about the model


def decide(
    bundle: Bundle,
    policy: Policy,
    now: datetime,
    subject: Subject = Subject(),  # noqa: B008 - frozen
    checks: Sequence[Check] = BUILT_IN,
) -> Decision:
    """Decide on a model version.

    Raises:
        CheckError: `now` has no time zone, so that the day on which a waiver expires is unknown.
    """
    if now.tzinfo is None:
        raise CheckError("The time of the decision has no time zone; pass it in UTC.")
    moment = now.astimezone(UTC)
    granted = grants(policy, moment.date(), subject.model_package_arn)
    findings = sorted(_findings(bundle, subject, checks, Court(policy, granted)), key=_order)
    mode, recommendation = mode_of(policy), verdict_of(findings)
    return Decision(
        verdict=recommendation if mode is Mode.ENFORCE else Verdict.HUMAN,
        findings=tuple(findings),
        policy_digest=policy_digest(policy),
        decided_at=moment,
        mode=mode,
        evidence_digests=bundle.digests,
        waivers=tuple(grant.waiver for grant in granted if not grant.expired),
        model_package_arn=subject.model_package_arn,
        recommendation=recommendation,
    )


def verdict_of(findings: Iterable[Finding]) -> Verdict:
    """Return what findings alone say about a model version."""
    found = tuple(findings)
    if any(finding.blocks for finding in found):
        return Verdict.REJECT
    open_question = any(f.outcome is Outcome.SKIP and f.severity is Severity.BLOCK for f in found)
    passed = any(finding.outcome is Outcome.PASS and finding.family not in _SYSTEM for finding in found)
    return Verdict.APPROVE if passed and not open_question else Verdict.HUMAN


def _findings(bundle: Bundle, subject: Subject, checks: Sequence[Check], court: Court) -> Iterator[Finding]:
    if (obstacle := unexaminable(bundle)) is not None:
        yield obstacle
        return
    severities = ((check, severity_of(court.policy, check)) for check in checks)
    asked = {check: severity for check, severity in severities if severity is not None}
    facts = facts_for_checks(champion_metric_of(court.policy))
    evaluations = [evaluate(check, bundle, facts) for check in asked]
    answered = [f for evaluation in evaluations for f in findings_of(evaluation, asked[evaluation.check], court)]
    yield from answered
    yield from integrity(bundle, subject)
    yield from recomputation(bundle, court.policy)
    yield from _unknown_names(court.policy, checks, tuple(asked))
    yield from _unknown_metrics(court.policy, evaluations)
    yield from expired_without_use(court.granted, answered)


def _unknown_names(policy: Policy, checks: Sequence[Check], asked: Sequence[Check]) -> Iterator[Finding]:
    families, ids = {check.family for check in checks}, {check.id for check in checks}
    if not asked:
        yield _policy_failure(CHECKS, policy.name, "The policy asks for no check; choose packs.")
    for layer in policy.layers:
        waived = {waiver.check for waiver in layer.waivers}
        for name in sorted({*layer.packs} - families) + sorted(({*layer.checks} | waived) - ids):
            reason = f"The policy {layer.name} names {name}, but no such check is installed."
            yield _policy_failure(CHECKS, name, reason)


def _unknown_metrics(policy: Policy, evaluations: Sequence[Evaluation]) -> Iterator[Finding]:
    known = {name for evaluation in evaluations for name in evaluation.check.measures}
    known |= {r.metric for evaluation in evaluations for r in evaluation.results if isinstance(r, Measured)}
    for layer in policy.layers:
        for metric in sorted(layer.keys_by_metric.keys() - known):
            for key in layer.keys_by_metric[metric]:
                reason = f"The policy {layer.name} limits {key}, but no check that it asks for measures {metric}."
                yield _policy_failure(LIMITS, key, reason)


def _policy_failure(check: str, subject: str, reason: str) -> Finding:
    return Finding(check, "policy", subject, Outcome.FAIL, Severity.BLOCK, reason=reason)


def _order(finding: Finding) -> tuple[str, str, str, str]:
    return finding.family, finding.check, finding.subject, finding.reason
