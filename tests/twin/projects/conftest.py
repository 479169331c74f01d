"""A core with SageMaker projects, Service Catalog and CloudFormation."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from lockgate_twin.cloudformation.service import CloudFormation
from lockgate_twin.core import Core
from lockgate_twin.services.sagemaker.tags import Tagging, TagRegistry
from lockgate_twin.services.sagemaker_projects import Projects
from lockgate_twin.services.servicecatalog import ServiceCatalog

from tests.support.launchable import Catalog
from tests.support.twin_server import running_core


@pytest.fixture(scope="session")
def core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Core]:
    """Serve a core."""
    with running_core(tmp_path_factory.mktemp("projects")) as running:
        catalog, tags = ServiceCatalog(running), TagRegistry(running.table("sagemaker.tags"))
        for service in (CloudFormation(running), catalog, Projects(running, catalog, tags), Tagging(tags)):
            running.front.register(service)
        yield running


@pytest.fixture(scope="session")
def catalog(core: Core) -> Catalog:
    """Return helpers for catalogs on this core."""
    return Catalog(core)
