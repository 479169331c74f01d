"""A challenger against the champion, on the same rows."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lockgate_checks import EvidenceError
from lockgate_checks.compute.champion import (
    BINARY_METRICS,
    REGRESSION_METRICS,
    Contest,
    compare_binary,
    compare_regression,
)
from lockgate_checks.compute.model_quality import binary_report

# Albumin, total protein, K-G score and outcome (0: benefits from surgery) of 43 ovarian cancer patients, from DeLong,
# DeLong, Clarke-Pearson (1988) as printed in the SAS/STAT user's guide, "Comparing Receiver Operating Characteristic
# Curves".
PATIENTS = """
3.0 5.8 10 0  3.2 6.3 5 1  3.9 6.8 3 1  2.8 4.8 6 0  3.2 5.8 3 1  0.9 4.0 5 0  2.5 5.7 8 0  1.6 5.6 5 1
3.8 5.7 5 1  3.7 6.7 6 1  3.2 5.4 4 1  3.8 6.6 6 1  4.1 6.6 5 1  3.6 5.7 5 1  4.3 7.0 4 1  3.6 6.7 4 0
2.3 4.4 6 1  4.2 7.6 4 0  4.0 6.6 6 0  3.5 5.8 6 1  3.8 6.8 7 1  3.0 4.7 8 0  4.5 7.4 5 1  3.7 7.4 5 1
3.1 6.6 6 1  4.1 8.2 6 1  4.3 7.0 5 1  4.3 6.5 4 1  3.2 5.1 5 1  2.6 4.7 6 1  3.3 6.8 6 0  1.7 4.0 7 0
3.7 6.1 5 1  3.3 6.3 7 1  4.2 7.7 6 1  3.5 6.2 5 1  2.9 5.7 9 0  2.1 4.8 7 1  2.8 6.2 8 0  4.0 7.0 7 1
3.3 5.7 6 1  3.7 6.9 5 1  3.6 6.6 5 1
"""


def contestants(rows: int = 300, gain: float = 0.2) -> tuple[Any, Any, Any]:
    """Return labels, a champion's scores and those of a challenger that knows more by `gain`."""
    random = np.random.default_rng(11)
    labels = random.integers(0, 2, rows)
    noise = random.random(rows)
    champion = 0.3 * labels + 0.7 * noise
    return labels, champion, np.clip(champion + gain * (labels - 0.5), 0, 1)


@pytest.mark.parametrize(
    ("column", "area", "difference", "error", "bounds", "p_value"),
    [
        (0, 0.7366, 0.0108, 0.0953, (-0.1761, 0.1976), 0.9102),
        (1, 0.6478, -0.0780, 0.1046, (-0.2830, 0.1271), 0.4561),
    ],
    ids=["albumin", "total protein"],
)
def test_delongs_own_patients_give_the_known_test(
    column: int, area: float, difference: float, error: float, bounds: tuple[float, float], p_value: float
) -> None:
    """Albumin and total protein against the K-G score, to four digits."""
    patients = np.array(PATIENTS.split(), dtype=float).reshape(-1, 4)
    found = compare_binary(1 - patients[:, 3], patients[:, 2], -patients[:, column])
    assert found["champion"] == pytest.approx(0.7258, abs=5e-5)
    assert found["challenger"] == pytest.approx(area, abs=5e-5)
    assert found["difference"] == pytest.approx(difference, abs=5e-5)
    assert found["standard_error"] == pytest.approx(error, abs=5e-5)
    assert tuple(found["interval"]) == pytest.approx(bounds, abs=5e-5)
    assert found["p_value"] == pytest.approx(p_value, abs=5e-5)
    assert (found["n"], found["metric"], found["method"]) == (43, "auc", "delong_paired")


def test_delongs_error_is_that_of_all_pairs() -> None:
    """The definition, pair by pair: covariances of both models' components over positives and over negatives."""
    labels, *models = contestants(60)
    pairs = [np.subtract.outer(scores[labels == 1], scores[labels == 0]) for scores in models]
    kernels = [(pair > 0) + 0.5 * (pair == 0) for pair in pairs]
    over = [np.cov([kernel.mean(axis=axis) for kernel in kernels]) for axis in (1, 0)]
    total = over[0] / labels.sum() + over[1] / (60 - labels.sum())
    found = compare_binary(labels, *models)
    assert found["standard_error"] == pytest.approx(math.sqrt(np.array([-1, 1]) @ total @ [-1, 1]))
    assert found["difference"] == pytest.approx(kernels[1].mean() - kernels[0].mean())


