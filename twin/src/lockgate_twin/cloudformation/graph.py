"""Which resource needs which, and in what order they are made.

Source: "DependsOn attribute" and "Stack updates" of the CloudFormation user guide: independent resources are one
level; deletion goes the other way round.
"""

from __future__ import annotations

from collections.abc import Mapping

from lockgate_twin.cloudformation.failures import invalid
from lockgate_twin.cloudformation.references import find
from lockgate_twin.cloudformation.template import ResourceDefinition

Dependencies = Mapping[str, frozenset[str]]


def dependencies(
    definitions: Mapping[str, ResourceDefinition], conditions: Mapping[str, bool]
) -> dict[str, frozenset[str]]:
    """Return for each resource the others it refers to or names in DependsOn."""
    return {name: _needs(definition, conditions) & definitions.keys() for name, definition in definitions.items()}


def _needs(definition: ResourceDefinition, conditions: Mapping[str, bool]) -> frozenset[str]:
    referred = {reference.name for reference in find(dict(definition.properties), conditions)}
    return frozenset(referred | set(definition.depends_on))


def levels(needs: Dependencies) -> tuple[tuple[str, ...], ...]:
    """Order resources so that each comes after all it needs; a level's resources do not need one another.

    Raises:
        ApiError: ValidationError naming the resources that form a circle.
    """
    waiting = {name: set(others) & needs.keys() for name, others in needs.items()}
    ordered: list[tuple[str, ...]] = []
    while waiting:
        ready = tuple(name for name, others in waiting.items() if not others)
        if not ready:
            raise invalid(f"Circular dependency between resources: [{', '.join(sorted(_circle(waiting)))}]")
        ordered.append(ready)
        waiting = {name: others.difference(ready) for name, others in waiting.items() if name not in ready}
    return tuple(ordered)


def order(needs: Dependencies) -> tuple[str, ...]:
    """Return the levels one after the other.

    Raises:
        ApiError: ValidationError naming the resources that form a circle.
    """
    return tuple(name for level in levels(needs) for name in level)


def _circle(waiting: Mapping[str, set[str]]) -> set[str]:
    """Drop what only hangs on a circle: resources that no remaining one needs."""
    names = set(waiting)
    while True:
        needed = {other for name in names for other in waiting[name]}
        if names <= needed:
            return names
        names &= needed
