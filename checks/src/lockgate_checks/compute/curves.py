"""What is plotted: ROC, precision-recall and calibration of a binary classifier, residuals of a regression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockgate_checks.compute.intervals import Floats, finite, in_fixed_order, present, same_length
from lockgate_checks.errors import EvidenceError

CURVE_POINTS = 200
CALIBRATION_BINS = 10
RESIDUAL_POINTS = 1000


@dataclass(frozen=True)
class BinaryRows:
    """Labels (0 or 1) and finite scores of the same rows, in a fixed order, with both labels present."""

    labels: Floats
    scores: Floats

    def __len__(self) -> int:
        return len(self.labels)


def binary_labels(values: Any, positive: Any = 1) -> Floats:
    """1 where a label is the positive one, else 0.

    Raises:
        EvidenceError: labels are missing, or are not two values one of which is the positive one.
    """
    items = present(values, "Labels")
    found = set(items)
    shown = ", ".join(sorted(map(repr, found))[:5])
    if len(found) > 2:
        raise EvidenceError(
            f"A binary classifier has two labels, these rows have {len(found)} ({shown}); use the multiclass or the"
            " regression report instead."
        )
    if len(found) < 2:
        raise EvidenceError(
            f"All rows have one label ({shown}), so nothing can be told apart; evaluate on rows of both labels."
        )
    if positive not in found:
        raise EvidenceError(f"No label is the positive one, {positive!r}: labels are {shown}; name the positive one.")
    return np.fromiter((label == positive for label in items), dtype=np.float64, count=len(items))


def binary_rows(labels: Any, scores: Any, positive: Any = 1) -> BinaryRows:
    """Labels and scores checked and put in a fixed order.

    Raises:
        EvidenceError: no rows, unequal lengths, labels that are not two values, scores that are not finite.
    """
    same_length(labels=labels, scores=scores)
    return BinaryRows(*in_fixed_order(binary_labels(labels, positive), finite(scores, "Scores")))


def receiver_operating_characteristic(rows: BinaryRows) -> dict[str, list[float]]:
    """True positive rate (TP / P) over false positive rate (FP / N) for each distinct score taken as the cutoff.

    Keys: Amazon SageMaker developer guide, "Model quality metrics and Amazon CloudWatch monitoring". Thinned to at
    most `CURVE_POINTS` points.
    """
    taken, hits = _thinned(*_counts_from_the_top(rows))
    positives = rows.labels.sum()
    return {
        "false_positive_rates": [0.0, *((taken - hits) / (len(rows) - positives)).tolist()],
        "true_positive_rates": [0.0, *(hits / positives).tolist()],
    }


def precision_recall(rows: BinaryRows) -> dict[str, list[float]]:
    """Precision (TP / rows taken) over recall (TP / P) for each distinct score; starts at precision 1, recall 0."""
    taken, hits = _thinned(*_counts_from_the_top(rows))
    return {
        "precisions": [1.0, *(hits / taken).tolist()],
        "recalls": [0.0, *(hits / rows.labels.sum()).tolist()],
    }


def average_precision(rows: BinaryRows) -> float:
    """AP = sum over cutoffs of (R_k - R_(k-1)) * P_k, over all distinct scores.

    Source: M. Zhu, "Recall, precision and average precision" (University of Waterloo, 2004); as scikit-learn's
    average_precision_score.
    """
    taken, hits = _counts_from_the_top(rows)
    return float(np.sum(np.diff(hits, prepend=0) / rows.labels.sum() * hits / taken))


def brier(rows: BinaryRows) -> float:
    """Mean of (score - label)^2: 0 is perfect, 0.25 what the constant 0.5 reaches.

    Source: G. W. Brier, Monthly Weather Review 78 (1950), 1-3, for two classes.
    """
    return float(np.mean((rows.scores - rows.labels) ** 2))


def are_probabilities(rows: BinaryRows) -> bool:
    """Whether every score lies in 0..1, so that it can be compared with a share of rows."""
    return bool(rows.scores.min() >= 0 and rows.scores.max() <= 1)


def calibration(rows: BinaryRows, bins: int = CALIBRATION_BINS) -> dict[str, Any]:
    """Mean score against share of positives in equally wide bins of the score, and the mean gap weighted by rows.

    expected_calibration_error = sum over bins of rows_b / rows * |positive_rate_b - mean_score_b|. Source: C. Guo et
    al., "On Calibration of Modern Neural Networks", ICML 2017. A bin holds its lower bound, the last one also 1.
    """
    edges = np.arange(bins + 1) / bins
    at = np.clip(np.searchsorted(edges, rows.scores, side="right") - 1, 0, bins - 1)
    counts = np.bincount(at, minlength=bins)
    scores = np.bincount(at, weights=rows.scores, minlength=bins)
    positives = np.bincount(at, weights=rows.labels, minlength=bins)
    gap = float(np.abs(positives - scores).sum() / len(rows))
    filled = [
        {
            "lower": float(edges[b]),
            "upper": float(edges[b + 1]),
            "count": int(counts[b]),
            "mean_score": float(scores[b] / counts[b]),
            "positive_rate": float(positives[b] / counts[b]),
        }
        for b in np.flatnonzero(counts)
    ]
    return {"expected_calibration_error": gap, "bins": filled}


def residuals(actual: Any, predicted: Any, seed: int = 0) -> dict[str, list[float]]:
    """Predictions and their residuals (predicted - actual): of all rows, or of a seeded sample of many.

    Raises:
        EvidenceError: no rows, unequal lengths, values that are not finite numbers.
    """
    same_length(actual=actual, predicted=predicted)
    truth, given = in_fixed_order(finite(actual, "Actual values"), finite(predicted, "Predictions"))
    size = min(RESIDUAL_POINTS, len(truth))
    chosen = np.sort(np.random.default_rng(seed).choice(len(truth), size, replace=False))
    return {"predicted": given[chosen].tolist(), "residual": (given - truth)[chosen].tolist()}


def _counts_from_the_top(rows: BinaryRows) -> tuple[Floats, Floats]:
    """For each distinct score from the highest: rows at or above it, and positives among them."""
    order = np.argsort(-rows.scores, kind="stable")
    last_of_ties = np.append(np.diff(rows.scores[order]) != 0, [True])
    at = np.flatnonzero(last_of_ties)
    return (at + 1).astype(np.float64), np.cumsum(rows.labels[order])[at]


def _thinned(taken: Floats, hits: Floats) -> tuple[Floats, Floats]:
    if len(taken) <= CURVE_POINTS:
        return taken, hits
    kept: NDArray[np.int64] = np.linspace(0, len(taken) - 1, CURVE_POINTS).astype(np.int64)
    return taken[kept], hits[kept]
