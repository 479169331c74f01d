"""How far the distribution of each feature has moved from the baseline's.

Distances are those of Model Monitor's distribution constraints (developer guide, "Schema for Constraints"): the largest
difference between the two cumulative distributions of a number (Kolmogorov-Smirnov), or between the two shares of a
text value (L-infinity). Simple is that difference; robust takes from it what chance alone explains in small samples:
max(0, simple - c sqrt((n + m) / (n m))), after the two-sample Kolmogorov-Smirnov test. Assumption: c = 1.8, as in
Deequ, on which Model Monitor is built.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log, sqrt
from typing import Any

from lockgate_checks.compute.distributions import Shares, number_shares, text_shares
from lockgate_checks.errors import EvidenceError

_CHANCE = 1.8
_SMALLEST_SHARE = 1e-4  # an empty bucket counts as this, else the index would be infinite


@dataclass(frozen=True)
class FeatureDrift:
    """Distances of one feature; all are None where they cannot be computed, and `reason` says why."""

    feature: str
    simple: float | None = None
    robust: float | None = None
    population_stability_index: float | None = None
    reason: str = ""

    def distance(self, method: str) -> float | None:
        """Return the distance by Model Monitor's comparison_method, "Simple" or "Robust".

        Raises:
            EvidenceError: another method is named.
        """
        if method not in {"Simple", "Robust"}:
            raise EvidenceError(f"comparison_method is {method!r}; it must be Simple or Robust.")
        return self.simple if method == "Simple" else self.robust


def drift(baseline: Any, current: Any) -> tuple[FeatureDrift, ...]:
    """Compare two statistics.json documents, feature by feature in the baseline's order.

    Raises:
        EvidenceError: a document is not of the shape of statistics.json.
    """
    now = features_by_name(current, "statistics.json")
    before = features_by_name(baseline, "the baseline's statistics.json")
    return tuple(_compare(name, feature, now.get(name)) for name, feature in before.items())


def features_by_name(document: Any, where: str) -> dict[str, Mapping[str, Any]]:
    """Return the features of statistics.json or constraints.json.

    Raises:
        EvidenceError: there is no list of named features.
    """
    features = document.get("features") if isinstance(document, Mapping) else None
    if not isinstance(features, list):
        raise EvidenceError(f"{where} has no list of features.")
    if not all(isinstance(f, Mapping) and isinstance(f.get("name"), str) for f in features):
        raise EvidenceError(f"{where}: a feature has no name.")
    return {feature["name"]: feature for feature in features}


def _compare(name: str, before: Mapping[str, Any], now: Mapping[str, Any] | None) -> FeatureDrift:
    if now is None:
        return FeatureDrift(name, reason="the column is missing")
    try:
        shares = _shares(before, now)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError):
        raise EvidenceError(f"The statistics of {name!r} are not of the shape of statistics.json.") from None
    if shares is None:
        types = [feature.get("inferred_type") for feature in (before, now)]
        return FeatureDrift(name, reason=f"the baseline is {types[0]} and the data {types[1]}: nothing to compare")
    if not shares.before_rows or not shares.now_rows:
        return FeatureDrift(name, reason="one of both has no values")
    simple = shares.distance()
    chance = _CHANCE * sqrt((shares.before_rows + shares.now_rows) / (shares.before_rows * shares.now_rows))
    return FeatureDrift(name, simple, max(0.0, simple - chance), _stability(shares))


def _shares(before: Mapping[str, Any], now: Mapping[str, Any]) -> Shares | None:
    if "string_statistics" in before and "string_statistics" in now:
        return text_shares(before["string_statistics"], now["string_statistics"])
    if "numerical_statistics" in before and "numerical_statistics" in now:
        return number_shares(before["numerical_statistics"], now["numerical_statistics"])
    return None


def _stability(shares: Shares) -> float:
    """PSI = sum of (p - q) ln(p / q) over the baseline's deciles or the text values.

    Source: N. Siddiqi, Credit Risk Scorecards (2006), chapter 9. Usual reading: below 0.1 stable, above 0.25 moved.
    """
    pairs = [(max(p, _SMALLEST_SHARE), max(q, _SMALLEST_SHARE)) for p, q in shares.buckets()]
    return sum((p - q) * log(p / q) for p, q in pairs)
