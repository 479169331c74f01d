"""An SNS topic as target: events.amazonaws.com publishes, by permission of the topic's policy (and of its key's).

Source: EventBridge User Guide, "Using resource-based policies for Amazon EventBridge" (Amazon SNS permissions).
"""

from __future__ import annotations

from lockgate_twin.errors import ApiError
from lockgate_twin.services.eventbridge.failures import delivery_error
from lockgate_twin.services.eventbridge.input_transformer import Matched, target_input
from lockgate_twin.services.topics import Notification, Topics

SERVICE = "events.amazonaws.com"


class TopicTarget:
    """Publishes events to topics."""

    def __init__(self, topics: Topics) -> None:
        self._topics = topics

    def deliver(self, matched: Matched) -> None:
        """Publish the target's input.

        Raises:
            DeliveryError: no permission, or no such topic.
        """
        told = Notification(message=target_input(matched))
        try:
            self._topics.publish(str(matched.target["Arn"]), told, service=SERVICE, source_arn=matched.rule_arn)
        except ApiError as error:
            raise delivery_error(error) from error
