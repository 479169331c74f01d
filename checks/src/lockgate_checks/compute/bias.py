"""Bias metrics of data and model in the shape of SageMaker Clarify's analysis.json.

Shape: SageMaker developer guide, "Analysis Results", "Schema for the analysis file". A metric without a value is null
and says why in `error`, so that no gate can take it for a good one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import isfinite
from typing import Any

from lockgate_checks.compute import bias_posttraining as post
from lockgate_checks.compute import bias_pretraining as pre
from lockgate_checks.compute.bias_counts import BiasTable, count_bias
from lockgate_checks.compute.bias_plan import BiasPlan
from lockgate_checks.compute.bias_split import Split, UndefinedMetricError, split
from lockgate_checks.compute.cells import Chunk, canonical
from lockgate_checks.errors import EvidenceError

Formula = Callable[[Split], float]
Metrics = dict[str, tuple[str, Formula]]

PRE_TRAINING: Metrics = {
    "CDDL": ("Conditional Demographic Disparity in Labels (CDDL)", pre.conditional_disparity_in_labels),
    "CI": ("Class Imbalance (CI)", pre.class_imbalance),
    "DPL": ("Difference in Positive Proportions in Labels (DPL)", pre.difference_in_labels),
    "JS": ("Jensen-Shannon Divergence (JS)", pre.jensen_shannon),
    "KL": ("Kullback-Leibler Divergence (KL)", pre.kullback_leibler),
    "KS": ("Kolmogorov-Smirnov Distance (KS)", pre.kolmogorov_smirnov),
    "LP": ("L-p Norm (LP)", pre.lp_norm),
    "TVD": ("Total Variation Distance (TVD)", pre.total_variation),
}
POST_TRAINING: Metrics = {
    "AD": ("Accuracy Difference (AD)", post.accuracy_difference),
    "CDDPL": (
        "Conditional Demographic Disparity in Predicted Labels (CDDPL)",
        post.conditional_disparity_in_predictions,
    ),
    "DAR": ("Difference in Acceptance Rates (DAR)", post.difference_in_acceptance_rates),
    "DCA": ("Difference in Conditional Acceptance (DCA)", post.difference_in_conditional_acceptance),
    "DCR": ("Difference in Conditional Rejection (DCR)", post.difference_in_conditional_rejection),
    "DI": ("Disparate Impact (DI)", post.disparate_impact),
    "DPPL": ("Difference in Positive Proportions in Predicted Labels (DPPL)", post.difference_in_predictions),
    "DRR": ("Difference in Rejection Rates (DRR)", post.difference_in_rejection_rates),
    "GE": ("Generalized Entropy (GE)", post.generalized_entropy),
    "RD": ("Recall Difference (RD)", post.recall_difference),
    "SD": ("Specificity Difference (SD)", post.specificity_difference),
    "TE": ("Treatment Equality (TE)", post.treatment_equality),
}
_NEEDS_GROUP = {"CDDL", "CDDPL"}


def bias_report(chunks: Iterable[Chunk], plan: BiasPlan) -> dict[str, Any]:
    """Read the data once and return analysis.json with every metric of every facet value.

    CDDL and CDDPL are there if the plan names a group variable, as in Clarify.

    Raises:
        EvidenceError: a column is missing or cannot be coded, there are no rows, a label has no value, the labels are
            all of one outcome, a facet has no value at all, or label and prediction have no value in common.
    """
    return report_tables(count_bias(chunks, plan), plan)


def report_tables(tables: Iterable[BiasTable], plan: BiasPlan) -> dict[str, Any]:
    """Return analysis.json from counts.

    Raises:
        EvidenceError: as `bias_report`, for what the counts show.
    """
    tables = tuple(tables)
    for table in tables:
        _usable(table, plan)
    report: dict[str, Any] = {"version": "1.0", "pre_training_bias_metrics": _section(tables, plan, PRE_TRAINING)}
    if plan.prediction is not None:
        report["post_training_bias_metrics"] = _section(tables, plan, POST_TRAINING)
    return report


def measure(part: Split, metrics: Metrics, *, grouped: bool) -> list[dict[str, Any]]:
    """Return the metrics of one facet value in the order of their names."""
    return [
        _metric(name, description, formula, part)
        for name, (description, formula) in sorted(metrics.items())
        if grouped or name not in _NEEDS_GROUP
    ]


def _metric(name: str, description: str, formula: Formula, part: Split) -> dict[str, Any]:
    try:
        value = formula(part)
    except UndefinedMetricError as error:
        return {"name": name, "description": description, "value": None, "error": f"Not computable: {error}."}
    if not isfinite(value):
        return {"name": name, "description": description, "value": None, "error": f"Not finite: {value}."}
    return {"name": name, "description": description, "value": value}


def _section(tables: tuple[BiasTable, ...], plan: BiasPlan, metrics: Metrics) -> dict[str, Any]:
    threshold = plan.label_threshold
    return {
        "label": plan.label,
        "label_value_or_threshold": ",".join(plan.positive) if threshold is None else canonical(threshold),
        "facets": {table.facet.name: _facet(table, plan, metrics) for table in tables},
    }


def _facet(table: BiasTable, plan: BiasPlan, metrics: Metrics) -> list[dict[str, Any]]:
    facet, positive, grouped = table.facet, _positive(plan), plan.group is not None
    if facet.threshold is not None:
        values, names = ["1"], [canonical(facet.threshold)]
    else:
        values = names = [canonical(value) for value in facet.values] or list(table.values)
    entries: list[dict[str, Any]] = []
    for value, name in zip(values, names, strict=True):
        measured = measure(split(table, value, positive), metrics, grouped=grouped)
        entries.append({"value_or_threshold": name, "metrics": measured})
        if table.without_value:
            entries[-1]["rows_without_value"] = table.without_value
    return entries


def _positive(plan: BiasPlan) -> tuple[str, ...]:
    return tuple(map(canonical, plan.positive)) if plan.label_threshold is None else ("1",)


def _usable(table: BiasTable, plan: BiasPlan) -> None:
    """Refuse counts from which every metric would look good only because nothing was measured."""
    if not table.counts.sum():
        raise EvidenceError(f"The facet {table.facet.name!r} has no value in any row.")
    positive = set(_positive(plan))
    rows = table.counts.sum(axis=(0, 2, 3)).tolist()
    found = {name for name, number in zip(table.labels, rows, strict=True) if number}
    shown = ", ".join(map(repr, table.labels))
    if not found & positive or found <= positive:
        kind = "positive" if found <= positive else "negative"
        raise EvidenceError(
            f"Every label {plan.label!r} is {kind} (values: {shown}; positive: {', '.join(map(repr, plan.positive))}): "
            "bias cannot be measured on one outcome."
        )
    if plan.prediction is not None and not set(table.predictions) & (set(table.labels) | positive):
        raise EvidenceError(
            f"The prediction {plan.prediction!r} never says what the label says (label: {shown}; prediction: "
            f"{', '.join(map(repr, table.predictions[:5]))}): give a prediction threshold, or code both alike."
        )
