"""Settings for every test: a busy machine must not fail a property for being slow, and workers share nothing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

settings.register_profile("lockgate", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("lockgate")

TESTS = Path(__file__).parent


def room(place: Path) -> str:
    """The folder that a test belongs to: its files may share what is made once (a twin, a synthesis)."""
    parts = place.relative_to(TESTS).parts
    return "/".join(parts[:2] if parts[0] == "twin" else parts[:1])


class RoomScheduling(LoadScopeScheduling):  # type: ignore[misc] # xdist has no types
    """Gives a worker a whole room, the one with the most tests first."""

    def _split_scope(self, nodeid: str) -> str:
        return room(TESTS.parent / nodeid.partition("::")[0])


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> RoomScheduling:
    """Distribute rooms; `--dist` only has to be given for tests to be distributed at all."""
    return RoomScheduling(config, log)


class FreshRooms:
    """Empties moto, which keeps one state for its whole process, before the first test of each room."""

    def __init__(self) -> None:
        self._last = ""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Reset what the room before has left."""
        if room(item.path) != self._last and "moto" in sys.modules:
            from moto.moto_api._internal import moto_api_backend

            moto_api_backend.reset()
        self._last = room(item.path)


def pytest_configure(config: pytest.Config) -> None:
    """Watch over the rooms of this process."""
    config.pluginmanager.register(FreshRooms())
