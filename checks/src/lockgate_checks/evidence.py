"""Reads the two reports that every build makes.

- Model quality: `statistics.json` as SageMaker Model Monitor writes it (developer guide, "Model quality metrics and
  Amazon CloudWatch monitoring"): one group of metrics by problem type, each `{"value": n, "standard_deviation": n}`.
- Bias: `analysis.json` as SageMaker Clarify writes it (developer guide, "Analysis results"): metrics by facet.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lockgate_checks.errors import EvidenceError

PROBLEM_TYPES = ("binary_classification_metrics", "multiclass_classification_metrics", "regression_metrics")


@dataclass(frozen=True)
class Metric:
    """A number and its standard deviation (None where the report says "NaN", as for fewer than 200 rows)."""

    value: float
    standard_deviation: float | None = None


@dataclass(frozen=True)
class ModelQuality:
    """What a model-quality report says: on how many rows, and its scalar metrics by name."""

    problem_type: str
    item_count: int
    metrics: Mapping[str, Metric]


@dataclass(frozen=True)
class BiasMetric:
    """One bias metric of one facet value; `stage` is "pre_training" or "post_training"."""

    stage: str
    facet: str
    facet_value: str
    name: str
    value: float


def read_model_quality(document: Any) -> ModelQuality:
    """Read a model-quality report.

    Raises:
        EvidenceError: a part is missing, or a metric is not a finite number.
    """
    report = _mapping(document, "statistics.json")
    kind = next((k for k in PROBLEM_TYPES if k in report), None)
    if kind is None:
        raise EvidenceError(f"statistics.json has none of {', '.join(PROBLEM_TYPES)}.")
    rows = _mapping(report.get("dataset"), "statistics.json: dataset").get("item_count")
    if not isinstance(rows, int) or isinstance(rows, bool) or rows < 1:
        raise EvidenceError(f"statistics.json: dataset.item_count is {rows!r}, not a positive number of rows.")
    metrics = {
        name: _metric(value, f"statistics.json: {kind}.{name}")
        for name, value in _mapping(report[kind], f"statistics.json: {kind}").items()
        if isinstance(value, Mapping) and "value" in value
    }
    return ModelQuality(kind.removesuffix("_metrics"), rows, metrics)


def read_bias(document: Any) -> tuple[BiasMetric, ...]:
    """Read a bias report.

    Raises:
        EvidenceError: a part is missing, or a metric is not a finite number.
    """
    report = _mapping(document, "analysis.json")
    metrics = tuple(m for stage in ("pre_training", "post_training") for m in _stage(report, stage))
    if not metrics:
        raise EvidenceError("analysis.json holds no bias metrics.")
    return metrics


def _stage(report: Mapping[str, Any], stage: str) -> Iterator[BiasMetric]:
    key = f"{stage}_bias_metrics"
    if key not in report:
        return
    facets = _mapping(_mapping(report[key], key).get("facets"), f"analysis.json: {key}.facets")
    for facet, values in facets.items():
        for entry in values:
            for metric in entry["metrics"]:
                where = f"analysis.json: {key}.facets.{facet}.{metric.get('name')}"
                number = _number(metric.get("value"), where)
                yield BiasMetric(stage, facet, str(entry["value_or_threshold"]), str(metric["name"]), number)


def _metric(value: Mapping[str, Any], where: str) -> Metric:
    deviation = value.get("standard_deviation")
    known = None if deviation in {None, "NaN"} else _number(deviation, f"{where}.standard_deviation")
    return Metric(_number(value["value"], f"{where}.value"), known)


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise EvidenceError(f"{where} is {value!r}, not a finite number.")
    return float(value)


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise EvidenceError(f"{where} is missing or not an object.")
    return value
