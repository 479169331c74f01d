"""An SQS queue as target or dead-letter queue: events.amazonaws.com sends, by permission of the queue's policy.

Source: EventBridge User Guide, "Using resource-based policies for Amazon EventBridge" (Amazon SQS permissions).
For a queue encrypted with a customer key, the key's policy must allow EventBridge to use it as well.
"""

from __future__ import annotations

from lockgate_twin.errors import ApiError
from lockgate_twin.services.eventbridge.failures import DeliveryError, delivery_error
from lockgate_twin.services.eventbridge.input_transformer import Matched, target_input
from lockgate_twin.services.eventbridge.ports import Message, Queues, ServiceMay

SERVICE = "events.amazonaws.com"


class QueueSender:
    """Sends to queues whose policy lets EventBridge do it."""

    def __init__(self, queues: Queues, may: ServiceMay) -> None:
        self._queues = queues
        self._may = may

    def send(self, queue_arn: str, message: Message, *, rule_arn: str) -> None:
        """Send one message on behalf of a rule.

        Raises:
            DeliveryError: no permission, no such queue, or the queue refuses the message.
        """
        keys = {"aws:SourceArn": rule_arn, "aws:SourceAccount": rule_arn.split(":")[4]}
        if not self._may(SERVICE, "sqs:SendMessage", queue_arn, keys):
            text = f"The policy of queue {queue_arn}, or of its KMS key, does not allow sqs:SendMessage for {SERVICE} "
            raise DeliveryError("NO_PERMISSIONS", f"{text}with source {rule_arn}; add it to the policy.")
        try:
            self._queues.send(queue_arn, message)
        except ApiError as error:
            raise delivery_error(error) from error


class QueueTarget:
    """Delivers events to queues."""

    def __init__(self, sender: QueueSender) -> None:
        self._sender = sender

    def deliver(self, matched: Matched) -> None:
        """Send the target's input as a message.

        Raises:
            DeliveryError: the queue did not take it.
        """
        group = (matched.target.get("SqsParameters") or {}).get("MessageGroupId")
        message = Message(body=target_input(matched), group_id=group)
        self._sender.send(str(matched.target["Arn"]), message, rule_arn=matched.rule_arn)
