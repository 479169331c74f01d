"""The page of properties names tests that exist."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "properties.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if re.match(r"\| P\d", line)
]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
ASKED = {"P3", "P4", "P5", "P8", "P9", "P10", "P16", "P17", "P19", "P22"}


@cache
def names_in(path: str) -> frozenset[str]:
    """The names of a file's tests."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return frozenset(
        node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    )


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_every_row_is_complete_and_its_tests_exist(row: list[str]) -> None:
    """Property, what holds it, tests by path and name, and what is not covered."""
    assert len(row) == 5
    assert all(row)
    named = NAMED.findall(row[3])
    assert named
    assert NAMED.sub("", row[3]).strip() == ""
    assert [f"{path}::{name}" for path, name in named if name not in names_in(path)] == []


def test_each_property_stands_once_and_in_order() -> None:
    """None of those that an approval by code rests on is missing."""
    ids = [row[0] for row in ROWS]
    assert ids == sorted(set(ids), key=lambda name: int(name[1:]))
    assert set(ids) >= ASKED


def test_a_test_that_does_not_exist_is_noticed() -> None:
    """The control."""
    assert "test_nothing" not in names_in("tests/approval/test_properties_page.py")
    assert "test_a_test_that_does_not_exist_is_noticed" in names_in("tests/approval/test_properties_page.py")
