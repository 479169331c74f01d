"""What a cell says: one text per value, and which cells hold no value.

The same value must read the same from CSV (always text), from Parquet (typed) and from a policy file, so whole numbers
written as decimals lose their zeros ("1.0" is "1") and true and false are the numbers 1 and 0 that models predict.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Column = NDArray[Any]
Chunk = Mapping[str, Column]

MISSING_TEXTS = frozenset({"", "nan", "+nan", "-nan", "na", "n/a", "null", "none", "<na>", "nat"})  # any case
LONGEST_MISSING = max(map(len, MISSING_TEXTS))
_INTEGRAL = re.compile(r"[+-]?\d+")
_WHOLE_DECIMAL = re.compile(r"(-?(?:0|[1-9]\d*))\.0+")


def is_missing(value: Any) -> bool:
    """Say whether a cell holds no value: None, not-a-number, pandas' NA, or one of the usual texts for it."""
    return str(value).strip().lower() in MISSING_TEXTS


def canonical(value: Any) -> str:
    """Return the one text by which a present value is known."""
    if isinstance(value, bool | np.bool_):
        return str(int(value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    text = str(value).strip()
    whole = _WHOLE_DECIMAL.fullmatch(text)
    return whole[1] if whole else text


def kind(text: str) -> str:
    """Return what a present cell's text is: "Integral", "Fractional" or "String"."""
    if _INTEGRAL.fullmatch(text):
        return "Integral"
    return "String" if number(text) is None else "Fractional"


def number(text: str) -> float | None:
    """Return the number that a text is, infinities included, or None. `1_000` is Python's notation, not a number."""
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None
