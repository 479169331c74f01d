"""Which features a model uses, in the shape of SageMaker Clarify's analysis.json, and whether their ranking moved.

Global SHAP values: mean over rows of the absolute contribution of a feature (Clarify's agg_method mean_abs). Shape:
Amazon SageMaker developer guide, "Analysis Results" (explanations.kernel_shap.label0.global_shap_values).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockgate_checks.compute.intervals import Floats, same_length
from lockgate_checks.errors import EvidenceError

SAMPLE_ROWS = 2000
DRIFT_THRESHOLD = 0.9


@dataclass(frozen=True)
class Attribution:
    """Importance by feature for each label ("label0", ...), the model's mean output, and how they were found."""

    values: Mapping[str, Mapping[str, float]]
    expected: Mapping[str, float]
    method: Mapping[str, Any]

    def explanations(self) -> dict[str, Any]:
        """The block `explanations` of analysis.json."""
        if self.method["name"] == "permutation_importance":
            return {
                "permutation_importance": {k: {"global_importance_values": dict(v)} for k, v in self.values.items()}
            }
        labels = {
            label: {"global_shap_values": dict(values), "expected_value": self.expected[label]}
            for label, values in self.values.items()
        }
        return {"kernel_shap": labels}


def sample_of(rows: int, size: int = SAMPLE_ROWS, seed: int = 0) -> NDArray[np.int64]:
    """Which rows to explain: all where there are few, else `size` of them drawn without replacement, in order."""
    if rows < 1 or size < 1:
        raise EvidenceError(f"{rows} rows sampled to {size} leave nothing to explain; give at least one row.")
    if rows <= size:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, size, replace=False))


def shap_of_booster(booster: Any, features: Any, names: Sequence[str], seed: int = 0) -> Attribution:
    """Exact SHAP values of an XGBoost booster on a seeded sample of rows, in units of its margin (log-odds).

    A name that occurs several times is one feature encoded as several columns: their contributions, which are
    additive, are added up before their absolute value is taken.
    `Booster.predict(pred_contribs=True)` gives each feature's contribution and the bias last; they add up to the
    margin. Source: S. M. Lundberg et al., "From local explanations to global understanding with explainable AI for
    trees", Nature Machine Intelligence 2 (2020), 56-67 (path-dependent TreeSHAP); XGBoost, "Prediction".

    Raises:
        EvidenceError: no rows, names that do not fit the columns, contributions that are not finite.
    """
    import xgboost

    table = _table(features, names)
    features_named = tuple(dict.fromkeys(names))
    chosen = sample_of(len(table), seed=seed)
    if booster.num_features() != len(names):
        raise EvidenceError(
            f"The model was trained on {booster.num_features()} features, not on these {len(names)}; give those, in"
            " their order."
        )
    rows = xgboost.DMatrix(_numbers(table[chosen]), feature_names=booster.feature_names)
    found = np.asarray(booster.predict(rows, pred_contribs=True), dtype=np.float64)
    by_label = found[:, None, :] if found.ndim == 2 else found
    if not np.isfinite(by_label).all():
        raise EvidenceError("The model's contributions are not all finite numbers; train it again on finite values.")
    columns = np.array([[name == feature for feature in features_named] for name in names], dtype=np.float64)
    means, bias = np.abs(by_label[:, :, :-1] @ columns).mean(axis=0), by_label[:, :, -1].mean(axis=0)
    labels = [f"label{number}" for number in range(len(means))]
    values = {k: dict(zip(features_named, m.tolist(), strict=True)) for k, m in zip(labels, means, strict=True)}
    how = {"name": "xgboost_pred_contribs", "aggregation": "mean_abs", "unit": "margin", "rows": len(chosen)}
    return Attribution(values, dict(zip(labels, bias.tolist(), strict=True)), how | {"seed": seed})


@dataclass(frozen=True)
class Scoring:
    """A model as a function of rows, and the metric (labels, scores -> number, more is better) it is judged by."""

    predict: Callable[[Any], Any]
    metric: Callable[[Any, Any], float]
    repeats: int = 5
    rows: int = SAMPLE_ROWS


def permutation_importance(
    scoring: Scoring, features: Any, labels: Any, names: Sequence[str], seed: int = 0
) -> Attribution:
    """How much the metric falls when one feature's values are shuffled among the rows, mean of several shuffles.

    For any model. Source: L. Breiman, Machine Learning 45 (2001), 5-32; A. Fisher, C. Rudin, F. Dominici, JMLR 20
    (2019), 177. Below zero: shuffling helped, which is chance.

    Raises:
        EvidenceError: no rows, unequal lengths, names that do not fit the columns, a metric that is not finite.
    """
    table = _table(features, names)
    if len(set(names)) != len(names):
        raise EvidenceError("Features of one name cannot be shuffled one by one; give rows of features, not encoded.")
    same_length(features=table, labels=labels)
    chosen = sample_of(len(table), scoring.rows, seed)
    rows, truth = table[chosen], np.asarray(labels)[chosen]
    random = np.random.default_rng(seed)
    whole = _judged(scoring, rows, truth)
    falls: dict[str, float] = {}
    for column, name in enumerate(names):
        shuffled, scores = rows.copy(), []
        for _ in range(scoring.repeats):
            shuffled[:, column] = random.permutation(rows[:, column])
            scores.append(_judged(scoring, shuffled, truth))
        falls[name] = whole - float(np.mean(scores))
    how = {"name": "permutation_importance", "aggregation": "mean_fall", "metric_value": whole, "rows": len(rows)}
    return Attribution({"label0": falls}, {}, how | {"repeats": scoring.repeats, "seed": seed})


