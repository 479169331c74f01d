"""One invocation: what goes in, what comes out, and how the failures of a runtime are told.

Source: Lambda Developer Guide, "Using the Lambda runtime API" and "Troubleshoot execution issues in Lambda";
payloads as Lambda writes them: `Sandbox.Timedout`, `Runtime.ExitError`. An exception of the handler is passed on as
the runtime reported it.
"""

from __future__ import annotations

import json
import signal
from dataclasses import dataclass

UNHANDLED = "Unhandled"


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """An event for a function. `client_context` is the decoded JSON of the request, if any."""

    request_id: str
    payload: bytes
    client_context: str | None = None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What an invocation came to. `function_error` is None or "Unhandled"; times are in milliseconds."""

    payload: bytes
    function_error: str | None = None
    log: str = ""
    duration: float = 0.0
    init_duration: float | None = None

    @property
    def error_message(self) -> str:
        """Return the error's message, for records of failures."""
        try:
            return str(json.loads(self.payload).get("errorMessage", ""))
        except (ValueError, AttributeError):
            return ""


def timed_out(request_id: str, seconds: float) -> bytes:
    """Return the payload of an invocation that took too long."""
    return _error("Sandbox.Timedout", f"RequestId: {request_id} Error: Task timed out after {seconds:.2f} seconds")


def exited(request_id: str, status: int) -> bytes:
    """Return the payload of an invocation whose process ended; `status` as subprocess reports it."""
    if status == 0:
        return _error("Runtime.ExitError", f"RequestId: {request_id} Error: Runtime exited without providing a reason")
    how = f"signal: {_signal(-status)}" if status < 0 else f"exit status {status}"
    return _error("Runtime.ExitError", f"RequestId: {request_id} Error: Runtime exited with error: {how}")


def too_large(size: int, limit: int) -> bytes:
    """Return the payload of an invocation whose response is too large."""
    message = f"Response payload size ({size} bytes) exceeded maximum allowed payload size ({limit} bytes)."
    return _error("Function.ResponseSizeTooLarge", message)


def _signal(number: int) -> str:
    return {signal.SIGKILL: "killed", signal.SIGTERM: "terminated", signal.SIGSEGV: "segmentation fault"}.get(
        signal.Signals(number), signal.Signals(number).name
    )


def _error(kind: str, message: str) -> bytes:
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()
