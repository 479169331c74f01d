"""What was decided is append-only, chained, complete, and can be decided again with the same result."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from lockgate_checks.bundle import from_mapping
from lockgate_checks.decide import decide
from lockgate_checks.errors import RecordError
from lockgate_checks.policy import parse_policy, shipped_policy
from lockgate_checks.record import Entry, entry_document, next_entry, read_entry, replay, verify

from catalog.approval.chain import BrokenRecordError, canonical, read_chain
from tests.approval.decided_hub import ENVIRONMENT, Hub
from tests.approval.fake_hub import DECISIONS, GROUP, entries
from tests.checks.complete_evidence import NOW, evidence, put

LENGTH = 5
PREFIX = f"record/{GROUP}/entries/"
Documents = list[dict[str, Any]]


@cache
def recorded() -> tuple[str, str]:
    """A hub's record of five decisions as JSON text, and the digest of its last entry as a person keeps it."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        hub = Hub()
        for number in range(1, LENGTH + 1):
            assert hub.decide(hub.examined(number)) == "Approved"
        return json.dumps(entries(hub.s3)), read_chain(hub.s3, DECISIONS, GROUP)[-1].digest


def stored(documents: Documents) -> Hub:
    """A hub whose store holds these entries, one after the other."""
    hub = Hub()
    for number, document in enumerate(documents):
        hub.s3.objects[DECISIONS, f"{PREFIX}{number:08d}.json"] = canonical(document)
    return hub


def is_broken(documents: Documents) -> bool:
    """Whether the hub's reader finds the chain broken; the library's must say the same."""
    try:
        read_chain(stored(documents).s3, DECISIONS, GROUP)
        broken = False
    except BrokenRecordError:
        broken = True
    try:
        verify([read_entry(document) for document in documents])
        assert not broken
    except RecordError:
        assert broken
    return broken


