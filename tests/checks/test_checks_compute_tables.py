"""Counting byte codes: against a plain count, in blocks, and with codes that do not fit."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lockgate_checks import EvidenceError
from lockgate_checks.compute.tables import count

SIZES = st.lists(st.integers(1, 9), min_size=1, max_size=4)


@settings(max_examples=60, deadline=None)
@given(SIZES, st.integers(0, 300), st.integers(0, 2**32 - 1))
def test_counts_are_those_of_a_plain_count(sizes: list[int], rows: int, seed: int) -> None:
    """Whatever the number of axes and rows, odd ones included."""
    random = np.random.default_rng(seed)
    columns = [random.integers(0, size, rows, dtype=np.uint8) for size in sizes]
    plain = Counter(zip(*(column.tolist() for column in columns), strict=True))
    counts = count(columns, sizes)
    assert counts.shape == tuple(sizes)
    assert {place: number for place, number in np.ndenumerate(counts) if number} == plain


@pytest.mark.parametrize("sizes", [(256,), (1, 256), (256, 1), (256, 2), (255, 250), (200, 200, 100)])
def test_counts_hold_at_the_edges_of_the_key_sizes(sizes: tuple[int, ...]) -> None:
    """Tables of exactly 256 cells, of more than 65,536, and between."""
    random = np.random.default_rng(1)
    columns = [random.integers(0, size, 5001, dtype=np.uint8) for size in sizes]
    flat = np.ravel_multi_index([column.astype(int) for column in columns], sizes)
    assert np.array_equal(count(columns, sizes).ravel(), np.bincount(flat, minlength=int(np.prod(sizes))))


def test_more_rows_than_a_block_are_counted_once() -> None:
    """Two blocks and one row."""
    ones = np.ones(2 * (1 << 20) + 1, np.uint8)
    assert count([ones, ones], [2, 2]).tolist() == [[0, 0], [0, len(ones)]]


def test_codes_that_do_not_fit_are_refused() -> None:
    """A code outside its axis would be counted elsewhere; columns must match; a huge table is named."""
    with pytest.raises(EvidenceError, match="outside an axis of 2"):
        count([np.asarray([2], np.uint8), np.asarray([0], np.uint8)], [2, 5])
    with pytest.raises(EvidenceError, match="different numbers of rows"):
        count([np.zeros(2, np.uint8), np.zeros(3, np.uint8)], [1, 1])
    with pytest.raises(EvidenceError, match="too large"):
        count([np.zeros(2, np.uint8)] * 4, [255] * 4)
