"""Maps numbers to pixels, and chooses the round numbers under an axis."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """A linear map from the interval [low, high] to the pixels [start, end]; values outside stay at its edges."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the pixel of a value."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self, wanted: int = 5) -> list[float]:
        """Return about so many round numbers (1, 2 or 5 times a power of ten) within the interval."""
        step = _round_step((self.high - self.low) / max(wanted, 1))
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [index * step for index in range(first, min(last, first + 20) + 1)]


def spanning(values: Iterable[float], start: float, end: float, margin: float = 0.06) -> Scale:
    """Return a scale over all the values with some air at both ends; one unit wide where they are all equal."""
    known = list(values)
    low, high = min(known, default=0.0), max(known, default=1.0)
    room = (high - low) * margin
    if room <= abs(high) * 1e-9:
        room = max(abs(high) * 0.5, 0.5)
    return Scale(low - room, high + room, start, end)


def label(value: float, step: float = 0.0) -> str:
    """Return a tick's text: no digits beyond what the step between ticks needs."""
    if value == 0 or abs(value) < step * 1e-6:
        return "0"
    return f"{value:.6g}".replace("-", "\u2212")


def _round_step(raw: float) -> float:
    power = 10.0 ** math.floor(math.log10(raw))
    return next((power * times for times in (1, 2, 5) if power * times >= raw * (1 - 1e-9)), power * 10)
