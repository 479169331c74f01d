"""Lambda: functions that really run, as processes on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lockgate_twin.ports import Context, Handler
from lockgate_twin.processes import Span
from lockgate_twin.services.lambda_.asynchronous import AsynchronousQueue
from lockgate_twin.services.lambda_.functions import FunctionOperations
from lockgate_twin.services.lambda_.invocations import InvocationOperations
from lockgate_twin.services.lambda_.invoker import Invoker
from lockgate_twin.services.lambda_.names import key_of
from lockgate_twin.services.lambda_.permissions import PermissionOperations, policy_of
from lockgate_twin.services.lambda_.store import FunctionStore
from lockgate_twin.services.timers import Scheduler, Timers

# AWS waits one and two minutes before it retries an asynchronous invocation; here those are seconds.
_SHORTER_WAITS = 1 / 60


class Lambda:
    """The functions of all accounts and regions. `scale` shortens the waits before asynchronous retries."""

    name = "lambda"

    def __init__(self, context: Context, *, scheduler: Scheduler | None = None, scale: float = _SHORTER_WAITS) -> None:
        self._store = FunctionStore(context.table("lambda.functions"))
        self._invoker = Invoker(context)
        self._scheduler = scheduler or Timers(context.in_background)
        self._queue = AsynchronousQueue(context, self._invoker, self._store.get, scheduler=self._scheduler, scale=scale)
        self._functions = FunctionOperations(context, self._store, self._invoker)
        self._permissions = PermissionOperations(self._store)
        self._invocations = InvocationOperations(self._store, self._invoker, self._queue)

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by operation name."""
        return {
            **self._functions.operations(),
            **self._permissions.operations(),
            **self._invocations.operations(),
        }

    def invoke_asynchronously(self, function_arn: str, payload: bytes) -> None:
        """Queue an event for a function on behalf of an AWS service that has checked the function's policy.

        Raises:
            ApiError: ResourceNotFoundException or RequestTooLargeException.
        """
        self._invocations.invoke_asynchronously(function_arn, payload)

    def resource_policy(self, arn: str) -> tuple[Mapping[str, Any] | None, str | None]:
        """Return (policy document or None, owner's account) of a function's ARN, for authorization."""
        parts = arn.split(":")
        if len(parts) < 7 or parts[5] != "function":
            return None, None
        key = key_of(arn)
        function = next((f for f in self._store.of(key[0], key[1]) if f.key == key), None)
        return (policy_of(function), key[0]) if function else (None, None)

    def spans(self) -> list[Span]:
        """Return when the last functions ran."""
        return self._invoker.spans()

    def resume(self) -> None:
        """Run the events that an earlier twin had queued and not finished; one that it ran may run again."""
        self._queue.resume()

    def close(self) -> None:
        """End all processes and waiting retries."""
        self._queue.close()
        self._scheduler.close()
        self._invoker.close()
