"""A complete evidence bundle that the baseline policy approves, and helpers to change single places of it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from lockgate_checks.bundle import from_mapping
from lockgate_checks.decide import decide
from lockgate_checks.policy import Policy, parse_policy, shipped_policy
from lockgate_checks.values import Decision, Finding

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
ARN = "arn:aws:sagemaker:us-east-1:111122223333:model-package/credit-p-1/7"


def evidence() -> dict[str, Any]:
    """Return fresh documents of a good model version and of the approved one before it."""
    documents = {
        "model_quality": _model_quality(),
        "bias": _bias(),
        "data_quality": _data_quality(),
        "data_constraints": _data_constraints(),
        "champion": {
            "metric": "auc",
            "champion": 0.74,
            "challenger": 0.75,
            "difference": 0.01,
            "interval": [-0.01, 0.03],
            "level": 0.95,
            "n": 1300,
        },
        "lineage": {
            "commit": "a" * 40,
            "model_digest": "b" * 64,
            "data_digest": "c" * 64,
            "evaluation_data_digest": "d" * 64,
            "image": "111122223333.dkr.ecr.us-east-1.amazonaws.com/xgboost:3.2-0",
            "seed_version": "0.2.0",
        },
    }
    names = ("bias", "data_quality", "data_constraints")
    return documents | {f"baseline_{name}": copy.deepcopy(documents[name]) for name in names}


def first_version() -> dict[str, Any]:
    """Return fresh documents of a good model version that has no approved one before it."""
    documents = {name: document for name, document in evidence().items() if not name.startswith("baseline_")}
    return documents | {"champion": {"metric": "auc", "champion": None}}


def put(documents: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return the documents with the value at the dotted path; numbers are places in lists."""
    *way, last = (int(step) if step.isdigit() else step for step in path.split("/"))
    place: Any = documents
    for step in way:
        place = place[step]
    place[last] = value
    return documents


def decided(documents: Mapping[str, Any], policy: Policy | str | None = None, **more: Any) -> Decision:
    """Decide on the documents by the baseline policy, or by another one or its text."""
    chosen = parse_policy(policy) if isinstance(policy, str) else policy or shipped_policy("baseline")
    return decide(from_mapping(documents), chosen, more.pop("now", NOW), **more)


def found(decision: Decision, check: str, subject: str = "") -> Finding:
    """Return the one finding of the check about the subject."""
    (finding,) = [f for f in decision.findings if f.check == check and f.subject == (subject or check)]
    return finding


def _model_quality() -> dict[str, Any]:
    values = {"auc": 0.75, "accuracy": 0.7, "accuracy_best_constant_classifier": 0.6, "recall": 0.65}
    intervals = {
        "auc": {"lower": 0.72, "upper": 0.78, "level": 0.95, "method": "delong"},
        "accuracy": {"lower": 0.67, "upper": 0.73, "level": 0.95, "method": "wilson"},
    }
    metrics = {name: {"value": value, "standard_deviation": 0.01} for name, value in values.items()}
    return {
        "version": 0.0,
        "dataset": {"item_count": 1300},
        "binary_classification_metrics": metrics | {"confusion_matrix": {"0": {"0": 3}}},
        "lockgate": {"intervals": intervals, "average_precision": 0.8, "brier": {"value": 0.2}},
    }


def _bias() -> dict[str, Any]:
    def facet(**values: float) -> dict[str, Any]:
        metrics = [{"name": name, "description": name, "value": value} for name, value in values.items()]
        return {"colour": [{"value_or_threshold": "Black", "metrics": metrics}]}

    return {
        "version": "1.0",
        "pre_training_bias_metrics": {"label": "released", "facets": facet(CI=0.5, DPL=0.05)},
        "post_training_bias_metrics": {"label": "released", "facets": facet(AD=0.02, DI=0.95, DPPL=0.03)},
        "explanations": {"kernel_shap": {"label0": {"global_shap_values": {"age": 0.4, "checks": 0.5, "year": 0.1}}}},
    }


def _data_quality() -> dict[str, Any]:
    buckets = [
        {"lower_bound": 0.0, "upper_bound": 50.0, "count": 700},
        {"lower_bound": 50.0, "upper_bound": 99.0, "count": 600},
    ]
    age = {"common": {"num_present": 1300, "num_missing": 0}, "mean": 40.0, "min": 0.0, "max": 99.0, "std_dev": 9.0}
    sex = [{"value": "f", "count": 500}, {"value": "m", "count": 800}]
    return {
        "version": 0,
        "dataset": {"item_count": 1300},
        "features": [
            {
                "name": "age",
                "inferred_type": "Integral",
                "numerical_statistics": age | {"distribution": {"kll": {"buckets": buckets}}},
            },
            {
                "name": "sex",
                "inferred_type": "String",
                "string_statistics": {
                    "common": {"num_present": 1300, "num_missing": 0},
                    "distinct_count": 2,
                    "distribution": {"categorical": {"buckets": sex}},
                },
            },
        ],
    }


def _data_constraints() -> dict[str, Any]:
    return {
        "version": 0,
        "features": [
            {
                "name": "age",
                "inferred_type": "Integral",
                "completeness": 1.0,
                "num_constraints": {"is_non_negative": True},
            },
            {
                "name": "sex",
                "inferred_type": "String",
                "completeness": 1.0,
                "string_constraints": {"domains": ["f", "m"]},
            },
        ],
    }
