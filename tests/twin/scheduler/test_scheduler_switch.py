"""Firing a schedule out of turn, over HTTP, with the administrator's key."""

from __future__ import annotations

import base64
import http.client
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from lockgate_twin.server import HOST, Router, Server, bind
from lockgate_twin.switches import Switches, schedule_switches

from tests.support.twin_server import no_git


@dataclass(frozen=True)
class Switchboard:
    """The switches of a running core."""

    port: int
    key: str

    def post(self, path: str, key: str | None = None, *, method: str = "POST") -> tuple[int, dict[str, Any]]:
        """Ask for a switch and return the status and what was answered."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=10)
        header = f"Basic {base64.b64encode((key or self.key).encode()).decode()}"
        connection.request(method, path, headers={"Authorization": header})
        answer = connection.getresponse()
        shown: dict[str, Any] = json.loads(answer.read())
        connection.close()
        return answer.status, shown


@pytest.fixture
def switchboard(house: Any) -> Iterator[Switchboard]:
    """Serve the switches of the house."""
    core, administrator = house.core, house.core.administrator

    def authenticate(user: str, password: str) -> Any:
        found = core.credentials.find(user)
        return found.principal if found and found.secret_access_key == password else None

    switches = Switches(authenticate, schedule_switches(house.schedules))
    listener = bind(0)
    port = listener.getsockname()[1]
    server = Server(listener, Router(core.front, no_git, dict, switches=switches))
    server.start()
    yield Switchboard(port, f"{administrator.access_key_id}:{administrator.secret_access_key}")
    server.stop()


def test_the_administrator_fires_a_schedule(
    house: Any, switchboard: Switchboard, new_schedule: Callable[..., str]
) -> None:
    """POST /_twin/schedules/<group>/<name>/fire calls the target and tells what was started."""
    name = new_schedule("cron(0 0 1 1 ? *)")
    status, shown = switchboard.post(f"/_twin/schedules/default/{name}/fire")
    assert (status, shown["onDemand"]) == (200, True)
    assert shown["scheduledTime"].startswith("2026-03-02T12:00:00")
    assert len(house.functions.calls) == 1


@pytest.mark.parametrize("key", ["nobody:nothing", "x", ""])
def test_nobody_else_fires_a_schedule(
    house: Any, switchboard: Switchboard, new_schedule: Callable[..., str], key: str
) -> None:
    """Without the administrator's key the switch is refused and nothing is called."""
    name = new_schedule("cron(0 0 1 1 ? *)")
    status, shown = switchboard.post(f"/_twin/schedules/default/{name}/fire", key or ":")
    assert (status, shown["code"]) == (403, "AccessDenied")
    assert house.functions.calls == []


def test_what_is_no_switch_is_told(switchboard: Switchboard) -> None:
    """An unknown schedule, an unknown switch and another method are refused with a sentence."""
    assert switchboard.post("/_twin/schedules/default/none/fire")[0] == 404
    assert switchboard.post("/_twin/nothing")[0] == 404
    assert switchboard.post("/_twin/schedules/default/none/fire", method="GET")[0] == 405
