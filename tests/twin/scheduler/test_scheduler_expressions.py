"""When schedule expressions are due.

Source: EventBridge Scheduler User Guide, "Schedule types", and EventBridge User Guide, "Cron expressions".
"""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from lockgate_twin.services.scheduling import Cron, ExpressionError, Rate, next_due, parse


def moment(text: str) -> datetime:
    """Return a moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def due(expression: str, after: str, zone: str = "UTC") -> str | None:
    """Return when an expression is due next."""
    found = next_due(parse(expression), after=moment(after), anchor=moment("2026-01-01T00:00:00"), zone=ZoneInfo(zone))
    return found.strftime("%Y-%m-%dT%H:%M:%S") if found else None


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("cron(15 10 * * ? *)", "2026-03-02T10:15:00", "2026-03-03T10:15:00"),
        ("cron(0 18 ? * MON-FRI *)", "2026-03-06T18:00:00", "2026-03-09T18:00:00"),
        ("cron(0/15 * * * ? *)", "2026-03-02T12:00:01", "2026-03-02T12:15:00"),
        ("cron(5,35 14 * * ? *)", "2026-03-02T14:05:00", "2026-03-02T14:35:00"),
        ("cron(0 9 ? * 2#1 *)", "2026-03-02T09:00:00", "2026-04-06T09:00:00"),
        ("cron(0 10 ? * 6L 2026-2027)", "2026-03-02T00:00:00", "2026-03-27T10:00:00"),
        ("cron(0 0 L * ? *)", "2026-02-01T00:00:00", "2026-02-28T00:00:00"),
        ("cron(0 0 1W * ? *)", "2026-08-01T00:00:00", "2026-08-03T00:00:00"),
        ("cron(0 0 29 FEB ? *)", "2026-01-01T00:00:00", "2028-02-29T00:00:00"),
        ("cron(0 0 1 1 ? 2030)", "2030-01-01T00:00:00", None),
        ("rate(5 minutes)", "2026-01-01T00:05:00", "2026-01-01T00:10:00"),
        ("rate(1 hour)", "2025-12-31T00:00:00", "2026-01-01T00:00:00"),
        ("at(2026-03-02T12:00:00)", "2026-03-02T11:59:59", "2026-03-02T12:00:00"),
        ("at(2026-03-02T12:00:00)", "2026-03-02T12:00:00", None),
    ],
)
def test_an_expression_is_due_when_the_guide_says(expression: str, after: str, expected: str | None) -> None:
    """The next occurrence lies after the given moment and fits every field; when none is left there is none."""
    assert due(expression, after) == expected


def test_a_time_that_the_clock_leaps_over_is_skipped() -> None:
    """New York has no 02:30 on 8 March 2026: the schedule waits for the next day, whose offset is another."""
    assert due("cron(30 2 * * ? *)", "2026-03-07T08:00:00", "America/New_York") == "2026-03-09T06:30:00"


def test_a_time_that_comes_twice_counts_once() -> None:
    """New York has 01:30 twice on 1 November 2026: the schedule runs at the first one alone."""
    first = due("cron(30 1 * * ? *)", "2026-10-31T12:00:00", "America/New_York")
    assert first == "2026-11-01T05:30:00"
    assert due("cron(30 1 * * ? *)", "2026-11-01T05:30:00", "America/New_York") == "2026-11-02T06:30:00"


@pytest.mark.parametrize(
    "expression",
    [
        "cron(0 12 * * *)",
        "cron(0 12 * * * *)",
        "cron(0 12 ? * ? *)",
        "cron(60 12 * * ? *)",
        "cron(0 24 * * ? *)",
        "cron(0 12 * FOO ? *)",
        "cron(9-3 12 * * ? *)",
        "cron(0 12 ? * 2#6 *)",
        "rate(0 minutes)",
        "rate(5 seconds)",
        "rate(minutes)",
        "at(2026-02-30T00:00:00)",
        "at(2026-03-02 12:00)",
        "daily",
    ],
)
def test_what_is_no_expression_is_refused(expression: str) -> None:
    """A wrong number of fields, a value out of range or another form is refused with its reason."""
    with pytest.raises(ExpressionError):
        parse(expression)


def test_the_spelling_of_units_is_known() -> None:
    """A rate of "1 minutes" or "5 minute" is spelled wrongly, which rules refuse; cron has no units."""
    spelled = {
        text: rate.well_spelled
        for text in ("1 minute", "1 minutes", "5 minutes", "5 minute")
        if isinstance(rate := parse(f"rate({text})"), Rate)
    }
    assert spelled == {"1 minute": True, "1 minutes": False, "5 minutes": True, "5 minute": False}
    assert isinstance(parse("cron(0 12 * * ? *)"), Cron)
