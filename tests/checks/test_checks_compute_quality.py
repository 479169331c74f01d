"""Model-quality reports: metrics, deviations, segments, constraints, and rows that cannot be measured."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lockgate_checks import EvidenceError, read_model_quality
from lockgate_checks.compute import confusion, curves, intervals
from lockgate_checks.compute.model_quality import (
    Setup,
    binary_report,
    constraints,
    multiclass_report,
    regression_report,
)
from sklearn import metrics as sklearn

NAMES = ("recall", "precision", "accuracy", "f0_5", "f1", "f2", "auc")


def values(report: dict[str, Any]) -> dict[str, Any]:
    """Return the report's scalar metrics by name."""
    (kind,) = (key for key in report if key.endswith("_metrics"))
    return {name: metric["value"] for name, metric in report[kind].items() if "value" in metric}


def sample(rows: int = 400, seed: int = 3) -> tuple[Any, Any]:
    """Return labels and scores of a middling model, with ties among the scores."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, rows)
    return labels, np.round(np.clip(0.35 * labels + 0.65 * random.random(rows), 0, 1), 2)


binary_rows = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 20)), min_size=4, max_size=60).filter(
    lambda rows: {label for label, _ in rows} == {0, 1}
)


def area(labels: Any, scores: Any) -> float:
    """Return the AUC."""
    rows = curves.binary_rows(labels, scores)
    return intervals.area_under_curve(rows.labels, rows.scores).value


def test_the_documented_binary_example_is_reproduced() -> None:
    """The four rows behind the developer guide's example give its numbers, but for the constant's accuracy."""
    found = values(binary_report([0, 0, 0, 1], [0.1, 0.6, 0.7, 0.9]))
    documented = {
        "recall": 1.0,
        "precision": 0.3333333333333333,
        "accuracy": 0.5,
        "recall_best_constant_classifier": 1.0,
        "precision_best_constant_classifier": 0.25,
        "true_positive_rate": 1.0,
        "true_negative_rate": 0.33333333333333337,
        "false_positive_rate": 0.6666666666666666,
        "false_negative_rate": 0.0,
        "auc": 1.0,
        "f0_5": 0.3846153846153846,
        "f1": 0.5,
        "f2": 0.7142857142857143,
        "f0_5_best_constant_classifier": 0.29411764705882354,
        "f1_best_constant_classifier": 0.4,
        "f2_best_constant_classifier": 0.625,
    }
    assert {name: found[name] for name in documented} == pytest.approx(documented)
    assert found["accuracy_best_constant_classifier"] == 0.75


def test_the_documented_multiclass_example_is_reproduced() -> None:
    """The developer guide's confusion matrix gives its weighted metrics."""
    cells = {("0", "0"): 1180, ("0", "1"): 510, ("1", "0"): 268, ("1", "1"): 138}
    pairs = [pair for pair, count in cells.items() for _ in range(count)]
    report = multiclass_report([actual for actual, _ in pairs], [given for _, given in pairs])
    assert report["multiclass_classification_metrics"]["confusion_matrix"] == {
        "0": {"0": 1180, "1": 510},
        "1": {"0": 268, "1": 138},
    }
    found = values(report)
    assert found["accuracy"] == pytest.approx(0.6288167938931297)
    assert found["weighted_recall"] == pytest.approx(0.6288167938931297)
    assert found["weighted_precision"] == pytest.approx(0.6983172269629505)
    assert found["weighted_f0_5"] == pytest.approx(0.6803947317178771)
    assert found["weighted_f1"] == pytest.approx(0.6571162346664904)
    assert found["weighted_f2"] == pytest.approx(0.6384024354394601)


def test_the_documented_constant_classifier_is_that_of_one_class() -> None:
    """Weighted metrics of always answering the class with 406 of 2096 rows are the guide's printed ones."""
    always = confusion.weighted(np.array([[0, 1690], [0, 406]]))
    assert always["accuracy"] == pytest.approx(0.19370229007633588)
    assert always["weighted_precision"] == pytest.approx(0.03752057718081697)
    assert always["weighted_f0_5"] == pytest.approx(0.04473443104152011)
    assert always["weighted_f2"] == pytest.approx(0.10570313141262414)


