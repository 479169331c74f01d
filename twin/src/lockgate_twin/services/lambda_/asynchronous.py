"""Asynchronous invocations: queued, retried, and in the end handed to a destination or dead-letter queue.

Source: Lambda Developer Guide, "How Lambda handles errors and retries with asynchronous invocation": function
errors are retried twice, after one and two more minutes; throttled events are retried for up to six hours, the
delay growing from one second to five minutes. The twin waits a sixtieth of that, unless told otherwise. Events that a
twin had accepted and not finished when it ended are run by the next one ("at least once").
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Context, utc_now
from lockgate_twin.services.lambda_.destinations import Condition, Finished, hand_over
from lockgate_twin.services.lambda_.invocation import Invocation, Outcome
from lockgate_twin.services.lambda_.invoker import Invoker
from lockgate_twin.services.lambda_.model import Function
from lockgate_twin.services.lambda_.names import Key
from lockgate_twin.services.timers import Scheduler

log = logging.getLogger(__name__)
_ERROR_DELAYS = (60.0, 120.0)
_LONGEST_THROTTLE_DELAY = 300.0
_OLDEST = 21_600.0


@dataclass(frozen=True, kw_only=True)
class _Queued:
    key: Key
    invocation: Invocation
    since: float
    accepted: datetime
    errors: int = 0
    throttles: int = 0

    @property
    def title(self) -> str:
        return f"event {self.invocation.request_id} for function {self.key[2]}"


class AsynchronousQueue:
    """Runs queued events in the background. `scale` shortens AWS's waits."""

    def __init__(
        self,
        context: Context,
        invoker: Invoker,
        find: Callable[[Key], Function],
        *,
        scheduler: Scheduler,
        scale: float,
    ) -> None:
        self._context = context
        self._invoker = invoker
        self._find = find
        self._scheduler = scheduler
        self._scale = scale
        self._table = context.table("lambda.events")
        self._closed = False

    def submit(self, key: Key, invocation: Invocation) -> None:
        """Queue an event."""
        queued = _Queued(key=key, invocation=invocation, since=self._scheduler.now(), accepted=utc_now())
        self._keep(queued)
        self._context.in_background(queued.title, lambda: self._try(queued))

    def resume(self) -> None:
        """Try the events that an earlier twin left, at once; their age goes on."""
        for left in (record for _, record in self._table.items()):
            age = (utc_now() - left.accepted).total_seconds()
            queued = replace(left, since=self._scheduler.now() - age)
            self._context.in_background(queued.title, partial(self._try, queued))

    def close(self) -> None:
        """Leave what is not finished to the next twin: from now on functions fail because this one ends."""
        self._closed = True

    def _keep(self, queued: _Queued) -> None:
        if not self._closed:
            self._table.put(queued.invocation.request_id, queued)

    def _try(self, queued: _Queued) -> None:
        try:
            function = self._find(queued.key)
        except ApiError as error:
            log.warning("%s is dropped: %s", queued.title, error)
            self._table.remove(queued.invocation.request_id)
            return
        try:
            outcome = self._invoker.invoke(function, queued.invocation)
        except ApiError as error:
            if not self._closed:
                self._not_run(queued, function, error)
        else:
            if not (self._closed and outcome.function_error):
                self._ran(queued, function, outcome)

    def _ran(self, queued: _Queued, function: Function, outcome: Outcome) -> None:
        attempts = queued.errors + 1
        if not outcome.function_error:
            self._finish(queued, function, "Success", attempts, outcome)
        elif queued.errors >= _retries(function):
            self._finish(queued, function, "RetriesExhausted", attempts, outcome)
        elif self._too_old(queued, function):
            self._finish(queued, function, "EventAgeExceeded", attempts, outcome)
        else:
            again = replace(queued, errors=attempts)
            self._later(_ERROR_DELAYS[queued.errors], again)

    def _not_run(self, queued: _Queued, function: Function, error: ApiError) -> None:
        if function.reserved == 0 or self._too_old(queued, function):
            self._finish(queued, function, "EventAgeExceeded", queued.errors, None)
            return
        log.info("%s waits: %s", queued.title, error)
        delay = min(2.0**queued.throttles, _LONGEST_THROTTLE_DELAY)
        self._later(delay, replace(queued, throttles=queued.throttles + 1))

    def _later(self, seconds: float, queued: _Queued) -> None:
        self._keep(queued)
        self._scheduler.after(seconds * self._scale, queued.title, lambda: self._try(queued))

    def _too_old(self, queued: _Queued, function: Function) -> bool:
        oldest = (function.invoke_config or {}).get("MaximumEventAgeInSeconds") or _OLDEST
        return self._scheduler.now() - queued.since >= oldest * self._scale

    def _finish(
        self, queued: _Queued, function: Function, condition: Condition, attempts: int, outcome: Outcome | None
    ) -> None:
        if condition != "Success":
            why = outcome.error_message if outcome else "it was throttled"
            log.warning("%s failed for good after %d attempts: %s", queued.title, attempts, why)
        finished = Finished(
            function=function,
            request_id=queued.invocation.request_id,
            payload=queued.invocation.payload,
            condition=condition,
            attempts=attempts,
            outcome=outcome,
        )
        try:
            hand_over(finished, self._invoker.session(function), self._context.settings.endpoint_url)
        finally:
            if not self._closed:
                self._table.remove(queued.invocation.request_id)


def _retries(function: Function) -> int:
    given = (function.invoke_config or {}).get("MaximumRetryAttempts")
    return 2 if given is None else int(given)
