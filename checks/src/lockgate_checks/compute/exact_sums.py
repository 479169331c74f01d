"""Sums of floating-point numbers without any rounding, so that neither order nor chunking can change them.

Each number is cut into slices that are multiples of fixed powers of two (2^32, 1, 2^-32, ...). Slices of one power add
up without rounding in float64 as long as there are at most 2^16 of them; their sums are kept as Python integers.
Idea: J. Demmel, H. D. Nguyen, "Fast Reproducible Floating-Point Summation", ARITH 2013 (here with all slices kept).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from math import frexp, ldexp

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

_SLICE = 32
_BLOCK = 1 << 15
_HUGE = 2.0**480  # beyond it slicing or squaring would overflow: those few numbers are added as fractions
_SPLITTER = 2.0**27 + 1


@dataclass
class ExactSum:
    """A running sum; `value` is exact."""

    _slices: dict[int, int] = field(default_factory=dict)  # power / 32 -> multiple of 2^power

    @property
    def value(self) -> Fraction:
        """Return the sum."""
        return sum((Fraction(number) * Fraction(2) ** (_SLICE * j) for j, number in self._slices.items()), Fraction(0))

    def add(self, block: Numbers) -> None:
        """Add at most 2^16 finite numbers below 2^1000."""
        rest = block
        while largest := max(float(rest.max(initial=0.0)), -float(rest.min(initial=0.0))):
            j = -((_SLICE - frexp(largest)[1]) // _SLICE)
            power = _SLICE * j
            shifter = ldexp(1.5, power + 52)  # adding it rounds to a multiple of 2^power
            part = rest + shifter
            part -= shifter
            rest = rest - part
            self._slices[j] = self._slices.get(j, 0) + int(ldexp(float(part.sum()), -power))


@dataclass
class Moments:
    """Number, exact sum and sum of squares of finite numbers.

    Squares are exact down to about 1e-140; below that each is rounded on its own, still whatever the order.
    """

    count: int = 0
    _sum: ExactSum = field(default_factory=ExactSum)
    _squares: ExactSum = field(default_factory=ExactSum)
    _huge: list[Fraction] = field(default_factory=lambda: [Fraction(0), Fraction(0)])

    def add(self, numbers: Numbers) -> None:
        """Add finite numbers."""
        self.count += len(numbers)
        for start in range(0, len(numbers), _BLOCK):
            block = numbers[start : start + _BLOCK]
            if max(float(block.max()), -float(block.min())) >= _HUGE:
                block = self._without_huge(block)
            self._sum.add(block)
            for product in _squares(block):
                self._squares.add(product)

    @property
    def total(self) -> Fraction:
        """Return the exact sum."""
        return self._sum.value + self._huge[0]

    @property
    def variance(self) -> Fraction:
        """Return the mean squared deviation from the mean (of the population, as Deequ's StandardDeviation has it)."""
        mean = self.total / self.count
        return max(Fraction(0), (self._squares.value + self._huge[1]) / self.count - mean * mean)

    def _without_huge(self, block: Numbers) -> Numbers:
        huge = np.abs(block) >= _HUGE
        for number in map(Fraction, block[huge].tolist()):
            self._huge = [self._huge[0] + number, self._huge[1] + number * number]
        return block[~huge]


def _squares(block: Numbers) -> tuple[Numbers, Numbers]:
    """Return x*x as float64 and what rounding took from it (T. J. Dekker, Numerische Mathematik 18, 1971)."""
    product = block * block
    high = block * _SPLITTER
    high -= high - block
    low = block - high
    error = high * high
    error -= product
    high *= low
    high *= 2.0
    error += high
    low *= low
    error += low
    return product, error
