"""A decision in words: what stands against the version, by how much, and what would have to change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lockgate_checks.values import Decision, Finding, Mode, Outcome, Severity, Verdict

_WORDS = {Verdict.APPROVE: "APPROVE", Verdict.REJECT: "REJECT", Verdict.HUMAN: "NEEDS A HUMAN"}


def explain(decision: Decision) -> str:
    """Return the whole decision as text: the verdict first, then what decided it, then everything else."""
    return "\n".join([*_head(decision), *_sections(decision.findings), *_waivers(decision)])


def failing(decision: Decision) -> tuple[str, ...]:
    """Return what keeps the version from being approved, one line each, the checks' names first."""
    return tuple(f"{finding.check} {finding.subject}" for finding in decision.findings if in_the_way(finding))


def in_the_way(finding: Finding) -> bool:
    """Say whether the finding keeps a version from being approved by code: it blocks, or needs a person."""
    return finding.blocks or (finding.outcome is Outcome.SKIP and finding.severity is Severity.BLOCK)


def change(finding: Finding) -> str:
    """Return what would have to change for the finding to pass; "" if it passes or no number says so."""
    value, limit, margin = finding.value, finding.limit, finding.margin
    if value is None or limit is None or margin is None or margin >= 0:
        return ""
    way = "rise" if limit.minimum is not None and value < limit.minimum else "fall"
    bound = limit.minimum if way == "rise" else limit.maximum
    return f"To pass, it must {way} by {-margin:.6g}, from {value:.6g} to {bound:.6g}."


def line(finding: Finding) -> str:
    """Return one finding as a line: outcome, check, subject, value, limit, margin."""
    parts = [f"{finding.outcome.value:4}", finding.check]
    if finding.subject != finding.check:
        parts.append(finding.subject)
    if finding.value is not None:
        parts.append(f"value {finding.value:.6g}")
    if finding.limit is not None:
        parts.append(f"limit {finding.limit}")
    if finding.margin is not None:
        parts.append(f"margin {finding.margin:+.6g}")
    return "  ".join(parts)


def _head(decision: Decision) -> Iterator[str]:
    about = f": {decision.model_package_arn}" if decision.model_package_arn else ""
    yield f"{_WORDS[decision.verdict]}{about}"
    yield f"Decided {decision.decided_at:%Y-%m-%d %H:%M:%S} UTC under the policy with sha256 {decision.policy_digest}."
    if decision.mode is Mode.RECOMMEND:
        said = _WORDS[decision.recommendation].lower()
        yield f"The policy only recommends, and a person decides. Recommendation of the checks: {said}."


def _sections(findings: Iterable[Finding]) -> Iterator[str]:
    every = tuple(findings)
    failed = [finding for finding in every if finding.outcome is Outcome.FAIL]
    yield from _section("In the way", filter(in_the_way, every))
    yield from _section("Waived", (finding for finding in failed if finding.waived_by is not None))
    warned = (f for f in failed if f.severity is Severity.WARN and f.waived_by is None)
    yield from _section("Warnings", warned)
    yield from _section("Passed", (finding for finding in every if finding.outcome is Outcome.PASS))
    skipped = (f for f in every if f.outcome is Outcome.SKIP and not in_the_way(f))
    yield from _section("Not asked", skipped)


def _section(title: str, findings: Iterable[Finding]) -> Iterator[str]:
    chosen = tuple(findings)
    if chosen:
        yield f"\n{title} ({len(chosen)}):"
    for finding in chosen:
        yield f"  {line(finding)}"
        if finding.outcome is not Outcome.PASS:
            yield f"        {' '.join(filter(None, (finding.reason, change(finding))))}"


def _waivers(decision: Decision) -> Iterator[str]:
    if decision.waivers:
        yield f"\nWaivers in force ({len(decision.waivers)}):"
    for waiver in decision.waivers:
        yield f"  {waiver.check} {waiver.subject}, {waiver.owner} until {waiver.expires}: {waiver.reason}"
