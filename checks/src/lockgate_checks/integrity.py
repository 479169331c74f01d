"""What must be true before any check means something: readable evidence, unaltered, about this model version.

These failures block always and cannot be waived.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from lockgate_checks.bundle import Bundle
from lockgate_checks.check import label
from lockgate_checks.values import Finding, Outcome, Severity

READABLE, UNALTERED, SAME_MODEL = "evidence.readable", "evidence.unaltered", "evidence.same_model"
EXAMINED, EXAMINATION = "evidence.examined", "examination"
LONGEST_PROBLEM = 700
"""Characters: several mistakes of a policy, with the line of each."""


@dataclass(frozen=True)
class Subject:
    """The model version as the registry knows it.

    `evidence` are the digests of the documents as registered, by name; `lineage` what the lineage document must say
    (`model_digest`, `commit`, ...). What is empty is not compared.
    """

    model_package_arn: str = ""
    evidence: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    lineage: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def unexaminable(bundle: Bundle) -> Finding | None:
    """Return why nothing can be examined, where a document `examination` states a `problem`."""
    problem = bundle.documents.get(EXAMINATION, {}).get("problem")
    if not problem:
        return None
    lines = " ".join(str(problem).splitlines())
    return _failure(EXAMINED, EXAMINATION, f"Nothing was examined: {label(lines, LONGEST_PROBLEM)}.")


def integrity(bundle: Bundle, subject: Subject) -> Iterator[Finding]:
    """Return what was found about each unreadable document, registered digest and registered fact."""
    for name, problem in bundle.problems.items():
        yield _failure(READABLE, name, f"The document {label(name)} cannot be used as evidence: {label(problem)}.")
    for name, digest in subject.evidence.items():
        found = bundle.digests.get(name)
        shown = f"has the sha256 {found}" if found else "is missing"
        yield _compared(
            UNALTERED, name, found == digest, f"The document {label(name)} {shown}; registered is {digest}."
        )
    declared = bundle.documents.get("lineage", {})
    for name, value in subject.lineage.items():
        stated = declared.get(name)
        reason = (
            f"The lineage document says {label(repr(stated))} for {label(name)}; registered is {label(repr(value))}."
        )
        yield _compared(SAME_MODEL, name, stated == value, reason)


def _compared(check: str, subject: str, equal: bool, reason: str) -> Finding:  # noqa: FBT001 - the comparison itself
    if equal:
        return Finding(check, "evidence", label(subject), Outcome.PASS, Severity.BLOCK, reason=reason)
    return _failure(check, subject, reason)


def _failure(check: str, subject: str, reason: str) -> Finding:
    return Finding(check, "evidence", label(subject), Outcome.FAIL, Severity.BLOCK, reason=reason)
