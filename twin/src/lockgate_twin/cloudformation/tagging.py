"""Stack tags on resources.

Source: "Resource tags" of the CloudFormation user guide: stack-level tags propagate to the resources that support
tags; a resource's own tag of the same key wins. AWS adds aws:cloudformation:* tags through internal means; public
APIs refuse the prefix, so an engine that only calls public APIs leaves them out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lockgate_twin.cloudformation.failures import invalid
from lockgate_twin.cloudformation.intrinsics import Unknown
from lockgate_twin.cloudformation.schemas import ResourceSchema

_MAXIMUM = 50


def parse(tags: list[Mapping[str, str]]) -> dict[str, str]:
    """Return a request's tags by key.

    Raises:
        ApiError: ValidationError for reserved or repeated keys, or too many.
    """
    found = {tag["Key"]: tag["Value"] for tag in tags}
    if len(found) < len(tags):
        raise invalid("Tag keys must be unique.")
    if len(found) > _MAXIMUM:
        raise invalid(f"A stack may have at most {_MAXIMUM} tags.")
    reserved = [key for key in found if key.lower().startswith("aws:")]
    if reserved:
        raise invalid(f"aws: prefixed tag key names are not allowed for external use: {reserved[0]}")
    return found


def merge(properties: Mapping[str, Any], tags: Mapping[str, str], schema: ResourceSchema) -> dict[str, Any]:
    """Return properties with the stack's tags added, for a type that takes tags."""
    name = schema.tags_property
    own = properties.get(name) if name else None
    if name is None or not tags or isinstance(own, Unknown):
        return dict(properties)
    if schema.tags_are_a_map:
        return {**properties, name: {**tags, **(own or {})}}
    given = list(own or [])
    keys = {tag.get("Key") for tag in given if isinstance(tag, Mapping)}
    inherited = [{"Key": key, "Value": value} for key, value in tags.items() if key not in keys]
    return {**properties, name: [*given, *inherited]}
