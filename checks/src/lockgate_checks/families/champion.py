"""Is the version at least as good as the one that is approved, on the same rows?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from lockgate_checks.check import Confidence, Measured, check, label, number
from lockgate_checks.errors import EvidenceError
from lockgate_checks.families.reading import items


@check(
    id="champion.difference",
    question="Is the version at least as good as the approved one?",
    measures=("champion_difference", "champion_rows"),
)
def difference(champion: Mapping[str, Any], champion_metric: str | None) -> Iterator[Measured]:
    """The approved version is better, or too few rows show that it is not: keep it, or compare on more rows."""
    if champion.get("error"):
        raise EvidenceError(label(champion["error"], 300))
    metric = champion.get("metric")
    if champion_metric is not None and metric != champion_metric:
        raise EvidenceError(f"the comparison is by {label(metric)}; the policy compares by {champion_metric}")
    interval = items(champion.get("interval"), "interval")
    if len(interval) != 2:
        raise EvidenceError("the comparison's interval does not have two bounds")
    _consistent(champion)
    bounds = Confidence(interval[0], interval[1], champion.get("level"))
    yield Measured("champion_difference", champion.get("difference"), confidence=bounds)
    yield Measured("champion_rows", champion.get("n"))


def _consistent(champion: Mapping[str, Any]) -> None:
    """Refuse a difference that is not the one of the two values beside it."""
    old, new, stated = (number(champion.get(key)) for key in ("champion", "challenger", "difference"))
    if old is None or new is None or stated is None:
        raise EvidenceError("champion, challenger or difference is no finite number")
    gain = old - new if champion.get("better") == "less" else new - old
    if not math.isclose(stated, gain, rel_tol=1e-6, abs_tol=1e-9):
        raise EvidenceError(f"the difference {stated:.6g} is not that of {new:.6g} and {old:.6g}")
