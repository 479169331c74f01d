"""cron(minutes hours day-of-month month day-of-week year): which moments it means. Pure functions.

Source: EventBridge Scheduler User Guide, "Schedule types" (fields, wildcards, daylight saving time: a time that does
not exist is skipped, a time that comes twice counts once), and EventBridge User Guide, "Cron expressions".
"""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from lockgate_twin.services.scheduling.errors import ExpressionError

_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
_WEEKDAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), 1)}
_FIRST_YEAR, _LAST_YEAR = 1970, 2199
DayTest = Callable[[date], bool]


@dataclass(frozen=True)
class Cron:
    """The moments of a cron expression, in local time of a zone."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    months: frozenset[int]
    years: frozenset[int]
    day: DayTest

    def following(self, after: datetime, zone: tzinfo) -> datetime | None:
        """Return the first moment later than `after` (aware), in UTC; None when there is none until 2199."""
        start = after.astimezone(zone).replace(tzinfo=None)
        for day in self._days(start.date()):
            for hour in self.hours:
                for minute in self.minutes:
                    found = _moment(datetime.combine(day, time(hour, minute)), zone)
                    if found is not None and found > after:
                        return found
        return None

    def _days(self, start: date) -> Iterator[date]:
        day = start
        while day.year <= max(self.years):
            if day.year not in self.years:
                day = date(day.year + 1, 1, 1)
            elif day.month not in self.months:
                day = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
            else:
                if self.day(day):
                    yield day
                day += timedelta(days=1)


def parse_cron(text: str) -> Cron:
    """Read the six fields.

    Raises:
        ExpressionError: a field is missing or says what it may not say.
    """
    fields = text.split()
    if len(fields) != 6:
        raise ExpressionError("a cron expression has six fields: minutes hours day-of-month month day-of-week year")
    minutes, hours, days, months, weekdays, years = fields
    if (days == "?") == (weekdays == "?"):
        raise ExpressionError("exactly one of day-of-month and day-of-week must be ?")
    return Cron(
        minutes=tuple(sorted(_numbers(minutes, 0, 59))),
        hours=tuple(sorted(_numbers(hours, 0, 23))),
        months=frozenset(_numbers(months, 1, 12, _MONTHS)),
        years=frozenset(_numbers(years, _FIRST_YEAR, _LAST_YEAR)),
        day=_day_of_month(days) if weekdays == "?" else _day_of_week(weekdays),
    )


def _moment(local: datetime, zone: tzinfo) -> datetime | None:
    """Return a local time as a moment; None for one that the clock leaps over."""
    moment = local.replace(tzinfo=zone).astimezone(UTC)
    return moment if moment.astimezone(zone).replace(tzinfo=None) == local else None


def _numbers(field: str, low: int, high: int, names: dict[str, int] | None = None) -> set[int]:
    found: set[int] = set()
    for part in field.split(","):
        span, slash, step = part.partition("/")
        first, last = _span(span, low, high, names or {}, open_end=bool(slash))
        found.update(range(first, last + 1, _number(step, 1, high, {}) if slash else 1))
    return found


def _span(text: str, low: int, high: int, names: dict[str, int], *, open_end: bool) -> tuple[int, int]:
    if text == "*":
        return low, high
    first, dash, last = text.partition("-")
    start = _number(first, low, high, names)
    if dash:
        end = _number(last, low, high, names)
        if end < start:
            raise ExpressionError(f"{text} ends before it starts")
        return start, end
    return start, high if open_end else start


def _number(text: str, low: int, high: int, names: dict[str, int]) -> int:
    number = names.get(text.upper(), int(text) if text.isascii() and text.isdigit() else -1)
    if not low <= number <= high:
        raise ExpressionError(f"'{text}' is not a value from {low} to {high}")
    return number


def _day_of_month(field: str) -> DayTest:
    if field == "L":
        return lambda day: day.day == calendar.monthrange(day.year, day.month)[1]
    if field.endswith("W"):
        number = _number(field[:-1], 1, 31, {})
        return lambda day: day == _nearest_weekday(day.year, day.month, number)
    wanted = _numbers(field, 1, 31)
    return lambda day: day.day in wanted


def _nearest_weekday(year: int, month: int, number: int) -> date | None:
    last = calendar.monthrange(year, month)[1]
    if number > last:
        return None
    day = date(year, month, number)
    if day.weekday() == calendar.SATURDAY:
        return day - timedelta(days=1) if number > 1 else day + timedelta(days=2)
    if day.weekday() == calendar.SUNDAY:
        return day + timedelta(days=1) if number < last else day - timedelta(days=2)
    return day


def _day_of_week(field: str) -> DayTest:
    if field == "L":
        return lambda day: _weekday(day) == _WEEKDAYS["SAT"]
    if field.upper().endswith("L"):
        last = _number(field[:-1], 1, 7, _WEEKDAYS)
        return lambda day: _weekday(day) == last and (day + timedelta(days=7)).month != day.month
    name, hash_, nth = field.partition("#")
    if hash_:
        weekday, which = _number(name, 1, 7, _WEEKDAYS), _number(nth, 1, 5, {})
        return lambda day: _weekday(day) == weekday and (day.day - 1) // 7 + 1 == which
    wanted = _numbers(field, 1, 7, _WEEKDAYS)
    return lambda day: _weekday(day) in wanted


def _weekday(day: date) -> int:
    """Return 1 for Sunday to 7 for Saturday."""
    return day.isoweekday() % 7 + 1
