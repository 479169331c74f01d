"""One running core for the clients' tests; a whole twin is run by those that need its services."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from lockgate_twin.core import Core

from tests.support.twin_server import running_core


@pytest.fixture(scope="session")
def core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Core]:
    """Serve a core."""
    with running_core(tmp_path_factory.mktemp("clients")) as running:
        yield running
