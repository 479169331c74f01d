"""A core with Service Catalog and CloudFormation, and a product to launch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from lockgate_twin.cloudformation.service import CloudFormation
from lockgate_twin.core import Core
from lockgate_twin.services.servicecatalog import ServiceCatalog

from tests.support.launchable import Catalog
from tests.support.twin_server import client_of, running_core


@pytest.fixture(scope="session")
def core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Core]:
    """Serve a core with Service Catalog and CloudFormation."""
    with running_core(tmp_path_factory.mktemp("servicecatalog")) as running:
        running.front.register(ServiceCatalog(running))
        running.front.register(CloudFormation(running))
        yield running


@pytest.fixture(scope="session")
def catalog(core: Core) -> Catalog:
    """Return helpers for catalogs on this core."""
    return Catalog(core)


@pytest.fixture(scope="session")
def admin(core: Core) -> Any:
    """Return the administrator's Service Catalog client."""
    return client_of(core, "servicecatalog")
