"""What is to be published, read from files: it does not depend on any account."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from catalog.cloud_archives import CodeArchive, functions_archive, jobs_archive
from catalog.configuration import SEEDS, Catalog, parse_catalog
from catalog.errors import ConfigurationError
from catalog.hub_template import render_hub_template
from catalog.parts import SETTINGS, Parts, part_mistakes
from catalog.policy_check import policy_mistakes
from catalog.project_template import template_mistakes
from catalog.seeds import SeedArchive, answer_mistakes, archive
from catalog.wheel import build_wheel


@dataclass(frozen=True, kw_only=True)
class Sources:
    """The platform team's choices, the templates as text, the packed seeds, and the parts unless they are off."""

    catalog: Catalog
    hub_template: str
    project_template: str
    seeds: tuple[SeedArchive, ...]
    parts: Parts | None = None


def read_sources(root: Path, catalog_file: Path) -> Sources:
    """Read everything to publish below the repository's root.

    Raises:
        ConfigurationError: mistakes in the files; all that can be found without rendering are named together.
    """
    catalog = _read_catalog(catalog_file)
    template_file = root / "templates" / "versions" / catalog.product.version / "project.template.yaml"
    mistakes = _template_file_mistakes(template_file, catalog.product.version)
    for seed in SEEDS:
        mistakes += answer_mistakes(seed, root / "seedcode" / seed, catalog.answers[seed])
    parts = _read_parts(root) if catalog.approval_by_code else None
    for part, template in parts.templates.items() if parts else ():
        mistakes += part_mistakes(part, template)
    mistakes += policy_mistakes(parts.jobs, parts.policy) if parts else []
    if mistakes:
        raise ConfigurationError(mistakes)
    here = root / "catalog"
    library = build_wheel(root / "checks")
    added = {"build": {f"vendor/{library.name}": library.content}}
    return Sources(
        catalog=catalog,
        hub_template=render_hub_template(
            (here / "hub.yaml").read_text(encoding="utf-8"), (here / "router.py").read_text(encoding="utf-8")
        ),
        project_template=template_file.read_text(encoding="utf-8"),
        seeds=tuple(
            archive(seed, root / "seedcode" / seed, catalog.answers[seed], added.get(seed, {})) for seed in SEEDS
        ),
        parts=parts,
    )


def _read_parts(root: Path) -> Parts:
    here = root / "catalog"
    policy = (here / "policy.yaml").read_bytes()
    return Parts(
        templates={part: (here / f"{part}.yaml").read_text(encoding="utf-8") for part in SETTINGS},
        functions=functions_archive(root),
        jobs=jobs_archive(root),
        policy=CodeArchive(folder="policies", stem="organization", ending=".yaml", content=policy),
    )


def _read_catalog(file: Path) -> Catalog:
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            [f"The catalog file {file} cannot be read: {error.strerror}. Name one with --catalog."]
        ) from error
    return parse_catalog(text, file.name)


def _template_file_mistakes(file: Path, version: str) -> list[str]:
    if not file.is_file():
        published = sorted(path.parent.name for path in file.parent.parent.glob("*/project.template.yaml"))
        known = ", ".join(published) or "none"
        return [f"product.version {version} has no template in templates/versions (there: {known})."]
    return template_mistakes(file.read_text(encoding="utf-8"), file.name)
