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
Page = Callable[[], dict[str, Any]]
HOST = "127.0.0.1"
# A client that sends or takes nothing for so long loses its connection, and its thread ends.
_SILENT_SECONDS = 120.0
_OWN_NAMES = (HOST, "localhost")


class Router:
    """Sends a request to git (`/v1/repos/`), to a page or switch of the twin's own (`/_twin/`) or to the AWS front."""

    def __init__(
        self, front: WsgiApp, git: WsgiApp, status: Page, *, switches: WsgiApp | None = None, **pages: Page
    ) -> None:
        self._front = front
        self._git = git
        self._switches = switches
        self._pages = {f"/_twin/{name}": page for name, page in {"status": status, **pages}.items()}

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve one request (WSGI)."""
        path = environ["PATH_INFO"]
        if path.startswith("/v1/repos/"):
            return self._git(environ, start_response)
        if page := self._pages.get(path):
            return _own_page(page, environ, start_response)
        if self._switches is not None and path.startswith("/_twin/"):
            return self._switches(environ, start_response)
        return self._front(environ, start_response)


def _own_page(page: Page, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    # These pages need no key, so no web page may read them through a name that it lets resolve to 127.0.0.1.
    known = environ.get("HTTP_HOST", "").partition(":")[0] in _OWN_NAMES
    status, shown = ("200 OK", page()) if known else ("403 Forbidden", {"message": f"Ask for this on {HOST}."})
    body = json.dumps(shown).encode()
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


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

        class Handler(MotoRequestHandler):  # type: ignore[misc] # moto has no types
            """HTTP/1.1, one request per connection (as werkzeug does it), without Nagle's delay."""

            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            timeout = _SILENT_SECONDS

        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        port = listener.getsockname()[1]
        self._server = make_server(
            HOST, port, application, threaded=True, request_handler=Handler, fd=listener.fileno()
        )
        # The server listens on a duplicate of its own.
        listener.close()
        self._thread = threading.Thread(target=self._server.serve_forever, name="http", daemon=True)

    def start(self) -> None:
        """Serve in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Stop accepting requests and give the port back."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
