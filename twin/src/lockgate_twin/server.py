"""The HTTP server on the loopback interface: git, the twin's own status, and AWS."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Callable, Iterable
from typing import Any

from lockgate_twin.errors import StartError

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
HOST = "127.0.0.1"


class Router:
    """Sends a request to git (`/v1/repos/`), to the status page (`/_twin/status`) or to the AWS front."""

    def __init__(self, front: WsgiApp, git: WsgiApp, status: Callable[[], dict[str, Any]]) -> None:
        self._front = front
        self._git = git
        self._status = status

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve one request (WSGI)."""
        path = environ["PATH_INFO"]
        if path.startswith("/v1/repos/"):
            return self._git(environ, start_response)
        if path == "/_twin/status":
            body = json.dumps(self._status()).encode()
            start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
            return [body]
        return self._front(environ, start_response)


def bind(port: int) -> socket.socket:
    """Bind a loopback port (0: any free one).

    Raises:
        StartError: the port is in use.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise StartError(
            f"Port {port} on {HOST} is in use by another program; stop that program or choose another port with --port."
        ) from error
    listener.listen(128)
    return listener


class Server:
    """Serves a WSGI application on a bound socket, one thread per connection."""

    def __init__(self, listener: socket.socket, application: WsgiApp) -> None:
        from moto.moto_server.werkzeug_app import MotoRequestHandler
        from werkzeug.serving import make_server

        class KeepAliveHandler(MotoRequestHandler):  # type: ignore[misc] # moto has no types
            """HTTP/1.1 with keep-alive and without Nagle's delay."""

            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        port = listener.getsockname()[1]
        self._server = make_server(
            HOST, port, application, threaded=True, request_handler=KeepAliveHandler, fd=listener.fileno()
        )
        self._thread = threading.Thread(target=self._server.serve_forever, name="http", daemon=True)

    def start(self) -> None:
        """Serve in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Stop accepting requests."""
        self._server.shutdown()
        self._thread.join()
