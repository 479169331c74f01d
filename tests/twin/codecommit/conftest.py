"""A CodeCommit of its own for each test, and git clients that reach it over real HTTP."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from lockgate_twin.ports import Principal
from lockgate_twin.services.codecommit import CodeCommit, GitHttp
from werkzeug.serving import make_server

from tests.twin.codecommit.fake_world import ACCOUNT, ROOT, FakeWorld, call_of, make_world

READER = Principal(
    arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/Reader/ann",
    account=ACCOUNT,
    access_key_id="ASIAREADER",
    role_arn=f"arn:aws:iam::{ACCOUNT}:role/Reader",
)
_KEYS = {("AKIATEST", "secret"): ROOT, ("ASIAREADER", "secret"): READER}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[FakeWorld]:
    """A world of its own for each test."""
    made = make_world(tmp_path / "state")
    yield made
    made.processes.close()


@dataclass
class Api:
    """Calls operations as the front does after validation."""

    codecommit: CodeCommit

    def __call__(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Call one operation."""
        answer = self.codecommit.operations()[operation](parameters, call_of("codecommit", operation))
        return dict(answer or {})


@pytest.fixture
def codecommit(world: FakeWorld) -> CodeCommit:
    """The service under test."""
    return CodeCommit(world)


@pytest.fixture
def api(codecommit: CodeCommit) -> Api:
    """Its API."""
    return Api(codecommit)


@pytest.fixture
def port(codecommit: CodeCommit) -> Iterator[int]:
    """The port of a real HTTP server with the git application."""
    app = GitHttp(codecommit, lambda user, password: _KEYS.get((user, password)))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01), daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()


@dataclass
class Git:
    """A git client with an identity of its own and nobody's configuration."""

    folder: Path
    port: int

    def url(self, name: str, credentials: str = "AKIATEST:secret") -> str:
        """Return a repository's URL with credentials."""
        return f"http://{credentials}@127.0.0.1:{self.port}/v1/repos/{name}"

    def __call__(self, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run git."""
        identity = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-c", "init.defaultBranch=main"]
        environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.folder),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "LC_ALL": "C",
        }
        argv = ["git", *identity, *arguments]
        where = cwd or self.folder
        return subprocess.run(argv, cwd=where, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def git(tmp_path: Path, port: int) -> Git:
    """A git client."""
    folder = tmp_path / "work"
    folder.mkdir()
    return Git(folder, port)
