"""Drift and constraints: distances by hand and against the exact ones, and a violation of each kind."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lockgate_checks import EvidenceError
from lockgate_checks.compute.constraints import constraint_violations, suggest_constraints
from lockgate_checks.compute.drift import FeatureDrift, drift
from lockgate_checks.compute.statistics import statistics

Document = dict[str, Any]


def document(**columns: Any) -> Document:
    """Return the statistics of columns."""
    return statistics([{name: _column(values) for name, values in columns.items()}])


def _column(values: Any) -> np.ndarray[Any, Any]:
    if isinstance(values, np.ndarray):
        return values
    column = np.empty(len(values), dtype=object)
    column[:] = list(values)
    return column


def moved(before: Any, now: Any) -> FeatureDrift:
    """Return the drift of one column."""
    return drift(document(x=before), document(x=now))[0]


def kolmogorov_smirnov(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the exact two-sample distance, by its definition."""
    places = sorted({*one, *other})
    return max(abs(sum(v <= p for v in one) / len(one) - sum(v <= p for v in other) / len(other)) for p in places)


def test_distances_of_numbers_by_hand() -> None:
    """A quarter of the rows moved from 0 to 1."""
    found = moved(np.asarray([0.0] * 3 + [1.0]), np.asarray([0.0] * 2 + [1.0] * 2))
    assert found.simple == pytest.approx(0.25)
    assert found.robust == 0
    assert found.population_stability_index == pytest.approx(0.25 * math.log(0.75 / 0.5) + 0.25 * math.log(2))


def test_distances_of_texts_by_hand() -> None:
    """The largest difference of shares, a value unseen before included."""
    found = moved(["a"] * 600 + ["b"] * 400, ["a"] * 300 + ["b"] * 400 + ["c"] * 300)
    assert found.simple == pytest.approx(0.3)
    assert found.robust == pytest.approx(0.3 - 1.8 * math.sqrt(2 / 1000))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-50, 50), min_size=1, max_size=60), st.lists(st.integers(-50, 50), min_size=1, max_size=60))
def test_the_binned_distance_of_few_values_is_the_exact_one(one: list[int], other: list[int]) -> None:
    """Values that do not share a bin lose nothing; the distance is symmetric and zero to itself."""
    here = moved(np.asarray(one, float), np.asarray(other, float))
    there = moved(np.asarray(other, float), np.asarray(one, float))
    assert here.simple == pytest.approx(kolmogorov_smirnov(one, other))
    assert there.simple == pytest.approx(here.simple)
    itself = moved(np.asarray(one, float), np.asarray(one, float))
    assert (itself.simple, itself.robust, itself.population_stability_index) == (0, 0, 0)


def test_the_binned_distance_is_close_to_the_exact_one_for_continuous_numbers() -> None:
    """Though both sides were binned apart, over different ranges."""
    random = np.random.default_rng(5)
    one, other = random.normal(0, 1, 4000), random.normal(0.4, 2, 4000)
    merged = np.sort(np.concatenate([one, other]))
    cdfs = [np.searchsorted(np.sort(part), merged, side="right") / 4000 for part in (one, other)]
    assert moved(one, other).simple == pytest.approx(float(np.abs(cdfs[0] - cdfs[1]).max()), abs=0.005)


def test_a_baseline_of_model_monitor_itself_is_compared_by_its_buckets() -> None:
    """Its KLL sketch is not ours; ten buckets still show the shift."""
    random = np.random.default_rng(6)
    before, now = document(x=random.uniform(0, 1, 20_000)), document(x=random.uniform(0.2, 1.2, 20_000))
    kll = before["features"][0]["numerical_statistics"]["distribution"]["kll"]
    kll["sketch"] = {"parameters": {"c": 0.64, "k": 2048.0}, "data": [[0.1, 0.2], [0.5]]}
    assert drift(before, now)[0].simple == pytest.approx(0.2, abs=0.01)


def test_what_cannot_be_compared_has_no_distance_but_a_reason() -> None:
    """A missing column, another type, a column without values."""
    before = document(gone=["a"], turned=[1], empty=[None], full=[1.0])
    now = document(turned=["a"], empty=[None], full=[math.nan])
    reasons = {one.feature: one.reason for one in drift(before, now) if one.simple is None}
    assert reasons == {
        "gone": "the column is missing",
        "turned": "the baseline is Integral and the data String: nothing to compare",
        "empty": "one of both has no values",
        "full": "one of both has no values",
    }


BASELINE = document(
    age=np.arange(1, 1001, dtype=float), colour=["red", "blue"] * 500, score=["1", "2"] * 500, note=["x"] * 1000
)


