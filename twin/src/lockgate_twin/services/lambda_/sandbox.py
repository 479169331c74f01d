"""One execution environment: awslambdaric in a guarded process, warm between invocations, one at a time.

Source: Lambda Developer Guide, "Understanding the Lambda execution environment lifecycle": initialization has ten
seconds of its own before the function's timeout counts; a timeout or crash ends the environment.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lockgate_twin.ports import Command, Context, Process
from lockgate_twin.services.lambda_.invocation import (
    UNHANDLED,
    Invocation,
    Outcome,
    exited,
    timed_out,
    too_large,
)
from lockgate_twin.services.lambda_.runtime_api import Assignment, Message, RuntimeApi

_INIT_SECONDS = 10.0
_MAX_RESPONSE_BYTES = 6 * 1024 * 1024 + 100
Clock = Callable[[], float]


@dataclass(frozen=True, kw_only=True)
class SandboxPlan:
    """How to start an execution environment. `timeout` is the function's, in seconds."""

    name: str
    function_arn: str
    python: Path
    handler: str
    environment: Mapping[str, str]
    root: Path
    log: Path
    timeout: float

    def command(self, address: str) -> Command:
        """Return the process that polls the runtime API at this address."""
        return Command(
            name=f"function {self.name}",
            argv=[str(self.python), "-m", "awslambdaric", self.handler],
            env={**self.environment, "AWS_LAMBDA_RUNTIME_API": address},
            cwd=self.root,
            log=self.log,
        )


class Sandbox:
    """A process that runs one function. Not for concurrent use: a pool gives it to one invocation at a time."""

    def __init__(self, plan: SandboxPlan, context: Context) -> None:
        self.plan = plan
        self.started = time.monotonic()
        self._inbox: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._api = RuntimeApi(self._inbox)
        self._read = 0
        self._ready = False
        self._dead = False
        self._process: Process = context.start_process(plan.command(self._api.address))
        context.in_background(f"watch function {plan.name}", self._watch)

    @property
    def alive(self) -> bool:
        """Tell whether it can take another invocation."""
        return not self._dead and self._process.poll() is None

    def invoke(self, invocation: Invocation) -> Outcome:
        """Run one invocation to its end; the sandbox is no longer alive after a timeout or crash."""
        initialized = None
        if not self._ready:
            failure = self._initialize(invocation.request_id)
            initialized = (time.monotonic() - self.started) * 1000
            if failure is not None:
                return self._outcome(failure, started=time.monotonic(), initialized=initialized, error=True)
        started = time.monotonic()
        message = self._run(invocation)
        return self._told(message, invocation, started, initialized)

    def stop(self) -> None:
        """End the process and the runtime API."""
        self._dead = True
        self._process.stop(grace=0.0)
        self._api.close()

    def _watch(self) -> None:
        self._inbox.put(Message(kind="exit", status=self._process.wait()))

    def _initialize(self, request_id: str) -> bytes | None:
        """Wait until the runtime asks for work; return the payload of the failure if it does not."""
        message = self._next(_INIT_SECONDS + self.plan.timeout)
        if message is not None and message.kind == "ready":
            self._ready = True
            return None
        self._dead = True
        if message is None:
            return timed_out(request_id, self.plan.timeout)
        return message.body if message.kind == "init-error" else exited(request_id, message.status)

    def _run(self, invocation: Invocation) -> Message | None:
        deadline = int((time.time() + self.plan.timeout) * 1000)
        self._api.assignments.put(
            Assignment(invocation=invocation, function_arn=self.plan.function_arn, deadline=deadline)
        )
        until = time.monotonic() + self.plan.timeout
        while (left := until - time.monotonic()) > 0:
            message = self._next(left)
            if message is None or message.kind == "exit" or message.request_id == invocation.request_id:
                return message
        return None

    def _next(self, seconds: float) -> Message | None:
        try:
            return self._inbox.get(timeout=seconds)
        except queue.Empty:
            return None

    def _told(
        self, message: Message | None, invocation: Invocation, started: float, initialized: float | None
    ) -> Outcome:
        if message is not None and message.kind == "response":
            fits = len(message.body) <= _MAX_RESPONSE_BYTES
            body = message.body if fits else too_large(len(message.body), _MAX_RESPONSE_BYTES)
            return self._outcome(body, started=started, initialized=initialized, error=not fits)
        if message is not None and message.kind == "error":
            return self._outcome(message.body, started=started, initialized=initialized, error=True)
        self._dead = True
        late = timed_out(invocation.request_id, self.plan.timeout)
        body = late if message is None else exited(invocation.request_id, message.status)
        return self._outcome(body, started=started, initialized=initialized, error=True)

    def _outcome(self, body: bytes, *, started: float, initialized: float | None, error: bool) -> Outcome:
        return Outcome(
            payload=body,
            function_error=UNHANDLED if error else None,
            log=self._new_output(),
            duration=(time.monotonic() - started) * 1000,
            init_duration=initialized,
        )

    def _new_output(self) -> str:
        with self.plan.log.open("rb") as log:
            log.seek(self._read)
            data = log.read()
        self._read += len(data)
        return data.decode(errors="replace")