def test_the_document_has_the_shape_that_checks_read() -> None:
    """champion.json carries metric, both values, difference, interval and the number of rows, as strict JSON."""
    found = json.loads(json.dumps(compare_binary(*contestants()), allow_nan=False))
    assert {"metric", "champion", "challenger", "difference", "interval", "n"} <= found.keys()
    assert found["difference"] == pytest.approx(found["challenger"] - found["champion"])
    assert found["interval"][0] < found["difference"] < found["interval"][1]


@pytest.mark.parametrize("metric", BINARY_METRICS)
def test_a_better_challenger_is_superior_in_every_metric(metric: str) -> None:
    """Above zero is better, whether the metric is to rise or to fall."""
    found = compare_binary(*contestants(), Contest(metric=metric))
    assert found["difference"] > 0
    assert found["superior"]
    assert found["non_inferior"]
    assert (found["better"] == "less") == (metric in {"brier", "false_positive_rate", "false_negative_rate"})


@pytest.mark.parametrize("metric", BINARY_METRICS)
def test_a_worse_challenger_is_inferior_in_every_metric(metric: str) -> None:
    """With the models changed over, the same rows reject the challenger, by the mirrored difference."""
    labels, worse, better = contestants()
    found = compare_binary(labels, better, worse, Contest(metric=metric))
    assert not found["non_inferior"]
    assert found["difference"] == pytest.approx(
        -compare_binary(labels, worse, better, Contest(metric=metric))["difference"]
    )


@pytest.mark.parametrize("metric", [name for name in BINARY_METRICS if name != "brier"])
def test_both_values_are_those_of_the_models_own_reports(metric: str) -> None:
    """The comparison measures what the model-quality report measures."""
    labels, champion, challenger = contestants()
    found = compare_binary(labels, champion, challenger, Contest(metric=metric))
    for name, scores in (("champion", champion), ("challenger", challenger)):
        report = binary_report(labels, scores)["binary_classification_metrics"]
        assert found[name] == pytest.approx(report[metric]["value"])


@pytest.mark.parametrize("metric", REGRESSION_METRICS)
def test_regressions_are_compared_by_their_errors(metric: str) -> None:
    """Halved errors are better in every metric, on the same rows."""
    random = np.random.default_rng(2)
    actual, noise = random.normal(size=400), random.normal(size=400)
    found = compare_regression(actual, actual + noise, actual + noise / 2, Contest(metric=metric))
    assert found["superior"]
    assert found["method"] == "bootstrap_paired"
    assert (found["better"] == "less") == (metric != "r2")
    back = compare_regression(actual, actual + noise / 2, actual + noise, Contest(metric=metric))
    assert not back["non_inferior"]


def test_an_identical_challenger_is_neither_better_nor_worse() -> None:
    """No difference, no doubt: non-inferior without any margin, but not superior."""
    labels, champion, _ = contestants()
    for metric in BINARY_METRICS:
        found = compare_binary(labels, champion, champion, Contest(metric=metric))
        assert (found["difference"], found["interval"]) == (0.0, [0.0, 0.0])
        assert found["non_inferior"]
        assert not found["superior"]
    assert compare_binary(labels, champion, champion)["p_value"] == 1.0


def test_the_margin_decides_how_much_worse_is_allowed() -> None:
    """The interval's lower bound must not lie below minus the margin."""
    labels, champion, challenger = contestants(gain=-0.02)
    lower = compare_binary(labels, champion, challenger)["interval"][0]
    assert lower < 0
    assert not compare_binary(labels, champion, challenger, Contest(margin=-lower - 0.001))["non_inferior"]
    assert compare_binary(labels, champion, challenger, Contest(margin=-lower + 0.001))["non_inferior"]


