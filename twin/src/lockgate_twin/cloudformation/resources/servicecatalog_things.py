"""What the Service Catalog types share: the code for what is not there, and changes of tags."""

from __future__ import annotations

from typing import Any

from lockgate_twin.cloudformation.resources.adapter import Request, names

MISSING = names("ResourceNotFoundException")


def tag_members(request: Request) -> dict[str, Any]:
    """Return AddTags and RemoveTags of an update."""
    added, removed = request.tag_changes
    # A key can only be given another value by removing it first; Service Catalog does both in one call.
    given = {"AddTags": added, "RemoveTags": removed}
    return {name: value for name, value in given.items() if value}
