"""Bias of the model's answers: the post-training metrics of SageMaker Clarify, written from its published formulas.

Source of each: SageMaker developer guide, "Post-training Data and Model Bias Metrics" and the page named in the
docstring. Raises UndefinedMetricError where a denominator is zero. Not here: FT (counterfactual fliptest,
clarify-post-training-bias-metric-ft), which needs each row's nearest neighbours and so is no function of the table.
"""

from __future__ import annotations

from lockgate_checks.compute.bias_pretraining import conditional_disparity, rate, share
from lockgate_checks.compute.bias_split import Side, Split, UndefinedMetricError


def difference_in_predictions(split: Split) -> float:
    """DPPL = q'_a - q'_d with q' = n'(1)/n, -1 to 1 (clarify-post-training-bias-metric-dppl)."""
    return rate(split.a.accepted, split.a, "a") - rate(split.d.accepted, split.d, "d")


def disparate_impact(split: Split) -> float:
    """DI = q'_d / q'_a, 0 to infinity, 1 is parity (clarify-post-training-bias-metric-di)."""
    q_a, q_d = rate(split.a.accepted, split.a, "a"), rate(split.d.accepted, split.d, "d")
    if not q_a:
        raise UndefinedMetricError("facet a has no positive predictions")
    return q_d / q_a


def difference_in_conditional_acceptance(split: Split) -> float:
    """DCA = n_a(1)/n'_a(1) - n_d(1)/n'_d(1) (clarify-post-training-bias-metric-dcacc)."""
    c_a, c_d = (_per(s.positive, s.accepted, n, "positive predictions") for s, n in _sides(split))
    return c_a - c_d


def difference_in_conditional_rejection(split: Split) -> float:
    """DCR = n_d(0)/n'_d(0) - n_a(0)/n'_a(0) (clarify-post-training-bias-metric-dcr)."""
    r_a, r_d = (_per(s.negative, s.rejected, n, "negative predictions") for s, n in _sides(split))
    return r_d - r_a


def recall_difference(split: Split) -> float:
    """RD = TP_a/(TP_a + FN_a) - TP_d/(TP_d + FN_d), -1 to 1 (clarify-post-training-bias-metric-rd)."""
    r_a, r_d = (_per(s.true_positive, s.positive, n, "positive labels") for s, n in _sides(split))
    return r_a - r_d


def specificity_difference(split: Split) -> float:
    """SD = TN_d/(TN_d + FP_d) - TN_a/(TN_a + FP_a), -1 to 1 (clarify-post-training-bias-metric-sd)."""
    s_a, s_d = (_per(s.true_negative, s.negative, n, "negative labels") for s, n in _sides(split))
    return s_d - s_a


def difference_in_acceptance_rates(split: Split) -> float:
    """DAR = TP_a/(TP_a + FP_a) - TP_d/(TP_d + FP_d), -1 to 1 (clarify-post-training-bias-metric-dar)."""
    p_a, p_d = (_per(s.true_positive, s.accepted, n, "positive predictions") for s, n in _sides(split))
    return p_a - p_d


def difference_in_rejection_rates(split: Split) -> float:
    """DRR = TN_d/(TN_d + FN_d) - TN_a/(TN_a + FN_a), -1 to 1 (clarify-post-training-bias-metric-drr)."""
    p_a, p_d = (_per(s.true_negative, s.rejected, n, "negative predictions") for s, n in _sides(split))
    return p_d - p_a


def accuracy_difference(split: Split) -> float:
    """AD = ACC_a - ACC_d with ACC = (TP + TN)/n, -1 to 1 (clarify-post-training-bias-metric-ad)."""
    a_a, a_d = (rate(s.true_positive + s.true_negative, s, n) for s, n in _sides(split))
    return a_a - a_d


def treatment_equality(split: Split) -> float:
    """TE = FN_d/FP_d - FN_a/FP_a (clarify-post-training-bias-metric-te).

    The guide notes that it is unbounded, and so has no value here, if a facet has no false positives.
    """
    t_a, t_d = (_per(s.false_negative, s.false_positive, n, "false positives") for s, n in _sides(split))
    return t_d - t_a


def conditional_disparity_in_predictions(split: Split) -> float:
    """CDDPL: as CDDL, of the predicted labels (clarify-post-training-bias-metric-cddpl)."""
    return conditional_disparity(split.prediction_strata)


def generalized_entropy(split: Split) -> float:
    """GE = 1/(2n) sum over rows of [(b_i / b')^2 - 1], b = y' - y + 1 (clarify-post-training-bias-metric-ge).

    b is the benefit: 2 for a false positive, 0 for a false negative, 1 otherwise; b' its mean. The same for every
    facet value. The guide gives the range 0 to 0.5; it is exceeded where false negatives prevail.
    """
    false_positive = split.a.false_positive + split.d.false_positive
    false_negative = split.a.false_negative + split.d.false_negative
    rows = split.a.size + split.d.size
    benefit = rows + false_positive - false_negative
    if not benefit:
        raise UndefinedMetricError("all predictions are false negatives: no row has a benefit")
    squares = rows + 3 * false_positive - false_negative
    return (squares * rows - benefit**2) / (2 * benefit**2)


def _sides(split: Split) -> tuple[tuple[Side, str], tuple[Side, str]]:
    return (split.a, "a"), (split.d, "d")


def _per(part: int, whole: int, facet: str, what: str) -> float:
    return share(part, whole, f"facet {facet} has no {what}")
