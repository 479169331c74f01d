"""How sure one can be of a metric: confidence intervals with this many rows.

- area under the ROC curve: DeLong's structural components, counted in sorted scores;
- shares of rows: Wilson's score interval;
- everything else: a seeded bootstrap. Each such metric is a function of counts or of column means, so that counts
  or weights are drawn, not rows copied. Rows are put in one fixed order first: the same rows in another order give
  the same bytes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockgate_checks.errors import EvidenceError

Floats = NDArray[np.float64]

LEVEL = 0.95
RESAMPLES = 1000
_FEWEST_RESAMPLES = 100
_ROWS_DRAWN = 20_000_000  # in all; larger data are resampled less often, as each resample then varies less


@dataclass(frozen=True)
class Interval:
    """A confidence interval: its bounds, its level (0.95 = 95 %) and the method that gave it."""

    lower: float
    upper: float
    method: str
    level: float = LEVEL

    def document(self) -> dict[str, Any]:
        """The interval as JSON."""
        return {"lower": self.lower, "upper": self.upper, "level": self.level, "method": self.method}


@dataclass(frozen=True)
class Area:
    """Area under the ROC curve and its structural components, one for each positive and each negative row."""

    value: float
    positives: Floats
    negatives: Floats

    @property
    def variance(self) -> float:
        """DeLong's variance, S10 / m + S01 / n; NaN where a class has a single row."""
        return _variance_of_mean(self.positives) + _variance_of_mean(self.negatives)


def finite(values: Any, what: str) -> Floats:
    """The values as numbers.

    Raises:
        EvidenceError: they are not one column of numbers, or one of them is text, missing or infinite.
    """
    try:
        given = np.asarray(values)
    except ValueError as error:
        raise EvidenceError(f"{what} must be one column of numbers, not rows of unequal length.") from error
    if given.ndim != 1 or given.dtype.kind not in "biuf":
        shown = repr(given.ravel().tolist()[0]) if given.size else "nothing"
        raise EvidenceError(f"{what} must be one column of numbers, not {shown}; convert or correct the column first.")
    numbers = given.astype(np.float64)
    bad = np.flatnonzero(~np.isfinite(numbers))
    if len(bad):
        raise EvidenceError(
            f"{what} hold {len(bad)} values that are no finite number, the first ({numbers[bad[0]]}) in row {bad[0]};"
            " find out why the model or the data give them."
        )
    return numbers


def present(values: Any, what: str) -> list[Any]:
    """The values as plain Python values, none of them missing.

    Raises:
        EvidenceError: they are not one column, or one is None or NaN.
    """
    items: list[Any] = values.tolist() if hasattr(values, "tolist") else list(values)
    for row, item in enumerate(items):
        if isinstance(item, list | tuple):
            raise EvidenceError(f"{what} must be one column, not rows like {item!r}; pass a single column.")
        if item is None or item != item:  # NaN, of whatever type, is what differs from itself
            raise EvidenceError(f"{what} are missing in row {row} ({item}); remove or complete such rows first.")
    return items


def same_length(**columns: Any) -> int:
    """The number of rows that all the columns have.

    Raises:
        EvidenceError: the columns differ in length, or have no rows.
    """
    sizes = {name: len(column) for name, column in columns.items()}
    if len(set(sizes.values())) != 1:
        shown = ", ".join(f"{name} has {size}" for name, size in sizes.items())
        raise EvidenceError(f"The columns differ in length ({shown}); each row needs a value in each of them.")
    rows = next(iter(sizes.values()))
    if rows == 0:
        raise EvidenceError(f"There are 0 rows of {', '.join(sizes)}; give the evaluation data that the model scored.")
    return rows


def area_under_curve(labels: Floats, scores: Floats) -> Area:
    """AUC = P(score of a positive > score of a negative) + P(equal) / 2, with its structural components.

    A positive's component is the share of negatives that it exceeds, a negative's the share of positives that exceed
    it, equals counting half. Source: E. R. DeLong, D. M. DeLong, D. L. Clarke-Pearson, Biometrics 44 (1988), 837-845;
    counted in sorted scores as X. Sun, W. Xu, IEEE Signal Processing Letters 21 (2014), 1389-1393, propose.
    """
    positive, negative = scores[labels == 1], scores[labels == 0]
    above = _share_below(positive, negative)
    return Area(float(above.mean()), above, 1 - _share_below(negative, positive))


