"""Which features a model uses, and whether their ranking moved."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
import xgboost
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from lockgate_checks import EvidenceError
from lockgate_checks.compute.explainability import (
    Scoring,
    attribution_drift,
    importances,
    permutation_importance,
    ranking_agreement,
    sample_of,
    shap_of_booster,
)
from sklearn import metrics as sklearn

NAMES = ["income", "age", "noise"]
TRAINING = {"SAT score": 0.70, "GPA": 0.50, "Class rank": 0.05}
LIVE = {"SAT score": 0.10, "GPA": 0.20, "Class rank": 0.70}

importance = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 9).map(float), min_size=1)


def table(rows: int = 600) -> tuple[Any, Any]:
    """Return features and labels that depend on the first feature most and on the last not at all."""
    features = np.random.default_rng(4).normal(size=(rows, 3))
    return features, (2 * features[:, 0] + 0.7 * features[:, 1] > 0).astype(int)


def booster(objective: str = "binary:logistic", **options: Any) -> Any:
    """Return a small booster of the table."""
    features, labels = table()
    settings = {"objective": objective, "max_depth": 2, "nthread": 1, **options}
    return xgboost.train(settings, xgboost.DMatrix(features, labels, feature_names=NAMES), 10)


def shap_block(**values: float) -> dict[str, Any]:
    """Return an explanations block with these global SHAP values."""
    return {"kernel_shap": {"label0": {"global_shap_values": values, "expected_value": 0.5}}}


def test_shap_values_are_the_boosters_mean_absolute_contributions() -> None:
    """Global values are those of the exact contributions, and the expected value their bias."""
    model, (features, _) = booster(), table()
    exact = model.predict(xgboost.DMatrix(features, feature_names=NAMES), pred_contribs=True)
    found = shap_of_booster(model, features, NAMES).explanations()["kernel_shap"]["label0"]
    assert list(found["global_shap_values"]) == NAMES
    assert list(found["global_shap_values"].values()) == pytest.approx(np.abs(exact[:, :3]).mean(axis=0), rel=1e-5)
    assert found["expected_value"] == pytest.approx(float(exact[0, 3]))


def test_contributions_add_up_to_the_margin_by_hand() -> None:
    """One stump with equal halves: each row's contribution is its leaf minus the mean of both leaves."""
    features = np.array([[0.0], [0.0], [1.0], [1.0]])
    data = xgboost.DMatrix(features, label=[0.0, 0.0, 10.0, 10.0])
    options = {"max_depth": 1, "eta": 1.0, "lambda": 0.0, "base_score": 0.0, "nthread": 1}
    found = shap_of_booster(xgboost.train(options, data, 1), features, ["x"])
    assert found.values["label0"]["x"] == pytest.approx(5.0)
    assert found.expected["label0"] == pytest.approx(5.0)


def test_the_block_is_json_and_says_how_it_was_found() -> None:
    """Method, number of rows and seed stand beside the values."""
    found = shap_of_booster(booster(), table()[0], NAMES, seed=7)
    json.dumps(found.explanations(), allow_nan=False)
    assert found.method["name"] == "xgboost_pred_contribs"
    assert (found.method["rows"], found.method["seed"]) == (600, 7)


def test_each_class_of_a_multiclass_booster_is_explained() -> None:
    """label0, label1 and label2 have values of their own."""
    found = shap_of_booster(booster("multi:softprob", num_class=3), table()[0], NAMES)
    assert list(found.explanations()["kernel_shap"]) == ["label0", "label1", "label2"]


def test_columns_of_one_name_are_one_feature() -> None:
    """What one-hot columns of a category contribute is added up within each row, where it may cancel."""
    model, (features, _) = booster(), table()
    exact = model.predict(xgboost.DMatrix(features, feature_names=NAMES), pred_contribs=True)
    found = shap_of_booster(model, features, ["money", "age", "money"]).values["label0"]
    assert list(found) == ["money", "age"]
    assert found["money"] == pytest.approx(np.abs(exact[:, 0] + exact[:, 2]).mean(), rel=1e-5)
    assert found["age"] == pytest.approx(np.abs(exact[:, 1]).mean(), rel=1e-5)


