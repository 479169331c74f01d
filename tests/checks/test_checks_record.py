"""The record of decisions: canonical, chained, replayable."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lockgate_checks.bundle import from_mapping
from lockgate_checks.canonical import canonical
from lockgate_checks.errors import RecordError
from lockgate_checks.integrity import Subject
from lockgate_checks.policy import parse_policy, shipped_policy
from lockgate_checks.record import (
    Entry,
    decision_document,
    entry_document,
    next_entry,
    read_decision,
    read_entry,
    replay,
    verify,
)
from lockgate_checks.values import Verdict

from tests.checks.complete_evidence import ARN, NOW, decided, evidence, first_version, put

WAIVED = parse_policy(
    "schema: 1\nname: own\npacks: {bias: block}\nlimits: {DI: {minimum: 0.99}}\n"
    "waivers: [{check: bias.post_training, limit: {minimum: 0.5}, reason: r, owner: o, expires: 2027-09-09}]"
)
SUBJECT = Subject(ARN, dict(from_mapping(evidence()).digests), {"commit": "a" * 40})
DECISIONS = (
    decided(evidence(), subject=SUBJECT),
    decided(first_version()),
    decided(put(evidence(), "champion/n", "NaN")),
    decided(evidence(), WAIVED),
    decided({}),
)


def chain() -> list[Entry]:
    """Return a record of several decisions."""
    record: list[Entry] = []
    for decision in DECISIONS:
        record.append(next_entry(record, decision))
    return record


def again(entry: Entry) -> Entry:
    """Return the entry as it comes back from its JSON."""
    return read_entry(json.loads(canonical(entry_document(entry))))


@pytest.mark.parametrize("decision", DECISIONS)
def test_a_decision_comes_back_from_its_json_as_it_was(decision: Any) -> None:
    """Nothing of it is lost, also waivers, limits and values that are missing."""
    assert read_decision(json.loads(json.dumps(decision_document(decision), allow_nan=False))) == decision


def test_a_record_that_was_left_alone_verifies() -> None:
    """Also when every entry went through its JSON, and when there is none yet."""
    record = chain()
    assert list(map(again, record)) == record
    verify(record, record[-1].digest)
    verify(list(map(again, record)))
    verify([])
    assert [entry.sequence for entry in record] == [0, 1, 2, 3, 4]
    assert record[0].previous is None
    assert record[0].subject == Subject(ARN)


@given(st.integers(0, 4))
def test_an_altered_entry_breaks_the_record(place: int) -> None:
    """Every later entry holds its digest; the last one's digest is kept elsewhere."""
    record = chain()
    head = record[-1].digest
    turned = replace(record[place].decision, verdict=Verdict.HUMAN if place != 3 else Verdict.REJECT)
    record[place] = replace(record[place], decision=turned)
    assert record[place].digest != chain()[place].digest
    with pytest.raises(RecordError):
        verify(record, head)


@given(st.integers(0, 4))
def test_a_deleted_entry_breaks_the_record(place: int) -> None:
    """In the middle the chain shows it, at the end the kept digest."""
    record = chain()
    head = record.pop(-1).digest if place == 4 else record[-1].digest
    if place < 4:
        del record[place]
        with pytest.raises(RecordError, match=f"broken at entry {place}"):
            verify(record)
    with pytest.raises(RecordError):
        verify(record, head)


@given(st.integers(0, 5))
def test_an_inserted_entry_breaks_the_record(place: int) -> None:
    """Even one made to continue the entry before it."""
    record = chain()
    head = record[-1].digest
    record.insert(place, next_entry(record[:place], DECISIONS[0]))
    with pytest.raises(RecordError):
        verify(record, head)


def test_the_last_entry_is_held_by_the_digest_kept_elsewhere() -> None:
    """The message names it."""
    record = chain()
    with pytest.raises(RecordError, match="does not end with 000"):
        verify(record, "000")
    with pytest.raises(RecordError, match="does not end with"):
        verify([], "000")
    with pytest.raises(RecordError, match="broken at entry 1"):
        verify([record[0], replace(record[1], sequence=7)])


def test_deciding_again_on_the_evidence_gives_the_same_decision() -> None:
    """The recorded time decides, not today's."""
    entry = again(next_entry([], DECISIONS[0], SUBJECT))
    assert replay(entry, from_mapping(evidence()), shipped_policy("baseline")) == DECISIONS[0]
    entry = again(next_entry([], DECISIONS[3]))
    assert replay(entry, from_mapping(evidence()), WAIVED) == DECISIONS[3]


def test_other_evidence_or_another_policy_is_noticed() -> None:
    """The message names what differs."""
    entry = next_entry([], DECISIONS[0], SUBJECT)
    with pytest.raises(RecordError, match="evidence_digests, findings, recommendation, verdict differ"):
        replay(entry, from_mapping(put(evidence(), "champion/n", 7)), shipped_policy("baseline"))
    with pytest.raises(RecordError, match="policy_digest"):
        replay(entry, from_mapping(evidence()), WAIVED)
    late = replace(DECISIONS[3], decided_at=NOW + timedelta(days=365))
    with pytest.raises(RecordError, match="waivers"):
        replay(next_entry([], late), from_mapping(evidence()), WAIVED)
    with pytest.raises(RecordError, match="findings"):
        replay(entry, from_mapping(evidence()), shipped_policy("baseline"), checks=())


def test_one_decision_has_one_form() -> None:
    """Deciding twice gives the same bytes, and evidence given in another order too."""
    turned = dict(reversed(evidence().items()))
    one, two = (canonical(decision_document(decided(documents))) for documents in (evidence(), turned))
    assert one == two
    assert b" " not in one.split(b'"reason"')[0]


@pytest.mark.parametrize("document", [None, {}, [], "x", {"schema": 1}, {"schema": 2}, {"verdict": "perhaps"}])
def test_what_is_no_record_is_refused(document: Any) -> None:
    """Neither a decision nor an entry is made of anything else."""
    with pytest.raises(RecordError):
        read_entry(document)
    with pytest.raises(RecordError):
        read_decision(document)


@given(st.data())
def test_an_entry_with_a_missing_part_is_refused(data: st.DataObject) -> None:
    """No part has a silent default."""
    document = entry_document(chain()[3])
    part = data.draw(st.sampled_from([document, document["decision"], document["decision"]["findings"][0]]))
    del part[data.draw(st.sampled_from(sorted(part)))]
    with pytest.raises(RecordError):
        read_entry(document)
