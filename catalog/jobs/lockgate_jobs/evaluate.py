"""Decide on a registered version by its evidence, and write down everything that the decision rests on.

Runs no code of the project and reads no pickle. Whatever goes wrong is a rejection with its reason, never silence.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from lockgate_checks.bundle import from_mapping
from lockgate_checks.canonical import canonical
from lockgate_checks.decide import decide
from lockgate_checks.errors import ChecksError, EvidenceError
from lockgate_checks.integrity import EXAMINATION, Subject
from lockgate_checks.policy.digest import policy_document
from lockgate_checks.policy.layers import champion_metric_of
from lockgate_checks.policy.model import Policy
from lockgate_checks.record import Entry, decision_document, entry_document
from lockgate_checks.registry import BUILT_IN, installed_checks
from lockgate_checks.report.page import render
from lockgate_checks.values import Decision

from lockgate_jobs.case import Case, fallback_policy, policy_of, read_case
from lockgate_jobs.evidence import Documents, Judged, gather


@dataclass(frozen=True)
class Examination:
    """A decision with what it rests on."""

    decision: Decision
    subject: Subject
    policy: Policy
    documents: Documents
    judged: Judged | None = None


def main(arguments: Sequence[str]) -> int:
    """Run the job. It always ends well and always leaves a decision."""
    case = read_case(arguments, "decision")
    now = datetime.now(UTC).replace(microsecond=0)
    try:
        if case.problem:
            raise EvidenceError(case.problem)
        examination = examine(case, now)
        page = render(examination.decision, from_mapping(examination.documents).documents)
    except Exception as error:  # noqa: BLE001 - an examination that breaks must reject, not end
        examination = refuse(case, now, _said(error).replace(f"{case.evidence}/", ""))
        page = render(examination.decision, {})
    write(case, examination, page)
    print(json.dumps({"verdict": examination.decision.verdict, "findings": len(examination.decision.findings)}))
    return 0


def examine(case: Case, now: datetime) -> Examination:
    """Decide by the evidence.

    Raises:
        ChecksError: the evidence or the policy is not usable.
    """
    policy, checks = policy_of(case), installed_checks()
    judged = gather(case, champion_metric_of(policy))
    subject = Subject(case.model_package_arn, judged.registered, {"model_digest": case.model_digest})
    decision = decide(from_mapping(judged.documents), policy, now, subject, checks)
    return Examination(decision, subject, policy, judged.documents, judged)


def refuse(case: Case, now: datetime, problem: str) -> Examination:
    """Return the rejection of a version that cannot be examined."""
    documents = {EXAMINATION: canonical({"problem": problem[:2000]})}
    policy, subject = fallback_policy(case), Subject(case.model_package_arn, {}, {"model_digest": case.model_digest})
    decision = decide(from_mapping(documents), policy, now, subject, BUILT_IN)
    return Examination(decision, subject, policy, documents)


def _said(error: Exception) -> str:
    broken = f"the examination itself broke: {type(error).__name__}: {error}"
    return str(error).rstrip(".") if isinstance(error, ChecksError) else broken


def write(case: Case, examination: Examination, page: str) -> None:
    """Write the decision, its subject, policy, evidence and report, and the digest of each."""
    subject = entry_document(Entry(0, None, examination.subject, examination.decision))["subject"]
    files = {
        "decision.json": canonical(decision_document(examination.decision)),
        "subject.json": canonical(subject),
        "policy.json": canonical(policy_document(examination.policy)),
        "report.html": page.encode(),
        **{f"evidence/{name}.json": content for name, content in examination.documents.items()},
        **(_kept(case, examination.judged) if examination.judged else {}),
    }
    for name, content in files.items():
        case.write(name, content)
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    case.write("digests.json", canonical(digests))


def _kept(case: Case, judged: Judged) -> dict[str, bytes]:
    """What later examinations and watches need of this version: its scores, its plan and its project's policy."""
    files = {"evaluation_plan.json": "evaluation_plan.json", "policy.yaml": "project-policy.yaml"}
    found = {kept: case.evidence / name for name, kept in files.items() if (case.evidence / name).is_file()}
    return {"predictions.csv": _predictions(judged), **{name: place.read_bytes() for name, place in found.items()}}


def _predictions(judged: Judged) -> bytes:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(judged.scores)
    writer.writerows(zip(*judged.scores.values(), strict=True))
    return stream.getvalue().encode()
