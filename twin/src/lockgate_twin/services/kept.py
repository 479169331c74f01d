"""Dataclasses that tables keep although some of their fields, such as locks and threads, live in one process only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from types import MappingProxyType
from typing import Any

_KEPT = "kept"
# `field(metadata=NOT_KEPT, default_factory=...)`: this field begins anew when the record is read again.
NOT_KEPT: Mapping[str, bool] = MappingProxyType({_KEPT: False})


class Kept:
    """Base of a dataclass whose instances are put into tables.

    When an instance is read again, a field marked `NOT_KEPT`, and one that the record was written without (by a
    version of the twin that did not have it), has its default.
    """

    def __getstate__(self) -> dict[str, Any]:
        return {f.name: getattr(self, f.name) for f in fields(self) if f.metadata.get(_KEPT, True)}  # type: ignore[arg-type]

    def __setstate__(self, state: dict[str, Any]) -> None:
        for f in fields(self):  # type: ignore[arg-type]
            object.__setattr__(self, f.name, state[f.name] if f.name in state else _default(f))


def _default(of: Field[Any]) -> Any:
    if of.default_factory is not MISSING:
        return of.default_factory()
    if of.default is MISSING:
        raise ValueError(f"it has no {of.name}")
    return of.default
