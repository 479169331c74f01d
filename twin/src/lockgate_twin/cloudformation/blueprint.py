"""What a stack is to be: a template with its parameters' values and the stack's tags.

A blueprint is a value: everything that can be known before resources exist is derived from it, and with the
attributes of the resources made so far it gives the properties of the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from lockgate_twin.cloudformation import conditions, conformity, graph, intrinsics, references, schemas, tagging
from lockgate_twin.cloudformation.failures import invalid
from lockgate_twin.cloudformation.parameters import Parameter
from lockgate_twin.cloudformation.template import ResourceDefinition, Template
from lockgate_twin.services.kept import Kept

Attributes = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Identity:
    """Which stack this is."""

    name: str
    id: str
    account: str
    region: str


@dataclass(frozen=True, kw_only=True)
class Output:
    """One stack output."""

    key: str
    value: str
    description: str = ""
    export: str | None = None


@dataclass(frozen=True, kw_only=True)
class Blueprint(Kept):
    """A template bound to parameter values. `exports` are the values other stacks of the region export."""

    identity: Identity
    template: Template
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    exports: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def values(self) -> Mapping[str, Any]:
        """Return what Ref gives for parameters and pseudo parameters."""
        pseudo = {
            "AWS::AccountId": self.identity.account,
            "AWS::NotificationARNs": [],
            "AWS::NoValue": intrinsics.NO_VALUE,
            "AWS::Partition": "aws",
            "AWS::Region": self.identity.region,
            "AWS::StackId": self.identity.id,
            "AWS::StackName": self.identity.name,
            "AWS::URLSuffix": "amazonaws.com",
        }
        return {**pseudo, **{key: parameter.value for key, parameter in self.parameters.items()}}

    @cached_property
    def conditions(self) -> Mapping[str, bool]:
        """Return the conditions' values.

        Raises:
            ApiError: ValidationError for malformed or circular conditions.
        """
        scope = intrinsics.Scope(values=self.values, mappings=self.template.mappings, extended=self.template.extended)
        return conditions.evaluate_all(self.template.conditions, scope)

    @cached_property
    def definitions(self) -> Mapping[str, ResourceDefinition]:
        """Return the resources that exist under these conditions."""
        return {
            name: definition
            for name, definition in self.template.resources.items()
            if definition.condition is None or self.conditions[definition.condition]
        }

    @cached_property
    def needs(self) -> graph.Dependencies:
        """Return for each resource those it needs."""
        return graph.dependencies(self.definitions, self.conditions)

    @cached_property
    def order(self) -> tuple[str, ...]:
        """Return the resources in the order in which they are made.

        Raises:
            ApiError: ValidationError for a circular dependency.
        """
        return graph.order(self.needs)

    @cached_property
    def secrets(self) -> frozenset[str]:
        """Return the values of NoEcho parameters, which no description may show."""
        return frozenset(parameter.given for parameter in self.parameters.values() if parameter.no_echo)

    @property
    def imports(self) -> frozenset[str]:
        """Return the names of the exports this stack uses."""
        values = [dict(definition.properties) for definition in self.definitions.values()]
        found = references.arguments([*values, *map(dict, self.template.outputs.values())], "Fn::ImportValue")
        names = (intrinsics.resolve(argument, self.scope({})) for argument in found)
        return frozenset(name for name in names if isinstance(name, str))

    def scope(self, made: Attributes) -> intrinsics.Scope:
        """Return what names mean when these resources are made and the others are pending."""
        return intrinsics.Scope(
            values=self.values,
            mappings=self.template.mappings,
            conditions=self.conditions,
            resources=made,
            pending=frozenset(self.definitions.keys() - made.keys()),
            exports=self.exports,
            refusals=self._refusals,
            extended=self.template.extended,
        )

    @cached_property
    def _refusals(self) -> Mapping[str, str]:
        """Source: the error that users of custom resources report on repost.aws."""
        return {
            name: "CustomResource attribute error: Vendor response doesn't contain {attribute} key in object "
            f"{self.identity.id}|{name} in S3 bucket cloudformation-custom-resource-storage-useast1"
            for name, definition in self.definitions.items()
            if schemas.is_custom(definition.type)
        }

    def schema(self, logical_id: str) -> schemas.ResourceSchema:
        """Return the schema of a resource's type.

        Raises:
            ApiError: ValidationError when AWS has no such type.
        """
        resource_type = self.definitions[logical_id].type
        schema = schemas.load(resource_type, self.identity.region)
        if schema is None:
            raise invalid(f"Template format error: Unrecognized resource types: [{resource_type}]")
        return schema

    def properties(self, logical_id: str, made: Attributes) -> tuple[dict[str, Any], list[str]]:
        """Return a resource's properties, with the stack's tags, and their violations of the schema.

        Raises:
            ApiError: ValidationError when an intrinsic function cannot be evaluated.
        """
        resolved = intrinsics.resolve(dict(self.definitions[logical_id].properties), self.scope(made))
        schema = self.schema(logical_id)
        return conformity.conform(tagging.merge(resolved, self.tags, schema), schema)

    def outputs(self, made: Attributes) -> tuple[Output, ...]:
        """Return the outputs; ones that wait for resources are left out.

        Raises:
            ApiError: ValidationError when an output cannot be evaluated or is not text.
        """
        scope = self.scope(made)
        found = [
            _output(key, body, scope)
            for key, body in self.template.outputs.items()
            if "Condition" not in body or self.conditions[str(body["Condition"])]
        ]
        return tuple(output for output in found if output is not None)

    def check_references(self) -> None:
        """Check that no resource in use refers to one that a condition leaves out.

        Raises:
            ApiError: ValidationError naming the absent resources.
        """
        absent = self.template.resources.keys() - self.definitions.keys()
        for definition in self.definitions.values():
            found = references.find(dict(definition.properties), self.conditions)
            names = [reference.name for reference in found if reference.name in absent]
            if names:
                raise references.unresolved(names, "Resources")


def _output(key: str, body: Mapping[str, Any], scope: intrinsics.Scope) -> Output | None:
    value = intrinsics.resolve(body["Value"], scope)
    export = intrinsics.resolve(body["Export"]["Name"], scope) if "Export" in body else None
    if intrinsics.unknowns([value, export]):
        return None
    if isinstance(value, dict | list):
        raise invalid(
            f"Template format error: The Value field of every Outputs member must evaluate to a String ({key})."
        )
    description = str(body.get("Description", ""))
    return Output(key=key, value=intrinsics.text_of(value), description=description, export=export)
