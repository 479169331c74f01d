"""Numbers, times and digests as people read them."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from lockgate_checks.values import Limit

NONE = "\u2013"  # an en dash: there is no number here
_MINUS = "\u2212"
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def figure(value: float | None, digits: int = 4) -> str:
    """Return a number with so many significant digits; a dash where there is none."""
    if value is None:
        return NONE
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else ("∞" if value > 0 else f"{_MINUS}∞")
    if value == int(value) and abs(value) < 1e9:
        return count(int(value))
    if 0 < abs(value) < 1e-4 or abs(value) >= 1e9:
        mantissa, _, power = f"{value:.1e}".partition("e")
        return f"{mantissa} \u00d7 10{str(int(power)).translate(_SUPERSCRIPT)}".replace("-", _MINUS)
    shown = f"{value:,.1f}".replace(",", "\u202f") if 1000 <= abs(value) < 1e6 else f"{value:.{digits}g}"
    return shown.replace("-", _MINUS)


def signed(value: float | None, digits: int = 3) -> str:
    """Return a number with its sign."""
    shown = figure(value, digits)
    return f"+{shown}" if value is not None and value > 0 else shown


def at_least(value: float, digits: int = 2) -> str:
    """Return a positive number rounded up to so many significant digits: less would not be enough.

    A whole number, as one of rows, stays as it is, and so does what is next to nothing.
    """
    if value == int(value) or value < 1e-4:
        return figure(value, digits)
    step = 10.0 ** (math.floor(math.log10(value)) - digits + 1)
    return figure(math.ceil(value / step - 1e-9) * step, digits)


def limit(allowed: Limit | None) -> str:
    """Return a range as "≥ 0.7", "≤ 0.1" or "0.1 to 0.3"; a dash where there is none."""
    if allowed is None:
        return NONE
    if allowed.minimum is None and allowed.maximum is None:
        return "any number"
    if allowed.maximum is None:
        return f"≥ {figure(allowed.minimum)}"
    if allowed.minimum is None:
        return f"≤ {figure(allowed.maximum)}"
    return f"{figure(allowed.minimum)} to {figure(allowed.maximum)}"


def count(value: int) -> str:
    """Return a whole number with thin spaces between thousands."""
    return f"{value:,}".replace(",", "\u202f").replace("-", _MINUS)


def percent(share: float | None) -> str:
    """Return a share of 1 as a percentage with one decimal, never rounding something to all or to nothing."""
    if share is None:
        return NONE
    if 0 < share < 0.001:
        return "< 0.1 %"
    return "> 99.9 %" if 0.999 < share < 1 else f"{share * 100:.1f} %".replace(".0 %", " %")


def plural(amount: int, noun: str) -> str:
    """Return "1 check", "2 checks"."""
    return f"{count(amount)} {noun}" if amount == 1 else f"{count(amount)} {noun}s"


def moment(when: datetime) -> str:
    """Return a time as date and time of day in UTC; one without a zone is taken for UTC."""
    utc = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    return utc.strftime("%d %B %Y, %H:%M:%S UTC").lstrip("0")
