"""The model server of an endpoint's variant: `python -m lockgate_twin.jobs.model_server <framework> <port file>`.

GET /ping answers 200 once the model is loaded; POST /invocations answers predictions ("Use Your Own Inference Code with
Hosting Services"). The port is chosen by the system and written to the port file when the server can answer.
A model that cannot be loaded ends the process with its traceback in the log.
"""

from __future__ import annotations

import os
import sys
import traceback
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

from lockgate_twin.jobs.model_handlers import Handlers, load

MAX_BODY_BYTES = 25 * 1024 * 1024


class ModelServer(ThreadingHTTPServer):
    """Serves one model; each connection has a thread."""

    daemon_threads = True
    request_queue_size = 128


class Requests(BaseHTTPRequestHandler):
    """Answers one connection's requests; connections are kept alive and never wait for Nagle's algorithm."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    handlers: ClassVar[Handlers]

    def do_GET(self) -> None:
        """Answer /ping."""
        known = self.path == "/ping"
        self._send(HTTPStatus.OK if known else HTTPStatus.NOT_FOUND, b"", "text/plain")

    def do_POST(self) -> None:
        """Answer /invocations."""
        length = int(self.headers.get("Content-Length") or 0)
        if self.path != "/invocations" or length > MAX_BODY_BYTES:
            self.close_connection = True
            large = HTTPStatus.REQUEST_ENTITY_TOO_LARGE if length > MAX_BODY_BYTES else HTTPStatus.NOT_FOUND
            self._send(large, large.phrase.encode(), "text/plain")
            return
        self._predict(self.rfile.read(length))

    def _predict(self, body: bytes) -> None:
        try:
            answer = self.handlers.answer(body, self.headers.get("Content-Type"), self.headers.get("Accept"))
        except Exception as error:  # noqa: BLE001  # any error of the user's code is a 500, as in AWS's containers
            trace = traceback.format_exc()
            print(trace, file=sys.stderr, flush=True)  # the process's log
            self._send(HTTPStatus.INTERNAL_SERVER_ERROR, f"{error}\n{trace}".encode(), "text/plain")
        else:
            self._send(answer.status, answer.body, answer.content_type)

    def _send(self, status: int, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's name
        """Log failed requests only; successful ones would drown the user's own output."""
        if len(args) > 1 and str(args[1])[:1] in {"4", "5"}:
            super().log_message(format, *args)


def main(framework: str, port_file: str) -> None:
    """Load the model, listen on a free port of 127.0.0.1, publish the port and serve until killed."""
    Requests.handlers = load(os.environ, os.environ.get("SM_MODEL_DIR", "/opt/ml/model"), framework)
    with ModelServer(("127.0.0.1", 0), Requests) as server:
        half = Path(f"{port_file}.new")
        half.write_text(str(server.server_address[1]))
        half.rename(port_file)
        server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:3])
