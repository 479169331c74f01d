"""One permission that a request needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Permission:
    """One action on one resource, with the condition keys that belong to it alone."""

    action: str
    resource: str
    keys: Mapping[str, Any] = field(default_factory=dict)