def ranking_agreement(baseline: Mapping[str, float], current: Mapping[str, float]) -> float:
    """NDCG = DCG / iDCG of the current ranking of features, valued by the baseline's importance a(f): 1 is unchanged.

    DCG = sum over ranks i from 1 of a(f'_i) / log2(i + 1), f' ranked by current importance; iDCG the same ranked by
    the baseline. Equal importances share their ranks' discounts. A feature that only one side knows counts 0 on the
    other, as does an importance below zero. Source: Amazon SageMaker developer guide, "Feature attribution drift for
    models in production", which gives 0.69 for its example and alerts below 0.90.

    Raises:
        EvidenceError: no features, an importance that is not a finite number, or a baseline of zeros.
    """
    names = sorted({*baseline, *current})
    ideal, now = (np.array([_importance(side, name) for name in names]) for side in (baseline, current))
    if not ideal.any():
        raise EvidenceError("The baseline gives no feature any importance, so no ranking can drift from it.")
    return min(1.0, _gain(ideal, now) / _gain(ideal, ideal))


def attribution_drift(baseline: Mapping[str, Any], current: Mapping[str, Any]) -> dict[str, Any]:
    """Compare two `explanations` blocks by label: NDCG, features gone and new, and Clarify's violations document.

    Violations: Amazon SageMaker developer guide, "Model feature attribution drift violations".

    Raises:
        EvidenceError: a block has no importances, or the labels differ.
    """
    before, now = importances(baseline), importances(current)
    if set(before) != set(now):
        raise EvidenceError(
            f"The baseline explains {sorted(before)}, this model {sorted(now)}; compare like with like."
        )
    scores = {label: ranking_agreement(values, now[label]) for label, values in before.items()}
    labels = {
        label: {
            "ndcg": score,
            "removed": sorted(set(before[label]) - set(now[label])),
            "added": sorted(set(now[label]) - set(before[label])),
        }
        for label, score in scores.items()
    }
    violations = [
        {
            "label": label,
            "metric_name": "shap",
            "constraint_check_type": "feature_attribution_drift_check",
            "description": f"Feature attribution drift {score} exceeds threshold {DRIFT_THRESHOLD}",
        }
        for label, score in scores.items()
        if score < DRIFT_THRESHOLD
    ]
    return {"threshold": DRIFT_THRESHOLD, "labels": labels, "violations": {"version": "1.0", "violations": violations}}


def importances(explanations: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Importance by label and feature of an `explanations` block, by SHAP or by permutation.

    Raises:
        EvidenceError: the block has neither.
    """
    for method, key in (
        ("kernel_shap", "global_shap_values"),
        ("permutation_importance", "global_importance_values"),
    ):
        labels = explanations.get(method)
        if isinstance(labels, Mapping) and labels:
            if all(isinstance(found, Mapping) and isinstance(found.get(key), Mapping) for found in labels.values()):
                return {str(label): dict(found[key]) for label, found in labels.items()}
            raise EvidenceError(f"explanations.{method} has a label without {key}; explain the model again.")
    raise EvidenceError("The explanations hold no importances of features; explain the model first.")


def _gain(values: Floats, ranked_by: Floats) -> float:
    discounts = 1 / np.log2(np.arange(len(values)) + 2)
    _, ties, sizes = np.unique(-ranked_by, return_inverse=True, return_counts=True)
    shared = np.add.reduceat(discounts, np.cumsum(sizes) - sizes) / sizes
    return float(values @ shared[ties])


def _importance(side: Mapping[str, float], name: str) -> float:
    value = side.get(name, 0.0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise EvidenceError(f"The importance of {name!r} is {value!r}, not a finite number; explain the model again.")
    return max(0.0, float(value))


def _judged(scoring: Scoring, rows: Any, labels: Any) -> float:
    value = float(scoring.metric(labels, scoring.predict(rows)))
    if not np.isfinite(value):
        raise EvidenceError(f"The metric is {value} on the rows to explain; explain on rows where it is defined.")
    return value


def _numbers(table: NDArray[Any]) -> Floats:
    try:
        return table.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise EvidenceError(f"Features hold {error}; encode them as the model's training did first.") from error


def _table(features: Any, names: Sequence[str]) -> NDArray[Any]:
    table = np.asarray(features)
    if table.ndim != 2 or table.shape[1] != len(names):
        raise EvidenceError(
            f"Features of shape {table.shape} do not fit {len(names)} names; give rows of all the features."
        )
    return table