def leaves(document: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place of an entry that holds a text or a number."""
    if isinstance(document, dict | list):
        members = document.items() if isinstance(document, dict) else enumerate(document)
        return [place for key, value in members for place in leaves(value, (*before, key))]
    return [before] if isinstance(document, str | float) else []


def test_the_record_is_whole_while_nobody_alters_it() -> None:
    """The control, for both readers."""
    assert not is_broken(json.loads(recorded()[0]))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_altered_entry_before_the_last_breaks_the_chain(data: st.DataObject) -> None:
    """Any member of any entry: one text or number is another one."""
    documents = json.loads(recorded()[0])
    at = data.draw(st.integers(0, LENGTH - 2))
    *way, last = data.draw(st.sampled_from(leaves(documents[at])))
    assume(way or last not in {"schema", "sequence"})
    place: Any = documents[at]
    for step in way:
        place = place[step]
    if place[last] in {"approve", "enforce", "pass", "block"} or last == "decided_at":
        place[last] = {"approve": "reject", "enforce": "recommend", "pass": "fail", "block": "warn"}.get(
            place[last], "2026-11-22T13:00:00+00:00"
        )
    else:
        place[last] = place[last] + ("x" if isinstance(place[last], str) else 0.01)
    assert is_broken(documents)


def without(documents: Documents, at: int) -> Documents:
    """One entry left out, the others moved up."""
    return documents[:at] + documents[at + 1 :]


def renumbered(documents: Documents, at: int) -> Documents:
    """One entry left out, and the others given its number, as somebody who knows the form would."""
    return [document | {"sequence": place} for place, document in enumerate(without(documents, at))]


def inserted(documents: Documents, at: int) -> Documents:
    """One entry twice."""
    return [*documents[:at], documents[at], *documents[at:]]


def forged(documents: Documents, at: int) -> Documents:
    """An entry of somebody's own that continues the chain properly, before those that were there."""
    own = documents[at] | {"person": {"arn": "arn:aws:iam::111122223333:user/mallory", "verdict": "Approved"}}
    return [d | {"sequence": n} for n, d in enumerate([*documents[:at], own, *documents[at:]])]


def exchanged(documents: Documents, at: int) -> Documents:
    """Two neighbours in the other order."""
    other = at + 1 if at + 1 < len(documents) else at - 1
    first, second = sorted((at, other))
    return [*documents[:first], documents[second], documents[first], *documents[second + 1 :]]


@pytest.mark.parametrize("at", range(LENGTH - 1))
@pytest.mark.parametrize("attack", [without, renumbered, inserted, forged, exchanged])
def test_left_out_inserted_or_reordered_entries_break_the_chain(
    attack: Callable[[Documents, int], Documents], at: int
) -> None:
    """Also where the numbers were made to fit."""
    assert is_broken(attack(json.loads(recorded()[0]), at))


@pytest.mark.parametrize("kept", range(1, LENGTH))
def test_a_record_that_was_cut_short_is_noticed_by_the_digest_of_its_end(kept: int) -> None:
    """The chain alone cannot know its end; the registry and people name the digest of what they decided by."""
    text, head = recorded()
    cut = [read_entry(document) for document in json.loads(text)[:kept]]
    verify(cut)
    with pytest.raises(RecordError, match="does not end with"):
        verify(cut, head)


def test_an_entry_is_never_written_over() -> None:
    """Two writers of one place: the second is refused by the store and continues after the first."""
    hub = stored(json.loads(recorded()[0]))
    before = {key: body for key, body in hub.s3.objects.items() if key[1].startswith(PREFIX)}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        hub.decide(hub.examined(9))
    after = {key: body for key, body in hub.s3.objects.items() if key[1].startswith(PREFIX)}
    assert {key: after[key] for key in before} == before
    assert len(after) == LENGTH + 1


def kept_entry(documents: dict[str, Any]) -> Entry:
    """The entry of a decision on these documents."""
    return next_entry([], decide(from_mapping(documents), shipped_policy("baseline"), NOW))


@pytest.mark.parametrize(
    "documents",
    [
        evidence(),
        put(evidence(), "champion/difference", 0.5),
        put(evidence(), "model_quality/binary_classification_metrics/auc/value", 0.5),
        {name: document for name, document in evidence().items() if name != "bias"},
        evidence() | {"bias": b"{"},
    ],
    ids=["approved", "inconsistent", "too poor", "incomplete", "unreadable"],
)
def test_deciding_again_gives_the_same_decision(documents: dict[str, Any]) -> None:
    """From what was kept: the entry read back from its JSON, the evidence and the policy; at the recorded time."""
    entry = kept_entry(documents)
    again = read_entry(json.loads(json.dumps(entry_document(entry))))
    assert again.digest == entry.digest
    assert replay(again, from_mapping(documents), shipped_policy("baseline")) == entry.decision


STRICTER = "schema: 1\nname: acme\ninclude: baseline\nlimits:\n  auc: {minimum: 0.7, confidence: 0.95}\n"


def test_deciding_again_on_anything_else_is_noticed() -> None:
    """Other evidence, another policy, or an entry that says something else than was decided."""
    entry = kept_entry(evidence())
    with pytest.raises(RecordError, match="evidence_digests"):
        replay(entry, from_mapping(put(evidence(), "lineage/seed_version", "9")), shipped_policy("baseline"))
    with pytest.raises(RecordError, match="policy_digest"):
        replay(entry, from_mapping(evidence()), parse_policy(STRICTER))
    document = entry_document(kept_entry(put(evidence(), "model_quality/dataset/item_count", 3)))
    assert document["decision"]["verdict"] == "reject"
    document["decision"]["verdict"] = "approve"
    spoilt = put(evidence(), "model_quality/dataset/item_count", 3)
    with pytest.raises(RecordError, match="verdict"):
        replay(read_entry(document), from_mapping(spoilt), shipped_policy("baseline"))


def test_time_decides_nothing_but_waivers() -> None:
    """The same evidence a year later gives the same findings."""
    first = decide(from_mapping(evidence()), shipped_policy("baseline"), NOW)
    later = decide(from_mapping(evidence()), shipped_policy("baseline"), NOW + timedelta(days=365))
    assert first.findings == later.findings
