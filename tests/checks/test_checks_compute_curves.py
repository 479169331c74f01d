"""Curves, calibration and confidence intervals."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lockgate_checks.compute import curves, intervals
from lockgate_checks.compute.model_quality import (
    Setup,
    binary_report,
    regression_report,
)
from sklearn import metrics as sklearn

binary_rows = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 20)), min_size=4, max_size=60).filter(
    lambda rows: {label for label, _ in rows} == {0, 1}
)


def values(report: dict[str, Any]) -> dict[str, Any]:
    """Return the report's scalar metrics by name."""
    (kind,) = (key for key in report if key.endswith("_metrics"))
    return {name: metric["value"] for name, metric in report[kind].items() if "value" in metric}


def sample(rows: int = 400, seed: int = 3) -> tuple[Any, Any]:
    """Return labels and scores of a middling model, with ties among the scores."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, rows)
    return labels, np.round(np.clip(0.35 * labels + 0.65 * random.random(rows), 0, 1), 2)


def area(labels: Any, scores: Any) -> float:
    """Return the AUC."""
    rows = curves.binary_rows(labels, scores)
    return intervals.area_under_curve(rows.labels, rows.scores).value


def test_the_roc_curve_equals_scikit_learns() -> None:
    """Every distinct score is a point of the curve, as in scikit-learn without dropping points."""
    labels, scores = sample()
    false_rates, true_rates, _ = sklearn.roc_curve(labels, scores, drop_intermediate=False)
    curve = curves.receiver_operating_characteristic(curves.binary_rows(labels, scores))
    assert curve["false_positive_rates"] == pytest.approx(false_rates.tolist())
    assert curve["true_positive_rates"] == pytest.approx(true_rates.tolist())


def test_a_curve_of_many_scores_is_thinned_and_keeps_its_ends() -> None:
    """However many rows, a curve stays readable and ends at (1, 1)."""
    random = np.random.default_rng(0)
    rows = curves.binary_rows(random.integers(0, 2, 5000), random.random(5000))
    curve = curves.receiver_operating_characteristic(rows)
    assert len(curve["true_positive_rates"]) == curves.CURVE_POINTS + 1
    assert (curve["false_positive_rates"][-1], curve["true_positive_rates"][-1]) == (1.0, 1.0)
    assert len(curves.precision_recall(rows)["recalls"]) == curves.CURVE_POINTS + 1


def test_residuals_are_predicted_minus_actual_of_at_most_a_sample() -> None:
    """Few rows are all there, many are sampled; each residual belongs to its prediction."""
    found = regression_report([1.0, 2.0, 5.0], [1.5, 2.0, 4.0])["lockgate"]["residuals"]
    assert found == {"predicted": [1.5, 2.0, 4.0], "residual": [0.5, 0.0, -1.0]}
    actual = np.random.default_rng(0).normal(size=3000)
    many = curves.residuals(actual, 3 * actual)
    assert len(many["residual"]) == curves.RESIDUAL_POINTS
    assert many["residual"] == pytest.approx([2 * value / 3 for value in many["predicted"]])


def test_calibration_is_counted_by_hand() -> None:
    """Two bins: scores 0.1 and 0.2 with one positive of two, 0.9 with a positive of one."""
    found = curves.calibration(curves.binary_rows([0, 1, 1], [0.1, 0.2, 0.9]), bins=2)
    assert [entry["count"] for entry in found["bins"]] == [2, 1]
    assert found["bins"][0]["mean_score"] == pytest.approx(0.15)
    assert found["bins"][0]["positive_rate"] == 0.5
    assert found["expected_calibration_error"] == pytest.approx((2 * 0.35 + 0.1) / 3)


def test_a_score_on_the_border_of_two_bins_belongs_to_the_upper_one() -> None:
    """Of ten bins 0.3 falls in that from 0.3 on, and 1 in the last."""
    found = curves.calibration(curves.binary_rows([0, 1], [0.3, 1.0]))
    assert [(entry["lower"], entry["upper"]) for entry in found["bins"]] == [(0.3, 0.4), (0.9, 1.0)]


def test_scores_that_are_no_probabilities_are_not_calibrated() -> None:
    """Margins have an AUC, but neither Brier score nor calibration; the report says why."""
    report = binary_report([0, 1, 0, 1], [-3.0, 2.0, -1.0, 5.0], Setup(cutoff=0.0))
    assert "brier" not in report["lockgate"]
    assert "no probabilities" in report["lockgate"]["calibration"]["error"]
    assert values(report)["auc"] == 1.0


@pytest.mark.parametrize(
    ("successes", "trials", "lower", "upper"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilsons_interval_is_newcombes(successes: int, trials: int, lower: float, upper: float) -> None:
    """The four worked examples of Newcombe (1998), method 3."""
    found = intervals.wilson(successes, trials)
    assert (found.lower, found.upper) == pytest.approx((lower, upper), abs=5e-5)


def test_delongs_interval_is_that_of_hanley_and_mcneils_scans() -> None:
    """109 rated CT scans (Hanley, McNeil 1982): Stata's roctab prints 0.8932, 0.0307 and 0.83295 to 0.95339."""
    ratings = [np.repeat(np.arange(5.0), counts) for counts in ([33, 6, 6, 11, 2], [3, 2, 2, 11, 33])]
    found = intervals.area_under_curve(np.repeat([0.0, 1.0], [58, 51]), np.concatenate(ratings))
    bounds = intervals.delong(found)
    assert (found.value, math.sqrt(found.variance)) == pytest.approx((0.8932, 0.0307), abs=5e-5)
    assert (bounds.lower, bounds.upper) == pytest.approx((0.83295, 0.95339), abs=5e-6)