def test_binary_metrics_equal_scikit_learns() -> None:
    """Where scikit-learn defines the same metric, both agree."""
    labels, scores = sample()
    report, given_labels = binary_report(labels, scores), scores >= 0.5
    expected = {
        "recall": sklearn.recall_score(labels, given_labels),
        "precision": sklearn.precision_score(labels, given_labels),
        "accuracy": sklearn.accuracy_score(labels, given_labels),
        "f0_5": sklearn.fbeta_score(labels, given_labels, beta=0.5),
        "f1": sklearn.f1_score(labels, given_labels),
        "f2": sklearn.fbeta_score(labels, given_labels, beta=2),
        "auc": sklearn.roc_auc_score(labels, scores),
    }
    assert {name: values(report)[name] for name in expected} == pytest.approx(expected)
    assert report["lockgate"]["average_precision"] == pytest.approx(sklearn.average_precision_score(labels, scores))
    assert report["lockgate"]["brier"]["value"] == pytest.approx(sklearn.brier_score_loss(labels, scores))


def test_multiclass_metrics_equal_scikit_learns() -> None:
    """Weighted averages are scikit-learn's, a class never predicted counting as precision 0."""
    random = np.random.default_rng(1)
    labels, predicted = random.integers(0, 4, 300), random.integers(0, 3, 300)
    found = values(multiclass_report(labels, predicted))
    options = {"average": "weighted", "zero_division": 0}
    assert found["weighted_recall"] == pytest.approx(sklearn.recall_score(labels, predicted, **options))
    assert found["weighted_precision"] == pytest.approx(sklearn.precision_score(labels, predicted, **options))
    assert found["weighted_f2"] == pytest.approx(sklearn.fbeta_score(labels, predicted, beta=2, **options))


def test_regression_metrics_equal_scikit_learns() -> None:
    """mae, mse, rmse and r2 are scikit-learn's, for large values too."""
    random = np.random.default_rng(1)
    actual = 1e6 + random.normal(size=300)
    predicted = actual + 0.3 * random.normal(size=300)
    found = values(regression_report(actual, predicted))
    assert found == pytest.approx(
        {
            "mae": sklearn.mean_absolute_error(actual, predicted),
            "mse": sklearn.mean_squared_error(actual, predicted),
            "rmse": sklearn.root_mean_squared_error(actual, predicted),
            "r2": sklearn.r2_score(actual, predicted),
        }
    )


@pytest.mark.parametrize(("rows", "known"), [(199, False), (200, True)])
def test_a_deviation_is_given_from_200_rows_on(rows: int, known: bool) -> None:  # noqa: FBT001
    """Below 200 rows the standard deviation is the text "NaN", as Model Monitor writes it."""
    labels, scores = sample(rows)
    report = binary_report(labels, scores)
    metrics = report["binary_classification_metrics"]
    for name in NAMES:
        assert (metrics[name]["standard_deviation"] != "NaN") is known
    assert read_model_quality(
        {"version": 0.0, "dataset": {"item_count": rows}, "binary_classification_metrics": metrics}
    )


def test_a_report_is_strict_json_and_is_read_back() -> None:
    """No NaN leaves the library as a number."""
    labels, scores = sample()
    text = json.dumps(binary_report(labels, scores), allow_nan=False)
    assert read_model_quality(json.loads(text)).metrics["auc"].value == pytest.approx(area(labels, scores))


def test_segments_are_measured_like_the_whole() -> None:
    """The report of a segment is the report of its rows alone."""
    labels, scores = sample()
    colours = np.where(np.arange(400) < 150, "red", "blue")
    whole = binary_report(labels, scores, Setup(segments={"colour": colours}))
    alone = binary_report(labels[:150], scores[:150])
    red = whole["lockgate"]["segments"]["colour"]["red"]
    assert red["dataset"]["item_count"] == 150
    assert values(red) == values(alone)
    assert red["lockgate"]["intervals"] == alone["lockgate"]["intervals"]
    assert read_model_quality(red).metrics["auc"].value == values(alone)["auc"]


def test_a_segment_of_one_class_says_why_it_is_not_measured() -> None:
    """One segment without positives neither stops the report nor gets metrics."""
    segments = Setup(segments={"shop": ["a", "a", "b", "b"]})
    report = binary_report([0, 1, 0, 0], [0.2, 0.9, 0.3, 0.4], segments)
    found = report["lockgate"]["segments"]["shop"]
    assert "one label" in found["b"]["error"]
    assert "binary_classification_metrics" not in found["b"]
    assert "error" not in found["a"]


@pytest.mark.parametrize(
    ("values_of_rows", "message"),
    [(["a"] * 399, "shop has 399"), ([None] * 400, "Segments of shop are missing"), (range(400), "400 segments")],
)
def test_a_column_that_makes_no_segments_is_refused(values_of_rows: Any, message: str) -> None:
    """Every row belongs to one of a bearable number of segments."""
    labels, scores = sample()
    with pytest.raises(EvidenceError, match=message):
        binary_report(labels, scores, Setup(segments={"shop": values_of_rows}))


