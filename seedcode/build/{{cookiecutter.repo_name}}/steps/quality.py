"""How good the scores are, in the JSON shapes of SageMaker Model Monitor's model-quality reports.

Shapes and names: Amazon SageMaker developer guide, "Model quality metrics and Amazon CloudWatch monitoring"
(model-monitor-model-quality-metrics). Standard deviations are given from 200 rows on, as there; below, the
text "NaN".
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

ROWS_FOR_DEVIATION = 200
RESAMPLES = 500
CURVE_POINTS = 200
Z95 = 1.959963984540054  # the standard normal distribution's 97.5 % point
WORSE_WHEN_GREATER = ("false_positive_rate", "false_negative_rate")


class Auc(NamedTuple):
    """Area under the ROC curve, its standard error and its 95 % confidence interval."""

    value: float
    standard_error: float
    lower: float
    upper: float


def area_under_curve(labels: np.ndarray, scores: np.ndarray) -> Auc:
    """AUC with DeLong's standard error: how sure one can be of it with this many rows.

    AUC is the share of (positive, negative) pairs that the scores order correctly, a tie counting one half.
    Source: E. R. DeLong, D. M. DeLong and D. L. Clarke-Pearson, Biometrics 44 (1988), 837-845, by way of
    mid-ranks.
    """
    positive, negative = scores[labels == 1], scores[labels == 0]
    ranks = midranks(np.concatenate([positive, negative]))
    above_negatives = (ranks[: len(positive)] - midranks(positive)) / len(negative)
    below_positives = 1 - (ranks[len(positive) :] - midranks(negative)) / len(positive)
    value = float(above_negatives.mean())
    variance = _spread(above_negatives) + _spread(below_positives)
    error = math.sqrt(variance)
    return Auc(value, error, max(0.0, value - Z95 * error), min(1.0, value + Z95 * error))


def _spread(components: np.ndarray) -> float:
    return float(components.var(ddof=1) / len(components)) if len(components) > 1 else math.nan


def midranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1; equal values share the middle of their ranks."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return ((last - counts + 1 + last) / 2)[inverse]


def counts_of(labels: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """True negatives, false positives, false negatives, true positives."""
    return np.bincount(2 * labels.astype(int) + predicted.astype(int), minlength=4)


def rates(counts: np.ndarray) -> dict[str, np.ndarray]:
    """Metrics from confusion counts; `counts` may hold one table (4) or many (n, 4)."""
    tn, fp, fn, tp = np.moveaxis(np.asarray(counts, dtype=float), -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision, recall = tp / (tp + fp), tp / (tp + fn)
        return {
            "recall": recall,
            "precision": precision,
            "accuracy": (tp + tn) / (tp + tn + fp + fn),
            "true_positive_rate": recall,
            "true_negative_rate": tn / (tn + fp),
            "false_positive_rate": fp / (tn + fp),
            "false_negative_rate": fn / (tp + fn),
            "f0_5": f_score(precision, recall, 0.5),
            "f1": f_score(precision, recall, 1.0),
            "f2": f_score(precision, recall, 2.0),
        }


def f_score(precision: np.ndarray, recall: np.ndarray, beta: float) -> np.ndarray:
    """F-beta = (1 + beta^2) * precision * recall / (beta^2 * precision + recall)."""
    return np.asarray((1 + beta**2) * precision * recall / (beta**2 * precision + recall))


def statistics(labels: np.ndarray, scores: np.ndarray, cutoff: float) -> dict[str, Any]:
    """statistics.json: metrics at the cutoff, AUC and both curves."""
    counts = counts_of(labels, scores >= cutoff)
    area = area_under_curve(labels, scores)
    metrics: dict[str, Any] = {
        "confusion_matrix": {
            "0": {"0": int(counts[0]), "1": int(counts[1])},
            "1": {"0": int(counts[2]), "1": int(counts[3])},
        }
    }
    deviations = _deviations(counts)
    metrics |= {name: _metric(value, deviations.get(name)) for name, value in rates(counts).items()}
    metrics |= _curves(labels, scores)
    metrics["auc"] = _metric(area.value, area.standard_error if len(labels) >= ROWS_FOR_DEVIATION else None)
    metrics |= _constant_classifier(counts)
    return {"version": 0.0, "dataset": {"item_count": len(labels)}, "binary_classification_metrics": metrics}


def constraints(statistics_report: dict[str, Any]) -> dict[str, Any]:
    """constraints.json: later measurements must not be worse than these values."""
    limits = {}
    for name, metric in statistics_report["binary_classification_metrics"].items():
        if "value" in metric and not name.endswith("_best_constant_classifier"):
            worse = "GreaterThanThreshold" if name in WORSE_WHEN_GREATER else "LessThanThreshold"
            limits[name] = {"threshold": metric["value"], "comparison_operator": worse}
    return {"version": 0.0, "binary_classification_constraints": limits}


def _metric(value: Any, deviation: Any = None) -> dict[str, Any]:
    number = float(value)
    known = deviation is not None and math.isfinite(deviation)
    return {
        "value": number if math.isfinite(number) else "NaN",
        "standard_deviation": float(deviation) if known else "NaN",
    }


def _deviations(counts: np.ndarray) -> dict[str, float]:
    """Bootstrap: drawing rows with replacement changes only the four counts, so those are drawn directly."""
    total = int(counts.sum())
    if total < ROWS_FOR_DEVIATION:
        return {}
    drawn = np.random.default_rng(0).multinomial(total, counts / total, size=RESAMPLES)
    return {name: float(np.std(values)) for name, values in rates(drawn).items()}


def _curves(labels: np.ndarray, scores: np.ndarray) -> dict[str, Any]:
    """ROC and precision-recall curves, thinned to a readable number of points."""
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(labels[order])
    last_of_ties = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    if len(last_of_ties) > CURVE_POINTS:
        last_of_ties = last_of_ties[np.linspace(0, len(last_of_ties) - 1, CURVE_POINTS).astype(int)]
    taken, positives = last_of_ties + 1, hits[-1]
    recalls = hits[last_of_ties] / positives
    false_rates = (taken - hits[last_of_ties]) / (len(labels) - positives)
    return {
        "receiver_operating_characteristic_curve": {
            "false_positive_rates": [0.0, *false_rates.tolist()],
            "true_positive_rates": [0.0, *recalls.tolist()],
        },
        "precision_recall_curve": {
            "precisions": [1.0, *(hits[last_of_ties] / taken).tolist()],
            "recalls": [0.0, *recalls.tolist()],
        },
    }


def _constant_classifier(counts: np.ndarray) -> dict[str, Any]:
    """What answering always the same would reach: the majority for accuracy, "positive" for the others."""
    negatives, positives = int(counts[:2].sum()), int(counts[2:].sum())
    always_positive = rates(np.array([0, negatives, 0, positives]))
    best = {name: always_positive[name] for name in ("recall", "precision", "f0_5", "f1", "f2")}
    best["accuracy"] = np.asarray(max(negatives, positives) / (negatives + positives))
    return {f"{name}_best_constant_classifier": _metric(value) for name, value in best.items()}
