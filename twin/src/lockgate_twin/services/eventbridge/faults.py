"""Deliveries as they may happen on AWS and seldom do: doubled, out of order, late, lost. Off unless asked for.

Source: EventBridge User Guide, "How EventBridge retries delivering events": delivery is at least once and in no
promised order. A loss stands for what an organization may cause itself (a disabled rule, a deleted permission).
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any

from lockgate_twin.errors import ApiError

Work = Callable[[], None]
# Deliveries held back for their order are let go after so many seconds, however few they are.
HOLD_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What happens to the deliveries of the rules whose name matches `rule` (shell pattern).

    Each is delivered `duplicate` times, `delay` seconds late; `reorder` of them are collected and let go in another
    order; the share `drop` (0 to 1) is lost. Chance is drawn from `seed`, so that a run can be repeated.
    """

    rule: str = "*"
    duplicate: int = 1
    reorder: int = 1
    delay: float = 0.0
    drop: float = 0.0
    seed: int = 0

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Fault:
        """Read a fault from JSON, or from texts as a command line has them.

        Raises:
            ApiError: InvalidRequest with every mistake.
        """
        kinds: dict[str, Callable[[Any], Any]] = dict(_KINDS)
        wrong = [f"'{name}' is no fault; there are: {', '.join(kinds)}" for name in values if name not in kinds]
        read: dict[str, Any] = {}
        for name in values.keys() & kinds.keys():
            try:
                read[name] = kinds[name](values[name])
            except (TypeError, ValueError):
                wrong.append(f"{name} must be a {_KINDS[name].__name__}, not '{values[name]}'")
        wrong += [
            f"{name} must be from {low} to {high}" for name, low, high in _BOUNDS if not _in(read, name, low, high)
        ]
        if wrong:
            raise ApiError("InvalidRequest", "; ".join(wrong) + ".")
        return cls(**read)


_KINDS: Mapping[str, type] = {"rule": str, "duplicate": int, "reorder": int, "delay": float, "drop": float, "seed": int}
_BOUNDS = (("duplicate", 1, 100), ("reorder", 1, 100), ("delay", 0, 3600), ("drop", 0, 1))


def _in(read: Mapping[str, Any], name: str, low: float, high: float) -> bool:
    return name not in read or low <= read[name] <= high


class Faults:
    """The faults that are switched on; `after` runs work some seconds later."""

    def __init__(self, after: Callable[[float, Work], None]) -> None:
        self._after = after
        self._lock = threading.Lock()
        self._faults: tuple[Fault, ...] = ()
        self._chance: dict[Fault, random.Random] = {}
        self._held: dict[Fault, list[Work]] = {}

    def switch(self, faults: Sequence[Fault]) -> None:
        """Let these faults happen from now on, and no others; what was held back is let go."""
        with self._lock:
            held = [work for works in self._held.values() for work in works]
            self._faults, self._held = tuple(faults), {}
            self._chance = {fault: random.Random(fault.seed) for fault in faults}  # noqa: S311 - repeatable on purpose
        for work in held:
            work()

    def shown(self) -> list[dict[str, Any]]:
        """Return the faults that are switched on."""
        return [asdict(fault) for fault in self._faults]

    def apply(self, rule: str, deliver: Work) -> bool:
        """Deliver as the first fault for this rule says; return False if the delivery is lost.

        `deliver` is called once for each delivery, now or later; without a fault, once, now.
        """
        fault = next((f for f in self._faults if fnmatchcase(rule, f.rule)), None)
        if fault is None:
            deliver()
            return True
        with self._lock:
            chance = self._chance.get(fault)
            if chance is None or chance.random() < fault.drop:
                return chance is None
        for _ in range(fault.duplicate):
            self._one(fault, deliver)
        return True

    def _one(self, fault: Fault, deliver: Work) -> None:
        if fault.reorder > 1:
            self._hold(fault, deliver)
        elif fault.delay > 0:
            self._after(fault.delay, deliver)
        else:
            deliver()

    def _hold(self, fault: Fault, deliver: Work) -> None:
        with self._lock:
            held = self._held.setdefault(fault, [])
            held.append(deliver)
            first, full = len(held) == 1, len(held) >= fault.reorder
        if full:
            self._let_go(fault)
        elif first:
            self._after(max(fault.delay, HOLD_SECONDS), lambda: self._let_go(fault))

    def _let_go(self, fault: Fault) -> None:
        with self._lock:
            held = self._held.pop(fault, [])
            order = list(reversed(range(len(held))))
            if len(held) > 2 and (chance := self._chance.get(fault)):
                while order == sorted(order) or order == list(reversed(range(len(held)))):
                    chance.shuffle(order)
        for place in order:
            held[place]()
