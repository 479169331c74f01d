"""Does the model rest on the features that it should rest on?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lockgate_checks.check import Measured, check, number
from lockgate_checks.compute.explainability import attribution_drift, importances
from lockgate_checks.families.reading import part


@check(
    id="explainability.importance",
    question="How much does the model rest on each feature?",
    measures=("importance", "importance_share"),
)
def importance(bias: Mapping[str, Any]) -> Iterator[Measured]:
    """The model rests on a feature more, or less, than it may: leave it out, or look for a leak of the label."""
    labels = importances(part(bias, "explanations"))
    for name, values in labels.items():
        numbers = {feature: number(value) for feature, value in values.items()}
        total = sum(abs(value) for value in numbers.values() if value is not None)
        for feature, value in numbers.items():
            of = feature if len(labels) == 1 else f"{name}.{feature}"
            yield Measured("importance", values[feature], of)
            known = value is not None and total > 0 and None not in numbers.values()
            yield Measured("importance_share", abs(value or 0.0) / total if known else "unknown", of)


@check(
    id="explainability.ranking",
    question="Do the features rank as in the approved version?",
    measures=("ranking_ndcg",),
)
def ranking(bias: Mapping[str, Any], baseline_bias: Mapping[str, Any]) -> Iterator[Measured]:
    """The features that matter are others than in the approved version: find out which one moved, and why."""
    moved = attribution_drift(part(baseline_bias, "explanations"), part(bias, "explanations"))
    for name, found in moved["labels"].items():
        yield Measured("ranking_ndcg", found["ndcg"], "" if len(moved["labels"]) == 1 else name)
