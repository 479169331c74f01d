"""Durations of CacheConfig.ExpireAfter (Developer Guide, "Turn on step caching"): P30D, PT1H, 30dT5h, T16m."""

from __future__ import annotations

import re
from datetime import timedelta

_DURATION = re.compile(
    r"P?(?:(?P<y>\d+)Y)?(?:(?P<mo>\d+)M)?(?:(?P<w>\d+)W)?(?:(?P<d>\d+)D)?(?:T(?:(?P<h>\d+)H)?(?:(?P<mi>\d+)M)?)?",
    re.IGNORECASE,
)
_DAYS = {"y": 365, "mo": 30, "w": 7, "d": 1}
_MINUTES = {"h": 60, "mi": 1}


def parse_duration(text: str) -> timedelta:
    """Return a duration; years count 365 days and months 30.

    Raises:
        ValueError: it is not a duration of years, months, weeks, days, hours and minutes.
    """
    match = _DURATION.fullmatch(text)
    found = {name: int(value) for name, value in match.groupdict().items() if value} if match else {}
    if not found:
        raise ValueError(f"{text!r} is no duration such as P30D, PT1H or 30dT5h")
    days = sum(count * _DAYS[unit] for unit, count in found.items() if unit in _DAYS)
    return timedelta(days=days, minutes=sum(n * _MINUTES[unit] for unit, n in found.items() if unit in _MINUTES))
