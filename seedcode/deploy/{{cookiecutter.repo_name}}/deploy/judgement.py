"""What an endpoint showed against what it must show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from deploy.holdout import Holdout, area_under_curve
from deploy.measurement import Measurement
from deploy.stages import Expectations


@dataclass(frozen=True)
class Finding:
    """One expectation: what was wanted, what was seen, and the sentence to say if they differ."""

    name: str
    expected: str
    measured: str
    holds: bool
    sentence: str


def judge(
    measured: Measurement, holdout: Holdout, offline_auc: float, expectations: Expectations
) -> list[Finding]:
    """One finding for each expectation; without all scores there is nothing to compare them with."""
    findings = [_answers(measured, holdout)]
    if findings[0].holds:
        findings.append(_parity(measured, holdout, expectations))
        findings.append(_quality(measured, holdout, offline_auc, expectations))
        findings.append(_latency(measured, expectations))
    return [*findings, _refusal(measured)]


def report(findings: list[Finding], facts: dict[str, Any]) -> dict[str, Any]:
    """The test as a document: what was tested, and every finding."""
    return {
        **facts,
        "passed": all(finding.holds for finding in findings),
        "findings": [vars(item) for item in findings],
    }


def table(findings: list[Finding]) -> str:
    """The findings as text in columns."""
    lines = [("expectation", "expected", "measured", "")]
    lines += [
        (item.name, item.expected, item.measured, "ok" if item.holds else "FAILED") for item in findings
    ]
    widths = [max(len(line[column]) for line in lines) for column in range(3)]
    cells = [
        [*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[3]] for line in lines
    ]
    return "\n".join("  ".join(line).rstrip() for line in cells)


def _answers(measured: Measurement, holdout: Holdout) -> Finding:
    count = len(measured.failures)
    sentence = f"{count} requests failed; the first: {measured.failures[0]}" if count else ""
    return Finding("rows answered", str(len(holdout.rows)), str(len(measured.scores)), count == 0, sentence)


def _parity(measured: Measurement, holdout: Holdout, expectations: Expectations) -> Finding:
    limit = expectations.max_score_difference
    worst = max(abs(here - offline) for here, offline in zip(measured.scores, holdout.scores, strict=True))
    sentence = f"A score differs by {worst:.3g} from the offline evaluation; at most {limit:g} is allowed."
    return Finding("largest score difference", f"<= {limit:g}", f"{worst:.3g}", worst <= limit, sentence)


def _quality(
    measured: Measurement, holdout: Holdout, offline_auc: float, expectations: Expectations
) -> Finding:
    here, limit = area_under_curve(holdout.labels, measured.scores), expectations.max_auc_difference
    sentence = (
        f"The endpoint's AUC is {here:.4f} but offline it was {offline_auc:.4f}, more than {limit:g} apart."
    )
    holds = abs(here - offline_auc) <= limit
    return Finding("AUC", f"{offline_auc:.4f} +- {limit:g}", f"{here:.4f}", holds, sentence)


def _latency(measured: Measurement, expectations: Expectations) -> Finding:
    limit = expectations.max_p95_milliseconds
    p50, p95, worst = measured.percentile(0.5), measured.percentile(0.95), max(measured.milliseconds)
    seen = f"{p95:.1f} (p50 {p50:.1f}, max {worst:.1f})"
    sentence = f"95 % of single-row requests took up to {p95:.1f} ms; at most {limit:g} ms is allowed."
    return Finding("p95 milliseconds", f"<= {limit:g}", seen, p95 <= limit, sentence)


def _refusal(measured: Measurement) -> Finding:
    status = measured.malformed_status
    sentence = (
        f"A malformed request was answered with status {status}; a client error (400 to 499) is expected."
    )
    return Finding("malformed request", "400 to 499", str(status), 400 <= status < 500, sentence)
