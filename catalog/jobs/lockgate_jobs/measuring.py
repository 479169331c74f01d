"""Measures model quality and bias of scores anew, in the shapes in which the project declared them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from lockgate_checks.compute import bias, champion, model_quality
from lockgate_checks.compute.bias_plan import BiasPlan, Facet
from lockgate_checks.errors import EvidenceError

from lockgate_jobs.holdout import Holdout

Document = dict[str, Any]
Scores = Sequence[float]
ANSWER = "lockgate_answer"


def quality(holdout: Holdout, scores: Scores, declared: Mapping[str, Any]) -> Document:
    """Return the model-quality report of these scores, with the segments that the declared one has.

    Raises:
        EvidenceError: labels or scores do not allow it.
    """
    plan = holdout.plan
    own = declared.get("lockgate")
    segments = (own.get("segments") if isinstance(own, Mapping) else None) or {}
    known = {name: holdout.columns[name] for name in segments if name in holdout.columns}
    setup = model_quality.Setup(positive="1", cutoff=plan.cutoff, segments=known)
    labels = holdout.columns[plan.label]
    if plan.problem == "binary":
        return model_quality.binary_report(binary(labels), list(scores), setup)
    if plan.problem == "regression":
        return model_quality.regression_report(numbers(labels), list(scores), setup)
    predicted = [f"{score:g}" for score in scores]
    return model_quality.multiclass_report(list(labels), predicted, setup)


def bias_of(holdout: Holdout, scores: Scores, declared: Mapping[str, Any]) -> Document | None:
    """Return the bias report: the declared one with the post-training metrics of these scores.

    None where nothing is declared and the plan names no facet.

    Raises:
        EvidenceError: the columns do not allow it.
    """
    plan = holdout.plan
    if plan.problem != "binary" or not plan.facets:
        return None
    columns = {name: _texts(holdout.columns[name]) for name in plan.facets}
    columns[plan.label] = _texts(binary(holdout.columns[plan.label]))
    columns[ANSWER] = _texts(["1" if score >= plan.cutoff else "0" for score in scores])
    facets = tuple(Facet(name, values) for name, values in plan.facets.items())
    found = bias.bias_report([columns], BiasPlan(plan.label, facets, prediction=ANSWER))
    return {**declared, "version": "1.0", "post_training_bias_metrics": found["post_training_bias_metrics"]}


def compared(holdout: Holdout, before: Scores, now: Scores, metric: str | None) -> Document:
    """Return champion.json.

    Raises:
        EvidenceError: the problem or the metric cannot be compared.
    """
    plan, labels = holdout.plan, holdout.columns[holdout.plan.label]
    if plan.problem == "binary":
        contest = champion.Contest(metric=metric or "auc", positive="1", cutoff=plan.cutoff)
        return champion.compare_binary(binary(labels), list(before), list(now), contest)
    if plan.problem == "regression":
        contest = champion.Contest(metric=metric or "rmse")
        return champion.compare_regression(numbers(labels), list(before), list(now), contest)
    raise EvidenceError(f"models of the problem {plan.problem} cannot be compared")


def binary(labels: Sequence[str]) -> list[str]:
    """Return labels 0 and 1 as one text each, however they are written.

    Raises:
        EvidenceError: a label is neither.
    """
    written = {"0": "0", "1": "1", "0.0": "0", "1.0": "1"}
    found = [written.get(label.strip()) for label in labels]
    if None in found:
        wrong = labels[found.index(None)]
        raise EvidenceError(f"holdout.csv has the label {wrong[:40]!r}, which is neither 0 nor 1")
    return [label for label in found if label is not None]


def numbers(cells: Sequence[str]) -> list[float]:
    """Return cells as numbers.

    Raises:
        EvidenceError: a cell is no finite number.
    """
    try:
        found = [float(cell) for cell in cells]
    except ValueError as error:
        raise EvidenceError(f"holdout.csv: {error}") from None
    wrong = next((cell for cell, value in zip(cells, found, strict=True) if not math.isfinite(value)), None)
    if wrong is not None:
        raise EvidenceError(f"holdout.csv holds {wrong[:40]!r} where labels and scores are finite numbers")
    return found


def _texts(cells: Sequence[str]) -> Any:
    column = np.empty(len(cells), dtype=object)
    column[:] = list(cells)
    return column
