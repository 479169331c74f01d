"""A stack's state as frozen values: the stack, its resources, its events."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lockgate_twin.cloudformation.blueprint import Blueprint, Identity, Output
from lockgate_twin.cloudformation.parameters import MASK
from lockgate_twin.cloudformation.template import ResourceDefinition

STACK_TYPE = "AWS::CloudFormation::Stack"
GONE = frozenset({"DELETE_COMPLETE", "DELETE_SKIPPED"})
UPDATABLE = frozenset(
    {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "CREATE_FAILED", "UPDATE_FAILED"}
)
DELETABLE = frozenset(
    {
        "CREATE_COMPLETE",
        "CREATE_FAILED",
        "CREATE_IN_PROGRESS",
        "DELETE_FAILED",
        "REVIEW_IN_PROGRESS",
        "ROLLBACK_COMPLETE",
        "ROLLBACK_FAILED",
        "UPDATE_COMPLETE",
        "UPDATE_FAILED",
        "UPDATE_ROLLBACK_COMPLETE",
        "UPDATE_ROLLBACK_FAILED",
    }
)


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A resource as it is. `properties` are those last asked for, `attributes` what Ref and Fn::GetAtt give.

    `settled` are the properties it had before an update of it failed half-way; `no_echo` hides its attributes.
    """

    definition: ResourceDefinition
    status: str
    updated: datetime
    physical_id: str = ""
    reason: str = ""
    properties: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    needs: frozenset[str] = frozenset()
    settled: Mapping[str, Any] | None = None
    no_echo: bool = False

    @property
    def logical_id(self) -> str:
        """Return its name in the template."""
        return self.definition.logical_id

    @property
    def type(self) -> str:
        """Return its CloudFormation type."""
        return self.definition.type

    @property
    def exists(self) -> bool:
        """Tell whether the stack has something outside that bears the physical id."""
        return bool(self.physical_id) and self.status not in GONE

    @property
    def usable(self) -> bool:
        """Tell whether others can refer to it: it exists and was made completely."""
        return self.exists and self.status not in {"CREATE_FAILED", "CREATE_IN_PROGRESS"}


@dataclass(frozen=True, kw_only=True)
class StackEvent:
    """One line of a stack's history."""

    id: str
    logical_id: str
    type: str
    status: str
    time: datetime
    physical_id: str = ""
    reason: str = ""
    properties: str = ""
    token: str = ""


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a stack's operations are to be carried out. The policy during an update holds instead of the stack's own."""

    role_arn: str | None = None
    capabilities: tuple[str, ...] = ()
    on_failure: str = "ROLLBACK"
    retain_except_on_create: bool = False
    termination_protection: bool = False
    token: str = ""
    policy: str = ""
    policy_during_update: str = ""


@dataclass(frozen=True)
class Doomed:
    """A resource to be removed: `listed` if it is in the stack's list; `retain`ed ones are only let go."""

    resource: Resource
    listed: bool = True
    retain: bool = False


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A stack at one moment. `resources` are in order of creation; deleted ones stay listed.

    `superseded` are replaced resources that are no longer listed and still have to be cleaned up. A nested stack has
    a parent and a root. `goal` is what a failed rollback was to bring the stack back to.
    """

    identity: Identity
    blueprint: Blueprint
    options: Options
    status: str
    created: datetime
    reason: str = ""
    updated: datetime | None = None
    deleted: datetime | None = None
    resources: Mapping[str, Resource] = field(default_factory=dict)
    superseded: tuple[Doomed, ...] = ()
    parent_id: str = ""
    root_id: str = ""
    goal: Stack | None = None
    outputs: tuple[Output, ...] = ()

    def made(self) -> dict[str, Mapping[str, Any]]:
        """Return the attributes, with Ref, of all usable resources."""
        return {
            name: {**resource.attributes, "Ref": resource.physical_id}
            for name, resource in self.resources.items()
            if resource.usable
        }

    @property
    def secrets(self) -> frozenset[str]:
        """Return the texts that nothing about the stack may show."""
        hidden = (resource.attributes.values() for resource in self.resources.values() if resource.no_echo)
        return self.blueprint.secrets | {value for values in hidden for value in values if isinstance(value, str)}


def shown(properties: Mapping[str, Any], secrets: frozenset[str]) -> str:
    """Return properties as an event shows them: JSON without the values of NoEcho parameters."""
    return json.dumps(_masked(properties, secrets) if secrets else properties, default=str, separators=(",", ":"))


def _masked(value: Any, secrets: frozenset[str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _masked(member, secrets) for key, member in value.items()}
    if isinstance(value, list):
        return [_masked(member, secrets) for member in value]
    text = value if isinstance(value, str) else ""
    for secret in secrets:
        text = text.replace(secret, MASK) if secret else text
    return text if isinstance(value, str) else value
