"""Small sources to publish."""

from __future__ import annotations

from dataclasses import replace

from catalog.configuration import Catalog, Portfolio, Product
from catalog.project_template import SETTINGS
from catalog.seeds import SeedArchive
from catalog.sources import Sources

PROJECT_TEMPLATE = "Mappings:\n  Hub:\n    Settings:\n" + "".join(f"      {key}: set-at-publish\n" for key in SETTINGS)
CATALOG = Catalog(
    portfolio=Portfolio(name="Models", provider="ML platform", description="Gated models"),
    product=Product(name="Model project", owner="ML platform", description="Two repositories", version="0.1.0"),
    launchers=("SageMakerDataScientist",),
    answers={"build": {}, "deploy": {}},
)
SOURCES = Sources(
    catalog=CATALOG,
    hub_template="Resources: {}\n",
    project_template=PROJECT_TEMPLATE,
    seeds=(SeedArchive(seed="build", content=b"build"), SeedArchive(seed="deploy", content=b"deploy")),
)


def with_build_seed(content: bytes) -> Sources:
    """The sources with another build seed."""
    return replace(SOURCES, seeds=(SeedArchive(seed="build", content=content), SOURCES.seeds[1]))


def with_catalog(**changes: object) -> Sources:
    """The sources with another catalog file."""
    return replace(SOURCES, catalog=replace(CATALOG, **changes))  # type: ignore[arg-type]
