"""Somebody who works with AWS: their credentials, their boto3 clients, their programs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lockgate_twin.control import State, common_variables, credentials_of, git_variables
from lockgate_twin.demo.failures import StageFailedError


class Person:
    """A person acting with their own role on one twin."""

    def __init__(self, name: str, state: State, log: Path) -> None:
        import boto3

        self.name = name
        self._log = log
        credentials = credentials_of(state, name)
        self._environment = {
            **credentials,
            **common_variables(state),
            **git_variables(state, credentials["AWS_ACCESS_KEY_ID"], credentials["AWS_SECRET_ACCESS_KEY"]),
        }
        self._session = boto3.Session(
            credentials["AWS_ACCESS_KEY_ID"],
            credentials["AWS_SECRET_ACCESS_KEY"],
            credentials.get("AWS_SESSION_TOKEN"),
            region_name=state.region,
        )
        self._endpoint_url = state.endpoint_url
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """Return a boto3 client with this person's credentials."""
        if service not in self._clients:
            self._clients[service] = self._session.client(service, endpoint_url=self._endpoint_url)
        return self._clients[service]

    def run(self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None = None) -> str:
        """Run a program as this person and return its output; the output also goes to the log.

        Raises:
            StageFailedError: it ends with a non-zero status.
        """
        environment = {**os.environ, **self._environment, **(env or {})}
        environment.pop("AWS_PROFILE", None)
        done = subprocess.run(
            list(argv), cwd=cwd, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
        with self._log.open("a", encoding="utf-8") as log:
            log.write(f"$ {' '.join(argv)}\n{done.stdout}{done.stderr}")
        if done.returncode:
            last = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
            raise StageFailedError(f"'{' '.join(argv[:2])}' ended with {done.returncode}: {last}", self._log)
        return done.stdout