def test_constraints_forbid_getting_worse() -> None:
    """Rates of errors may not rise, the others not fall; constant classifiers bind nobody."""
    labels, scores = sample()
    limits = constraints(binary_report(labels, scores))["binary_classification_constraints"]
    assert limits["auc"] == {"threshold": area(labels, scores), "comparison_operator": "LessThanThreshold"}
    assert limits["false_positive_rate"]["comparison_operator"] == "GreaterThanThreshold"
    assert not any("constant" in name for name in limits)
    regression = constraints(regression_report([1, 1, 1], [1, 2, 3]))["regression_constraints"]
    assert regression["mae"]["comparison_operator"] == "GreaterThanThreshold"
    assert "r2" not in regression


@given(binary_rows, st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_the_order_of_rows_changes_nothing(rows: list[tuple[int, int]], random: Any) -> None:
    """The same rows in another order give the same report, byte for byte."""
    shuffled = random.sample(rows, len(rows))
    reports = [binary_report([y for y, _ in some], [s / 20 for _, s in some]) for some in (rows, shuffled)]
    assert json.dumps(reports[0]) == json.dumps(reports[1])


@pytest.mark.parametrize(
    ("labels", "scores", "message"),
    [
        ([], [], "0 rows"),
        ([1], [0.4], "one label"),
        ([1, 1], [0.4, 0.6], "one label"),
        ([0, 1, 2], [0.4, 0.6, 0.1], "multiclass"),
        ([0, 1], [0.4], "labels has 2, scores has 1"),
        ([0, 1], [0.4, math.nan], r"no finite number, the first \(nan\) in row 1"),
        ([0, 1], [math.inf, 0.1], r"the first \(inf\) in row 0"),
        ([0, 1], ["0.4", "0.6"], "one column of numbers, not '0.4'"),
        ([0, 1], [[0.4], [0.6, 0.7]], "unequal length"),
        ([0, 1], [None, 0.6], "one column of numbers, not None"),
        ([0, math.nan], [0.4, 0.6], "missing in row 1"),
        (["no", None], [0.4, 0.6], "missing in row 1"),
        (["no", "yes"], [0.4, 0.6], "name the positive one"),
        (["0", "1"], [0.4, 0.6], "name the positive one"),
        ([[0], [1]], [0.4, 0.6], "one column"),
    ],
)
def test_rows_that_cannot_be_measured_are_refused_with_the_reason(labels: Any, scores: Any, message: str) -> None:
    """Bad labels or scores end in one sentence, never in a number."""
    with pytest.raises(EvidenceError, match=message):
        binary_report(labels, scores)


def test_labels_of_text_are_measured_once_the_positive_one_is_named() -> None:
    """Text labels give the report of their 0 and 1."""
    labels, scores = sample(50)
    named = binary_report(np.where(labels == 1, "yes", "no"), scores, Setup(positive="yes"))
    assert named == binary_report(labels, scores)


@pytest.mark.parametrize(
    ("labels", "predicted", "message"),
    [
        ([], [], "0 rows"),
        (["a", "a"], ["a", "b"], "at least two classes"),
        (["a", "b"], ["a"], "differ in length"),
        (["a", None], ["a", "b"], "Labels are missing in row 1"),
        (["a", "b"], ["a", math.nan], "Predicted labels are missing in row 1"),
        (range(300), range(300), "300 classes"),
    ],
)
def test_classes_that_cannot_be_measured_are_refused_with_the_reason(labels: Any, predicted: Any, message: str) -> None:
    """The multiclass report has the same bad input."""
    with pytest.raises(EvidenceError, match=message):
        multiclass_report(labels, predicted)


@pytest.mark.parametrize(
    ("actual", "predicted", "message"),
    [
        ([], [], "0 rows"),
        ([1.0], [1.0], "at least two rows"),
        ([1.0, 2.0], [1.0], "differ in length"),
        ([1.0, math.nan], [1.0, 2.0], "Actual values hold 1"),
        ([1.0, 2.0], [1.0, -math.inf], "Predictions hold 1"),
    ],
)
def test_a_regression_that_cannot_be_measured_is_refused(actual: Any, predicted: Any, message: str) -> None:
    """The regression report has the same bad input."""
    with pytest.raises(EvidenceError, match=message):
        regression_report(actual, predicted)


def test_an_undefined_metric_is_text_and_has_no_interval() -> None:
    """Nothing predicted positive: precision is "NaN", which no reader takes for a number."""
    report = binary_report([0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4])
    assert values(report)["precision"] == "NaN"
    assert "precision" not in report["lockgate"]["intervals"]
    with pytest.raises(EvidenceError, match="precision"):
        read_model_quality(report)
    assert values(regression_report([1, 1], [1, 2]))["r2"] == "NaN"
