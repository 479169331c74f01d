"""Waiting for AWS: short intervals first, longer ones later."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from catalog.errors import CatalogError

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Polling:
    """How often to ask; all in seconds. The interval grows by `growth` from `first` to `longest`."""

    first: float = 0.2
    longest: float = 5.0
    growth: float = 1.5
    patience: float = 1800.0
    sleep: Callable[[float], None] = time.sleep


def wait(ask: Callable[[], T | None], what: str, polling: Polling) -> T:
    """Ask until there is an answer.

    Raises:
        CatalogError: there was none within `patience` seconds of waiting.
    """
    waited, interval = 0.0, polling.first
    while (answer := ask()) is None:
        if waited >= polling.patience:
            raise CatalogError(f"{what} has not ended after {polling.patience:.0f} s: look at it in the AWS console.")
        polling.sleep(interval)
        waited += interval
        interval = min(interval * polling.growth, polling.longest)
    return answer
