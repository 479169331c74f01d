"""Runs functions: finds or starts an execution environment with the role's credentials, and writes the logs."""

from __future__ import annotations

import threading
import time
import uuid
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Context, Session
from lockgate_twin.processes import Span
from lockgate_twin.services.lambda_.code import invalid
from lockgate_twin.services.lambda_.environment import process_environment
from lockgate_twin.services.lambda_.invocation import Invocation, Outcome
from lockgate_twin.services.lambda_.logs import LogStream, report
from lockgate_twin.services.lambda_.model import Function
from lockgate_twin.services.lambda_.names import Key
from lockgate_twin.services.lambda_.pool import Pool
from lockgate_twin.services.lambda_.sandbox import Sandbox, SandboxPlan

SERVICE = "lambda.amazonaws.com"
REMEMBERED = 10_000


@dataclass(frozen=True)
class _Revision:
    function: Function
    pool: Pool

    def runs(self, function: Function) -> bool:
        """Tell whether its environments are right for this function: tags and permissions do not matter."""
        mine = self.function
        return (mine.code, mine.settings, mine.reserved) == (function.code, function.settings, function.reserved)


class Invoker:
    """The execution environments of all functions."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._revisions: dict[Key, _Revision] = {}
        self._spans: deque[Span] = deque(maxlen=REMEMBERED)

    def spans(self) -> list[Span]:
        """Return when the last functions ran."""
        return list(self._spans)

    def invoke(self, function: Function, invocation: Invocation) -> Outcome:
        """Run one invocation of a function's current revision.

        Raises:
            ApiError: TooManyRequestsException, or the role cannot be assumed.
        """
        began = time.monotonic()
        try:
            return self._pool(function).invoke(invocation)
        finally:
            self._spans.append(Span(f"function {function.name}", began, time.monotonic()))

    def session(self, function: Function) -> Session:
        """Act as a function's execution role.

        Raises:
            ApiError: AccessDenied when the role does not trust Lambda.
        """
        return self._context.assume_role(
            function.role,
            service=SERVICE,
            session_name=function.name,
            region=function.key[1],
            source_arn=function.arn,
        )

    def forget(self, key: Key) -> None:
        """End the environments of a function that is deleted."""
        with self._lock:
            revision = self._revisions.pop(key, None)
        if revision is not None:
            revision.pool.retire()

    def close(self) -> None:
        """End all environments."""
        with self._lock:
            revisions, self._revisions = list(self._revisions.values()), {}
        for revision in revisions:
            revision.pool.close()

    def _pool(self, function: Function) -> Pool:
        """Return the pool of the function's revision; an older revision's is retired."""
        with self._lock:
            current = self._revisions.get(function.key)
            if current is not None and current.runs(function):
                return current.pool
            pool = Pool(lambda: self._start(function), reserved=function.reserved)
            self._revisions[function.key] = _Revision(function, pool)
        if current is not None:
            current.pool.retire()
        return pool

    def _start(self, function: Function) -> Sandbox:
        session = self.session(function)
        stream = f"{datetime.now(UTC):%Y/%m/%d}/[$LATEST]{uuid.uuid4().hex}"
        settings = self._context.settings
        plan = SandboxPlan(
            name=function.name,
            function_arn=function.arn,
            python=settings.python,
            handler=str(function.settings["Handler"]),
            environment=process_environment(function, session.environment(), stream),
            root=function.code.root,
            log=function.code.folder.parent / "logs" / f"{stream.rpartition(']')[2]}.log",
            timeout=function.timeout,
        )
        return _LoggedSandbox(plan, self._context, LogStream(session, function.log_group, stream), function)


class _LoggedSandbox(Sandbox):
    """A sandbox whose invocations appear in CloudWatch Logs."""

    def __init__(self, plan: SandboxPlan, context: Context, stream: LogStream, function: Function) -> None:
        super().__init__(plan, context)
        self._context = context
        self._stream = stream
        self._memory = int(function.settings["MemorySize"])

    def invoke(self, invocation: Invocation) -> Outcome:
        """Run one invocation; its log is sent without making the caller wait."""
        outcome = super().invoke(invocation)
        self._stream.add(report(invocation.request_id, outcome, self._memory))
        self._context.in_background(f"logs of function {self.plan.name}", self._stream.send)
        return outcome


def require_assumable(invoker: Invoker, function: Function) -> Session:
    """Check that Lambda can assume a function's role, as AWS does when a function is made.

    Raises:
        ApiError: InvalidParameterValueException.
    """
    try:
        return invoker.session(function)
    except ApiError as error:
        message = "The role defined for the function cannot be assumed by Lambda."
        raise invalid(f"{message} ({error.message})") from error
