"""One examined version as the examination left it in the decision store, and whether that may be carried out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from .chain import canonical, digest_of
from .store import Place, UnusableError, read

Json = dict[str, Any]
MOST_BYTES = 8 * 1024**2
VERDICTS = ("approve", "reject", "human")
OUTCOMES, SEVERITIES = ("pass", "fail", "skip"), ("block", "warn")
_TEXTS = ("verdict", "recommendation", "mode", "model_package_arn", "decided_at", "policy_digest")
OBJECTION = "objection/"
"""Folder of a decision that no examination wrote."""


@dataclass(frozen=True)
class Case:
    """A decision with its subject; `place` is the folder that holds them."""

    place: Place
    subject: Json
    decision: Json

    @property
    def verdict(self) -> str:
        """Return approve, reject or human."""
        verdict: str = self.decision["verdict"]
        return verdict

    @property
    def report_uri(self) -> str:
        """Return where a person reads about it: the report, or the bare decision where no examination wrote one."""
        return self.place.below("decision.json" if self.place.key.endswith(OBJECTION) else "report.html").uri

    @property
    def digest(self) -> str:
        """Return the sha256 of decision.json."""
        return digest_of(canonical(self.decision))


def load(s3: Any, place: Place, arn: str) -> Case:
    """Read what an examination left.

    Raises:
        UnusableError: it is incomplete, about another version, or approves what it shows to be wrong.
    """
    digests = _json(read(s3, place.below("digests.json"), MOST_BYTES))
    documents = {}
    for name in ("decision.json", "subject.json"):
        content = read(s3, place.below(name), MOST_BYTES)
        if digests.get(name) != digest_of(content):
            raise UnusableError(f"{name} is not the one that the examination wrote")
        documents[name] = _json(content)
        if not _is_canonical(documents[name], content):
            raise UnusableError(f"{name} is not in the form that the examination writes")
    case = Case(place, documents["subject.json"], documents["decision.json"])
    if (objection := _objection(case, arn)) is not None:
        raise UnusableError(objection)
    return case


def failing(decision: Json) -> list[str]:
    """Return what keeps a version from being approved by code, by the check's and the subject's name."""
    return [named(finding) for finding in decision["findings"] if in_the_way(finding)]


def named(finding: Json) -> str:
    """Return a finding's check with its subject, unless that is the check itself."""
    check, subject = str(finding["check"]), str(finding["subject"])
    return check if subject == check else f"{check} {subject}"


def in_the_way(finding: Json) -> bool:
    """Say whether a finding keeps a version from being approved by code: it blocks, or a person has to look."""
    return finding["severity"] == "block" and (
        finding["outcome"] == "skip" or (finding["outcome"] == "fail" and finding["waived_by"] is None)
    )


def rejected(place: Place, arn: str, moment: str, reason: str, verdict: str = "reject") -> Case:
    """Return a case that no check decides: what should have been examined, or the examination, is not usable."""
    finding = {
        "check": "evidence.examined",
        "family": "evidence",
        "subject": "examination",
        "outcome": "fail" if verdict == "reject" else "skip",
        "severity": "block",
        "value": None,
        "limit": None,
        "reason": reason,
        "waived_by": None,
    }
    decision = {
        "verdict": verdict,
        "recommendation": verdict,
        "mode": "enforce",
        "model_package_arn": arn,
        "decided_at": moment,
        "policy_digest": "",
        "evidence_digests": {},
        "waivers": [],
        "findings": [finding],
    }
    return Case(place, {"model_package_arn": arn, "evidence": {}, "lineage": {}}, decision)


def _objection(case: Case, arn: str) -> str | None:
    """Hold the decision against itself: what it shows must not be worse than what it says."""
    decision = case.decision
    if not _is_whole(decision):
        return "the examination left no whole decision"
    if {decision["model_package_arn"], case.subject.get("model_package_arn")} != {arn}:
        return "the examination is about another model version"
    wrong = any(map(in_the_way, decision["findings"]))
    passed = any(finding["outcome"] == "pass" for finding in decision["findings"])
    if decision["verdict"] == "approve" and (wrong or not passed or decision["mode"] != "enforce"):
        return "the examination approves what its own findings do not allow"
    return None


def _is_whole(decision: Json) -> bool:
    findings = decision.get("findings")
    return (
        all(isinstance(decision.get(name), str) for name in _TEXTS)
        and decision["verdict"] in VERDICTS
        and isinstance(findings, list)
        and all(isinstance(finding, dict) and _is_finding(finding) for finding in findings)
    )


def _is_finding(finding: Json) -> bool:
    return (
        all(isinstance(finding.get(name), str) for name in ("check", "family", "subject", "reason"))
        and finding.get("outcome") in OUTCOMES
        and finding.get("severity") in SEVERITIES
        and {"value", "limit", "waived_by"} <= finding.keys()
    )


def _is_canonical(document: Json, content: bytes) -> bool:
    """Say whether the bytes are the document's only form; NaN and infinities have none."""
    try:
        return canonical(document) == content
    except ValueError:
        return False


def _json(content: bytes) -> Json:
    try:
        document = json.loads(content)
    except ValueError:
        raise UnusableError("the examination left a document that is no JSON") from None
    if not isinstance(document, dict):
        raise UnusableError("the examination left a document that is no JSON object")
    return document
