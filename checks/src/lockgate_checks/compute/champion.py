"""Compares a challenger with the champion on the same rows (champion.json), saying how sure the difference is.

Both models see the same rows, so what makes the rows easy or hard drops out of the difference: a paired comparison
is surer than two intervals laid side by side. `difference` and its interval are oriented: above zero the challenger is
better, also for metrics of which less is better.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from lockgate_checks.compute import confusion, curves, intervals, model_quality
from lockgate_checks.compute.intervals import Floats
from lockgate_checks.errors import EvidenceError

RATES = (
    "recall",
    "precision",
    "accuracy",
    "true_positive_rate",
    "true_negative_rate",
    "false_positive_rate",
    "false_negative_rate",
    "f0_5",
    "f1",
    "f2",
)
BINARY_METRICS = ("auc", "brier", *RATES)
REGRESSION_METRICS = ("mae", "mse", "rmse", "r2")
_LESS_IS_BETTER = model_quality.WORSE_WHEN_GREATER | {"brier"}


@dataclass(frozen=True)
class Contest:
    """What is compared: the metric, by how much the challenger may be worse (margin >= 0, in the metric's unit).

    `positive` and `cutoff` are as in a model-quality report; `level` is the interval's, `seed` the bootstrap's.
    """

    metric: str = "auc"
    margin: float = 0.0
    positive: Any = 1
    cutoff: float = 0.5
    level: float = intervals.LEVEL
    seed: int = 0


def compare_binary(labels: Any, champion: Any, challenger: Any, contest: Contest | None = None) -> dict[str, Any]:
    """champion.json from both models' scores of the same rows.

    AUC is compared by DeLong's paired test, any other metric by a paired bootstrap over rows.

    Raises:
        EvidenceError: unknown metric or margin, one label only, scores that are not finite, unequal lengths, a metric
            that is undefined on these rows.
    """
    contest = _checked(contest or Contest(), BINARY_METRICS)
    intervals.same_length(labels=labels, champion=champion, challenger=challenger)
    actual, old, new = intervals.in_fixed_order(
        curves.binary_labels(labels, contest.positive),
        intervals.finite(champion, "The champion's scores"),
        intervals.finite(challenger, "The challenger's scores"),
    )
    if contest.metric == "auc":
        return _areas(actual, old, new, contest)
    if contest.metric == "brier":
        squares = np.column_stack([(old - actual) ** 2, (new - actual) ** 2])
        return _bootstrapped(squares.mean(axis=0), intervals.resampled_means(squares, contest.seed), actual, contest)
    return _answers(actual, old >= contest.cutoff, new >= contest.cutoff, contest)


def compare_regression(actual: Any, champion: Any, challenger: Any, contest: Contest) -> dict[str, Any]:
    """champion.json from both models' predictions of the same rows, by a paired bootstrap over rows.

    Raises:
        EvidenceError: unknown metric or margin, fewer than two rows, values that are not finite, unequal lengths, a
            metric that is undefined on these rows.
    """
    contest = _checked(contest, REGRESSION_METRICS)
    if intervals.same_length(actual=actual, champion=champion, challenger=challenger) < 2:
        raise EvidenceError("One row says nothing about which model is better; compare on at least two rows.")
    truth, old, new = intervals.in_fixed_order(
        intervals.finite(actual, "Actual values"),
        intervals.finite(champion, "The champion's predictions"),
        intervals.finite(challenger, "The challenger's predictions"),
    )
    pair = np.column_stack([model_quality.regression_moments(truth, one) for one in (old, new)])

    def both(means: Floats) -> Floats:
        halves = (means[..., :4], means[..., 4:])
        return np.stack([model_quality.regression_metrics(half)[contest.metric] for half in halves], axis=-1)

    drawn = intervals.resampled_means(pair, contest.seed)
    return _bootstrapped(both(pair.mean(axis=0)), both(drawn), truth, contest)


def _checked(contest: Contest, metrics: tuple[str, ...]) -> Contest:
    if contest.metric not in metrics:
        raise EvidenceError(f"{contest.metric!r} cannot be compared here; choose one of {', '.join(metrics)}.")
    if not (math.isfinite(contest.margin) and contest.margin >= 0):
        raise EvidenceError(f"The margin is {contest.margin}; give by how much the challenger may be worse, 0 or more.")
    return contest


def _areas(labels: Floats, old: Floats, new: Floats, contest: Contest) -> dict[str, Any]:
    """DeLong's paired test: z = (AUC2 - AUC1) / sqrt(var(AUC1) + var(AUC2) - 2 cov(AUC1, AUC2)).

    The variance under the root is that of the differences of the structural components. Source: DeLong et al.,
    Biometrics 44 (1988), 837-845, equations 4 to 6.
    """
    first, second = (intervals.area_under_curve(labels, scores) for scores in (old, new))
    gain = intervals.Area(
        second.value - first.value, second.positives - first.positives, second.negatives - first.negatives
    )
    if math.isnan(gain.variance):
        raise EvidenceError("A label has a single row, too few to compare two models; evaluate on more rows.")
    error = math.sqrt(gain.variance)
    reach = intervals.z_value(contest.level) * error
    bounds = (gain.value - reach, gain.value + reach)
    p_value = 2 * NormalDist().cdf(-abs(gain.value) / error) if error else float(gain.value == 0)
    found = _document((first.value, second.value), bounds, len(labels), contest)
    return found | {"method": "delong_paired", "standard_error": error, "p_value": p_value}


def _answers(labels: Floats, old: Any, new: Any, contest: Contest) -> dict[str, Any]:
    """The paired bootstrap of rates: rows fall into 8 cells, by label and both answers."""
    cells = np.bincount((4 * labels + 2 * old + new).astype(np.int64), minlength=8)

    def both(counts: Any) -> Floats:
        by_label = np.reshape(counts, (*np.shape(counts)[:-1], 2, 2, 2))
        tables = [by_label.sum(axis=axis).reshape(*np.shape(counts)[:-1], 4) for axis in (-1, -2)]
        return np.stack([confusion.rates(table)[contest.metric] for table in tables], axis=-1)

    drawn = intervals.resampled_counts(cells, contest.seed)
    return _bootstrapped(both(cells), both(drawn), labels, contest)


def _bootstrapped(values: Floats, drawn: Floats, rows: Floats, contest: Contest) -> dict[str, Any]:
    sign = -1.0 if contest.metric in _LESS_IS_BETTER else 1.0
    sure = intervals.percentile(sign * (drawn[:, 1] - drawn[:, 0]), contest.level)
    if sure is None or not np.isfinite(values).all():
        raise EvidenceError(f"{contest.metric} is undefined on these rows for one of the models; use more rows.")
    bounds = (sure.lower, sure.upper)
    return _document((float(values[0]), float(values[1])), bounds, len(rows), contest) | {"method": "bootstrap_paired"}


def _document(values: tuple[float, float], bounds: tuple[float, float], rows: int, contest: Contest) -> dict[str, Any]:
    """champion.json. Non-inferior: no part of the interval lies below -margin.

    Source: G. Piaggio et al., "Reporting of noninferiority and equivalence randomized trials", JAMA 308 (2012).
    """
    sign = -1.0 if contest.metric in _LESS_IS_BETTER else 1.0
    return {
        "metric": contest.metric,
        "champion": values[0],
        "challenger": values[1],
        "difference": sign * (values[1] - values[0]),
        "interval": list(bounds),
        "n": rows,
        "level": contest.level,
        "margin": contest.margin,
        "better": "less" if sign < 0 else "greater",
        "non_inferior": bounds[0] >= -contest.margin,
        "superior": bounds[0] > 0,
    }
