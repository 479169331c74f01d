"""Which state follows from which data points.

Source: Amazon CloudWatch User Guide, "Configuring how CloudWatch alarms treat missing data": both tables, row by row
(0 is not breaching, X is breaching, - is missing, the oldest stands first; K: the current state is kept).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from lockgate_twin.services.cloudwatch.evaluation import evaluate
from lockgate_twin.services.cloudwatch.points import Datum, Point, points
from lockgate_twin.services.cloudwatch.reasons import reason
from lockgate_twin.services.cloudwatch.record import Alarm, State

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")
STATES = {"O": "OK", "A": "ALARM", "I": "INSUFFICIENT_DATA", "K": None}


def alarm(missing: str | None = None, *, needed: int = 3, periods: int = 3, **values: Any) -> Alarm:
    """Return an alarm on values above 0.5."""
    return Alarm(
        account="111122223333",
        region="us-east-1",
        name="a",
        values={
            "MetricName": "m",
            "Namespace": "n",
            "Statistic": "Average",
            "Period": 60,
            "EvaluationPeriods": periods,
            "DatapointsToAlarm": needed,
            "Threshold": 0.5,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": missing,
            **values,
        },
        state=State(value="OK", reason="", data=None, updated=NOW, transitioned=NOW),
        configured=NOW,
    )


def slots(row: str) -> list[Point | None]:
    """Read a row of the guide's tables."""
    values = {"0": 0.0, "X": 1.0}
    return [
        Point(at=NOW + timedelta(minutes=place), value=values[sign], count=1) if sign in values else None
        for place, sign in enumerate(row)
    ]


@pytest.mark.parametrize(
    ("needed", "row", "expected"),
    [
        (3, "0-X-X", "OOOO"),
        (3, "0----", "OOOO"),
        (3, "-----", "IKAO"),
        (3, "0XX-X", "AAAA"),
        (3, "----X", "IKAO"),
        (3, "X----", "AKAO"),
        (3, "--X--", "AKAO"),
        (2, "0-X-X", "AAAA"),
        (2, "00X0X", "AAAA"),
        (2, "0-X--", "OOAO"),
        (2, "----0", "OOAO"),
        (2, "----X", "IKAO"),
    ],
)
def test_missing_data_are_treated_as_the_guide_says(needed: int, row: str, expected: str) -> None:
    """Each row of the tables gives the state of each column."""
    found = [evaluate(alarm(treatment, needed=needed), slots(row)).state for treatment in TREATMENTS]
    assert found == [STATES[letter] for letter in expected]


@pytest.mark.parametrize(
    ("comparison", "expected"),
    [
        ("GreaterThanThreshold", [False, False, True]),
        ("GreaterThanOrEqualToThreshold", [False, True, True]),
        ("LessThanThreshold", [True, False, False]),
        ("LessThanOrEqualToThreshold", [True, True, False]),
    ],
)
def test_each_comparison_knows_its_border(comparison: str, expected: list[bool]) -> None:
    """The threshold itself breaches only where the comparison includes it."""
    one = alarm(needed=1, periods=1, ComparisonOperator=comparison)
    found = [evaluate(one, [Point(at=NOW, value=value, count=1)]).state == "ALARM" for value in (0.4, 0.5, 0.6)]
    assert found == expected


@pytest.mark.parametrize(
    ("statistic", "expected"),
    [
        ("Sum", 10.0),
        ("Average", 2.5),
        ("Minimum", 1.0),
        ("Maximum", 4.0),
        ("SampleCount", 4.0),
        ("p50", 2.5),
        ("p100", 4.0),
    ],
)
def test_statistics_of_a_period(statistic: str, expected: float) -> None:
    """The values 1 to 4 of one minute give each statistic; the next minute is another point."""
    data = [
        Datum(at=NOW + timedelta(seconds=10 * n), low=n, high=n, total=n, count=1, single=True) for n in range(1, 5)
    ]
    later = Datum(at=NOW + timedelta(minutes=1), low=9, high=9, total=9, count=1, single=True)
    found = points([*data, later], statistic, 60)
    assert found[NOW].value == expected
    assert len(found) == 2


def test_statistic_sets_have_no_percentiles() -> None:
    """A period with StatisticValues has an average and no percentile."""
    data = [Datum(at=NOW, low=1, high=3, total=4, count=2, single=False)]
    assert points(data, "Average", 60)[NOW].value == 2.0
    assert points(data, "p90", 60) == {}


def test_the_reason_is_told_in_cloudwatchs_words() -> None:
    """The sentence names count, values with their times, comparison, threshold and the transition's minimum.

    Source: Amazon CloudWatch User Guide, "Alarm events and EventBridge" (sample of a metric alarm).
    """
    one = alarm(needed=1, periods=1, Threshold=50)
    at = datetime(2019, 10, 2, 16, 59, tzinfo=UTC)
    verdict = evaluate(one, [Point(at=at, value=99.50160229693434, count=1)])
    assert reason(one, verdict) == (
        "Threshold Crossed: 1 out of the last 1 datapoints [99.50160229693434 (02/10/19 16:59:00)] was greater than "
        "the threshold (50.0) (minimum 1 datapoint for OK -> ALARM transition)."
    )
    calm = evaluate(one, [Point(at=at, value=0.5, count=1)])
    assert "was not greater than the threshold (50.0) (minimum 1 datapoint for ALARM -> OK transition)." in reason(
        one, calm
    )
    nothing = alarm(needed=3)
    assert reason(nothing, evaluate(nothing, slots("-----"))) == "Insufficient Data: 3 datapoints were unknown."
