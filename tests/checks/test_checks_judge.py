"""One measured number against one threshold."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lockgate_checks.check import Confidence, Measured, number
from lockgate_checks.policy.judge import judge
from lockgate_checks.policy.model import Threshold, Unsure
from lockgate_checks.values import Limit, Outcome

FINITE = st.floats(-1e6, 1e6)


def measured(value: Any, lower: Any = None, upper: Any = None, level: Any = 0.95) -> Measured:
    """Return a measured AUC, with an interval if bounds are given."""
    return Measured("auc", value, confidence=None if lower is None else Confidence(lower, upper, level))


@pytest.mark.parametrize(
    ("limit", "value", "outcome"),
    [
        (Limit(0.7), 0.7, Outcome.PASS),
        (Limit(0.7), math.nextafter(0.7, 0), Outcome.FAIL),
        (Limit(None, 0.7), 0.7, Outcome.PASS),
        (Limit(None, 0.7), math.nextafter(0.7, 1), Outcome.FAIL),
        (Limit(0.8, 1.25), 0.8, Outcome.PASS),
        (Limit(0.8, 1.25), 1.25, Outcome.PASS),
        (Limit(0.8, 1.25), 1.26, Outcome.FAIL),
        (Limit(0.8, 1.25), 0.79, Outcome.FAIL),
        (Limit(), -1e300, Outcome.PASS),
    ],
)
def test_a_value_passes_within_its_limit_bounds_included(limit: Limit, value: float, outcome: Outcome) -> None:
    """The nearest number outside a bound fails."""
    judged = judge(measured(value), Threshold(limit))
    assert (judged.outcome, judged.value, judged.limit, judged.excusable) == (outcome, value, limit, True)
    assert limit.contains(value) is (outcome is Outcome.PASS)


@pytest.mark.parametrize(
    "value", [None, True, "0.9", "NaN", math.nan, math.inf, -math.inf, [], {}, 10**400, np.bool_(1)]
)
def test_what_is_no_finite_number_fails_and_cannot_be_excused(value: Any) -> None:
    """Text, booleans, NaN, infinities and numbers beyond measure are no values."""
    judged = judge(measured(value), Threshold(Limit()))
    assert (judged.outcome, judged.value, judged.excusable) == (Outcome.FAIL, None, False)
    assert "not a finite number" in judged.reason
    assert number(value) is None


@pytest.mark.parametrize("value", [1, 0.5, np.float32(0.5), np.int64(3), Fraction(1, 2)])
def test_numbers_of_every_kind_are_values(value: Any) -> None:
    """What a check computed with numpy counts as well as what it read."""
    assert judge(measured(value), Threshold(Limit(0))).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("lower", "upper", "limit", "outcome", "worst"),
    [
        (0.7, 0.8, Limit(0.7), Outcome.PASS, 0.7),
        (0.69, 0.8, Limit(0.7), Outcome.FAIL, 0.69),
        (0.7, 0.8, Limit(None, 0.8), Outcome.PASS, 0.8),
        (0.7, 0.81, Limit(None, 0.8), Outcome.FAIL, 0.81),
        (0.7, 0.8, Limit(0.6, 0.85), Outcome.PASS, 0.8),
        (0.76, 0.8, Limit(0.755), Outcome.FAIL, 0.75),
    ],
)
def test_with_confidence_the_whole_interval_must_lie_within(
    lower: float, upper: float, limit: Limit, outcome: Outcome, worst: float
) -> None:
    """The end nearest to the limit decides, or the value where it lies outside its own interval."""
    judged = judge(measured(0.75, lower, upper), Threshold(limit, 0.95))
    assert (judged.outcome, judged.value) == (outcome, pytest.approx(worst))
    assert judged.excusable


@pytest.mark.parametrize(
    ("lower", "upper", "level"),
    [
        (None, None, None),
        (0.7, 0.8, 0.9),
        (0.7, 0.8, 1.0),
        (0.7, 0.8, None),
        (0.8, 0.7, 0.95),
        ("0.7", 0.8, 0.95),
        (0.7, math.inf, 0.95),
        (0.7, math.nan, 0.95),
    ],
)
def test_without_an_interval_of_that_confidence_nothing_passes(lower: Any, upper: Any, level: Any) -> None:
    """A lower level, a missing one, and bounds that are no interval are not enough, and cannot be excused."""
    judged = judge(measured(0.75, lower, upper, level), Threshold(Limit(0.1), 0.95))
    assert (judged.outcome, judged.excusable) == (Outcome.FAIL, False)
    assert judged.reason == "auc is 0.75, but the evidence gives no interval of 0.95 confidence."


def test_an_interval_of_a_higher_level_serves() -> None:
    """Surer than asked for is sure enough."""
    assert judge(measured(0.75, 0.75, 0.75, 0.99), Threshold(Limit(0.1), 0.95)).outcome is Outcome.PASS


def test_what_is_unsure_goes_to_a_person_where_the_policy_says_so() -> None:
    """The value lies within, its interval reaches out: a person decides; outside itself, it fails."""
    threshold = Threshold(Limit(0.7), 0.95, Unsure.HUMAN)
    assert judge(measured(0.7, 0.65, 0.75), threshold).outcome is Outcome.SKIP
    assert judge(measured(0.69, 0.65, 0.75), threshold).outcome is Outcome.FAIL
    assert judge(measured(0.75, 0.7, 0.8), threshold).outcome is Outcome.PASS


@given(FINITE, FINITE, FINITE, FINITE, FINITE)
def test_confidence_never_makes_a_limit_easier(value: float, low: float, high: float, one: float, two: float) -> None:
    """What passes with its interval passes without it."""
    limit = Limit(min(one, two), max(one, two))
    given_interval = measured(value, min(low, high), max(low, high))
    if judge(given_interval, Threshold(limit, 0.95)).outcome is Outcome.PASS:
        assert judge(given_interval, Threshold(limit)).outcome is Outcome.PASS


def test_the_reason_says_value_and_limit() -> None:
    """A person reads the numbers in one sentence."""
    assert judge(measured(0.75), Threshold(Limit(0.8))).reason == "auc is 0.75, not >= 0.8."
    assert judge(measured(0.75), Threshold(Limit(0.7))).reason == "auc is 0.75, which is >= 0.7."
    sure = judge(measured(0.75, 0.7, 0.8), Threshold(Limit(0.7, 0.9), 0.95))
    assert sure.reason == "auc is 0.75; with 0.95 confidence it is as bad as 0.7, which is in [0.7, 0.9]."


def test_limits_are_shown_as_ranges() -> None:
    """A limit reads as what it allows."""
    shown = [str(limit) for limit in (Limit(), Limit(0.5), Limit(None, 2), Limit(0, 1))]
    assert shown == ["any number", ">= 0.5", "<= 2", "in [0, 1]"]
    assert Limit(0, 1).margin(0.75) == pytest.approx(0.25)
    assert Limit(0, 1).margin(-1) == -1
    assert not Limit().contains(math.inf)
