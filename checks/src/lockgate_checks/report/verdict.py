"""The head of the page: the verdict, what it is about, and what stands in its way."""

from __future__ import annotations

from collections.abc import Sequence

from lockgate_checks.report import numerals
from lockgate_checks.report.layout import code, facts, paragraph
from lockgate_checks.report.markup import Markup, element, join
from lockgate_checks.values import Decision, Finding, Mode, Outcome, Severity, Verdict

WORDS = {Verdict.APPROVE: "Approved", Verdict.REJECT: "Rejected", Verdict.HUMAN: "Needs a human"}
_SHOWN_BLOCKERS = 12


def words(decision: Decision) -> str:
    """Return the verdict in a few words; what is only recommended needs a human, whatever the recommendation."""
    return WORDS[_effective(decision)]


def _effective(decision: Decision) -> Verdict:
    return Verdict.HUMAN if decision.mode is Mode.RECOMMEND else decision.verdict


def head(decision: Decision) -> Markup:
    """Return the page's head: verdict first, then what was decided, when, and by which policy."""
    banner = element(
        "div",
        _emblem(_effective(decision)),
        element("div", element("h1", words(decision)), paragraph(summary(decision), class_="summary")),
        class_="banner",
    )
    return element(
        "header",
        paragraph("Decision on a model version", class_="eyebrow"),
        banner,
        facts(
            [
                ("Model package", code(decision.model_package_arn) if decision.model_package_arn else "not named"),
                ("Decided", _decided(decision)),
                ("Policy, sha256", code(decision.policy_digest)),
            ]
        ),
        _tally(decision.findings),
        _blockers(decision.findings),
        class_=f"verdict {_effective(decision).value}",
    )


def summary(decision: Decision) -> str:
    """Return the reason for the verdict in one or two sentences."""
    recommended = f"Recommended: {decision.recommendation.value}. " if decision.mode is Mode.RECOMMEND else ""
    return recommended + _against(decision.findings)


def _against(findings: Sequence[Finding]) -> str:
    blocking = sum(finding.blocks for finding in findings)
    total = numerals.plural(len(findings), "check")
    if blocking:
        return f"{numerals.count(blocking)} of {total} {'stands' if blocking == 1 else 'stand'} against this version."
    if not findings:
        return "No check was made, so nothing speaks for this version."
    unanswered = sum(_open(finding) for finding in findings)
    rest = f" {numerals.plural(unanswered, 'question')} that could block it stayed open." if unanswered else ""
    return f"None of {total} stands against this version.{rest}"


def _open(finding: Finding) -> bool:
    return finding.outcome is Outcome.SKIP and finding.severity is Severity.BLOCK


def _decided(decision: Decision) -> str:
    how = "enforced" if decision.mode is Mode.ENFORCE else "a recommendation; a person decides"
    return f"{numerals.moment(decision.decided_at)} · {how}"


def _tally(findings: Sequence[Finding]) -> Markup:
    waived = sum(f.waived_by is not None for f in findings)
    warned = sum(f.outcome is Outcome.FAIL and f.severity is Severity.WARN and f.waived_by is None for f in findings)
    counted = [
        ("passed", "good", sum(f.outcome is Outcome.PASS for f in findings)),
        ("blocking", "bad", sum(f.blocks for f in findings)),
        ("warning" if warned == 1 else "warnings", "warn", warned),
        ("waived", "plain", waived),
        ("skipped", "plain", sum(f.outcome is Outcome.SKIP and f.waived_by is None for f in findings)),
    ]
    return element("ul", *(_count(*entry) for entry in counted), class_="tally", aria_label="Checks by outcome")


def _count(name: str, tone: str, amount: int) -> Markup:
    return element("li", element("strong", numerals.count(amount)), f" {name}", class_=tone if amount else "none")


def _blockers(findings: Sequence[Finding]) -> Markup:
    """Return what stands against the version or, where nothing does, the questions that stayed open."""
    blocking = [finding for finding in findings if finding.blocks]
    listed = blocking or [finding for finding in findings if _open(finding)]
    if not listed:
        return Markup("")
    shown = [_blocker(finding) for finding in listed[:_SHOWN_BLOCKERS]]
    if len(listed) > _SHOWN_BLOCKERS:
        shown.append(element("li", f"and {len(listed) - _SHOWN_BLOCKERS} more, in the table below"))
    title = element("h2", "What would have to change" if blocking else "What stayed open")
    return element("div", title, element("ul", *shown), class_="blockers")


def _blocker(finding: Finding) -> Markup:
    reason = f": {finding.reason}" if finding.reason else ""
    change = _change(finding)
    named = finding.subject == finding.check or finding.reason.startswith(finding.subject)
    subject = "" if named else f" {finding.subject}"
    return element("li", element("strong", finding.check), subject, reason, f" {change}" if change else "")


def _change(finding: Finding) -> str:
    """Return by how much the value misses the limit, and which way it must move."""
    value, limit, margin = finding.value, finding.limit, finding.margin
    if value is None or limit is None or margin is None or not -1e100 < margin < 0:
        return ""
    rising = limit.minimum is not None and value < limit.minimum
    way = "rise" if rising else "fall"
    return f"It must {way} by {numerals.at_least(-margin)} from {numerals.figure(value)}."


def _emblem(verdict: Verdict) -> Markup:
    """Return a tick, a cross or a question mark; the words beside it say the same."""
    mark = {
        Verdict.APPROVE: element("path", d="M17 33 L28 44 L48 21"),
        Verdict.REJECT: element("path", d="M21 21 L43 43 M43 21 L21 43"),
        Verdict.HUMAN: join(
            element("path", d="M23 25 C23 13 42 13 42 25 C42 32 32.5 31 32.5 38.5"),
            element("circle", cx="32.5", cy="46.5", r="1.2"),
        ),
    }[verdict]
    ring = element("circle", cx="32", cy="32", r="30", class_="ring")
    return element("svg", ring, mark, class_="emblem", viewBox="0 0 64 64", width="64", height="64", aria_hidden="true")
