"""What became of each delivery, for `status` and for tests."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from enum import Enum

from lockgate_twin.services.eventbridge.failures import DeliveryError
from lockgate_twin.services.eventbridge.input_transformer import Matched

_KEPT = 1000


class Outcome(Enum):
    """Where a delivery stands."""

    PENDING = "pending"
    RETRYING = "retrying"
    DELIVERED = "delivered"
    DEAD_LETTERED = "dead-lettered"
    DROPPED = "dropped"


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One event on its way to one target."""

    event_id: str
    detail_type: str
    rule_arn: str
    target_id: str
    target_arn: str
    outcome: Outcome
    attempts: int = 0
    error_code: str | None = None
    error_message: str | None = None

    @classmethod
    def of(
        cls,
        matched: Matched,
        outcome: Outcome = Outcome.PENDING,
        *,
        attempts: int = 0,
        error: DeliveryError | None = None,
    ) -> Delivery:
        """Describe the delivery of a matched event."""
        return cls(
            event_id=str(matched.event["id"]),
            detail_type=str(matched.event["detail-type"]),
            rule_arn=matched.rule_arn,
            target_id=str(matched.target["Id"]),
            target_arn=str(matched.target["Arn"]),
            outcome=outcome,
            attempts=attempts,
            error_code=error.code if error else None,
            error_message=error.message if error else None,
        )


class DeliveryLog:
    """The newest state of the most recent deliveries."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: OrderedDict[tuple[str, str, str], tuple[Delivery, Matched]] = OrderedDict()

    def put(self, delivery: Delivery, matched: Matched) -> None:
        """Keep a delivery's newest state."""
        with self._lock:
            self._entries[(delivery.event_id, delivery.rule_arn, delivery.target_id)] = (delivery, matched)
            while len(self._entries) > _KEPT:
                self._entries.popitem(last=False)

    def deliveries(self, event_id: str | None) -> list[Delivery]:
        """Return deliveries in order of their start, of one event or of all."""
        with self._lock:
            return [d for d, _ in self._entries.values() if event_id in {None, d.event_id}]

    def matched(self, event_id: str) -> list[Matched]:
        """Return what was delivered of one event."""
        with self._lock:
            return [m for d, m in self._entries.values() if d.event_id == event_id]
