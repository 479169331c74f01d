"""Secondary sources and artifacts of a project: only those in S3, as the primary ones.

Source: "Multiple input sources and output artifacts sample" (CodeBuild User Guide), ProjectSource and
ProjectArtifacts (API Reference): each has an identifier of its own, of letters, digits and underscores, and there are
at most twelve of either.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from lockgate_twin.errors import ApiError, NotImplementedByTwin
from lockgate_twin.services.codebuild.locations import S3Location

_IDENTIFIER = re.compile(r"[A-Za-z0-9_]{1,127}")
_MOST = 12


def check_secondary(project: Mapping[str, Any]) -> None:
    """Check a project's secondary sources and artifacts.

    Raises:
        ApiError: InvalidInputException or not implemented.
    """
    _check(project.get("secondarySources", ()), "sourceIdentifier", "source")
    _check(project.get("secondaryArtifacts", ()), "artifactIdentifier", "artifact")


def secondary_inputs(project: Mapping[str, Any]) -> dict[str, S3Location]:
    """Return where the secondary sources lie, by their identifiers."""
    sources = project.get("secondarySources", ())
    return {source["sourceIdentifier"]: S3Location.parse(source["location"]) for source in sources}


def _check(entries: Sequence[Mapping[str, Any]], member: str, kind: str) -> None:
    if len(entries) > _MOST:
        raise ApiError("InvalidInputException", f"A project can have at most {_MOST} secondary {kind}s.")
    for identifier, times in Counter(entry.get(member, "") for entry in entries).items():
        if not _IDENTIFIER.fullmatch(identifier):
            message = f"Invalid secondary {kind}: {member} '{identifier}' needs 1-127 letters, digits or '_'."
            raise ApiError("InvalidInputException", message)
        if times > 1:
            raise ApiError("InvalidInputException", f"Invalid secondary {kind}s: {member} {identifier} is used twice.")
    for entry in entries:
        if entry["type"] != "S3":
            raise NotImplementedByTwin(f"CodeBuild's secondary {kind} type {entry['type']}")
        if not entry.get("location"):
            raise ApiError("InvalidInputException", f"Secondary {kind} {entry[member]}: location is required")
