"""Both seeds rendered with their default answers, and one life of the build seed's steps on the real data."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from tests.seedcode import processes, rendering, steps
from tests.seedcode.definitions import Described, describe_twice


@pytest.fixture(scope="session")
def build_repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The build repository a new project starts with."""
    return rendering.render("build", tmp_path_factory.mktemp("seed"))


@pytest.fixture(scope="session")
def deploy_repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The deploy repository a new project starts with."""
    return rendering.render("deploy", tmp_path_factory.mktemp("seed"))


@pytest.fixture(scope="session")
def described(build_repo: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Described, Described]:
    """The pipeline definition, made by two processes from two checkouts at different paths."""
    other = rendering.render("build", tmp_path_factory.mktemp("another-place"))
    return describe_twice(build_repo, other)


@pytest.fixture(scope="session")
def evidence(build_repo: Path, tmp_path_factory: pytest.TempPathFactory) -> steps.Workspace:
    """What Prepare, Train and Evaluate leave behind when run as processes on the seed's data."""
    return steps.run_all(steps.Workspace(build_repo, tmp_path_factory.mktemp("jobs")))


@pytest.fixture
def aws() -> Iterator[processes.Aws]:
    """An AWS account behind HTTP with a new project; others may use the same account, so nothing is reset."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    account = processes.Aws(f"http://{host}:{port}", f"p-{uuid.uuid4().hex[:12]}")
    account.create_project()
    yield account
    server.stop()