def test_columns_of_one_name_are_not_shuffled_apart() -> None:
    """Permutation importance needs features that stand alone."""
    features, labels = table(20)
    with pytest.raises(EvidenceError, match="Features of one name"):
        permutation_importance(Scoring(lambda rows: rows[:, 0], lambda _, __: 1.0), features, labels, ["a", "a", "b"])


def test_a_sample_is_drawn_only_from_many_rows_and_repeats() -> None:
    """All rows where they are few, else a seeded sample without repeats."""
    assert sample_of(5, 10).tolist() == [0, 1, 2, 3, 4]
    drawn = sample_of(1000, 100, seed=1)
    assert len(set(drawn.tolist())) == 100
    assert drawn.tolist() == sample_of(1000, 100, seed=1).tolist()
    assert drawn.tolist() != sample_of(1000, 100, seed=2).tolist()


def test_permutation_importance_finds_what_the_model_uses() -> None:
    """Shuffling an unused feature changes nothing, the most important one costs most."""
    features, labels = table()
    scoring = Scoring(lambda rows: 2 * rows[:, 0] + 0.7 * rows[:, 1], sklearn.roc_auc_score)
    found = permutation_importance(scoring, features, labels, NAMES)
    falls = found.values["label0"]
    assert falls["noise"] == 0.0
    assert falls["income"] > falls["age"] > 0
    assert found.method["metric_value"] == pytest.approx(1.0)
    assert importances(found.explanations()) == {"label0": dict(falls)}


def test_permutation_importance_of_a_coin_is_known() -> None:
    """A model that repeats a balanced label is right always, and half the time once it is shuffled."""
    labels = np.tile([0, 1], 1000)
    scoring = Scoring(lambda rows: rows[:, 0], sklearn.accuracy_score, repeats=20)
    found = permutation_importance(scoring, labels[:, None], labels, ["answer"])
    assert found.values["label0"]["answer"] == pytest.approx(0.5, abs=0.02)


def test_the_documented_drift_is_reproduced() -> None:
    """The developer guide's college admissions give an NDCG of 0.69."""
    assert ranking_agreement(TRAINING, LIVE) == pytest.approx(0.69, abs=0.005)
    discounts = [1.0, 1 / math.log2(3), 0.5]
    by_hand = np.dot([0.05, 0.50, 0.70], discounts) / np.dot([0.70, 0.50, 0.05], discounts)
    assert ranking_agreement(TRAINING, LIVE) == pytest.approx(by_hand)


@given(importance, importance)
@settings(deadline=None)
def test_ndcg_is_scikit_learns_and_lies_between_0_and_1(baseline: dict[str, float], current: dict[str, float]) -> None:
    """For any two rankings, ties included."""
    assume(any(baseline.values()))
    names = sorted({*baseline, *current})
    assume(len(names) > 1)
    truth, score = ([[side.get(name, 0.0) for name in names]] for side in (baseline, current))
    found = ranking_agreement(baseline, current)
    assert 0 <= found <= 1
    assert found == pytest.approx(sklearn.ndcg_score(truth, score))


@given(importance, st.floats(0.1, 10))
@settings(deadline=None)
def test_an_unchanged_ranking_has_no_drift(baseline: dict[str, float], factor: float) -> None:
    """Importances that all grow by one factor rank as before."""
    assume(any(baseline.values()))
    assert ranking_agreement(baseline, {name: factor * value for name, value in baseline.items()}) == pytest.approx(1)


