"""What an update would do, as data: the same decision plans a change set and directs the engine.

Source: "Update behaviors of stack resources" of the CloudFormation user guide (no interruption / replacement, by the
schema's createOnlyProperties); ResourceChange of DescribeChangeSet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from lockgate_twin.cloudformation.blueprint import Attributes, Blueprint
from lockgate_twin.cloudformation.failures import invalid
from lockgate_twin.cloudformation.intrinsics import unknowns
from lockgate_twin.cloudformation.schemas import ResourceSchema
from lockgate_twin.cloudformation.stack import Resource, Stack
from lockgate_twin.cloudformation.template import ResourceDefinition

_ABSENT = object()


class Action(Enum):
    """What happens to a resource."""

    CREATE = "Add"
    UPDATE = "Modify"
    REPLACE = "Replace"
    DELETE = "Remove"
    KEEP = "Keep"


@dataclass(frozen=True, kw_only=True)
class Change:
    """One resource's part in an update. `certain` is False when it depends on values known only later."""

    action: Action
    logical_id: str
    type: str
    physical_id: str = ""
    changed: tuple[str, ...] = ()
    certain: bool = True


def decide(
    resource: Resource, definition: ResourceDefinition, properties: Mapping[str, Any], schema: ResourceSchema
) -> Change:
    """Decide what becomes of an existing resource that is to have these properties."""
    changed = _changed(resource.properties, properties)
    create_only = [path for path in schema.create_only if _differs(path, resource.properties, properties)]
    action = Action.KEEP
    if create_only:
        action = Action.REPLACE
    elif changed or resource.definition.metadata != definition.metadata or resource.status.endswith("_FAILED"):
        action = Action.UPDATE
    certain = not unknowns([properties.get(path.partition("/")[0]) for path in create_only])
    return Change(
        action=action,
        logical_id=definition.logical_id,
        type=definition.type,
        physical_id=resource.physical_id,
        changed=changed,
        certain=certain,
    )


def plan(stack: Stack, blueprint: Blueprint) -> tuple[Change, ...]:
    """Tell what an update of the stack to this blueprint would do; resources that stay as they are left out."""
    known = {name: values for name, values in stack.made().items() if name in blueprint.definitions}
    changes: list[Change] = []
    for name in blueprint.order:
        change = _planned(stack, blueprint, name, known)
        if change.action in {Action.CREATE, Action.REPLACE}:
            known.pop(name, None)
        changes.append(change)
    removed = [resource for name, resource in stack.resources.items() if _leaves(resource, name, blueprint)]
    changes += [
        Change(action=Action.DELETE, logical_id=r.logical_id, type=r.type, physical_id=r.physical_id) for r in removed
    ]
    return tuple(change for change in changes if change.action is not Action.KEEP)


def is_different(stack: Stack, blueprint: Blueprint) -> bool:
    """Tell whether an update would do anything, so that "No updates are to be performed." can be refused.

    Assumption: besides changes of resources, changes of outputs, of deletion policies and of the stack's tags count.
    """
    if plan(stack, blueprint) or dict(stack.blueprint.tags) != dict(blueprint.tags):
        return True
    if blueprint.outputs(stack.made()) != stack.outputs:
        return True
    return any(_policies(stack.resources[name].definition) != _policies(d) for name, d in blueprint.definitions.items())


def check_types(stack: Stack, blueprint: Blueprint) -> None:
    """Check that no logical id changes its type.

    Raises:
        ApiError: ValidationError naming the resources.
    """
    names = [
        name
        for name, definition in blueprint.definitions.items()
        if name in stack.resources and stack.resources[name].usable and stack.resources[name].type != definition.type
    ]
    if names:
        raise invalid(
            "Update of resource type is not permitted. The new template modifies resource type of the following "
            f"resources: [{', '.join(names)}]"
        )


def _planned(stack: Stack, blueprint: Blueprint, name: str, known: Attributes) -> Change:
    definition = blueprint.definitions[name]
    resource = stack.resources.get(name)
    if resource is None or not resource.usable:
        return Change(action=Action.CREATE, logical_id=name, type=definition.type)
    properties, _ = blueprint.properties(name, known)
    return decide(resource, definition, properties, blueprint.schema(name))


def _leaves(resource: Resource, name: str, blueprint: Blueprint) -> bool:
    return resource.exists and name not in blueprint.definitions


def _policies(definition: ResourceDefinition) -> tuple[str, str]:
    return definition.deletion_policy, definition.update_replace_policy


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    names = {**before, **after}
    return tuple(name for name in names if before.get(name, _ABSENT) != after.get(name, _ABSENT))


def _differs(path: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    return bool(_at(path, before) != _at(path, after))


def _at(path: str, value: Any) -> Any:
    for part in path.split("/"):
        value = value.get(part, _ABSENT) if isinstance(value, Mapping) else _ABSENT
    return value
