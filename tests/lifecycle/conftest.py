"""The whole chain, once per test run, on one twin: each fixture is one arrow of the life cycle."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from lockgate_twin.control import State
from lockgate_twin.demo import stages
from lockgate_twin.demo.twin_process import twin_process
from lockgate_twin.demo.world import Facts, World

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Run a twin with nothing in it but people."""
    output = tmp_path_factory.mktemp("lifecycle")
    with twin_process(ROOT, output, port=0) as state:
        yield World(root=ROOT, output=output, project="arrests", state=state, say=print)


@pytest.fixture(scope="session")
def state(world: World) -> State:
    """Return what the running twin wrote down about itself."""
    return world.state


@pytest.fixture(scope="session")
def published(world: World) -> Facts:
    """The product is in the catalog."""
    return stages.publish(world, Facts())


@pytest.fixture(scope="session")
def project(world: World, published: Facts) -> Facts:
    """A project exists."""
    return stages.create_project(world, published)


@pytest.fixture(scope="session")
def built(world: World, project: Facts) -> Facts:
    """The seed commit is built: version 1."""
    return stages.first_build(world, project)


@pytest.fixture(scope="session")
def approved(world: World, built: Facts) -> Facts:
    """Version 1 is approved by code and its deployment has started."""
    return stages.approval(world, built)


@pytest.fixture(scope="session")
def pushed(world: World, approved: Facts) -> Facts:
    """A change that makes the model biased is pushed and built: version 2."""
    return stages.biased_build(world, approved)


@pytest.fixture(scope="session")
def rejected(world: World, pushed: Facts) -> Facts:
    """Version 2 is rejected by code."""
    return stages.rejection(world, pushed)


@pytest.fixture(scope="session")
def staged(world: World, rejected: Facts) -> Facts:
    """Version 1 is in staging and its test has passed."""
    return stages.staging(world, rejected)


@pytest.fixture(scope="session")
def live(world: World, staged: Facts) -> Facts:
    """Version 1 is in production."""
    return stages.production(world, staged)


@pytest.fixture(scope="session")
def drifted(world: World, live: Facts) -> Facts:
    """Drifted traffic has raised the alarm, which has started a build."""
    return stages.drift(world, live)
