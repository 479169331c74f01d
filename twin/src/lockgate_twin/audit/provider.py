"""What CloudFormation may need of the role it acts with, by the provider schemas' `handlers.permissions`.

A run creates stacks and reads them; it rarely updates or deletes every resource. The schemas (CloudFormation
registry, "Resource type schema") say which actions each handler of a type may call, for all of the type's properties.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lockgate_twin.audit.access import Check
from lockgate_twin.audit.replay import names
from lockgate_twin.audit.roles import AuditedRole
from lockgate_twin.cloudformation.schemas import load

# `list` serves the registry's ListResources and drift detection, not stacks.
HANDLERS = ("create", "read", "update", "delete")
_RUNS = frozenset({"cloudformation:CreateStack", "cloudformation:UpdateStack", "cloudformation:ExecuteChangeSet"})


@dataclass(frozen=True, kw_only=True)
class Needs:
    """Actions of one handler of one type that the run did not exercise: granted all the same, or not granted.

    `unknown` tells that the type's schema states no permissions.
    """

    type: str
    handler: str
    granted: tuple[str, ...] = ()
    not_granted: tuple[str, ...] = ()
    unknown: bool = False


def types_made_by(role: AuditedRole, checks: Iterable[Check], stacks: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the resource types of the stacks that CloudFormation worked on with this role.

    A stack with a service role is worked on with that role, any other with its callers' roles.
    """
    callers = {check.resource for check in checks if check.allowed and check.action in _RUNS}
    mine = [stack for stack in stacks if stack["role_arn"] == role.arn or _called(stack, callers)]
    return sorted({resource["type"] for stack in mine for resource in stack["resources"]})


def needs_of(role: AuditedRole, types: Iterable[str], checks: Iterable[Check], region: str) -> list[Needs]:
    """Return what the handlers of these types may call that the run did not."""
    exercised = {check.action for check in checks if check.allowed}
    named = [action for s in role.statements if s.effect == "Allow" for action in s.actions]
    return [needs for kind in types for needs in _of_type(kind, exercised, named, region)]


def _called(stack: Mapping[str, Any], callers: Collection[str]) -> bool:
    if stack["role_arn"] is not None:
        return False
    return stack["name"] in {arn.split(":", 5)[5].split("/")[1] for arn in callers}


def _of_type(kind: str, exercised: Collection[str], named: Collection[str], region: str) -> Iterable[Needs]:
    schema = load(kind, region)
    handlers = schema.document.get("handlers") if schema else None
    if not handlers:
        yield Needs(type=kind, handler="", unknown=True)
        return
    for handler in HANDLERS:
        stated = handlers.get(handler, {}).get("permissions", [])
        left = [action for action in sorted(set(stated)) if not _is_among(action, exercised)]
        granted = tuple(action for action in left if _is_among(action, named))
        if left:
            missing = tuple(action for action in left if action not in granted)
            yield Needs(type=kind, handler=handler, granted=granted, not_granted=missing)


def _is_among(action: str, patterns: Iterable[str]) -> bool:
    return any(names(pattern, action) for pattern in patterns)
