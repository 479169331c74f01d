"""Deliveries under way, kept so that a twin that starts again goes on with them: an accepted event is never lost."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from lockgate_twin.ports import Table, utc_now
from lockgate_twin.services.eventbridge.input_transformer import Matched


@dataclass(frozen=True, kw_only=True)
class Pending:
    """One event on its way to one target: the number of the next attempt, and the age of the event in seconds."""

    key: str
    matched: Matched
    number: int

    @property
    def age(self) -> float:
        """Return how long ago the event came."""
        return max(0.0, (utc_now() - self.matched.received_at).total_seconds())


class PendingDeliveries:
    """The deliveries that have neither succeeded nor been given up."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def begin(self, matched: Matched) -> str:
        """Keep a new delivery and return its key."""
        key = str(uuid.uuid4())
        self._table.put(key, (matched, 1))
        return key

    def retry(self, key: str, matched: Matched, number: int) -> None:
        """Keep that the next attempt has this number."""
        self._table.put(key, (matched, number))

    def end(self, key: str) -> None:
        """Forget a delivery that has come to its end."""
        self._table.remove(key)

    def left(self) -> Iterator[Pending]:
        """Yield what an earlier twin had not finished, oldest first."""
        for key, (matched, number) in self._table.items():
            yield Pending(key=key, matched=matched, number=number)
