"""Another event bus as target: of the same account or of another one, in the same region or in another one.

Source: EventBridge User Guide, "Sending and receiving events between event buses": the event keeps its account and
region; an event that came from another bus is not sent on to a third; the target's role needs events:PutEvents, and a
bus of another account a policy that lets it.
Assumption: a bus of another account or region needs a RoleArn; AWS lets older rules do without.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lockgate_twin.errors import ApiError, NotImplementedByTwin
from lockgate_twin.ports import Context
from lockgate_twin.services.eventbridge.failures import DeliveryError, delivery_error
from lockgate_twin.services.eventbridge.input_transformer import Matched

# Takes (event, ARN of the bus) as an event that came from another bus.
Arrive = Callable[[Mapping[str, Any], str], None]


class EventBusTarget:
    """Sends events on to other buses."""

    def __init__(self, context: Context, arrive: Arrive) -> None:
        self._context, self._arrive = context, arrive

    def deliver(self, matched: Matched) -> None:
        """Send one event on.

        Raises:
            DeliveryError: no permission, no role where one is needed, or the event has come from another bus.
        """
        arn = str(matched.target["Arn"])
        kind = arn.split(":", 5)[5].partition("/")[0]
        if kind != "event-bus":
            raise delivery_error(NotImplementedByTwin(f"An EventBridge {kind} as a target"))
        if matched.forwarded:
            raise DeliveryError("SDK_CLIENT_ERROR", f"The event came from another bus; it is not sent on to {arn}.")
        self._require(matched, arn)
        self._arrive(matched.event, arn)

    def _require(self, matched: Matched, arn: str) -> None:
        role, (region, account) = matched.target.get("RoleArn"), arn.split(":")[3:5]
        if not role:
            if (matched.region, matched.account) != (region, account):
                raise DeliveryError("INVALID_PARAMETER", f"Target {arn} needs a RoleArn that EventBridge may assume.")
            return
        try:
            session = self._context.assume_role(
                role,
                service="events.amazonaws.com",
                session_name=str(matched.event["id"]).replace("-", ""),
                region=region,
                source_arn=matched.rule_arn,
            )
            session.require("events:PutEvents", arn, context=_keys(matched.event))
        except ApiError as error:
            raise delivery_error(error) from error


def _keys(event: Mapping[str, Any]) -> dict[str, str]:
    """Return what a bus' policy may ask for (Service Authorization Reference, Amazon EventBridge)."""
    return {
        "events:source": str(event["source"]),
        "events:detail-type": str(event["detail-type"]),
        "events:eventBusInvocation": "true",
    }
