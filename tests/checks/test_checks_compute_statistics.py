"""Data-quality statistics: against numpy and by hand, independent of order and chunks, and data that is not clean."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lockgate_checks import EvidenceError
from lockgate_checks.compute.exact_sums import Moments
from lockgate_checks.compute.histograms import BINS, Histogram
from lockgate_checks.compute.statistics import statistics
from lockgate_checks.compute.value_counts import KEPT, ValueCounts

FINITE = st.floats(allow_nan=False, allow_infinity=False)
SHUFFLE = st.randoms(use_true_random=False)


def cells(values: Sequence[Any]) -> np.ndarray[Any, Any]:
    """Return an untyped column."""
    column = np.empty(len(values), dtype=object)
    column[:] = list(values)
    return column


def feature(values: Any) -> dict[str, Any]:
    """Return the statistics of one column."""
    column = values if isinstance(values, np.ndarray) else cells(values)
    document = statistics([{"x": column}])
    json.dumps(document, allow_nan=False)
    return dict(document["features"][0])


def test_numbers_by_hand() -> None:
    """The documented members with their plain values; the deviation is that of the population."""
    found = feature(np.asarray([2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0, math.nan]))
    numbers = found["numerical_statistics"]
    assert found["inferred_type"] == "Fractional"
    assert numbers["common"] == {"num_present": 8, "num_missing": 1}
    assert [numbers[key] for key in ("mean", "sum", "std_dev", "min", "max")] == [5, 40, 2, 2, 9]
    buckets = numbers["distribution"]["kll"]["buckets"]
    assert [bucket["count"] for bucket in buckets] == [1, 0, 3, 0, 2, 0, 0, 1, 0, 1]
    assert (buckets[0]["lower_bound"], buckets[-1]["upper_bound"]) == (2, 9)


def test_texts_by_hand() -> None:
    """Values with their counts, most frequent first."""
    found = feature(["red", "blue", "red", "", None, "NA"])
    assert found["inferred_type"] == "String"
    assert found["string_statistics"] == {
        "common": {"num_present": 3, "num_missing": 3},
        "distinct_count": 2,
        "distribution": {"categorical": {"buckets": [{"value": "red", "count": 2}, {"value": "blue", "count": 1}]}},
    }


@pytest.mark.parametrize(
    ("values", "inferred", "counts"),
    [
        (np.asarray([1, 2]), "Integral", {"Integral": 2}),
        (["1", "-2", "+3"], "Integral", {"Integral": 3}),
        (["1", "2.5", "1e3"], "Fractional", {"Integral": 1, "Fractional": 2}),
        (["1", "2.5", "three", "1_0"], "String", {"Integral": 1, "Fractional": 1, "String": 2}),
        ([1, 2.5, "three"], "String", {"Integral": 1, "Fractional": 1, "String": 1}),
        ([None, "nan", math.nan], "Unknown", {}),
        (np.asarray([True, False]), "Integral", {"Integral": 2}),
    ],
)
def test_the_type_is_the_narrowest_that_fits_all(values: Any, inferred: str, counts: dict[str, int]) -> None:
    """String numbers are numbers, one text makes a column of mixed types a text column, no value makes it unknown."""
    found = feature(values)
    assert (found["inferred_type"], found["type_counts"]) == (inferred, counts)


def test_equal_numbers_of_different_types_are_one_value() -> None:
    """In a column of mixed types zero has no sign, and a number no type, whichever came first."""
    for values in ([0.0, -0.0, 0, "a"], [-0.0, 0, 0.0, "a"], [1e16, 10**16, "a"], [True, 1, 1.0, "a"]):
        assert feature(values)["string_statistics"]["distinct_count"] == 2
    assert str(feature(np.asarray([0.0, -0.0]))["numerical_statistics"]["min"]) == "0.0"


def test_infinite_numbers_are_counted_but_kept_out_of_the_mean() -> None:
    """They are present; mean and bounds are those of the finite numbers."""
    for values in (
        np.asarray([1.0, math.inf, 3.0, -math.inf]),
        ["1", "inf", "3", "-inf"],
        ["1.0", math.inf, 3.0, -math.inf],
    ):
        numbers = feature(values)["numerical_statistics"]
        assert (numbers["common"]["num_present"], numbers["num_infinite"]) == (4, 2)
        assert (numbers["mean"], numbers["min"], numbers["max"]) == (2, 1, 3)
    assert feature(np.asarray([math.inf]))["numerical_statistics"]["mean"] is None


def test_a_column_without_values_has_null_statistics() -> None:
    """All-NaN is unknown, not zero."""
    numbers = feature(np.full(3, math.nan))["numerical_statistics"]
    assert numbers["common"] == {"num_present": 0, "num_missing": 3}
    assert numbers["mean"] is None
    assert "distribution" not in numbers


def test_one_row_is_enough_and_no_row_is_refused() -> None:
    """A single value is its own mean; nothing has no statistics."""
    numbers = feature(np.asarray([0.1]))["numerical_statistics"]
    assert (numbers["mean"], numbers["std_dev"], numbers["min"], numbers["max"]) == (0.1, 0, 0.1, 0.1)
    for parts in ([], [{"x": np.asarray([])}]):
        with pytest.raises(EvidenceError, match="no rows"):
            statistics(parts)


def test_parts_that_do_not_fit_together_are_refused() -> None:
    """Columns must be the same in all parts and of one length; containers are no values."""
    one = np.asarray([1.0])
    with pytest.raises(EvidenceError, match="'y' is not in all"):
        statistics([{"x": one}, {"x": one, "y": one}])
    with pytest.raises(EvidenceError, match="different numbers of rows"):
        statistics([{"x": one, "y": np.asarray([1.0, 2.0])}])
    with pytest.raises(EvidenceError, match="'x' holds lists"):
        feature([[1], [2]])


MIXED = st.one_of(
    st.none(), FINITE, st.just(math.inf), st.integers(-9, 9), st.sampled_from(["", "a", "b", "7", "0.5", "nan"])
)


@settings(max_examples=60, deadline=None)
@given(st.lists(MIXED, min_size=1, max_size=50), SHUFFLE, st.integers(1, 20))
def test_neither_row_order_nor_chunking_matters(values: list[Any], random: Any, size: int) -> None:
    """The whole document is the same, to the last digit."""
    other = random.sample(values, len(values))
    parts = [{"x": cells(other[start : start + size])} for start in range(0, len(other), size)]
    assert statistics(parts) == statistics([{"x": cells(values)}])


@settings(max_examples=100, deadline=None)
@given(st.lists(FINITE, min_size=1, max_size=40), SHUFFLE)
def test_sums_are_exact(values: list[float], random: Any) -> None:
    """From the smallest to the largest numbers, in any order."""
    moments = Moments()
    for value in random.sample(values, len(values)):
        moments.add(np.asarray([value]))
    assert moments.total == sum(map(Fraction, values))


def test_sums_of_full_blocks_are_exact() -> None:
    """Where the slices of many numbers of mixed size, or the largest of one sign, add up."""
    random = np.random.default_rng(4)
    mixed = random.normal(0, 1, 70_000) * 10.0 ** random.integers(-30, 30, 70_000)
    large = 2.0**44 + random.integers(0, 2**44, 70_000)
    for values in (mixed, large, np.full(70_000, -(2.0**53) + 1)):
        moments = Moments()
        moments.add(values)
        assert moments.total == sum(map(Fraction, values.tolist()))
        squares = sum(number * number for number in map(Fraction, values.tolist()))
        assert moments.variance == squares / len(values) - (moments.total / len(values)) ** 2


def test_the_deviation_of_large_close_numbers_keeps_its_digits() -> None:
    """Where a sum of squares in floating point would lose everything."""
    values = 1.7e9 + np.random.default_rng(0).normal(0, 1, 100_000)
    assert feature(values)["numerical_statistics"]["std_dev"] == pytest.approx(float(np.std(values - 1.7e9)), rel=1e-9)


def test_numbers_too_large_to_add_up_give_null_rather_than_infinity() -> None:
    """The mean is still a number; the sum is none."""
    numbers = feature(np.asarray([1.7e308, 1.7e308]))["numerical_statistics"]
    assert (numbers["mean"], numbers["sum"], numbers["std_dev"]) == (1.7e308, None, 0)


@settings(max_examples=100, deadline=None)
@given(st.lists(FINITE, min_size=1, max_size=40), SHUFFLE, st.integers(1, 10))
def test_a_histogram_does_not_depend_on_order_or_chunks(values: list[float], random: Any, size: int) -> None:
    """Merged bins are the bins one would have chosen knowing the range; none is lost."""
    whole, other = Histogram(), Histogram()
    whole.add(np.asarray(values))
    shuffled = random.sample(values, len(values))
    for start in range(0, len(values), size):
        other.add(np.asarray(shuffled[start : start + size]))
    assert (whole.exponent, whole.first, whole.counts.tolist()) == (other.exponent, other.first, other.counts.tolist())
    assert whole.counts.sum() == len(values)
    assert len(whole.counts) <= BINS


def test_tiny_negative_numbers_beside_huge_ones_stay_below_zero() -> None:
    """Scaling makes them vanish; their bin must not depend on what came first."""
    values = [7e224, -3e-102]
    for order in (values, values[::-1]):
        histogram = Histogram()
        for value in order:
            histogram.add(np.asarray([value]))
        assert (histogram.first, histogram.counts[0], histogram.counts[-1]) == (-1, 1, 1)


def test_a_histogram_puts_numbers_between_its_edges() -> None:
    """Against numpy's histogram over the same edges."""
    values = np.random.default_rng(3).normal(40, 7, 10_000)
    histogram = Histogram()
    histogram.add(values)
    edges = np.append(histogram.edges(), np.inf)
    assert np.array_equal(histogram.counts, np.histogram(values, edges)[0])
    assert len(histogram.counts) > BINS // 2 - 1


def test_many_different_texts_are_counted_in_bounded_memory() -> None:
    """The kept counts are exact and the same in any order; the number of different values is close."""
    texts = [f"customer-{number}" for number in range(50_000)]
    results = []
    for order in (texts, texts[::-1]):
        counts = ValueCounts()
        for _ in range(2):
            for start in range(0, len(order), 997):
                counts.add(dict.fromkeys(order[start : start + 997], 1))
        results.append((counts.counts, counts.distinct))
    assert results[0] == results[1]
    kept, distinct = results[0]
    assert len(kept) == KEPT
    assert set(kept.values()) == {2}
    assert distinct == pytest.approx(50_000, rel=0.1)
