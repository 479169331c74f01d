"""Metrics of confusion counts: everything a classifier's right and wrong answers say, whatever its scores.

Counts of two classes stand in the order true negatives, false positives, false negatives, true positives; tables of
many classes hold actual classes as rows and predicted ones as columns, as Model Monitor's confusion_matrix does.
Functions read one table or a stack of them (leading axes), which is what a bootstrap makes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockgate_checks.compute.intervals import present, same_length
from lockgate_checks.errors import EvidenceError

MOST_CLASSES = 256
F_SCORES = {"f0_5": 0.5, "f1": 1.0, "f2": 2.0}
CONSTANT = "_best_constant_classifier"

Counts = NDArray[np.int64]
Values = dict[str, Any]


def rates(counts: Any) -> Values:
    """Metrics of two classes, over the last axis; one whose denominator is zero is NaN.

    recall = TP / (TP + FN), precision = TP / (TP + FP), accuracy = (TP + TN) / rows, false positive rate =
    FP / (FP + TN), F_b = (1 + b^2) TP / ((1 + b^2) TP + b^2 FN + FP). Source: C. J. van Rijsbergen, Information
    Retrieval (1979), chapter 7; names: Amazon SageMaker developer guide, "Model quality metrics".
    """
    tn, fp, fn, tp = np.moveaxis(np.asarray(counts, dtype=np.float64), -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        recall = tp / (tp + fn)
        return {
            "recall": recall,
            "precision": tp / (tp + fp),
            "accuracy": (tp + tn) / (tp + tn + fp + fn),
            "true_positive_rate": recall,
            "true_negative_rate": tn / (tn + fp),
            "false_positive_rate": fp / (tn + fp),
            "false_negative_rate": fn / (tp + fn),
            **{name: (1 + b * b) * tp / ((1 + b * b) * tp + b * b * fn + fp) for name, b in F_SCORES.items()},
        }


def shares(counts: Counts) -> dict[str, tuple[int, int]]:
    """Those of the rates that are shares of rows: (successes, trials) by name."""
    tn, fp, fn, tp = counts.tolist()
    return {
        "recall": (tp, tp + fn),
        "precision": (tp, tp + fp),
        "accuracy": (tp + tn, tp + tn + fp + fn),
        "true_positive_rate": (tp, tp + fn),
        "true_negative_rate": (tn, tn + fp),
        "false_positive_rate": (fp, tn + fp),
        "false_negative_rate": (fn, tp + fn),
    }


def constant_rates(counts: Counts) -> Values:
    """What the best classifier reaches that always gives the same answer.

    For accuracy that answer is the commoner label, for the other metrics "positive" ("negative" has no recall).
    Model Monitor's published example answers "positive" for accuracy as well (0.25 where three of four rows are
    negative); the commoner label's share is never smaller, so a gate built on it is never easier to pass.
    """
    negatives, positives = int(counts[0] + counts[1]), int(counts[2] + counts[3])
    constant = rates([0, negatives, 0, positives])
    constant["accuracy"] = max(negatives, positives) / (negatives + positives)
    return {f"{name}{CONSTANT}": constant[name] for name in ("recall", "precision", "accuracy", *F_SCORES)}


def weighted(tables: Any) -> Values:
    """Accuracy, and recall, precision and F of each class averaged by the class's share of rows; last axes 2.

    A class without predictions has precision 0 and so F 0, as Model Monitor's Spark metrics count it (assumption).
    """
    cells = np.asarray(tables, dtype=np.float64)
    actual, given = cells.sum(axis=-1), cells.sum(axis=-2)
    right = np.diagonal(cells, axis1=-2, axis2=-1)
    total = actual.sum(axis=-1)
    share = actual / total[..., None]
    precision = _ratio(right, given)
    values = {
        "accuracy": right.sum(axis=-1) / total,
        "weighted_recall": (share * _ratio(right, actual)).sum(axis=-1),
        "weighted_precision": (share * precision).sum(axis=-1),
    }
    for name, b in F_SCORES.items():
        values[f"weighted_{name}"] = (share * _ratio((1 + b * b) * right, b * b * actual + given)).sum(axis=-1)
    return values


def constant_weighted(table: Counts) -> Values:
    """The weighted metrics of always answering the commonest class."""
    actual = table.sum(axis=1)
    always = np.zeros_like(table)
    always[:, int(actual.argmax())] = actual
    return {f"{name}{CONSTANT}": value for name, value in weighted(always).items()}


def confusion_table(labels: Any, predicted: Any) -> tuple[list[str], Counts]:
    """The classes in order of their names, and how often each was taken for each.

    Raises:
        EvidenceError: no rows, unequal lengths, missing labels, one class only, more than 256 classes.
    """
    same_length(labels=labels, predicted=predicted)
    actual = [class_name(item) for item in present(labels, "Labels")]
    given = [class_name(item) for item in present(predicted, "Predicted labels")]
    if len(set(actual)) < 2:
        raise EvidenceError(f"All rows have the label {actual[0]!r}; evaluate on rows of at least two classes.")
    names = sorted({*actual, *given})
    if len(names) > MOST_CLASSES:
        raise EvidenceError(
            f"There are {len(names)} classes, more than {MOST_CLASSES}; use the regression report for numbers, and"
            " check that the label column is not an identifier."
        )
    at = {name: number for number, name in enumerate(names)}
    cells = [at[a] * len(names) + at[p] for a, p in zip(actual, given, strict=True)]
    return names, np.bincount(cells, minlength=len(names) ** 2).reshape(len(names), len(names))


def class_name(label: Any) -> str:
    """The class as the key of a JSON object: 1, 1.0 and True are all "1"."""
    if isinstance(label, bool | int | float) and float(label).is_integer():
        return str(int(label))
    return str(label)


def _ratio(part: Any, whole: Any) -> Any:
    """Part / whole, and 0 where the whole is 0."""
    return np.divide(part, whole, out=np.zeros_like(np.asarray(whole, dtype=np.float64)), where=whole > 0)
