"""Evidence that the gate predicted again with the registered model, held against what the project declared.

The document `recomputed` says whose scores the evidence rests on ("model" or "declared"), and names every number that
the project declared beside the one that was found. A declared number that looks better than the found one by more than
the tolerance is a failure that no waiver excepts: the declaration is about another model, other rows, or is not true.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from lockgate_checks.bundle import Bundle
from lockgate_checks.check import label, number
from lockgate_checks.errors import EvidenceError
from lockgate_checks.evidence import PROBLEM_TYPES
from lockgate_checks.policy.layers import recompute_of
from lockgate_checks.policy.model import Policy, Recompute
from lockgate_checks.values import Finding, Outcome, Severity

DOCUMENT, CHECK = "recomputed", "evidence.recomputed"
TOLERANCE = 0.001
"""Of a metric: scores written with nine digits, and sums in another order, differ by less."""

_LESS_IS_BETTER = frozenset({"false_positive_rate", "false_negative_rate", "mae", "mse", "rmse", "brier"})
_IDEAL_IS_ONE = frozenset({"DI"})
Numbers = dict[str, tuple[str, Any]]


def comparison(declared: Mapping[str, Any], found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return every number of model quality and post-training bias that either side has, with `gain`.

    `gain` is by how much the declared number looks better than the one found; None where one of them is no number.

    Raises:
        EvidenceError: the declared reports have another form than the documented one.
    """
    before, now = _declared_numbers(declared), _numbers(found)
    return [_row(name, before.get(name), now.get(name)) for name in sorted(before.keys() | now.keys())]


def recomputation(bundle: Bundle, policy: Policy) -> Iterator[Finding]:
    """Return whether the evidence rests on scores that the policy accepts, and whether the declared ones were true."""
    document = bundle.documents.get(DOCUMENT)
    if document is None:
        if any(layer.recompute is Recompute.REQUIRED for layer in policy.layers):
            yield _failure(DOCUMENT, "The policy asks for scores of the registered model itself; there are none.")
        return
    if document.get("error"):
        yield _failure(DOCUMENT, f"The registered model could not be asked again: {label(document['error'])}.")
    elif document.get("scores") == "declared":
        yield _declared(policy)
    elif document.get("scores") == "model":
        yield from _compared(document)
    else:
        yield _failure(DOCUMENT, f"It is not known whose scores these are: {label(repr(document.get('scores')))}.")


def _declared(policy: Policy) -> Finding:
    if recompute_of(policy) is Recompute.REQUIRED:
        return _failure(DOCUMENT, "The policy asks for scores of the registered model itself; these are declared ones.")
    reason = "The scores are those that the project declares; by the policy the model was not asked again."
    return Finding(CHECK, "evidence", DOCUMENT, Outcome.SKIP, Severity.WARN, reason=reason)


def _compared(document: Mapping[str, Any]) -> Iterator[Finding]:
    rows, tolerance = document.get("metrics"), number(document.get("tolerance"))
    if not isinstance(rows, list) or not rows or tolerance is None:
        yield _failure(DOCUMENT, "The declared numbers were not compared with those found.")
        return
    difference = number(document.get("largest_difference", 0.0))
    if difference is None or difference > tolerance:
        shown = "an unknown amount" if difference is None else f"up to {difference:.6g}"
        yield _failure("scores", f"The declared scores are not the registered model's own: they differ by {shown}.")
    wrong = [row for row in rows if not isinstance(row, Mapping) or not _honest(row, tolerance)]
    for row in wrong:
        known = row if isinstance(row, Mapping) else {}
        stated, found = (label(repr(known.get(key))) for key in ("declared", "recomputed"))
        name = label(str(known.get("name")))
        yield _failure(name, f"{name} is declared as {stated}; the registered model itself gives {found}.")
    if not wrong and difference is not None and difference <= tolerance:
        reason = f"{len(rows)} declared numbers agree with those of the registered model itself."
        yield Finding(CHECK, "evidence", DOCUMENT, Outcome.PASS, Severity.BLOCK, reason=reason)


def _honest(row: Mapping[str, Any], tolerance: float) -> bool:
    gain = number(row.get("gain"))
    return row.get("declared") is None if gain is None else gain <= tolerance


def _failure(subject: str, reason: str) -> Finding:
    return Finding(CHECK, "evidence", subject, Outcome.FAIL, Severity.BLOCK, reason=reason)


def _declared_numbers(documents: Mapping[str, Any]) -> Numbers:
    try:
        return _numbers(documents)
    except (AttributeError, KeyError, TypeError, ValueError):
        said = "a declared report, model_quality or bias, does not have the documented form, so it cannot be compared"
        raise EvidenceError(said) from None


def _numbers(documents: Mapping[str, Any]) -> Numbers:
    return {**_quality(documents.get("model_quality", {})), **_bias(documents.get("bias", {}))}


def _quality(report: Mapping[str, Any]) -> Numbers:
    kind = next((kind for kind in PROBLEM_TYPES if kind in report), None)
    metrics = report[kind] if kind else {}
    found = {name: (name, m["value"]) for name, m in metrics.items() if isinstance(m, Mapping) and "value" in m}
    rows = report.get("dataset", {}).get("item_count")
    return found | {"rows": ("rows", rows)}


def _bias(report: Mapping[str, Any]) -> Numbers:
    facets = report.get("post_training_bias_metrics", {}).get("facets", {})
    return {
        f"{metric['name']}@{facet}={entry['value_or_threshold']}": (metric["name"], metric.get("value"))
        for facet, entries in facets.items()
        for entry in entries
        for metric in entry["metrics"]
    }


def _row(name: str, declared: tuple[str, Any] | None, found: tuple[str, Any] | None) -> dict[str, Any]:
    metric = (declared or found or (name, None))[0]
    stated, known = (number(side[1]) if side else None for side in (declared, found))
    gain = None if stated is None or known is None else _gain(name, metric, stated, known)
    return {"name": name, "declared": stated, "recomputed": known, "gain": gain}


def _gain(name: str, metric: str, declared: float, found: float) -> float:
    if "@" in name:
        ideal = 1.0 if metric in _IDEAL_IS_ONE else 0.0
        return math.fabs(found - ideal) - math.fabs(declared - ideal)
    if metric == "rows":
        return math.fabs(declared - found)
    return found - declared if metric in _LESS_IS_BETTER else declared - found
