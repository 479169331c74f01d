"""One version of the product as published in one account: objects of the hub bucket and a version's name."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields

from catalog.cloud_archives import CodeArchive
from catalog.errors import HubError
from catalog.parts import SETTINGS, Parts, render_parts, stack_name
from catalog.project_template import fill_settings
from catalog.seeds import SeedArchive
from catalog.sources import Sources

PROVISIONING = ("servicecatalog:provisioning", "true")
"""Lets a launch role read an object when its policy asks for this tag (AWS's own launch policy does)."""

STUDIO_VISIBILITY = ("sagemaker:studio-visibility", "true")
"""Makes SageMaker Studio show a product or an S3-hosted project template."""

CODE = ("lockgate:kind", "approval")
"""Marks the code and the policy of the stacks beside the hub's."""

UNKNOWN = "(known when the hub stack exists)"


@dataclass(frozen=True, kw_only=True)
class HubOutputs:
    """What the hub stack tells about itself."""

    hub_bucket_name: str
    hub_bucket_domain_name: str
    log_bucket_name: str
    kms_key_arn: str
    launch_role_arn: str
    project_boundary_arn: str

    @classmethod
    def parse(cls, outputs: Mapping[str, str]) -> HubOutputs:
        """Take them from a stack's outputs by name.

        Raises:
            HubError: an output is missing.
        """
        names = {field.name: field.name.replace("_", " ").title().replace(" ", "") for field in fields(cls)}
        missing = [name for name in names.values() if name not in outputs]
        if missing:
            raise HubError(f"The hub stack lacks the outputs {', '.join(missing)}: it is not a hub of this product.")
        return cls(**{field: outputs[name] for field, name in names.items()})


@dataclass(frozen=True, kw_only=True)
class StoredObject:
    """An object of the hub bucket. Its key contains its content's hash, so that it never changes."""

    key: str
    content: bytes
    content_type: str
    tags: frozenset[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class Version:
    """A provisioning artifact of the product."""

    name: str
    description: str
    template_url: str


@dataclass(frozen=True, kw_only=True)
class Release:
    """What a publish puts into one account. `parts` are the templates of the stacks beside the hub's, by stack."""

    version: Version
    objects: tuple[StoredObject, ...]
    parts: Mapping[str, str]


def make_release(sources: Sources, hub: HubOutputs | None) -> Release:
    """Fill the template with the hub's values and name everything after its content.

    Without a hub yet, the template's key and the version's name cannot be known and say so.
    """
    template = _filled_template(sources, hub) if hub else ""
    digest = hashlib.sha256(template.encode()).hexdigest() if hub else UNKNOWN
    key = f"templates/{digest}/project.template.yaml"
    number = sources.catalog.product.version
    return Release(
        version=Version(
            name=f"{number}-{digest[:8] if hub else UNKNOWN}",
            description=f"Project template {number}, sha256 {digest}",
            template_url=f"https://{hub.hub_bucket_domain_name}/{key}" if hub else UNKNOWN,
        ),
        objects=(*map(_seed_object, sources.seeds), *_code_objects(sources.parts), _template_object(key, template)),
        parts=_part_templates(sources.parts, hub),
    )


def _part_templates(parts: Parts | None, hub: HubOutputs | None) -> Mapping[str, str]:
    if parts is None:
        return {}
    if hub is None:
        return {stack_name(part): UNKNOWN for part in SETTINGS}
    values = {
        "HubBucketName": hub.hub_bucket_name,
        "LogBucketName": hub.log_bucket_name,
        "KmsKeyArn": hub.kms_key_arn,
    }
    return render_parts(parts, values)


def _code_objects(parts: Parts | None) -> tuple[StoredObject, ...]:
    return tuple(map(_code_object, (parts.functions, parts.jobs, parts.policy))) if parts else ()


def _code_object(code: CodeArchive) -> StoredObject:
    kind = "application/yaml" if code.ending == ".yaml" else "application/zip"
    return StoredObject(key=code.key, content=code.content, content_type=kind, tags=frozenset({CODE}))


def _seed_object(seed: SeedArchive) -> StoredObject:
    tags = frozenset({PROVISIONING})
    return StoredObject(key=seed.key, content=seed.content, content_type="application/zip", tags=tags)


def _template_object(key: str, template: str) -> StoredObject:
    tags = frozenset({PROVISIONING, STUDIO_VISIBILITY})
    return StoredObject(key=key, content=template.encode(), content_type="application/yaml", tags=tags)


def _filled_template(sources: Sources, hub: HubOutputs) -> str:
    keys = {seed.seed: seed.key for seed in sources.seeds}
    return fill_settings(
        sources.project_template,
        {
            "HubBucketName": hub.hub_bucket_name,
            "LogBucketName": hub.log_bucket_name,
            "KmsKeyArn": hub.kms_key_arn,
            "ProjectBoundaryArn": hub.project_boundary_arn,
            "BuildSeedKey": keys["build"],
            "DeploySeedKey": keys["deploy"],
        },
    )
