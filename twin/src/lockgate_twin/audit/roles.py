"""Roles as values: their policies by statement, and why their wildcards are as narrow as they can be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from lockgate_twin.authorization.conditions import as_list
from lockgate_twin.cloudformation.documents import load

_ROLE, _MANAGED = "AWS::IAM::Role", "AWS::IAM::ManagedPolicy"


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement of a role's policy, in the policy language's `version`.

    `number` is its place in the policy, from 0; `reason` is that of its wildcards.
    """

    policy: str
    number: int
    document: Mapping[str, Any]
    version: str
    reason: str = ""

    @property
    def sid(self) -> str:
        """Return its Sid, or its place (`#1` is the first) where it has none."""
        return str(self.document.get("Sid") or f"#{self.number + 1}")

    @property
    def effect(self) -> str:
        """Return Allow or Deny."""
        return str(self.document["Effect"])

    @property
    def actions(self) -> list[str]:
        """Return the actions, as patterns, that it names."""
        return as_list(self.document.get("Action"))

    @property
    def wildcards(self) -> list[str]:
        """Return actions and resources with a wildcard, if it allows something; NotAction and NotResource are such."""
        if self.effect != "Allow":
            return []
        named = [*self.actions, *as_list(self.document.get("Resource"))]
        inverted = [f"{key} {self.document[key]}" for key in ("NotAction", "NotResource") if key in self.document]
        return [value for value in named if "*" in value or "?" in value] + inverted


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a policy was written: a resource of a CloudFormation stack."""

    stack: str
    logical_id: str


@dataclass(frozen=True, kw_only=True)
class AuditedRole:
    """A role with its policy documents by name, and what its permissions boundary and the stacks say about them."""

    arn: str
    name: str
    policies: Mapping[str, Mapping[str, Any]]
    boundary_arn: str | None = None
    boundary: Mapping[str, Any] | None = None
    reasons: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    origins: Mapping[str, Origin] = field(default_factory=dict)

    @cached_property
    def statements(self) -> Sequence[Statement]:
        """Return the statements of all policies, in order."""
        return [
            self._statement(name, number, found)
            for name, document in self.policies.items()
            for number, found in enumerate(as_list(document.get("Statement")))
        ]

    @property
    def is_products(self) -> bool:
        """Tell whether it is one of the product's roles, which share a path."""
        return ":role/lockgate/" in self.arn

    def without(self, statement: Statement, action: str) -> AuditedRole:
        """Return the role as it would be if this statement did not name this action.

        A managed policy that is the boundary too changes there as well, as it would on AWS.
        """
        document = _without(self.policies[statement.policy], statement.number, action)
        boundary = document if statement.policy == self.boundary_arn else self.boundary
        return replace(self, policies={**self.policies, statement.policy: document}, boundary=boundary)

    def _statement(self, policy: str, number: int, document: Mapping[str, Any]) -> Statement:
        return Statement(
            policy=policy,
            number=number,
            document=document,
            # "IAM JSON policy elements: Version": a policy without one has the older.
            version=self.policies[policy].get("Version", "2008-10-17"),
            reason=self.reasons.get(policy, {}).get(document.get("Sid", ""), ""),
        )


def roles_of(snapshot: Mapping[str, Any]) -> list[AuditedRole]:
    """Return the roles of a snapshot (see snapshot.py), oldest first."""
    places = _places(snapshot["stacks"])
    return [_audited(role, places) for role in snapshot["roles"]]


def _audited(role: Mapping[str, Any], places: Mapping[str, tuple[Origin, Mapping[str, str]]]) -> AuditedRole:
    documents = {policy["name"]: policy["document"] for policy in role["policies"]}
    # An inline policy is written where its role is, a managed one is a resource of its own.
    written = {name: places.get(name if name.startswith("arn:") else role["name"]) for name in documents}
    known = {name: place for name, place in written.items() if place is not None}
    return AuditedRole(
        arn=role["arn"],
        name=role["name"],
        policies=documents,
        boundary_arn=role["boundary_arn"],
        boundary=role["boundary"],
        reasons={name: reasons for name, (_, reasons) in known.items()},
        origins={name: origin for name, (origin, _) in known.items()},
    )


def _places(stacks: Iterable[Mapping[str, Any]]) -> dict[str, tuple[Origin, Mapping[str, str]]]:
    """Return where each role and managed policy was written and its Metadata's WildcardReasons, by physical id."""
    places: dict[str, tuple[Origin, Mapping[str, str]]] = {}
    for stack in stacks:
        resources = load(stack["template"])["Resources"]
        for made in stack["resources"]:
            definition = resources.get(made["logical_id"])
            if made["type"] in {_ROLE, _MANAGED} and definition is not None:
                origin = Origin(stack=stack["name"], logical_id=made["logical_id"])
                reasons = definition.get("Metadata", {}).get("WildcardReasons", {})
                # Stacks come newest first: a name that was used again is the newer stack's.
                places.setdefault(made["physical_id"], (origin, reasons))
    return places


def _without(document: Mapping[str, Any], number: int, action: str) -> dict[str, Any]:
    statements = list(as_list(document["Statement"]))
    left = [named for named in as_list(statements[number]["Action"]) if named != action]
    # Keeps the places of the others; an empty list of actions matches nothing.
    statements[number] = {**statements[number], "Action": left}
    return {**document, "Statement": statements}
