"""One whole twin with three accounts: a hub, staging and production."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from lockgate_twin.ports import Settings
from lockgate_twin.server import HOST, Router, Server, bind
from lockgate_twin.twin import Twin

from tests.twin.accounts.several import PRODUCTION, STAGING, Accounts


@pytest.fixture(scope="session")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Accounts]:
    """Serve the twin."""
    listener = bind(0)
    settings = Settings(
        state_dir=tmp_path_factory.mktemp("accounts"),
        endpoint_url=f"http://{HOST}:{listener.getsockname()[1]}",
        accounts=(STAGING, PRODUCTION),
        python=Path(sys.executable),
    )
    twin = Twin(settings)
    server = Server(listener, Router(twin.core.front, twin.git, twin.status))
    server.start()
    try:
        yield Accounts(twin)
    finally:
        server.stop()
        twin.close()
