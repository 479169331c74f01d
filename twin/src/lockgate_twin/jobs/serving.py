"""A running model server: start it, know when it is healthy, send it requests, drain and stop it."""

from __future__ import annotations

import http.client
import queue
import subprocess
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lockgate_twin.jobs.errors import JobError
from lockgate_twin.jobs.running import Launcher, tail
from lockgate_twin.jobs.sandbox import ML, TMP, Program
from lockgate_twin.jobs.workspace import Workspace
from lockgate_twin.ports import Process

# "Use Your Own Inference Code with Hosting Services": answers within 60 s; healthy within 4 minutes of the start.
ANSWER_SECONDS = 60.0
HEALTHY_SECONDS = 240.0
POLL_SECONDS = 0.01
STOP_GRACE_SECONDS = 30.0
PORT_FILE = "model-server.port"


@dataclass(frozen=True, kw_only=True)
class Request:
    """One invocation, as it reaches the container."""

    body: bytes
    content_type: str | None = None
    accept: str | None = None
    custom_attributes: str | None = None

    def headers(self) -> dict[str, str]:
        """Return the HTTP headers that SageMaker passes to the container."""
        named = {
            "Content-Type": self.content_type,
            "Accept": self.accept,
            "X-Amzn-SageMaker-Custom-Attributes": self.custom_attributes,
        }
        return {name: value for name, value in named.items() if value}


@dataclass(frozen=True, kw_only=True)
class Response:
    """The container's answer; `status` 0 means that it gave none."""

    status: int
    body: bytes
    content_type: str
    custom_attributes: str | None = None


@dataclass(frozen=True, kw_only=True)
class Serve:
    """What to serve: the model is already in the workspace's ml/model."""

    name: str
    workspace: Workspace
    framework: str
    env: Mapping[str, str]
    log: Path


class ModelServer:
    """One model server process. Requests run in parallel over kept-alive connections."""

    def __init__(self, process: Process, port_file: Path, workspace: Workspace) -> None:
        self._process = process
        self._port_file = port_file
        self._workspace = workspace
        self._port = 0
        self._idle: queue.LifoQueue[http.client.HTTPConnection] = queue.LifoQueue()
        self._busy = 0
        self._changed = threading.Condition()

    def wait_healthy(self, log: Path, seconds: float = HEALTHY_SECONDS) -> None:
        """Wait until /ping answers 200.

        Raises:
            JobError: the process ended, or is not healthy in time; with the end of its log.
        """
        deadline = time.monotonic() + seconds
        while not self._port:
            code = self._process.poll()
            if code is not None or time.monotonic() > deadline:
                ended = f"ended with code {code}" if code is not None else f"is silent after {seconds:g} s"
                raise JobError(f"{tail(log) or 'it printed nothing'} (the model server {ended}). Log: {log}")
            with suppress(FileNotFoundError):
                self._port = int(self._port_file.read_text())
            time.sleep(0 if self._port else POLL_SECONDS)
        status = self._exchange("GET", "/ping", Request(body=b"")).status
        if status != http.client.OK:
            raise JobError(f"/ping answered {status}. Log: {log}")

    def wait_ended(self) -> int:
        """Wait until the process is over, for whatever reason, and return its exit code."""
        return self._process.wait()

    def invoke(self, request: Request) -> Response:
        """Send one request to /invocations and return the answer, whatever its status."""
        with self._changed:
            self._busy += 1
        try:
            return self._exchange("POST", "/invocations", request)
        finally:
            with self._changed:
                self._busy -= 1
                self._changed.notify_all()

    def _exchange(self, method: str, path: str, request: Request) -> Response:
        try:
            connection = self._idle.get_nowait()
        except queue.Empty:
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=ANSWER_SECONDS)
        try:
            connection.request(method, path, request.body, request.headers())
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            return Response(status=0, body=str(error).encode(), content_type="text/plain")
        self._idle.put(connection)
        return Response(
            status=answer.status,
            body=body,
            content_type=answer.getheader("Content-Type", "application/octet-stream"),
            custom_attributes=answer.getheader("X-Amzn-SageMaker-Custom-Attributes"),
        )

    def drain(self, seconds: float = ANSWER_SECONDS) -> None:
        """Wait until the requests under way are answered, `seconds` at most, then stop."""
        with self._changed:
            self._changed.wait_for(lambda: self._busy == 0, timeout=seconds)
        self.stop()

    def stop(self, grace: float = STOP_GRACE_SECONDS) -> None:
        """End the process (SIGTERM, then SIGKILL) and remove its files."""
        self._process.stop(grace)
        with suppress(queue.Empty):
            while True:
                self._idle.get_nowait().close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=grace)
        self._workspace.remove()


def start(launcher: Launcher, serve: Serve) -> ModelServer:
    """Start the model server of a prepared workspace; `wait_healthy` tells when it can answer."""
    argv = ["python3", "-m", "lockgate_twin.jobs.model_server", serve.framework, f"{TMP}/{PORT_FILE}"]
    box = serve.workspace.box
    if not launcher.sandbox.isolated:
        argv[-1] = str(box.tmp / PORT_FILE)
    package = Path(__file__).resolve().parents[2]
    # One thread per request unless the model says otherwise, as the XGBoost image sets it.
    env = {"OMP_NUM_THREADS": "1", **serve.env, "PYTHONPATH": f"{ML}/model/code:{package}"}
    process = launcher.run(serve.name, box, Program(argv=argv, env=env), serve.log)
    return ModelServer(process, box.tmp / PORT_FILE, serve.workspace)
