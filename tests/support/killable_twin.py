"""A twin in a process of its own that a test may kill at any point and start again in the same folder."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lockgate_twin.control import State, find, program_environment


class KillableTwin:
    """A twin's folder, and the process that runs in it, if one does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: subprocess.Popen[str] | None = None
        self._state: State | None = None
        self._clients: dict[tuple[str, str], Any] = {}

    @property
    def state(self) -> State:
        """Return how to reach the running twin."""
        assert self._state is not None, "the twin does not run"
        return self._state

    def start(self, *options: str, port: int = 0) -> None:
        """Start it on a port (0: any free one) and wait until it answers."""
        argv = [sys.executable, "-m", "lockgate_twin", "serve", "--state", str(self.folder), "--port", str(port)]
        with (self.folder / "twin.log").open("a", encoding="utf-8") as log:
            self._process = subprocess.Popen(
                [*argv, "--stop-with-stdin", *options],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=program_environment(),
                text=True,
                start_new_session=True,
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line.startswith("ready "), (self.folder / "twin.log").read_text(encoding="utf-8")
        self._state = find(self.folder)

    def kill(self) -> None:
        """End it as `kill -9` does."""
        self._end("kill")

    def stop(self) -> None:
        """End it as `lockgate down` does."""
        self._end("terminate")

    def restart(self) -> None:
        """Kill it and start it again."""
        self.kill()
        self.start()

    def _end(self, how: str) -> None:
        process, self._process, self._state = self._process, None, None
        if process is not None:
            getattr(process, how)()
            process.communicate()

    @property
    def port(self) -> int:
        """Return the port of the running twin."""
        return int(self.state.endpoint_url.rpartition(":")[2])

    def client(self, service: str, **options: Any) -> Any:
        """Return the administrator's client, the same one as long as the address is the same."""
        key = (service, self.state.endpoint_url)
        if options or key not in self._clients:
            made = self._client(service, options)
            return made if options else self._clients.setdefault(key, made)
        return self._clients[key]

    def _client(self, service: str, options: dict[str, Any]) -> Any:
        import boto3
        from botocore.config import Config

        settings: dict[str, Any] = {
            "endpoint_url": self.state.endpoint_url,
            "region_name": self.state.region,
            "aws_access_key_id": self.state.access_key_id,
            "aws_secret_access_key": self.state.secret_access_key,
            "config": Config(retries={"total_max_attempts": 1}),
        }
        return boto3.client(service, **{**settings, **options})


@contextlib.contextmanager
def killable_twin(folder: Path) -> Iterator[KillableTwin]:
    """Give a running twin; whatever becomes of it, nothing runs afterwards."""
    folder.mkdir(mode=0o700, exist_ok=True)
    twin = KillableTwin(folder)
    try:
        twin.start()
        yield twin
    finally:
        twin.kill()
