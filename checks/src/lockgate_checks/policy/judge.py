"""Judges one measured number by one threshold. Whatever is not surely within the limit does not pass."""

from __future__ import annotations

from dataclasses import dataclass

from lockgate_checks.check import Measured, label, number
from lockgate_checks.policy.model import Threshold, Unsure
from lockgate_checks.values import Limit, Outcome


@dataclass(frozen=True)
class Judgement:
    """An outcome and the number it rests on: the value, or the end of its interval that is nearest to the limit.

    `excusable` says whether a waiver may except a failure: a number outside its limit, yes; no number at all, never.
    """

    outcome: Outcome
    reason: str
    limit: Limit
    value: float | None = None
    excusable: bool = True


def judge(measured: Measured, threshold: Threshold) -> Judgement:
    """Compare a measured number, or its whole confidence interval, with the limit."""
    value, limit = number(measured.value), threshold.limit
    if value is None:
        reason = f"{measured.subject} is {label(repr(measured.value))}, not a finite number."
        return Judgement(Outcome.FAIL, reason, limit, excusable=False)
    if threshold.confidence is None:
        inside = limit.margin(value) >= 0
        outcome = Outcome.PASS if inside else Outcome.FAIL
        return Judgement(outcome, f"{measured.subject} is {_is(value, limit, inside=inside)}.", limit, value)
    return _with_confidence(measured, value, threshold, threshold.confidence)


def _with_confidence(measured: Measured, value: float, threshold: Threshold, level: float) -> Judgement:
    limit, interval = threshold.limit, _interval(measured, level)
    if interval is None:
        reason = f"{measured.subject} is {value:.6g}, but the evidence gives no interval of {level:.4g} confidence."
        return Judgement(Outcome.FAIL, reason, limit, value, excusable=False)
    worst = min((*interval, value), key=limit.margin)
    inside = limit.margin(worst) >= 0
    said = f"{measured.subject} is {value:.6g}; with {level:.4g} confidence it is as bad as "
    reason = f"{said}{_is(worst, limit, inside=inside)}."
    if inside:
        return Judgement(Outcome.PASS, reason, limit, worst)
    unsure = threshold.unsure is Unsure.HUMAN and limit.margin(value) >= 0
    return Judgement(Outcome.SKIP if unsure else Outcome.FAIL, reason, limit, worst)


def _interval(measured: Measured, level: float) -> tuple[float, float] | None:
    """Return the interval's bounds if its level is at least the one asked for."""
    given = measured.confidence
    if given is None:
        return None
    lower, upper, stated = number(given.lower), number(given.upper), number(given.level)
    if lower is None or upper is None or stated is None or not level <= stated < 1 or lower > upper:
        return None
    return lower, upper


def _is(value: float, limit: Limit, *, inside: bool) -> str:
    return f"{value:.6g}, {'which is' if inside else 'not'} {limit}"
