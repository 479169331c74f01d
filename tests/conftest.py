"""Settings for every test: a busy machine must not fail a property for being slow, and workers share nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("lockgate", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("lockgate")

TESTS = Path(__file__).parent
ONE_STORY = frozenset({"lifecycle", "templates", "seedcode"})
"""Folders whose files share what is made once (a twin, a synthesis, a rendered repository): one worker runs them."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep a file's tests on one worker, and those of a folder that tells one story."""
    for item in items:
        place = item.path.relative_to(TESTS)
        group = place.parts[0] if place.parts[0] in ONE_STORY else str(place)
        item.add_marker(pytest.mark.xdist_group(group))
