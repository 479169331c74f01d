"""Bias of the data: the pre-training metrics of SageMaker Clarify, written from its published formulas.

Source of each: SageMaker developer guide, "Pre-training Bias Metrics" and the page named in the docstring. P is a
facet's distribution over the label's values. Raises UndefinedMetricError where the formula has no finite value.
"""

from __future__ import annotations

from math import log, sqrt

from lockgate_checks.compute.bias_split import Side, Split, Stratum, UndefinedMetricError


def class_imbalance(split: Split) -> float:
    """CI = (n_a - n_d) / (n_a + n_d), -1 to 1 (clarify-bias-metric-class-imbalance)."""
    total = split.a.size + split.d.size
    return share(split.a.size - split.d.size, total, "there are no rows")


def difference_in_labels(split: Split) -> float:
    """DPL = q_a - q_d with q = n(1)/n, -1 to 1 (clarify-data-bias-metric-true-label-imbalance)."""
    return rate(split.a.positive, split.a, "a") - rate(split.d.positive, split.d, "d")


def kullback_leibler(split: Split) -> float:
    """KL = sum over y of P_a(y) ln[P_a(y) / P_d(y)], 0 to infinity (clarify-data-bias-metric-kl-divergence)."""
    p_a, p_d = _distributions(split)
    if any(p and not q for p, q in zip(p_a, p_d, strict=True)):
        raise UndefinedMetricError("facet d never has a label value that facet a has: the divergence is infinite")
    return _divergence(p_a, p_d)


def jensen_shannon(split: Split) -> float:
    """JS = [KL(P_a || P) + KL(P_d || P)] / 2, P = (P_a + P_d) / 2 (clarify-data-bias-metric-jensen-shannon-divergence).

    From 0 to ln 2.
    """
    p_a, p_d = _distributions(split)
    middle = [(p + q) / 2 for p, q in zip(p_a, p_d, strict=True)]
    return (_divergence(p_a, middle) + _divergence(p_d, middle)) / 2


def lp_norm(split: Split) -> float:
    """LP = [sum over y of |P_a(y) - P_d(y)|^2]^(1/2), 0 to the root of 2 (clarify-data-bias-metric-lp-norm, p = 2)."""
    return sqrt(sum(gap**2 for gap in _gaps(split)))


def total_variation(split: Split) -> float:
    """TVD = 1/2 sum over y of |P_a(y) - P_d(y)|, 0 to 1 (clarify-data-bias-metric-total-variation-distance)."""
    return sum(_gaps(split)) / 2


def kolmogorov_smirnov(split: Split) -> float:
    """KS = max over y of |P_a(y) - P_d(y)|, 0 to 1 (clarify-data-bias-metric-kolmogorov-smirnov)."""
    return max(_gaps(split))


def conditional_disparity_in_labels(split: Split) -> float:
    """CDDL = 1/n sum over groups i of n_i DD_i (clarify-data-bias-metric-cddl)."""
    return conditional_disparity(split.label_strata)


def conditional_disparity(strata: tuple[Stratum, ...]) -> float:
    """CDD with DD_i = n_d,i(0)/n_i(0) - n_d,i(1)/n_i(1) within group i, -1 to 1.

    A group where every outcome is the same has no DD: AWS defines no value for it, so neither do we.
    """
    for stratum in strata:
        if not stratum.negative or not stratum.positive:
            outcome = "positive" if stratum.positive else "negative"
            where = f"group {stratum.name!r}" if stratum.name else "the data"
            raise UndefinedMetricError(f"every outcome in {where} is {outcome}: it has no demographic disparity")
    weighted = (
        (stratum.negative + stratum.positive)
        * (stratum.negative_d / stratum.negative - stratum.positive_d / stratum.positive)
        for stratum in strata
    )
    return sum(weighted) / sum(stratum.negative + stratum.positive for stratum in strata)


def share(part: int, whole: int, otherwise: str) -> float:
    """Return part / whole, or say why there is none."""
    if not whole:
        raise UndefinedMetricError(otherwise)
    return part / whole


def rate(part: int, side: Side, facet: str) -> float:
    """Return a share of a facet's rows."""
    return share(part, side.size, f"facet {facet} has no rows")


def _distributions(split: Split) -> tuple[list[float], list[float]]:
    p_a = [rate(number, split.a, "a") for number in split.a.labels]
    return p_a, [rate(number, split.d, "d") for number in split.d.labels]


def _gaps(split: Split) -> list[float]:
    return [abs(p - q) for p, q in zip(*_distributions(split), strict=True)]


def _divergence(p: list[float], q: list[float]) -> float:
    """Return KL(P || Q) in nats; a rounding error may not make it negative."""
    return max(0.0, sum(x * log(x / y) for x, y in zip(p, q, strict=True) if x))
