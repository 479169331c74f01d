"""Calling targets: as the schedule's role, with retries, then the dead-letter queue.

Source: EventBridge Scheduler User Guide, "Configuring a schedule's dead-letter queue" (message attributes; the
execution role sends) and "Prevent the confused deputy problem" (aws:SourceArn is the schedule group).
Assumption: throttling and 5xx answers are tried again, other errors are not; AWS does not say which it retries.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any

from botocore.exceptions import ClientError, ParamValidationError

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Context, Session, Table
from lockgate_twin.services.clock import Clock
from lockgate_twin.services.eventbridge.backoff import Backoff
from lockgate_twin.services.scheduler.invocation import ApiRequest, Invocation, api_request, stamp

log = logging.getLogger(__name__)
_THROTTLES = frozenset({"TooManyRequestsException", "ThrottlingException", "Throttling", "RequestLimitExceeded"})
_KEPT = 200


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What became of an invocation: `error` is None when the target took it, `dead_letters` the queue it went to."""

    invocation: Invocation
    error: str | None = None
    dead_letters: str | None = None


class _TargetError(Exception):
    def __init__(self, code: str, message: str, *, retry: bool) -> None:
        super().__init__(message)
        self.code, self.message, self.retry = code, message, retry


class Delivery:
    """Invocations under way; they outlive the twin's process."""

    def __init__(self, context: Context, clock: Clock, waiting: Table) -> None:
        self._context, self._clock, self._waiting = context, clock, waiting
        self._backoff = Backoff()
        self._lock = threading.Lock()
        self._ended: deque[Ended] = deque(maxlen=_KEPT)

    def start(self, invocation: Invocation) -> None:
        """Call the target now; failures that may pass are tried again later."""
        self._waiting.put(invocation.execution_id, asdict(invocation))
        self._attempt(invocation)

    def resume(self) -> None:
        """Go on with the invocations that an earlier twin had not ended."""
        for _key, record in self._waiting.items():  # noqa: PERF102 - a table is no dict
            self._later(Invocation(**record), timedelta(0))

    def ended(self) -> list[Ended]:
        """Return what became of the most recent invocations, oldest first."""
        with self._lock:
            return list(self._ended)

    def _attempt(self, invocation: Invocation) -> None:
        request = api_request(invocation, self._context.settings.endpoint_url)
        try:
            self._call(self._session(invocation), request)
        except _TargetError as error:
            self._failed(invocation, request, error)
        else:
            self._end(Ended(invocation=invocation))

    def _session(self, invocation: Invocation) -> Session:
        try:
            return self._context.assume_role(
                invocation.target["RoleArn"],
                service="scheduler.amazonaws.com",
                session_name=invocation.execution_id,
                region=invocation.region,
                source_arn=invocation.group_arn,
            )
        except ApiError as error:
            raise _TargetError(error.code, error.message, retry=False) from error

    def _call(self, session: Session, request: ApiRequest) -> None:
        try:
            answer: Mapping[str, Any] = getattr(session.client(request.service), request.method)(**request.members)
        except ClientError as error:
            told, status = error.response["Error"], error.response["ResponseMetadata"]["HTTPStatusCode"]
            retry = status != 501 and (status >= 500 or status == 429 or told["Code"] in _THROTTLES)
            raise _TargetError(told["Code"], told["Message"], retry=retry) from error
        except ParamValidationError as error:
            raise _TargetError("ValidationException", str(error), retry=False) from error
        if answer.get("FailedEntryCount"):
            entry = answer["Entries"][0]
            raise _TargetError(entry["ErrorCode"], entry["ErrorMessage"], retry=False)

    def _failed(self, invocation: Invocation, request: ApiRequest, error: _TargetError) -> None:
        exhausted = self._exhausted(invocation) if error.retry else None
        if error.retry and exhausted is None:
            wait = timedelta(seconds=self._backoff.delay(invocation.attempt))
            following = replace(invocation, attempt=invocation.attempt + 1)
            self._waiting.put(following.execution_id, asdict(following))
            self._later(following, wait)
            return
        queue = self._bury(invocation, request, error, exhausted)
        log.warning(
            "Schedule %s: %s: %s; dead-letter queue: %s", invocation.schedule_arn, error.code, error.message, queue
        )
        self._end(Ended(invocation=invocation, error=f"{error.code}: {error.message}", dead_letters=queue))

    def _exhausted(self, invocation: Invocation) -> str | None:
        if invocation.attempt > invocation.retries:
            return "MaximumRetryAttempts"
        old = self._clock.now() - invocation.since >= timedelta(seconds=invocation.age)
        return "MaximumEventAgeInSeconds" if old else None

    def _later(self, invocation: Invocation, wait: timedelta) -> None:
        name = f"attempt {invocation.attempt} of schedule {invocation.schedule_arn}"
        self._clock.at(self._clock.now() + wait, name, lambda: self._attempt(invocation))

    def _bury(
        self, invocation: Invocation, request: ApiRequest, error: _TargetError, exhausted: str | None
    ) -> str | None:
        arn = (invocation.target.get("DeadLetterConfig") or {}).get("Arn")
        if not arn:
            return None
        account, name = arn.split(":")[4:6]
        letter = ApiRequest(
            service="sqs",
            method="send_message",
            members={
                "QueueUrl": f"{self._context.settings.endpoint_url}/{account}/{name}",
                "MessageBody": request.text(),
                "MessageAttributes": _attributes(invocation, error, exhausted),
            },
        )
        try:
            self._call(self._session(invocation), letter)
        except _TargetError as refused:
            log.warning("The dead-letter queue %s: %s: %s", arn, refused.code, refused.message)
            return None
        return str(arn)

    def _end(self, ended: Ended) -> None:
        with self._lock:
            self._ended.append(ended)
        self._waiting.remove(ended.invocation.execution_id)


def _attributes(invocation: Invocation, error: _TargetError, exhausted: str | None) -> dict[str, dict[str, str]]:
    values = {
        "ERROR_CODE": error.code,
        "ERROR_MESSAGE": error.message,
        "EXECUTION_ID": invocation.execution_id,
        "IS_PAYLOAD_TRUNCATED": "false",
        "RETRY_ATTEMPTS": str(invocation.attempt - 1),
        "SCHEDULED_TIME": stamp(invocation.scheduled_time),
        "SCHEDULE_ARN": invocation.schedule_arn,
        "TARGET_ARN": str(invocation.target["Arn"]),
        **({"EXHAUSTED_RETRY_CONDITION": exhausted} if exhausted else {}),
    }
    return {name: {"DataType": "String", "StringValue": value} for name, value in values.items()}
