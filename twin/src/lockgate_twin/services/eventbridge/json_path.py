"""The part of JSON path that EventBridge supports.

Source: EventBridge User Guide, "Amazon EventBridge input transformation": dot notation, dashes, underscores,
alphanumeric characters, forward slashes, array indices and wildcards.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

ABSENT: Any = object()
_STEP = re.compile(r"\.(?P<name>[\w\-/]+|\*)|\[(?P<index>\d+|\*)\]")


class JsonPathError(Exception):
    """A path that is not written in the supported syntax."""


def resolve(path: str, document: Any) -> Any:
    """Return what `path` points at in `document`, or ABSENT. A wildcard returns a list.

    Raises:
        JsonPathError: the path is malformed.
    """
    found, many = [document], False
    for step in _steps(path):
        many = many or step == "*"
        found = [item for value in found for item in _follow(value, step)]
    if many:
        return found
    return found[0] if found else ABSENT


def _steps(path: str) -> list[str]:
    matches = list(_STEP.finditer(path, 1))
    if not path.startswith("$") or "$" + "".join(m[0] for m in matches) != path:
        raise JsonPathError(f"{path} is not a JSON path that EventBridge supports; write e.g. $.detail.name[0].")
    return [m["name"] or m["index"] for m in matches]


def _follow(value: Any, step: str) -> list[Any]:
    if step == "*":
        return _members(value)
    if isinstance(value, Mapping):
        return [value[step]] if step in value else []
    if isinstance(value, list) and step.isdigit():
        return value[int(step) : int(step) + 1]
    return []


def _members(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return list(value.values())
    return list(value) if isinstance(value, list) else []
