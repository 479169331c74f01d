"""Decisions as JSON, and the record of them: a chain in which each entry holds the digest of the one before.

The chain shows that an entry was altered, inserted, or left out of its middle. That the last ones are all there shows
only the digest of the last, which is to be kept elsewhere (as in the registry): pass it to `verify` as `head`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from lockgate_checks.bundle import Bundle
from lockgate_checks.canonical import canonical, sha256
from lockgate_checks.check import Check
from lockgate_checks.decide import decide
from lockgate_checks.errors import RecordError
from lockgate_checks.integrity import Subject
from lockgate_checks.policy.digest import limit_document, waiver_document
from lockgate_checks.policy.model import Policy
from lockgate_checks.registry import BUILT_IN
from lockgate_checks.values import Decision, Finding, Limit, Mode, Outcome, Severity, Verdict, Waiver

SCHEMA = 1


@dataclass(frozen=True)
class Entry:
    """One decision in the record, what the registry said about its model version, and its place in the chain.

    `person` is there where somebody decided over the decision of the checks: who, when, what, why, and against which
    findings.
    """

    sequence: int
    previous: str | None
    subject: Subject
    decision: Decision
    person: Mapping[str, Any] | None = None

    @property
    def digest(self) -> str:
        """Return sha256 hex of the entry's canonical JSON, which holds the digest of the entry before."""
        return sha256(canonical(entry_document(self)))


def next_entry(record: Sequence[Entry], decision: Decision, subject: Subject | None = None) -> Entry:
    """Return the entry that continues the record with a decision of the checks."""
    known = subject or Subject(decision.model_package_arn)
    return Entry(len(record), record[-1].digest if record else None, known, decision)


def verify(record: Sequence[Entry], head: str | None = None) -> None:
    """Check that nothing in the record was altered, left out or inserted.

    Raises:
        RecordError: it was; the message names the first entry where the chain breaks.
    """
    previous = None
    for place, entry in enumerate(record):
        if entry.sequence != place or entry.previous != previous:
            raise RecordError(f"The record is broken at entry {place}: it does not continue the entry before it.")
        previous = entry.digest
    if head is not None and head != previous:
        raise RecordError(f"The record does not end with {head}: its last entries are altered or missing.")


def replay(entry: Entry, bundle: Bundle, policy: Policy, checks: Sequence[Check] = BUILT_IN) -> Decision:
    """Decide once more, at the recorded time, and return the same decision.

    Raises:
        RecordError: the decision comes out differently, as other evidence, policy or checks would make it.
    """
    again = decide(bundle, policy, entry.decision.decided_at, entry.subject, checks)
    before, now = decision_document(entry.decision), decision_document(again)
    different = sorted(key for key in before if before[key] != now[key])
    if different:
        raise RecordError(f"Deciding again gives another decision: {', '.join(different)} differ from the record.")
    return again


def entry_document(entry: Entry) -> dict[str, Any]:
    """Return an entry as JSON, without its own digest."""
    subject = entry.subject
    return {
        "schema": SCHEMA,
        "sequence": entry.sequence,
        "previous": entry.previous,
        "subject": {
            "model_package_arn": subject.model_package_arn,
            "evidence": dict(subject.evidence),
            "lineage": dict(subject.lineage),
        },
        "decision": decision_document(entry.decision),
        **({} if entry.person is None else {"person": dict(entry.person)}),
    }


def decision_document(decision: Decision) -> dict[str, Any]:
    """Return a decision as JSON."""
    return {
        "verdict": decision.verdict.value,
        "recommendation": decision.recommendation.value,
        "mode": decision.mode.value,
        "model_package_arn": decision.model_package_arn,
        "decided_at": decision.decided_at.isoformat(),
        "policy_digest": decision.policy_digest,
        "evidence_digests": dict(decision.evidence_digests),
        "waivers": [waiver_document(waiver) for waiver in decision.waivers],
        "findings": [_finding_document(finding) for finding in decision.findings],
    }


def read_entry(document: Any) -> Entry:
    """Read an entry back from its JSON.

    Raises:
        RecordError: it is not the JSON of an entry.
    """
    try:
        if document["schema"] != SCHEMA:
            raise RecordError(f"The entry has schema {document['schema']}; this library reads {SCHEMA}.")
        subject = document["subject"]
        known = Subject(subject["model_package_arn"], _mapping(subject["evidence"]), _mapping(subject["lineage"]))
        person = _mapping(document["person"]) if "person" in document else None
        decision = read_decision(document["decision"])
        return Entry(int(document["sequence"]), document["previous"], known, decision, person)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RecordError(f"This is no entry of a record: {error!r}.") from None


def read_decision(document: Any) -> Decision:
    """Read a decision back from its JSON.

    Raises:
        RecordError: it is not the JSON of a decision.
    """
    try:
        return Decision(
            verdict=Verdict(document["verdict"]),
            findings=tuple(map(_finding, document["findings"])),
            policy_digest=document["policy_digest"],
            decided_at=datetime.fromisoformat(document["decided_at"]),
            mode=Mode(document["mode"]),
            evidence_digests=_mapping(document["evidence_digests"]),
            waivers=tuple(map(_waiver, document["waivers"])),
            model_package_arn=document["model_package_arn"],
            recommendation=Verdict(document["recommendation"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RecordError(f"This is no decision: {error!r}.") from None


def _finding_document(finding: Finding) -> dict[str, Any]:
    return {
        "check": finding.check,
        "family": finding.family,
        "subject": finding.subject,
        "outcome": finding.outcome.value,
        "severity": finding.severity.value,
        "value": finding.value,
        "limit": limit_document(finding.limit) if finding.limit else None,
        "reason": finding.reason,
        "waived_by": finding.waived_by,
    }


def _finding(document: Mapping[str, Any]) -> Finding:
    return Finding(
        document["check"],
        document["family"],
        document["subject"],
        Outcome(document["outcome"]),
        Severity(document["severity"]),
        document["value"],
        _limit(document["limit"]),
        document["reason"],
        document["waived_by"],
    )


def _waiver(document: Mapping[str, Any]) -> Waiver:
    return Waiver(
        document["check"],
        document["reason"],
        document["owner"],
        date.fromisoformat(document["expires"]),
        document["subject"],
        document["model"],
        _limit(document["limit"]),
    )


def _limit(document: Mapping[str, Any] | None) -> Limit | None:
    return None if document is None else Limit(document["minimum"], document["maximum"])


def _mapping(document: Mapping[str, Any]) -> Mapping[str, str]:
    return MappingProxyType(dict(document))
