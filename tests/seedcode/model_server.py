"""A real-time endpoint over HTTP: InvokeEndpoint's protocol in front of a model archive's own inference code.

As in SageMaker's XGBoost image an exception of the inference code is a 500, and a complete response passes through; the
platform turns a container's error into ModelError, HTTP 424, with the container's status inside.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class ModelServer(ThreadingHTTPServer):
    """Serves one extracted model; `shift` is added to scores, and without `refuses` bad requests end in a 500."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        spec = importlib.util.spec_from_file_location("served_inference", folder / "code" / "inference.py")
        assert spec is not None
        assert spec.loader is not None
        self.code: Any = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.code)
        self.model = self.code.model_fn(str(folder))
        self.shift = 0.0
        self.refuses = True

    @property
    def url(self) -> str:
        """Address to give to AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME."""
        return f"http://127.0.0.1:{self.server_port}"

    def answer(self, body: str, content_type: str, accept: str) -> tuple[int, bytes, str]:
        """Status, body and content type the container answers with."""
        prediction = self.code.predict_fn(self.code.input_fn(body, content_type), self.model)
        if isinstance(prediction, list):
            prediction = [score + self.shift for score in prediction]
        elif not self.refuses:
            return 500, b"Internal Server Error", "text/plain"
        result = self.code.output_fn(prediction, accept)
        if isinstance(result, tuple):
            return 200, result[0].encode(), result[1]
        return result.status_code, result.get_data(), result.content_type


class _Handler(BaseHTTPRequestHandler):
    server: ModelServer

    def do_POST(self) -> None:
        """Answer POST /endpoints/<name>/invocations."""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        accept = self.headers.get("Accept", "application/json")
        status, answer, kind = self.server.answer(body, self.headers["Content-Type"], accept)
        if status == 200:
            self._send(200, answer, {"Content-Type": kind})
            return
        error = {"OriginalStatusCode": status, "OriginalMessage": answer.decode(), "Message": "Received client error"}
        headers = {"Content-Type": "application/json", "x-amzn-ErrorType": "ModelError"}
        self._send(424, json.dumps(error).encode(), headers)

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def serving(archive: Path) -> Iterator[ModelServer]:
    """Extract a model archive and serve it until the block ends."""
    with tempfile.TemporaryDirectory() as name:
        shutil.unpack_archive(archive, name)
        server = ModelServer(Path(name))
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
