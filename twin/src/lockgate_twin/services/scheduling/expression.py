"""at(), rate() and cron(): reading an expression and telling when it is due next. Pure functions.

Source: EventBridge Scheduler User Guide, "Schedule types": without a StartDate a rate is first due at once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TypeAlias

from lockgate_twin.services.scheduling.cron import Cron, parse_cron
from lockgate_twin.services.scheduling.errors import ExpressionError

_FORM = re.compile(r"(at|rate|cron)\((.*)\)")
_RATE = re.compile(r"(\d+)\s+(minute|hour|day)(s?)")


@dataclass(frozen=True)
class At:
    """Once, at a local time."""

    local: datetime

    def following(self, after: datetime, zone: tzinfo) -> datetime | None:
        """Return the moment, if it is later than `after`."""
        moment = self.local.replace(tzinfo=zone).astimezone(UTC)
        return moment if moment > after else None


@dataclass(frozen=True)
class Rate:
    """Again and again, a fixed time apart."""

    period: timedelta
    number: int
    plural: bool

    def following(self, after: datetime, anchor: datetime) -> datetime:
        """Return the first of `anchor`, `anchor` + period, ... that is later than `after`."""
        if anchor > after:
            return anchor
        return anchor + self.period * ((after - anchor) // self.period + 1)

    @property
    def well_spelled(self) -> bool:
        """Tell whether the unit agrees with the number, as EventBridge's rules demand."""
        return self.plural == (self.number > 1)


Expression: TypeAlias = At | Rate | Cron


def parse(text: str) -> Expression:
    """Read an expression.

    Raises:
        ExpressionError: it is none, or says what it may not say.
    """
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise ExpressionError("it must be at(yyyy-mm-ddThh:mm:ss), rate(value unit) or cron(fields)")
    kind, inside = match[1], match[2].strip()
    if kind == "at":
        return _at(inside)
    return _rate(inside) if kind == "rate" else parse_cron(inside)


def next_due(expression: Expression, *, after: datetime, anchor: datetime, zone: tzinfo) -> datetime | None:
    """Return when an expression is due next, later than `after`. `anchor` is where a rate starts to count."""
    if isinstance(expression, Rate):
        return expression.following(after, anchor)
    return expression.following(after, zone)


def _at(text: str) -> At:
    try:
        return At(datetime.strptime(text, "%Y-%m-%dT%H:%M:%S"))  # noqa: DTZ007 - local, its zone is told elsewhere
    except ValueError:
        raise ExpressionError(f"'{text}' is no time of the form yyyy-mm-ddThh:mm:ss") from None


def _rate(text: str) -> Rate:
    match = _RATE.fullmatch(text)
    if match is None or int(match[1]) < 1:
        raise ExpressionError(f"'{text}' is no positive number with a unit: minutes, hours or days")
    return Rate(timedelta(**{f"{match[2]}s": int(match[1])}), int(match[1]), plural=bool(match[3]))
