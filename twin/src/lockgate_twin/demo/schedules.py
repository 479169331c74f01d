"""Firing a schedule of the twin out of turn, as its administrator: nobody waits for midnight in a demo."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from typing import Any

from lockgate_twin.control import State
from lockgate_twin.demo.failures import StageFailedError


def fire(state: State, name: str, group: str = "default") -> dict[str, Any]:
    """Fire a schedule now and return what the twin says of it.

    Raises:
        StageFailedError: the twin refused.
    """
    key = base64.b64encode(f"{state.access_key_id}:{state.secret_access_key}".encode()).decode()
    request = urllib.request.Request(  # noqa: S310 - the twin's own address
        f"{state.endpoint_url}/_twin/schedules/{group}/{name}/fire",
        method="POST",
        headers={"Authorization": f"Basic {key}"},
        data=b"{}",
    )
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - the twin's own address
            said: dict[str, Any] = json.loads(answer.read())
    except urllib.error.HTTPError as error:
        refused = f"The schedule {name} could not be fired: {error.read().decode(errors='replace')[:300]}"
        raise StageFailedError(refused, state.state_dir) from error
    return said
