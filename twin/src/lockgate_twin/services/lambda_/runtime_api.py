"""Lambda's runtime API for one execution environment: an HTTP server on 127.0.0.1 that the runtime polls.

Source: Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes".
"""

from __future__ import annotations

import http.server
import queue
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from lockgate_twin.services.lambda_.invocation import Invocation

_VERSION = "/2018-06-01/runtime"
_REPORT = re.compile(rf"{_VERSION}/invocation/([^/]+)/(response|error)")
Kind = Literal["ready", "response", "error", "init-error", "exit"]


@dataclass(frozen=True, kw_only=True)
class Message:
    """What happened in the execution environment."""

    kind: Kind
    request_id: str = ""
    body: bytes = b""
    status: int = 0


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """An invocation that the runtime picks up, with its deadline in milliseconds since the epoch."""

    invocation: Invocation
    function_arn: str
    deadline: int

    def headers(self) -> Mapping[str, str]:
        """Return the headers of the runtime API's next-invocation answer."""
        headers = {
            "Lambda-Runtime-Aws-Request-Id": self.invocation.request_id,
            "Lambda-Runtime-Deadline-Ms": str(self.deadline),
            "Lambda-Runtime-Invoked-Function-Arn": self.function_arn,
            "Content-Type": "application/json",
        }
        if self.invocation.client_context:
            headers["Lambda-Runtime-Client-Context"] = self.invocation.client_context
        return headers


class RuntimeApi:
    """Gives assignments to the runtime and tells what it reports through `inbox`."""

    def __init__(self, inbox: queue.SimpleQueue[Message]) -> None:
        self.inbox = inbox
        self.assignments: queue.SimpleQueue[Assignment | None] = queue.SimpleQueue()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.api = self
        threading.Thread(target=self._server.serve_forever, name="runtime API", daemon=True).start()

    @property
    def address(self) -> str:
        """Return host:port for AWS_LAMBDA_RUNTIME_API."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Stop serving; a runtime that waits for work loses its connection."""
        self.assignments.put(None)
        # `shutdown` waits for the serving loop to look up; nobody needs to wait for that.
        threading.Thread(target=self._end, name="runtime API ends", daemon=True).start()

    def _end(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    api: RuntimeApi


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Without this, a small answer waits for the delayed acknowledgement of its headers (40 ms).
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def log_message(self, *_: Any) -> None:
        """Stay silent: the twin keeps its own logs."""

    def do_GET(self) -> None:
        """Answer the runtime's question for the next invocation; waits until there is one."""
        if self.path != f"{_VERSION}/invocation/next":
            self._answer(404)
            return
        api = self.server.api
        api.inbox.put(Message(kind="ready"))
        assignment = api.assignments.get()
        if assignment is None:
            self.close_connection = True
            return
        self._answer(200, assignment.headers(), assignment.invocation.payload)

    def do_POST(self) -> None:
        """Take a response, an error, or the failure of the function's initialization."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        report = _REPORT.fullmatch(self.path)
        if report is not None:
            kind: Kind = "response" if report[2] == "response" else "error"
            message = Message(kind=kind, request_id=report[1], body=body)
        elif self.path == f"{_VERSION}/init/error":
            message = Message(kind="init-error", body=body)
        else:
            self._answer(404)
            return
        self._answer(202)
        self.server.api.inbox.put(message)

    def _answer(self, status: int, headers: Mapping[str, str] | None = None, body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