def test_perfect_separation_of_few_rows_is_not_certain() -> None:
    """DeLong's error is zero there; the interval still reaches as low as five rows allow."""
    found = binary_report([0] * 5 + [1] * 5, [0.1] * 5 + [0.9] * 5)["lockgate"]["intervals"]["auc"]
    assert (found["upper"], found["method"]) == (1.0, "wilson_of_smaller_class")
    assert found["lower"] == pytest.approx(intervals.wilson(5, 5).lower)


def test_the_bootstrap_agrees_with_theory() -> None:
    """The interval of a mean is near mean +- z * standard error, that of F1 holds its value."""
    random = np.random.default_rng(5)
    actual = random.normal(size=2000)
    errors = np.abs(random.normal(size=2000))
    report = regression_report(actual, actual + errors)
    reach = 1.96 * errors.std(ddof=1) / math.sqrt(2000)
    bounds = report["lockgate"]["intervals"]["mae"]
    assert bounds["lower"] == pytest.approx(errors.mean() - reach, abs=0.15 * reach)
    assert bounds["upper"] == pytest.approx(errors.mean() + reach, abs=0.15 * reach)


@given(binary_rows)
@settings(deadline=None)
def test_auc_depends_on_the_order_of_scores_only(rows: list[tuple[int, int]]) -> None:
    """A rising transform of the scores leaves it; a falling one, or swapped labels, give 1 - AUC."""
    labels, scores = np.array(rows).T
    value = area(labels, scores)
    assert area(labels, np.exp(scores / 3)) == pytest.approx(value)
    assert area(labels, -scores) == pytest.approx(1 - value)
    assert area(1 - labels, scores) == pytest.approx(1 - value)
    assert value == pytest.approx(sklearn.roc_auc_score(labels, scores))


@given(binary_rows)
@settings(max_examples=25, deadline=None)
def test_intervals_hold_their_values(rows: list[tuple[int, int]]) -> None:
    """Every AUC and share lies in its interval, within 0..1."""
    labels, scores = np.array(rows).T
    report = binary_report(labels, scores / 20)
    for name, bounds in report["lockgate"]["intervals"].items():
        assert 0 <= bounds["lower"] <= bounds["upper"] <= 1
        if bounds["method"] != "bootstrap":
            assert bounds["lower"] - 1e-12 <= values(report)[name] <= bounds["upper"] + 1e-12


@given(st.integers(1, 300), st.data())
@settings(deadline=None)
def test_wilsons_interval_is_symmetric_and_narrows(trials: int, data: st.DataObject) -> None:
    """Failures have the mirrored interval of successes; ten times the rows, less doubt."""
    successes = data.draw(st.integers(0, trials))
    one, other = intervals.wilson(successes, trials), intervals.wilson(trials - successes, trials)
    assert (one.lower, one.upper) == pytest.approx((1 - other.upper, 1 - other.lower))
    more = intervals.wilson(10 * successes, 10 * trials)
    assert more.upper - more.lower < one.upper - one.lower
