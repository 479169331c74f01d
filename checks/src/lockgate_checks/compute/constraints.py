"""Data-quality constraints and their violations in the shapes of SageMaker Model Monitor.

Shapes: developer guide, "Schema for Constraints (constraints.json file)" and "Schema for Violations
(constraint_violations.json file)". Thresholds of types and domains are the share of cells that must conform: 1.0, as
Model Monitor's prebuilt container writes them. Assumption: so too in files that show the guide's default 0.1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lockgate_checks.compute.drift import FeatureDrift, drift, features_by_name
from lockgate_checks.errors import EvidenceError

LARGEST_DOMAIN = 100
MONITORING_CONFIG: dict[str, Any] = {
    "evaluate_constraints": "Enabled",
    "emit_metrics": "Enabled",
    "datatype_check_threshold": 1.0,
    "domain_content_threshold": 1.0,
    "distribution_constraints": {
        "perform_comparison": "Enabled",
        "comparison_threshold": 0.1,
        "comparison_method": "Robust",
        "categorical_comparison_threshold": 0.1,
        "categorical_drift_method": "LInfinity",
    },
}
_FITTING = {"Integral": ("Integral",), "Fractional": ("Integral", "Fractional")}


@dataclass(frozen=True)
class _Feature:
    """One constrained feature: its constraint, its statistics now, the number of rows and the configuration for it."""

    name: str
    constraint: Mapping[str, Any]
    now: Mapping[str, Any]
    rows: int
    config: Mapping[str, Any]

    @property
    def part(self) -> Mapping[str, Any]:
        """Return its text or number statistics."""
        part = self.now.get("string_statistics") or self.now["numerical_statistics"]
        return dict(part)

    @property
    def present(self) -> int:
        """Return the number of cells with a value."""
        return int(self.part["common"]["num_present"])


def suggest_constraints(statistics: Any) -> dict[str, Any]:
    """Return constraints.json that the data behind these statistics meets.

    Raises:
        EvidenceError: the document is not of the shape of statistics.json.
    """
    features = features_by_name(statistics, "statistics.json")
    try:
        rows = int(statistics["dataset"]["item_count"])
        constraints = [_suggest(feature, rows) for feature in features.values()]
    except (KeyError, TypeError, ValueError, AttributeError, ZeroDivisionError):
        raise EvidenceError("The statistics are not of the shape of statistics.json.") from None
    return {"version": 0, "features": constraints, "monitoring_config": MONITORING_CONFIG}


def constraint_violations(constraints: Any, statistics: Any, baseline: Any = None) -> dict[str, Any]:
    """Return constraint_violations.json; distributions are compared if the baseline's statistics are given.

    Raises:
        EvidenceError: a document is not of its shape, or asks for a comparison that is not made here.
    """
    expected = features_by_name(constraints, "constraints.json")
    now = features_by_name(statistics, "statistics.json")
    drifts = {one.feature: one for one in drift(baseline, statistics)} if baseline is not None else {}
    try:
        config = {**MONITORING_CONFIG, **constraints.get("monitoring_config", {})}
        found = list(_columns(expected, now))
        if config["evaluate_constraints"] == "Enabled":
            for name in expected.keys() & now.keys():
                own = _merged(config, expected[name].get("monitoringConfigOverrides") or {})
                feature = _Feature(name, expected[name], now[name], int(statistics["dataset"]["item_count"]), own)
                found += _violations(feature, drifts.get(name))
    except (KeyError, TypeError, ValueError, AttributeError, ZeroDivisionError):
        raise EvidenceError("The constraints or statistics are not of Model Monitor's shape.") from None
    keys = ("feature_name", "constraint_check_type", "description")
    return {"violations": [dict(zip(keys, violation, strict=True)) for violation in sorted(found)]}


Violation = tuple[str, str, str]


def _suggest(feature: Mapping[str, Any], rows: int) -> dict[str, Any]:
    part = feature.get("string_statistics") or feature["numerical_statistics"]
    constraint: dict[str, Any] = {
        "name": feature["name"],
        "inferred_type": feature["inferred_type"],
        "completeness": part["common"]["num_present"] / rows,
    }
    if "string_statistics" in feature:
        if part["distinct_count"] <= LARGEST_DOMAIN:
            domain = sorted(bucket["value"] for bucket in part["distribution"]["categorical"]["buckets"])
            constraint["string_constraints"] = {"domains": domain}
    elif part["min"] is not None:
        constraint["num_constraints"] = {"is_non_negative": part["min"] >= 0}
    return constraint


def _columns(expected: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Violation]:
    for name in expected.keys() - now.keys():
        yield name, "missing_column_check", "The column is in the baseline but not in the data."
    for name in now.keys() - expected.keys():
        yield name, "extra_column_check", "The column is in the data but not in the baseline."


def _violations(feature: _Feature, moved: FeatureDrift | None) -> Iterator[Violation]:
    name, completeness = feature.name, feature.present / feature.rows
    if completeness < feature.constraint.get("completeness", 0.0):
        required = f"{feature.constraint['completeness']:.4%}"
        yield name, "completeness_check", f"Only {completeness:.4%} of the cells have a value; {required} are required."
    for kind, texts in (
        ("data_type_check", _types(feature)),
        ("non_negative_check", _negative(feature)),  # Assumption: the guide names no type for is_non_negative
        ("categorical_values_check", _domain(feature)),
        ("baseline_drift_check", _drifted(feature, moved)),
    ):
        yield from ((name, kind, text) for text in texts)


def _types(feature: _Feature) -> Iterator[str]:
    expected = feature.constraint.get("inferred_type")
    if infinite := feature.part.get("num_infinite", 0):
        yield f"{infinite} cells are infinite."
    if expected not in _FITTING or not feature.present:
        return
    counts = feature.now.get("type_counts", {feature.now["inferred_type"]: feature.present})
    share = sum(counts.get(fitting, 0) for fitting in _FITTING[expected]) / feature.present
    required = float(feature.config["datatype_check_threshold"])
    if share < required:
        yield f"Only {share:.4%} of the values are {expected}; {required:.4%} are required."


def _negative(feature: _Feature) -> Iterator[str]:
    lowest = feature.part.get("min")
    if feature.constraint.get("num_constraints", {}).get("is_non_negative") and lowest is not None and lowest < 0:
        yield f"The smallest value is {lowest:g}; none may be negative."


def _domain(feature: _Feature) -> Iterator[str]:
    domain = feature.constraint.get("string_constraints", {}).get("domains")
    if domain is None or "string_statistics" not in feature.now or not feature.present:
        return
    buckets = feature.part["distribution"]["categorical"]["buckets"]
    known = sum(bucket["count"] for bucket in buckets if bucket["value"] in domain)
    required = float(feature.config["domain_content_threshold"])
    if known / feature.present < required:
        strangers = sorted({bucket["value"] for bucket in buckets} - set(domain))
        examples = f", for example {', '.join(map(repr, strangers[:3]))}" if strangers else ""
        yield f"Only {known / feature.present:.4%} of the values are known ones{examples}; {required:.4%} are required."


def _drifted(feature: _Feature, moved: FeatureDrift | None) -> Iterator[str]:
    limits = feature.config["distribution_constraints"]
    if moved is None or limits["perform_comparison"] != "Enabled":
        return
    if moved.simple is None:
        if feature.constraint.get("inferred_type") != "Unknown":
            yield f"The distributions cannot be compared: {moved.reason}."
        return
    threshold = float(limits["comparison_threshold"])
    if "string_statistics" in feature.now:
        threshold = float(limits.get("categorical_comparison_threshold", threshold))
        if limits.get("categorical_drift_method", "LInfinity") != "LInfinity":
            raise EvidenceError("categorical_drift_method must be LInfinity: chi-squared is not computed.")
    distance = moved.distance(limits.get("comparison_method", "Robust"))
    if distance is not None and distance > threshold:
        yield f"Baseline drift distance: {distance:.6g} exceeds threshold: {threshold:g}"


def _merged(config: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    distribution = {**config["distribution_constraints"], **overrides.get("distribution_constraints", {})}
    return {**config, **overrides, "distribution_constraints": distribution}
