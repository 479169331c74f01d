"""What a metric alarm may be. All mistakes of a request are reported together.

Source: Amazon CloudWatch API Reference, PutMetricAlarm.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lockgate_twin.errors import ApiError, NotImplementedByTwin
from lockgate_twin.services.cloudwatch.evaluation import COMPARISONS

_REFUSED = (
    "Metrics",
    "ThresholdMetricId",
    "EvaluationWindow",
    "WarmUpConfiguration",
    "EvaluationCriteria",
    "EvaluationInterval",
    "ActionConfiguration",
)
_ACTIONS = ("OKActions", "AlarmActions", "InsufficientDataActions")
_PERCENTILE = re.compile(r"p(\d{1,2}(\.\d{1,10})?|100)")
_SHORT_PERIODS = (10, 20, 30)
_DAY, _HOUR = 86_400, 3_600


def check(parameters: Mapping[str, Any]) -> None:
    """Check a PutMetricAlarm request.

    Raises:
        ApiError: ValidationError with every mistake.
        NotImplementedByTwin: metric math, anomaly detection, other statistics than percentiles, or an action that is
            neither a topic nor a function.
    """
    _refuse(parameters)
    wrong = [*_missing(parameters), *_statistic(parameters), *_periods(parameters), *_treatment(parameters)]
    if wrong:
        raise ApiError("ValidationError", " ".join(wrong))


def _refuse(parameters: Mapping[str, Any]) -> None:
    if refused := [name for name in _REFUSED if parameters.get(name) is not None]:
        what = "metric math, anomaly detection and queries"
        raise NotImplementedByTwin(f"PutMetricAlarm with {', '.join(refused)} ({what})")
    compared = parameters.get("ComparisonOperator")
    if compared not in COMPARISONS:
        raise NotImplementedByTwin(f"PutMetricAlarm with ComparisonOperator {compared} (anomaly detection)")
    for arn in (arn for name in _ACTIONS for arn in parameters.get(name) or []):
        if not arn.startswith(("arn:aws:sns:", "arn:aws:lambda:")):
            raise NotImplementedByTwin(f"The alarm action {arn} (the twin has SNS topics and Lambda functions)")


def _missing(parameters: Mapping[str, Any]) -> list[str]:
    needed = ("Namespace", "MetricName", "Period", "Threshold")
    return [f"The parameter {name} is required for a metric alarm." for name in needed if parameters.get(name) is None]


def _statistic(parameters: Mapping[str, Any]) -> list[str]:
    plain, extended = parameters.get("Statistic"), parameters.get("ExtendedStatistic")
    if (plain is None) == (extended is None):
        return ["Exactly one of Statistic and ExtendedStatistic must be specified."]
    if extended is not None and not _PERCENTILE.fullmatch(extended):
        raise NotImplementedByTwin(f"ExtendedStatistic {extended} (the twin has percentiles, e.g. p90)")
    return []


def _periods(parameters: Mapping[str, Any]) -> list[str]:
    period, count = parameters.get("Period") or 60, parameters["EvaluationPeriods"]
    wrong = []
    if period not in _SHORT_PERIODS and period % 60:
        wrong.append("Period must be 10, 20, 30 or a multiple of 60 seconds.")
    longest = 7 * _DAY if period >= _HOUR else _DAY
    if period * count > longest:
        wrong.append(
            f"Metrics cannot be checked across more than {longest // _DAY} day(s): Period * EvaluationPeriods."
        )
    if (parameters.get("DatapointsToAlarm") or 1) > count:
        wrong.append("DatapointsToAlarm must be at most EvaluationPeriods.")
    return wrong


def _treatment(parameters: Mapping[str, Any]) -> list[str]:
    wrong = []
    if (treat := parameters.get("TreatMissingData")) not in {None, "breaching", "notBreaching", "ignore", "missing"}:
        wrong.append(f"Option {treat} is not supported for TreatMissingData.")
    low = parameters.get("EvaluateLowSampleCountPercentile")
    if low not in {None, "evaluate", "ignore"}:
        wrong.append(f"Option {low} is not supported for EvaluateLowSampleCountPercentile.")
    if low is not None and parameters.get("ExtendedStatistic") is None:
        wrong.append("EvaluateLowSampleCountPercentile is only for alarms on percentiles.")
    return wrong
