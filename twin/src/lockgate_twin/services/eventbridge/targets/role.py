"""Calling a target's API with the target's role, as EventBridge does for targets that have one."""

from __future__ import annotations

from typing import Any

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Context
from lockgate_twin.services.eventbridge.failures import DeliveryError, delivery_error
from lockgate_twin.services.eventbridge.input_transformer import Matched


def client_of(context: Context, matched: Matched, service: str) -> Any:
    """Return a client that acts as the target's role, in the target's region.

    Raises:
        DeliveryError: the target has no role, or the role does not trust EventBridge.
    """
    arn = str(matched.target["Arn"])
    if not matched.target.get("RoleArn"):
        raise DeliveryError("INVALID_PARAMETER", f"Target {arn} needs a RoleArn that EventBridge may assume.")
    try:
        session = context.assume_role(
            matched.target["RoleArn"],
            service="events.amazonaws.com",
            session_name=str(matched.event["id"]).replace("-", ""),
            region=arn.split(":")[3],
            source_arn=matched.rule_arn,
        )
    except ApiError as error:
        raise delivery_error(error) from error
    return session.client(service)