def violations(**columns: Any) -> set[tuple[str, str]]:
    """Return features and kinds of the violations of data against the baseline."""
    good: dict[str, Any] = {
        "age": np.arange(1, 1001, dtype=float),
        "colour": ["blue", "red"] * 500,
        "score": ["2", "1"] * 500,
        "note": ["x"] * 1000,
    }
    columns = {name: values for name, values in {**good, **columns}.items() if values is not None}
    found = constraint_violations(suggest_constraints(BASELINE), document(**columns), BASELINE)
    return {(one["feature_name"], one["constraint_check_type"]) for one in found["violations"]}


def test_the_baseline_meets_its_own_constraints() -> None:
    """Suggested constraints have the documented shape, and nothing violates them."""
    assert violations() == set()
    constraints = suggest_constraints(BASELINE)
    assert constraints["features"][:2] == [
        {
            "name": "age",
            "inferred_type": "Fractional",
            "completeness": 1.0,
            "num_constraints": {"is_non_negative": True},
        },
        {
            "name": "colour",
            "inferred_type": "String",
            "completeness": 1.0,
            "string_constraints": {"domains": ["blue", "red"]},
        },
    ]
    assert constraints["monitoring_config"]["distribution_constraints"]["comparison_threshold"] == 0.1


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"note": None}, {("note", "missing_column_check")}),
        ({"more": [1] * 1000}, {("more", "extra_column_check")}),
        ({"score": ["1", "2"] * 499 + ["1.5", "2"]}, {("score", "data_type_check")}),
        ({"age": np.append(np.arange(1, 1000), math.inf)}, {("age", "data_type_check")}),
        ({"age": np.append(np.arange(1, 1000), math.nan)}, {("age", "completeness_check")}),
        ({"age": np.append(np.arange(2, 1001), -1.0)}, {("age", "non_negative_check")}),
        ({"colour": ["red", "blue"] * 499 + ["green", "red"]}, {("colour", "categorical_values_check")}),
        ({"age": np.arange(301, 1301, dtype=float)}, {("age", "baseline_drift_check")}),
        ({"colour": ["red"] * 900 + ["blue"] * 100}, {("colour", "baseline_drift_check")}),
        ({"age": np.full(1000, math.nan)}, {("age", "completeness_check"), ("age", "baseline_drift_check")}),
    ],
)
def test_each_kind_of_violation(columns: dict[str, Any], expected: set[tuple[str, str]]) -> None:
    """One change of the data, the violation it is, and no other."""
    assert violations(**columns) == expected


def test_a_feature_may_override_the_configuration() -> None:
    """A looser domain threshold for one feature, and comparison switched off for another."""
    constraints = copy.deepcopy(suggest_constraints(BASELINE))
    by_name = {feature["name"]: feature for feature in constraints["features"]}
    by_name["colour"]["monitoringConfigOverrides"] = {"domain_content_threshold": 0.9}
    by_name["age"]["monitoringConfigOverrides"] = {"distribution_constraints": {"perform_comparison": "Disabled"}}
    now = document(
        age=np.arange(501, 1501, dtype=float), colour=["green"] * 50 + ["red", "blue"] * 475, score=["1", "2"] * 500,
        note=["x"] * 1000,
    )  # fmt: skip
    assert constraint_violations(constraints, now, BASELINE) == {"violations": []}


@pytest.mark.parametrize("wrong", [None, [], {}, {"features": [{}]}, {"features": [{"name": "age"}]}])
def test_documents_of_another_shape_are_refused(wrong: Any) -> None:
    """As statistics, as baseline and as constraints, never with another error."""
    with pytest.raises(EvidenceError):
        suggest_constraints(wrong)
    with pytest.raises(EvidenceError):
        constraint_violations(suggest_constraints(BASELINE), wrong, BASELINE)
    if wrong != {"features": [{"name": "age"}]}:
        with pytest.raises(EvidenceError):
            drift(wrong, BASELINE)


def test_methods_that_are_not_computed_are_refused() -> None:
    """Rather than passed over."""
    constraints = copy.deepcopy(suggest_constraints(BASELINE))
    limits = constraints["monitoring_config"]["distribution_constraints"]
    limits["categorical_drift_method"] = "ChiSquared"
    with pytest.raises(EvidenceError, match="LInfinity"):
        constraint_violations(constraints, BASELINE, BASELINE)
    limits.update(categorical_drift_method="LInfinity", comparison_method="Best")
    with pytest.raises(EvidenceError, match="Simple or Robust"):
        constraint_violations(constraints, BASELINE, BASELINE)
