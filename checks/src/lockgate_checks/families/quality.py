"""Is the model good enough? Model Monitor's model-quality statistics, with intervals and segments of our own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lockgate_checks.check import Answer, Confidence, Measured, check, label, number, skipped
from lockgate_checks.errors import EvidenceError
from lockgate_checks.families.reading import mapping, part

KINDS = ("binary_classification_metrics", "multiclass_classification_metrics", "regression_metrics")
_RATES = ("recall", "precision", "accuracy", "f0_5", "f1", "f2")
_POSITIVES = ("true_positive_rate", "true_negative_rate", "false_positive_rate", "false_negative_rate")
_WEIGHTED = tuple(f"weighted_{name}" for name in ("recall", "precision", "f0_5", "f1", "f2"))
_REGRESSION = ("mae", "mse", "rmse", "r2")
_CONSTANT = "_best_constant_classifier"
REPORTED = (*_RATES, *_POSITIVES, "auc", *_WEIGHTED, *_REGRESSION)
METRICS = (*REPORTED, "average_precision", "brier", "expected_calibration_error", "accuracy_over_constant")
SEGMENT = "segment_"
_SHARES = frozenset({*METRICS} - {*_REGRESSION, "accuracy_over_constant"})


@check(id="quality.metrics", question="Is the model good enough on held-out rows?", measures=METRICS)
def metrics(model_quality: Mapping[str, Any]) -> Iterator[Measured]:
    """The model is not good enough, or too few rows show that it is: improve it, or evaluate it on more rows."""
    yield from _reported(model_quality)
    reported = _metrics_of(model_quality)
    values = [
        number(mapping(reported.get(name, {}), name).get("value")) for name in ("accuracy", f"accuracy{_CONSTANT}")
    ]
    if values[0] is not None and values[1] is not None:
        yield Measured("accuracy_over_constant", values[0] - values[1])
    own = model_quality.get("lockgate", {})
    if "brier" in own:
        yield _measured("brier", own["brier"], own["brier"].get("interval"))
    if "average_precision" in own:
        yield _measured("average_precision", {"value": own["average_precision"]}, None)
    if "calibration" in own:
        error = own["calibration"].get("expected_calibration_error")
        yield _measured("expected_calibration_error", {"value": error}, None)


@check(id="quality.rows", question="Was the model measured on enough rows?", measures=("rows",))
def rows(model_quality: Mapping[str, Any]) -> Measured:
    """The model was measured on too few rows to say anything: evaluate it on more."""
    return Measured("rows", part(model_quality, "dataset").get("item_count"))


@check(
    id="quality.segments",
    question="Is the model good enough for every segment of the rows?",
    measures=(*(SEGMENT + name for name in REPORTED), f"{SEGMENT}rows"),
)
def segments(model_quality: Mapping[str, Any]) -> Iterator[Measured | Answer]:
    """The model fails a part of the rows that its average hides: look at that segment's data."""
    found = model_quality.get("lockgate", {}).get("segments")
    if not found:
        yield skipped("the model-quality report has no segments")
        return
    for column, values in mapping(found, "lockgate.segments").items():
        for value, report in mapping(values, f"lockgate.segments.{column}").items():
            of = f"{column}={value}"
            yield Measured(f"{SEGMENT}rows", part(report, "dataset").get("item_count"), of)
            yield from _segment(mapping(report, of), of)


def _segment(report: Mapping[str, Any], of: str) -> Iterator[Measured]:
    if "error" in report:  # what could not be measured has the reason in place of every number
        yield from (Measured(f"{SEGMENT}{name}", report["error"], of) for name in REPORTED)
        return
    for found in _reported(report):
        yield Measured(f"{SEGMENT}{found.metric}", found.value, of, found.confidence)


def _reported(report: Mapping[str, Any]) -> Iterator[Measured]:
    intervals = mapping(mapping(report.get("lockgate", {}), "lockgate").get("intervals", {}), "lockgate.intervals")
    for name, metric in _metrics_of(report).items():
        if isinstance(metric, Mapping) and "value" in metric:
            yield _measured(label(name), metric, intervals.get(name))


def _measured(name: str, metric: Any, interval: Any) -> Measured:
    value = mapping(metric, name).get("value")
    share = number(value)
    if name in _SHARES and share is not None and not 0 <= share <= 1:
        return Measured(name, f"{share:.6g}, which is no share from 0 to 1")
    if not isinstance(interval, Mapping):
        return Measured(name, value)
    bounds = Confidence(interval.get("lower"), interval.get("upper"), interval.get("level"))
    return Measured(name, value, confidence=bounds)


def _metrics_of(report: Mapping[str, Any]) -> Mapping[str, Any]:
    kinds = [kind for kind in KINDS if kind in report]
    if len(kinds) != 1:
        raise EvidenceError(f"model quality must have exactly one of {', '.join(KINDS)}; it has {len(kinds)}")
    return part(report, kinds[0])