def delong(area: Area, level: float = LEVEL) -> Interval:
    """AUC +- z * standard error, cut to 0..1.

    The error is zero when the scores separate the classes perfectly (and unknown with one row of a class), however
    few rows there are. Then the interval is Wilson's for that share of the smaller class, so that five rows do not
    pass for certainty.
    """
    variance = area.variance
    if not variance > 0:
        smaller = min(len(area.positives), len(area.negatives))
        bounds = wilson(area.value * smaller, smaller, level)
        return Interval(bounds.lower, bounds.upper, "wilson_of_smaller_class", level)
    reach = z_value(level) * math.sqrt(variance)
    return Interval(max(0.0, area.value - reach), min(1.0, area.value + reach), "delong", level)


def wilson(successes: float, trials: float, level: float = LEVEL) -> Interval:
    """(p + z^2/2n +- z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n), the interval of a share p = successes / trials.

    Source: E. B. Wilson, Journal of the American Statistical Association 22 (1927), 209-212; method 3 in R. G.
    Newcombe, Statistics in Medicine 17 (1998), 857-872.
    """
    if not 0 <= successes <= trials or trials <= 0:
        raise EvidenceError(f"{successes} of {trials} is no share of rows; count successes among at least one trial.")
    share, z = successes / trials, z_value(level)
    middle = share + z * z / (2 * trials)
    reach = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    lower = (middle - reach) / scale if successes > 0 else 0.0
    upper = (middle + reach) / scale if successes < trials else 1.0
    return Interval(lower, upper, "wilson", level)


def z_value(level: float) -> float:
    """The standard normal distribution's point that leaves (1 - level) / 2 above it."""
    if not 0 < level < 1:
        raise EvidenceError(f"The confidence level {level} does not lie between 0 and 1; 0.95 is usual.")
    return NormalDist().inv_cdf((1 + level) / 2)


def in_fixed_order(*columns: Floats) -> tuple[Floats, ...]:
    """The same rows sorted by all columns, so that nothing computed from them depends on the order they came in."""
    order = np.lexsort(columns[::-1])
    return tuple(column[order] for column in columns)


def resampled_counts(counts: NDArray[np.int64], seed: int, resamples: int = RESAMPLES) -> NDArray[np.int64]:
    """Bootstrap of a table: drawing rows with replacement draws its cells from a multinomial distribution.

    Source: B. Efron, R. J. Tibshirani, An Introduction to the Bootstrap (1993), chapter 5.
    """
    total = int(counts.sum())
    drawn: NDArray[np.int64] = np.random.default_rng(seed).multinomial(total, counts / total, size=resamples)
    return drawn


def resampled_means(columns: Floats, seed: int) -> Floats:
    """Bootstrap of column means: for (rows, k) values, (resamples, k) means over rows drawn with replacement.

    `columns` are rows in a fixed order (`in_fixed_order`).
    """
    rows = len(columns)
    random = np.random.default_rng(seed)
    resamples = min(RESAMPLES, max(_FEWEST_RESAMPLES, _ROWS_DRAWN // rows))
    means = np.empty((resamples, columns.shape[1]))
    for resample in means:
        weights = np.bincount(random.integers(rows, size=rows), minlength=rows)
        resample[:] = weights @ columns / rows
    return means


def percentile(draws: Any, level: float = LEVEL) -> Interval | None:
    """The bootstrap's percentile interval; None where the metric is undefined in more than one resample of ten."""
    values = np.asarray(draws, dtype=np.float64)
    known = values[np.isfinite(values)]
    if len(known) < 0.9 * len(values):
        return None
    lower, upper = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(lower), float(upper), "bootstrap", level)


def _share_below(values: Floats, others: Floats) -> Floats:
    """For each value the share of the others that are smaller, equals counting half."""
    ordered = np.sort(others)
    counts = np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")
    shares: Floats = counts / (2 * len(others))
    return shares


def _variance_of_mean(values: Floats) -> float:
    return float(values.var(ddof=1) / len(values)) if len(values) > 1 else math.nan
