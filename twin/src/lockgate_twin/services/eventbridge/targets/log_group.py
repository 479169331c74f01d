"""A log group as target: each event in a stream of its own, by permission of the account's resource policies of logs.

Source: EventBridge User Guide, "Using resource-based policies for Amazon EventBridge" (CloudWatch Logs permissions:
events.amazonaws.com and delivery.logs.amazonaws.com need logs:CreateLogStream and logs:PutLogEvents).
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from lockgate_twin.ports import Administrators, Call, Context
from lockgate_twin.services.eventbridge.failures import DeliveryError, delivery_error
from lockgate_twin.services.eventbridge.input_transformer import Matched, target_input
from lockgate_twin.services.eventbridge.ports import ServiceMay

_SERVICE = "events.amazonaws.com"
_ACTIONS = ("logs:CreateLogStream", "logs:PutLogEvents")


class LogGroupTarget:
    """Writes events into log groups, as their accounts' administrators after the resource policies were asked."""

    def __init__(self, context: Context, administrators: Administrators, may: ServiceMay) -> None:
        self._context, self._administrators, self._may = context, administrators, may

    def deliver(self, matched: Matched) -> None:
        """Write one event.

        Raises:
            DeliveryError: no permission, or no such log group.
        """
        arn = str(matched.target["Arn"]).removesuffix(":*")
        region, name, stream = arn.split(":")[3], arn.split(":", 6)[6], str(uuid.uuid4())
        keys = {"aws:SourceArn": matched.rule_arn, "aws:SourceAccount": matched.account}
        for action in _ACTIONS:
            if not self._may(_SERVICE, action, f"{arn}:log-stream:{stream}", keys):
                text = f"No resource policy of CloudWatch Logs allows {action} on {arn}:* for {_SERVICE}"
                raise DeliveryError("NO_PERMISSIONS", f"{text}; add one with PutResourcePolicy.")
        entry = {"timestamp": _milliseconds(matched), "message": target_input(matched)}
        logs = self._client(region, arn.split(":")[4])
        try:
            logs.create_log_stream(logGroupName=name, logStreamName=stream)
            logs.put_log_events(logGroupName=name, logStreamName=stream, logEvents=[entry])
        except ClientError as error:
            raise delivery_error(error) from error

    def _client(self, region: str, account: str) -> Any:
        call = Call(
            principal=self._administrators(account),
            region=region,
            service="logs",
            operation="PutLogEvents",
            request_id=str(uuid.uuid4()),
        )
        return self._context.session(call).client("logs")


def _milliseconds(matched: Matched) -> int:
    return int(datetime.fromisoformat(str(matched.event["time"])).timestamp() * 1000)
