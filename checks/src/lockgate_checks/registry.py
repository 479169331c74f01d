"""Which checks there are: the library's own, and those that installed packages add.

A package adds its checks with an entry point of the group `lockgate_checks`: the name is free, the object is a module
or a function that carries the decorator `check`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any

from lockgate_checks.check import Check
from lockgate_checks.errors import CheckError
from lockgate_checks.families import bias, champion, data, explainability, lineage, quality

GROUP = "lockgate_checks"


def checks_of(source: Any) -> tuple[Check, ...]:
    """Return the checks of a module, in the order of their names there, or the check of one function."""
    members = vars(source).values() if isinstance(source, ModuleType) else (source,)
    found = (getattr(member, "check", None) for member in members)
    return tuple(dict.fromkeys(check for check in found if isinstance(check, Check)))


def combined(*groups: Iterable[Check]) -> tuple[Check, ...]:
    """Return the checks of all groups.

    Raises:
        CheckError: two of them have one id.
    """
    found: dict[str, Check] = {}
    for check in (check for group in groups for check in group):
        if check.id in found and found[check.id] is not check:
            raise CheckError(f"There are two checks {check.id}; give your own an id of its own family.")
        found[check.id] = check
    return tuple(found.values())


BUILT_IN = combined(*(checks_of(module) for module in (bias, champion, data, explainability, lineage, quality)))


def installed_checks() -> tuple[Check, ...]:
    """Return the library's checks and those of installed packages.

    Raises:
        CheckError: a package's checks cannot be loaded, or have an id that is taken.
    """
    return combined(BUILT_IN, _added())


def _added() -> Iterator[Check]:
    for point in sorted(entry_points(group=GROUP), key=lambda point: (point.name, point.value)):
        try:
            found = checks_of(point.load())
        except Exception as error:
            raise CheckError(f"The checks of {point.name} ({point.value}) cannot be loaded: {error}") from error
        if not found:
            raise CheckError(f"{point.value} holds no check; put the decorator `check` on a function there.")
        yield from found
