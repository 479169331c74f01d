"""What an alarm does when it comes into a state: the event, and its actions (topics and functions).

Source: Amazon CloudWatch User Guide, "Alarm actions" (SNS by the topic's policy, with cloudwatch.amazonaws.com as the
principal; an encrypted topic's key must let it, too) and "Invoke a Lambda function from an alarm" (principal
lambda.alarms.cloudwatch.amazonaws.com, asynchronous).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Context
from lockgate_twin.services.clock import Clock
from lockgate_twin.services.cloudwatch import messages
from lockgate_twin.services.cloudwatch.book import AlarmBook
from lockgate_twin.services.cloudwatch.record import Alarm, HistoryItem, State
from lockgate_twin.services.topics import Notification, Topics

ServiceMay = Callable[[str, str, str, Mapping[str, Any]], bool]
_TO_FUNCTIONS = "lambda.alarms.cloudwatch.amazonaws.com"
_TO_TOPICS = "cloudwatch.amazonaws.com"


class Functions(Protocol):
    """Lambda, as an AWS service calls it."""

    def invoke_asynchronously(self, function_arn: str, payload: bytes) -> None:
        """Queue an event for a function.

        Raises:
            ApiError: the function does not exist.
        """
        ...


class Actions:
    """Performs the actions of alarms and writes into their history what came of it."""

    def __init__(
        self, context: Context, clock: Clock, book: AlarmBook, *, functions: Functions, topics: Topics
    ) -> None:
        self._context, self._clock, self._book = context, clock, book
        self._functions, self._topics = functions, topics
        self._may: ServiceMay = topics.may

    def perform(self, alarm: Alarm, old: State) -> None:
        """Emit the event and do what the new state asks for; `old` is the state before."""
        if alarm.state.value != old.value:
            self._context.emit(messages.event(alarm, old))
        for arn in alarm.actions(alarm.state.value):
            self._context.in_background(f"action {arn} of {alarm.arn}", lambda arn=arn: self._do(alarm, old, arn))  # type: ignore[misc]

    def _do(self, alarm: Alarm, old: State, arn: str) -> None:
        try:
            if arn.startswith("arn:aws:lambda:"):
                self._invoke(alarm, old, arn)
            else:
                told = Notification(subject=messages.subject(alarm), message=messages.message(alarm, old))
                self._topics.publish(arn, told, service=_TO_TOPICS, source_arn=alarm.arn)
        except ApiError as error:
            self._note(alarm, f"Failed to execute action {arn}. Received error: {error.message}", arn, error.message)
        else:
            self._note(alarm, f"Successfully executed action {arn}", arn, None)

    def _invoke(self, alarm: Alarm, old: State, arn: str) -> None:
        keys = {"aws:SourceArn": alarm.arn, "aws:SourceAccount": alarm.account}
        if not self._may(_TO_FUNCTIONS, "lambda:InvokeFunction", arn, keys):
            text = (
                f"The policy of {arn} does not allow lambda:InvokeFunction for {_TO_FUNCTIONS} with source {alarm.arn}."
            )
            raise ApiError("AccessDeniedException", text, 403)
        self._functions.invoke_asynchronously(arn, messages.payload(alarm, old))

    def _note(self, alarm: Alarm, summary: str, arn: str, error: str | None) -> None:
        data = {
            "actionState": "Failed" if error else "Succeeded",
            "notificationResource": arn,
            "stateUpdateTimestamp": int(alarm.state.updated.timestamp() * 1000),
            **({"error": error} if error else {}),
        }
        now = self._clock.now()
        item = HistoryItem(name=alarm.name, kind="Action", summary=summary, data=json.dumps(data), at=now)
        self._book.note(alarm, item, now)
