"""The rule DeploymentWindow: is it now a time at which a stage may be entered?

Source: "DeploymentWindow" (CodePipeline User Guide, rule reference): a cron expression of six fields and an optional
year, the first of which, seconds, is not used; a zone as Region/City or UTC with an offset, UTC if there is none.
Assumption: the rule is met in every minute that the expression names, and it is checked once, without waiting for the
window to open.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lockgate_twin.services.scheduling.cron import Cron, parse_cron
from lockgate_twin.services.scheduling.errors import ExpressionError

_OFFSET = re.compile(r"UTC(?:([+-])(\d\d):(\d\d))?")
_ABBREVIATION = re.compile(r"[A-Z]{3,5}")
_WITHOUT_YEAR, _WITH_YEAR = 6, 7


def parse_window(text: str) -> Cron:
    """Read the rule's Cron.

    Raises:
        ExpressionError: says what is wrong with it.
    """
    fields = text.upper().split()
    if len(fields) not in {_WITHOUT_YEAR, _WITH_YEAR}:
        raise ExpressionError("a deployment window has the fields seconds minutes hours day month weekday, and a year")
    seconds, minutes, hours, days, month, weekdays, year = [*fields, "*"][:_WITH_YEAR]
    if seconds not in {"*", "0"}:
        raise ExpressionError(f"the seconds of a deployment window must be * or 0, not {seconds}")
    if days == "*" and weekdays != "?":
        days = "?"
    elif weekdays == "*" and days != "?":
        weekdays = "?"
    return parse_cron(f"{minutes} {hours} {days} {month} {weekdays} {year}")


def parse_zone(text: str) -> tzinfo:
    """Read the rule's TimeZone.

    Raises:
        ExpressionError: it is none, or an abbreviation, of which AWS says that some stand for several zones.
    """
    if found := _OFFSET.fullmatch(text):
        sign, hours, minutes = found.groups()
        offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
        return timezone(-offset if sign == "-" else offset) if offset < timedelta(days=1) else _no_zone(text)
    if _ABBREVIATION.fullmatch(text):
        raise ExpressionError(f"the abbreviation {text} is not implemented by the twin: write Region/City or UTC+HH:MM")
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return _no_zone(text)


def is_open(window: Cron, zone: tzinfo, now: datetime) -> bool:
    """Tell whether a window is open in the minute of `now` (aware)."""
    minute = now.astimezone(UTC).replace(second=0, microsecond=0)
    return window.following(minute - timedelta(seconds=1), zone) == minute


def _no_zone(text: str) -> tzinfo:
    raise ExpressionError(f"there is no time zone {text}")
