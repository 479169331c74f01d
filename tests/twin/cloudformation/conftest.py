"""One world for all tests of CloudFormation: stacks are separated by their names."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.twin_server import running_core
from tests.twin.cloudformation.live import Live, running_twin
from tests.twin.cloudformation.world import World


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Serve a core with CloudFormation."""
    with running_core(tmp_path_factory.mktemp("cloudformation")) as core:
        yield World(core)


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Serve a whole twin."""
    with running_twin(tmp_path_factory.mktemp("twin")) as running:
        yield running