def test_drift_below_090_is_a_violation_in_clarifys_words() -> None:
    """The reversed ranking is reported, the unchanged one is not."""
    found = attribution_drift(shap_block(**TRAINING), shap_block(**LIVE))
    score = found["labels"]["label0"]["ndcg"]
    assert found["violations"] == {
        "version": "1.0",
        "violations": [
            {
                "label": "label0",
                "metric_name": "shap",
                "constraint_check_type": "feature_attribution_drift_check",
                "description": f"Feature attribution drift {score} exceeds threshold 0.9",
            }
        ],
    }
    same = attribution_drift(shap_block(**TRAINING), shap_block(**TRAINING))
    assert same["violations"]["violations"] == []


def test_importances_below_zero_count_as_none() -> None:
    """A feature whose shuffling helped by chance has no importance that could drift."""
    assert ranking_agreement({"a": 1.0, "b": -0.5}, {"a": 1.0, "b": 2.0}) == pytest.approx(1 / math.log2(3))


def test_features_gone_and_new_are_named() -> None:
    """A feature that one side lacks counts nothing there."""
    found = attribution_drift(shap_block(a=0.9, b=0.1), shap_block(b=0.1, c=0.9))["labels"]["label0"]
    assert (found["removed"], found["added"]) == (["a"], ["c"])
    assert found["ndcg"] < 0.9


@pytest.mark.parametrize(
    ("baseline", "current", "message"),
    [
        ({}, {}, "no feature any importance"),
        ({"a": 0.0}, {"a": 1.0}, "no feature any importance"),
        ({"a": math.nan}, {"a": 1.0}, "importance of 'a' is nan"),
        ({"a": 1.0}, {"a": math.inf}, "importance of 'a' is inf"),
        ({"a": 1.0}, {"a": "0.4"}, "importance of 'a' is '0.4'"),
        ({"a": 1.0}, {"a": None}, "importance of 'a' is None"),
    ],
)
def test_importances_that_are_no_numbers_have_no_drift(baseline: Any, current: Any, message: str) -> None:
    """Neither an empty baseline nor a bad number is taken for "no drift"."""
    with pytest.raises(EvidenceError, match=message):
        ranking_agreement(baseline, current)


@pytest.mark.parametrize("block", [{}, {"kernel_shap": {}}, {"kernel_shap": None}, {"pdp": {"label0": {}}}])
def test_a_block_without_importances_is_refused(block: Any) -> None:
    """No explanation is no evidence."""
    with pytest.raises(EvidenceError, match="no importances"):
        attribution_drift(shap_block(a=1.0), block)


def test_blocks_about_different_labels_are_refused() -> None:
    """A baseline of another number of classes says nothing."""
    other = {"kernel_shap": {"label1": {"global_shap_values": {"a": 1.0}}}}
    with pytest.raises(EvidenceError, match="label0"):
        attribution_drift(shap_block(a=1.0), other)
    with pytest.raises(EvidenceError, match="without global_shap_values"):
        importances({"kernel_shap": {"label0": {}}})


@pytest.mark.parametrize(
    ("features", "names", "message"),
    [
        (np.zeros((0, 3)), NAMES, "nothing to explain"),
        (np.zeros((4, 2)), NAMES, r"shape \(4, 2\) do not fit 3"),
        (np.zeros((4, 2)), ["a", "b"], "trained on 3 features, not on these 2"),
        (np.zeros(4), ["a"], "do not fit"),
        (np.array([["a", "b", "c"]]), NAMES, "could not convert"),
    ],
)
def test_features_that_do_not_fit_the_booster_are_refused(features: Any, names: list[str], message: str) -> None:
    """Each mismatch is named."""
    with pytest.raises(EvidenceError, match=message):
        shap_of_booster(booster(), features, names)


def test_a_metric_that_is_undefined_explains_nothing() -> None:
    """A metric of NaN is refused, as are labels of another length."""
    features, labels = table(20)
    with pytest.raises(EvidenceError, match="The metric is nan"):
        permutation_importance(Scoring(len, lambda _, __: math.nan), features, labels, NAMES)
    with pytest.raises(EvidenceError, match="differ in length"):
        permutation_importance(Scoring(len, lambda _, __: 1.0), features, labels[:5], NAMES)
