"""Events that could not be delivered go to the target's dead-letter queue, with the documented attributes.

Source: EventBridge User Guide, "Using dead-letter queues to process undelivered events in EventBridge": the body is
the event; the queue's policy must allow events.amazonaws.com to send.
"""

from __future__ import annotations

from dataclasses import dataclass

from lockgate_twin.services.eventbridge.failures import DeliveryError
from lockgate_twin.services.eventbridge.input_transformer import Matched, compact
from lockgate_twin.services.eventbridge.ports import Message
from lockgate_twin.services.eventbridge.targets.queue import QueueSender


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """One event that is given up, with the last failure."""

    matched: Matched
    error: DeliveryError
    attempts: int
    exhausted: str | None

    def message(self) -> Message:
        """Return the message that the dead-letter queue gets."""
        attributes = {
            "RULE_ARN": self.matched.rule_arn,
            "TARGET_ARN": str(self.matched.target["Arn"]),
            "ERROR_CODE": self.error.code,
            "ERROR_MESSAGE": self.error.message,
            "RETRY_ATTEMPTS": str(self.attempts - 1),
        }
        if self.exhausted:
            attributes["EXHAUSTED_RETRY_CONDITION"] = self.exhausted
        return Message(body=compact(self.matched.event), attributes=attributes)


def bury(letter: DeadLetter, sender: QueueSender) -> str | None:
    """Send a dead letter. Return the queue's ARN, or None if the target has no dead-letter queue.

    Raises:
        DeliveryError: the queue does not exist or its policy does not allow it.
    """
    arn = (letter.matched.target.get("DeadLetterConfig") or {}).get("Arn")
    if not arn:
        return None
    sender.send(arn, letter.message(), rule_arn=letter.matched.rule_arn)
    return str(arn)
