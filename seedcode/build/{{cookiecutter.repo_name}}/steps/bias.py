"""How a group is treated compared with everybody else, in the shape of SageMaker Clarify's analysis.json.

Group d is the facet value under watch, group a all other rows. A metric whose denominator is zero is null, so
that no gate can take it for a good value. Formulas: Amazon SageMaker developer guide:
clarify-bias-metric-class-imbalance, clarify-data-bias-metric-true-label-imbalance and
clarify-post-training-bias-metric-dppl, -di and -ad.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Groups(NamedTuple):
    """Counts behind every metric; a and d as in the module's text."""

    size_a: int
    size_d: int
    positive_a: int
    positive_d: int
    predicted_a: int
    predicted_d: int
    correct_a: int
    correct_d: int


def count(labels: np.ndarray, predicted: np.ndarray, in_group: np.ndarray) -> Groups:
    """Sizes, positive labels, positive predictions and correct predictions of both groups."""
    tables = (np.ones(len(labels), dtype=bool), labels == 1, predicted == 1, labels == predicted)
    return Groups(*(int(np.sum(table & group)) for table in tables for group in (~in_group, in_group)))


def class_imbalance(groups: Groups) -> float | None:
    """CI = (n_a - n_d) / (n_a + n_d): how much smaller the group is, from -1 to 1."""
    return _ratio(groups.size_a - groups.size_d, groups.size_a + groups.size_d)


def label_difference(groups: Groups) -> float | None:
    """DPL = q_a - q_d, the difference of the shares of positive labels."""
    return _difference(_ratio(groups.positive_a, groups.size_a), _ratio(groups.positive_d, groups.size_d))


def prediction_difference(groups: Groups) -> float | None:
    """DPPL = q'_a - q'_d, the difference of the shares of positive predictions."""
    return _difference(_ratio(groups.predicted_a, groups.size_a), _ratio(groups.predicted_d, groups.size_d))


def disparate_impact(groups: Groups) -> float | None:
    """DI = q'_d / q'_a, the ratio of the shares of positive predictions; 1 is parity."""
    return _ratio(_ratio(groups.predicted_d, groups.size_d), _ratio(groups.predicted_a, groups.size_a))


def accuracy_difference(groups: Groups) -> float | None:
    """AD = ACC_a - ACC_d, the difference of the shares of correct predictions."""
    return _difference(_ratio(groups.correct_a, groups.size_a), _ratio(groups.correct_d, groups.size_d))


def analysis(groups: Groups, table: dict[str, Any]) -> dict[str, Any]:
    """analysis.json: bias of the labels (pre-training) and of the model's answers (post-training)."""
    before = [
        _metric("CI", "Class Imbalance (CI)", class_imbalance(groups)),
        _metric("DPL", "Difference in Positive Proportions in Labels (DPL)", label_difference(groups)),
    ]
    after = [
        _metric("AD", "Accuracy Difference (AD)", accuracy_difference(groups)),
        _metric("DI", "Disparate Impact (DI)", disparate_impact(groups)),
        _metric(
            "DPPL",
            "Difference in Positive Proportions in Predicted Labels (DPPL)",
            prediction_difference(groups),
        ),
    ]
    return {
        "version": "1.0",
        "pre_training_bias_metrics": _section(before, table),
        "post_training_bias_metrics": _section(after, table),
    }


def _section(metrics: list[dict[str, Any]], table: dict[str, Any]) -> dict[str, Any]:
    facet = {"value_or_threshold": table["facet_value"], "metrics": metrics}
    return {
        "label": table["label"],
        "label_value_or_threshold": table["positive_label"],
        "facets": {table["facet"]: [facet]},
    }


def _metric(name: str, description: str, value: float | None) -> dict[str, Any]:
    return {"name": name, "description": description, "value": value}


def _ratio(numerator: float | None, denominator: float | None) -> float | None:
    return numerator / denominator if denominator and numerator is not None else None


def _difference(first: float | None, second: float | None) -> float | None:
    return first - second if first is not None and second is not None else None
