"""What an examination adds to the library: its own obstacle, files by document, and people in the record."""

from __future__ import annotations

from pathlib import Path

import pytest
from lockgate_checks.bundle import document_files
from lockgate_checks.errors import EvidenceError, RecordError
from lockgate_checks.integrity import EXAMINATION, EXAMINED, Subject
from lockgate_checks.record import Entry, entry_document, next_entry, read_entry, verify
from lockgate_checks.values import Verdict

from tests.checks.complete_evidence import decided, evidence

PERSON = {"arn": "arn:aws:iam::111122223333:role/rita", "verdict": "Approved", "reason": "a waiver is being written"}


def test_what_could_not_be_examined_is_rejected_for_that_reason_alone() -> None:
    """Good evidence beside it changes nothing."""
    decision = decided(evidence() | {EXAMINATION: {"problem": "altered: the archive has another sha256"}})
    assert decision.verdict is Verdict.REJECT
    (finding,) = decision.findings
    assert finding.check == EXAMINED
    assert "altered: the archive has another sha256" in finding.reason


def test_several_mistakes_of_a_policy_are_told_on_one_line() -> None:
    """A line break becomes a space, and what cannot be shown a question mark."""
    (finding,) = decided({EXAMINATION: {"problem": "line 4: too high\nline 5: too low\x07"}}).findings
    assert finding.reason == "Nothing was examined: line 4: too high line 5: too low?."


def test_an_examination_without_a_problem_is_no_obstacle() -> None:
    """Only a stated problem is one."""
    assert decided(evidence() | {EXAMINATION: {}}).verdict is Verdict.APPROVE


def test_documents_are_found_under_either_of_their_names(tmp_path: Path) -> None:
    """By the names that checks ask for; other files are left out."""
    (tmp_path / "bias").mkdir()
    for name in ("bias/analysis.json", "lineage.json", "holdout.csv"):
        (tmp_path / name).write_text("{}")
    assert set(document_files(tmp_path)) == {"bias", "lineage"}
    (tmp_path / "bias.json").write_text("{}")
    with pytest.raises(EvidenceError, match="bias is there twice"):
        document_files(tmp_path)


def test_a_persons_decision_is_an_entry_of_the_same_chain() -> None:
    """It survives being written, and the chain breaks where it is altered."""
    decision = decided(evidence())
    machine = next_entry([], decision)
    person = Entry(1, machine.digest, Subject(), decision, PERSON)
    written = [entry_document(machine), entry_document(person)]
    assert "person" not in written[0]
    read = [read_entry(document) for document in written]
    verify(read, head=person.digest)
    written[1]["person"]["reason"] = "none"
    with pytest.raises(RecordError, match="does not end with"):
        verify([read_entry(document) for document in written], head=person.digest)
