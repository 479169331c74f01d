"""Where the records of asynchronous invocations go: SQS queues, written with the function's role.

Source: Lambda Developer Guide, "Capturing records of Lambda asynchronous invocations" (record format 1.0) and
"Adding a dead-letter queue" (the event itself, with attributes RequestID, ErrorCode and ErrorMessage).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from botocore.exceptions import ClientError

from lockgate_twin.errors import ApiError, NotImplementedByTwin
from lockgate_twin.ports import Session, utc_now
from lockgate_twin.services.lambda_.code import invalid
from lockgate_twin.services.lambda_.invocation import Outcome
from lockgate_twin.services.lambda_.model import Function

log = logging.getLogger(__name__)
Condition = Literal["Success", "RetriesExhausted", "EventAgeExceeded"]


@dataclass(frozen=True, kw_only=True)
class Finished:
    """An asynchronous invocation that will not be tried again. No outcome: it was never run."""

    function: Function
    request_id: str
    payload: bytes
    condition: Condition
    attempts: int
    outcome: Outcome | None

    def record(self) -> str:
        """Return the invocation record for a destination."""
        outcome = self.outcome
        response: dict[str, Any] = {"statusCode": 200, "executedVersion": "$LATEST"}
        if outcome is not None and outcome.function_error:
            response["functionError"] = outcome.function_error
        record = {
            "version": "1.0",
            "timestamp": utc_now().strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
            "requestContext": {
                "requestId": self.request_id,
                "functionArn": f"{self.function.arn}:$LATEST",
                "condition": self.condition,
                "approximateInvokeCount": self.attempts,
            },
            "requestPayload": json.loads(self.payload),
            "responseContext": response,
            "responsePayload": json.loads(outcome.payload) if outcome is not None else None,
        }
        return json.dumps(record)


def destination(function: Function, condition: Condition) -> str | None:
    """Return the ARN of the destination for this kind of end, or None."""
    side = "OnSuccess" if condition == "Success" else "OnFailure"
    config = (function.invoke_config or {}).get("DestinationConfig") or {}
    return (config.get(side) or {}).get("Destination") or None


def dead_letter_queue(settings: Mapping[str, Any]) -> str | None:
    """Return the ARN of the function's dead-letter queue, or None."""
    return (settings.get("DeadLetterConfig") or {}).get("TargetArn") or None


def require_sendable(arn: str, session: Session) -> None:
    """Check a destination when it is configured.

    Raises:
        ApiError: InvalidParameterValueException when the function's role may not send to the queue.
        NotImplementedByTwin: it is not an SQS queue.
    """
    if not arn.startswith("arn:aws:sqs:"):
        raise NotImplementedByTwin(f"The Lambda destination {arn}; the twin sends to SQS queues")
    try:
        session.require("sqs:SendMessage", arn)
    except ApiError as error:
        message = "The provided execution role does not have permissions to call SendMessage on SQS"
        raise invalid(f"{message} ({error.message})") from error


def hand_over(finished: Finished, session: Session, endpoint_url: str) -> None:
    """Send the record to its destination and, for a failure, the event to the dead-letter queue."""
    sender = _Sender(session, endpoint_url)
    if arn := destination(finished.function, finished.condition):
        sender.send(arn, finished.record(), {})
    if finished.condition != "Success" and (arn := dead_letter_queue(finished.function.settings)):
        message = finished.outcome.error_message[:1024] if finished.outcome else finished.condition
        attributes = {
            "RequestID": {"DataType": "String", "StringValue": finished.request_id},
            "ErrorCode": {"DataType": "Number", "StringValue": "200" if finished.outcome else "429"},
            "ErrorMessage": {"DataType": "String", "StringValue": message or "-"},
        }
        sender.send(arn, finished.payload.decode(), attributes)


@dataclass(frozen=True)
class _Sender:
    session: Session
    endpoint_url: str

    def send(self, queue_arn: str, body: str, attributes: Mapping[str, Any]) -> None:
        """Send a message; what cannot be sent is logged, as AWS only counts DestinationDeliveryFailures."""
        account, name = queue_arn.split(":")[4:6]
        url = f"{self.endpoint_url}/{account}/{name}"
        try:
            self.session.client("sqs").send_message(QueueUrl=url, MessageBody=body, MessageAttributes=dict(attributes))
        except ClientError as error:
            log.warning("A record of an asynchronous invocation was not delivered to %s: %s", queue_arn, error)
