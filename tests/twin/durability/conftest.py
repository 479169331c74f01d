"""A twin for each test module, in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.killable_twin import KillableTwin, killable_twin


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KillableTwin]:
    """Run a twin that tests may kill and start again."""
    with killable_twin(tmp_path_factory.mktemp("twin")) as running:
        yield running
