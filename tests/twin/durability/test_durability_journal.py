"""A journal keeps what was put in it, whenever its twin is killed."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lockgate_twin.durability import JournalTables, MemoryTables, journal
from lockgate_twin.durability.journal import JournalTable
from lockgate_twin.errors import StartError

KEYS = st.sampled_from(["a", "b", "a longer key", "é"])
RECORDS = st.one_of(st.none(), st.binary(max_size=40), st.dictionaries(st.text(max_size=3), st.integers(), max_size=3))
CHANGES = st.lists(st.one_of(st.tuples(KEYS, RECORDS), KEYS), max_size=12)
Change = tuple[str, Any] | str


def _apply(table: Any, change: Change) -> None:
    if isinstance(change, str):
        table.remove(change)
    else:
        table.put(*change)


def _states(changes: list[Change]) -> list[list[tuple[str, Any]]]:
    """Return what a table holds before and after each change."""
    kept: dict[str, Any] = {}
    states: list[list[tuple[str, Any]]] = [[]]
    for change in changes:
        if isinstance(change, str):
            kept.pop(change, None)
        else:
            kept[change[0]] = change[1]
        states.append(list(kept.items()))
    return states


@given(CHANGES)
def test_a_journal_holds_what_a_dictionary_would(changes: list[Change]) -> None:
    """After any changes a journal opened again holds what a dictionary would, in the same order."""
    with tempfile.TemporaryDirectory() as folder:
        table, memory = JournalTable(Path(folder) / "t.journal"), MemoryTables().table("t")
        for change in changes:
            _apply(table, change)
            _apply(memory, change)
        table.close()
        assert JournalTable(Path(folder) / "t.journal").items() == _states(changes)[-1] == memory.items()


@given(CHANGES, st.data())
@settings(max_examples=200)
def test_a_journal_cut_anywhere_holds_a_prefix(changes: list[Change], data: st.DataObject) -> None:
    """A journal that ends at any byte holds the state after some first changes, and takes further ones."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.journal"
        table = JournalTable(path)
        for change in changes:
            _apply(table, change)
        table.close()
        size = path.stat().st_size if path.exists() else 0
        path.touch(mode=0o600)
        os.truncate(path, data.draw(st.integers(0, size)))
        again = JournalTable(path)
        found = again.items()
        assert found in _states(changes)
        again.put("after", 1)
        again.close()
        assert JournalTable(path).items() == [*found, ("after", 1)]


@given(CHANGES)
def test_compaction_changes_nothing(changes: list[Change]) -> None:
    """A journal that is written anew after every change holds the same."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(journal, "_WORTH_COMPACTING", 0)
        table = JournalTable(Path(folder) / "t.journal")
        for change, state in zip(changes, _states(changes)[1:], strict=True):
            _apply(table, change)
            assert table.items() == state
        table.close()
        assert JournalTable(Path(folder) / "t.journal").items() == _states(changes)[-1]


def test_a_journal_does_not_grow_for_ever(tmp_path: Path) -> None:
    """A record that is put again and again takes the room of a few."""
    table = JournalTable(tmp_path / "t.journal")
    for number in range(600):
        table.put("key", (number, b"x" * 10_000))
    assert (tmp_path / "t.journal").stat().st_size < 1_200_000
    assert table.items()[0][1][0] == 599


def test_zeros_at_the_end_are_no_entry(tmp_path: Path) -> None:
    """Zeros that a file system leaves at the end of a file are cut."""
    table = JournalTable(tmp_path / "t.journal")
    table.put("key", 1)
    with (tmp_path / "t.journal").open("ab") as file:
        file.write(bytes(64))
    assert JournalTable(tmp_path / "t.journal").items() == [("key", 1)]


def test_a_damaged_journal_is_refused(tmp_path: Path) -> None:
    """A journal with a damaged entry before its end is refused with its name: what follows would be lost."""
    path = tmp_path / "t.journal"
    table = JournalTable(path)
    table.put("key", "first")
    table.put("other", "second")
    path.write_bytes(path.read_bytes().replace(b"first", b"fzrst"))
    with pytest.raises(StartError, match=r"t\.journal is damaged at byte 19; .*--fresh"):
        JournalTable(path)


def test_another_format_is_refused(tmp_path: Path) -> None:
    """A journal of another version of the format is refused with one sentence."""
    path = tmp_path / "t.journal"
    path.touch(mode=0o600)
    path.write_bytes(b"lockgate journal 2\nrest")
    with pytest.raises(StartError, match=r"is not a journal that this version of the twin reads"):
        JournalTable(path)


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_a_file_that_others_may_write_is_refused(tmp_path: Path, mode: int) -> None:
    """A journal that another user could have written is not read: it holds pickles."""
    path = tmp_path / "t.journal"
    JournalTable(path).put("key", 1)
    path.chmod(mode)
    with pytest.raises(StartError, match="only this user can write"):
        JournalTable(path)


def test_a_link_is_refused(tmp_path: Path) -> None:
    """A symbolic link in a journal's place is not followed."""
    JournalTable(tmp_path / "other").put("key", 1)
    (tmp_path / "t.journal").symlink_to(tmp_path / "other")
    with pytest.raises(StartError, match="cannot be opened"):
        JournalTable(tmp_path / "t.journal")


def test_a_record_of_an_unknown_class_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record that this version of the twin has no class for is refused with the journal's name."""
    from lockgate_twin import ports

    table = JournalTable(tmp_path / "t.journal")
    table.put("key", ports.Event(source="s", detail_type="t", detail={}, account="1", region="r"))
    monkeypatch.delattr(ports, "Event")
    with pytest.raises(StartError, match="holds a record that this version of the twin cannot read"):
        table.items()


def test_tables_have_names_that_are_file_names(tmp_path: Path) -> None:
    """A table's name never leaves the folder; the same name is the same table."""
    tables = JournalTables(tmp_path / "tables")
    assert tables.table("sagemaker.packages") is tables.table("sagemaker.packages")
    with pytest.raises(ValueError, match="no name of a table"):
        tables.table("../elsewhere")