def test_pairing_makes_the_comparison_surer() -> None:
    """On the same rows the difference is known better than from two separate intervals."""
    labels, champion, challenger = contestants(gain=0.02)
    paired = compare_binary(labels, champion, challenger)["standard_error"]
    bounds = [binary_report(labels, scores)["lockgate"]["intervals"]["auc"] for scores in (champion, challenger)]
    separate = math.hypot(*((bound["upper"] - bound["lower"]) / (2 * 1.96) for bound in bounds))
    assert paired < separate / 3


@given(st.permutations(range(40)), st.sampled_from(BINARY_METRICS))
@settings(max_examples=25, deadline=None)
def test_the_order_of_rows_changes_nothing(order: list[int], metric: str) -> None:
    """The same pairs in another order give the same document, byte for byte."""
    labels, champion, challenger = contestants(40)
    rows = [column[order] for column in (labels, champion, challenger)]
    contest = Contest(metric=metric)
    assert json.dumps(compare_binary(*rows, contest)) == json.dumps(
        compare_binary(labels, champion, challenger, contest)
    )


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_monotone_transforms_leave_the_comparison_of_areas(seed: int) -> None:
    """AUC looks at ranks only, so may each model's scores be rescaled."""
    random = np.random.default_rng(seed)
    labels = np.r_[0, 0, 1, 1, random.integers(0, 2, 30)]
    first, second = random.integers(0, 10, (2, 34)) / 10
    plain, moved = (compare_binary(labels, first, s) for s in (second, np.exp(5 * second)))
    assert moved["difference"] == pytest.approx(plain["difference"])
    assert moved["interval"] == pytest.approx(plain["interval"])


@pytest.mark.parametrize(
    ("labels", "champion", "challenger", "contest", "message"),
    [
        ([], [], [], Contest(), "0 rows"),
        ([1, 1], [0.1, 0.2], [0.1, 0.2], Contest(), "one label"),
        ([0, 1], [0.1, 0.2], [0.1], Contest(), "challenger has 1"),
        ([0, 1], [0.1, math.nan], [0.1, 0.2], Contest(), "The champion's scores hold 1"),
        ([0, 1], [0.1, 0.2], [0.1, math.inf], Contest(), "The challenger's scores hold 1"),
        ([0, 1], [0.1, 0.2], ["a", "b"], Contest(), "The challenger's scores must be one column of numbers"),
        ([0, 1], [0.1, 0.2], [0.1, 0.2], Contest(), "a single row"),
        ([0, 1], [0.1, 0.2], [0.1, 0.2], Contest(metric="gini"), "'gini' cannot be compared here; choose one of auc"),
        ([0, 1], [0.1, 0.2], [0.1, 0.2], Contest(margin=-0.1), "margin is -0.1"),
        ([0, 1], [0.1, 0.2], [0.1, 0.2], Contest(margin=math.nan), "margin is nan"),
        ([0, 1, 1], [0.1, 0.2, 0.9], [0.1, 0.2, 0.3], Contest(metric="precision"), "precision is undefined"),
    ],
)
def test_a_comparison_that_says_nothing_is_refused(
    labels: Any, champion: Any, challenger: Any, contest: Contest, message: str
) -> None:
    """Bad rows or rules end in one sentence, never in a document."""
    with pytest.raises(EvidenceError, match=message):
        compare_binary(labels, champion, challenger, contest)


@pytest.mark.parametrize(
    ("actual", "champion", "challenger", "metric", "message"),
    [
        ([1.0], [1.0], [1.0], "mae", "at least two rows"),
        ([1.0, 2.0], [1.0, math.nan], [1.0, 2.0], "mae", "The champion's predictions hold 1"),
        ([1.0, 2.0], [1.0, 2.0], [1.0, 2.0], "auc", "choose one of mae"),
        ([1.0, 1.0], [1.0, 2.0], [1.0, 3.0], "r2", "r2 is undefined"),
    ],
)
def test_a_comparison_of_regressions_that_says_nothing_is_refused(
    actual: Any, champion: Any, challenger: Any, metric: str, message: str
) -> None:
    """Regressions have the same bad input."""
    with pytest.raises(EvidenceError, match=message):
        compare_regression(actual, champion, challenger, Contest(metric=metric))
