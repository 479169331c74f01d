from __future__ import annotations

import numpy as np
import pytest

import bias
import quality

LABELS = np.array([0, 0, 1, 1])
SCORES = np.array([0.1, 0.4, 0.35, 0.8])


def test_auc_counts_correctly_ordered_pairs() -> None:
    """Three of four pairs are in order; a tie counts one half; reversing the scores mirrors it."""
    assert quality.area_under_curve(LABELS, SCORES).value == pytest.approx(0.75)
    assert quality.area_under_curve(LABELS, np.full(4, 0.5)).value == pytest.approx(0.5)
    assert quality.area_under_curve(LABELS, -SCORES).value == pytest.approx(0.25)


def test_the_standard_error_of_auc_matches_resampling() -> None:
    """DeLong's formula agrees with a bootstrap on simulated scores, within the noise of the bootstrap."""
    random = np.random.default_rng(1)
    labels = (random.random(600) < 0.3).astype(int)
    scores = random.normal(labels.astype(float))
    drawn = (random.integers(0, 600, 600) for _ in range(300))
    resampled = [quality.area_under_curve(labels[rows], scores[rows]).value for rows in drawn]
    assert quality.area_under_curve(labels, scores).standard_error == pytest.approx(
        np.std(resampled), rel=0.15
    )


def test_statistics_have_the_shape_and_values_of_a_worked_example() -> None:
    """At 0.5: one true positive, one false negative, two true negatives."""
    report = quality.statistics(LABELS, SCORES, 0.5)
    metrics = report["binary_classification_metrics"]
    assert report["dataset"] == {"item_count": 4}
    assert metrics["confusion_matrix"] == {"0": {"0": 2, "1": 0}, "1": {"0": 1, "1": 1}}
    assert metrics["recall"] == {"value": 0.5, "standard_deviation": "NaN"}
    assert metrics["f1"]["value"] == pytest.approx(2 / 3)
    assert metrics["f1_best_constant_classifier"]["value"] == pytest.approx(2 / 3)
    curve = metrics["receiver_operating_characteristic_curve"]
    assert (curve["false_positive_rates"][-1], curve["true_positive_rates"][-1]) == (1.0, 1.0)


def test_undefined_metrics_are_the_text_nan() -> None:
    """Without a positive prediction there is no precision, and no number pretends there is."""
    metrics = quality.statistics(LABELS, SCORES, 0.99)["binary_classification_metrics"]
    assert metrics["precision"]["value"] == "NaN"


def test_constraints_point_in_the_direction_of_worse() -> None:
    """Rates of errors must not rise; everything else must not fall."""
    limits = quality.constraints(quality.statistics(LABELS, SCORES, 0.5))["binary_classification_constraints"]
    assert limits["auc"] == {"threshold": 0.75, "comparison_operator": "LessThanThreshold"}
    assert limits["false_positive_rate"]["comparison_operator"] == "GreaterThanThreshold"
    assert not any(name.endswith("_best_constant_classifier") for name in limits)


def test_bias_metrics_of_a_worked_example() -> None:
    """a: 6 rows, 4 positive, 3 predicted, 5 correct; d: 4 rows, 1 positive, 1 predicted, 2 correct."""
    groups = bias.Groups(6, 4, 4, 1, 3, 1, 5, 2)
    assert bias.class_imbalance(groups) == pytest.approx(0.2)
    assert bias.label_difference(groups) == pytest.approx(4 / 6 - 1 / 4)
    assert bias.prediction_difference(groups) == pytest.approx(3 / 6 - 1 / 4)
    assert bias.disparate_impact(groups) == pytest.approx((1 / 4) / (3 / 6))
    assert bias.accuracy_difference(groups) == pytest.approx(5 / 6 - 2 / 4)


def test_groups_are_counted_from_rows() -> None:
    """Group d is where the mask is true."""
    groups = bias.count(LABELS, np.array([0, 1, 1, 1]), np.array([True, False, False, True]))
    assert groups == bias.Groups(2, 2, 1, 1, 2, 1, 1, 2)


def test_a_metric_without_denominator_is_null() -> None:
    """An empty group has no shares, and the report says null instead of a good value."""
    assert bias.disparate_impact(bias.Groups(4, 0, 2, 0, 2, 0, 4, 0)) is None
    assert bias.disparate_impact(bias.Groups(4, 4, 2, 2, 0, 2, 2, 4)) is None
