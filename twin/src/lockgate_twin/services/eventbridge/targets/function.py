"""A Lambda function as target: invoked asynchronously, by permission of the function's own policy.

Source: EventBridge User Guide, "Using resource-based policies for Amazon EventBridge" (Lambda permissions).
"""

from __future__ import annotations

import json

from lockgate_twin.errors import ApiError
from lockgate_twin.services.eventbridge.failures import DeliveryError, delivery_error
from lockgate_twin.services.eventbridge.input_transformer import Matched, target_input
from lockgate_twin.services.eventbridge.ports import Functions, ServiceMay

SERVICE = "events.amazonaws.com"


class FunctionTarget:
    """Hands events to Lambda's asynchronous queue; a function's own failures are retried by Lambda."""

    def __init__(self, functions: Functions, may: ServiceMay) -> None:
        self._functions = functions
        self._may = may

    def deliver(self, matched: Matched) -> None:
        """Queue the event for the function.

        Raises:
            DeliveryError: no permission, no such function, or the input is not JSON.
        """
        arn = str(matched.target["Arn"])
        if not self._may(SERVICE, "lambda:InvokeFunction", arn, _keys(matched)):
            raise DeliveryError("NO_PERMISSIONS", _refusal(arn, matched.rule_arn))
        payload = target_input(matched)
        try:
            json.loads(payload)
        except ValueError as error:
            raise DeliveryError("INVALID_JSON", f"The input for {arn} is not valid JSON: {error}") from None
        try:
            self._functions.invoke_asynchronously(arn, payload.encode())
        except ApiError as error:
            raise delivery_error(error) from error


def _keys(matched: Matched) -> dict[str, str]:
    return {"aws:SourceArn": matched.rule_arn, "aws:SourceAccount": matched.account}


def _refusal(function_arn: str, rule_arn: str) -> str:
    return (
        f"The policy of {function_arn} does not allow lambda:InvokeFunction for {SERVICE} with source {rule_arn}; "
        "add a permission to the function (AWS::Lambda::Permission)."
    )
