"""A core or a whole twin serving on a free loopback port, for tests that use real clients."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lockgate_twin.core import Core
from lockgate_twin.ports import Settings
from lockgate_twin.server import HOST, Router, Server, bind


def no_git(_: dict[str, Any], start_response: Any) -> list[bytes]:
    """Answer every git request with 404."""
    start_response("404 Not Found", [("Content-Length", "0")])
    return [b""]


@contextmanager
def running_core(state_dir: Path) -> Iterator[Core]:
    """Serve the front with STS and moto only."""
    listener = bind(0)
    url = f"http://{HOST}:{listener.getsockname()[1]}"
    core = Core(Settings(state_dir=state_dir, endpoint_url=url, python=Path(sys.executable)))
    server = Server(listener, Router(core.front, no_git, dict))
    server.start()
    try:
        yield core
    finally:
        server.stop()
        core.processes.close()
        core.log.close()
        core.tables.close()


def client_of(core: Core, service: str, credentials: Any = None, **options: Any) -> Any:
    """Return an ordinary boto3 client over HTTP, by default the administrator's."""
    import boto3
    from botocore.config import Config

    who = credentials or core.administrator
    return boto3.client(
        service,
        endpoint_url=core.settings.endpoint_url,
        region_name=core.settings.region,
        aws_access_key_id=who.access_key_id,
        aws_secret_access_key=who.secret_access_key,
        aws_session_token=who.session_token,
        config=Config(retries={"total_max_attempts": 1}, parameter_validation=options.get("validate", True)),
    )
