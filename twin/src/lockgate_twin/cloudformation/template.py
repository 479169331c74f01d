"""A template's sections as values, checked for their form and CloudFormation's quotas.

Source: "Template anatomy" and "CloudFormation quotas" of the CloudFormation user guide.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lockgate_twin.cloudformation import documents
from lockgate_twin.cloudformation.failures import invalid
from lockgate_twin.errors import NotImplementedByTwin

LANGUAGE_EXTENSIONS = "AWS::LanguageExtensions"
MAXIMUM_INLINE_BYTES = 51_200
MAXIMUM_BYTES = 1_000_000
_MAXIMUM = {"Resources": 500, "Parameters": 200, "Outputs": 200, "Mappings": 200}
_SECTIONS = frozenset(
    [
        "AWSTemplateFormatVersion",
        "Description",
        "Metadata",
        "Parameters",
        "Rules",
        "Mappings",
        "Conditions",
        "Transform",
        "Resources",
        "Outputs",
    ]
)
_MAPPED_SECTIONS = ("Metadata", "Parameters", "Rules", "Mappings", "Conditions", "Resources", "Outputs")
_ALPHANUMERIC_SECTIONS = {"Parameters": "Parameter", "Resources": "Resource", "Outputs": "Output"}
_ATTRIBUTES = frozenset(
    [
        "Type",
        "Properties",
        "DependsOn",
        "Condition",
        "Metadata",
        "DeletionPolicy",
        "UpdateReplacePolicy",
        "CreationPolicy",
        "UpdatePolicy",
    ]
)
_POLICIES = {
    "DeletionPolicy": frozenset({"Delete", "Retain", "RetainExceptOnCreate"}),
    "UpdateReplacePolicy": frozenset({"Delete", "Retain"}),
}


@dataclass(frozen=True, kw_only=True)
class ResourceDefinition:
    """One entry of the Resources section."""

    logical_id: str
    type: str
    properties: Mapping[str, Any]
    depends_on: tuple[str, ...] = ()
    condition: str | None = None
    metadata: Mapping[str, Any] | None = None
    deletion_policy: str = "Delete"
    update_replace_policy: str = "Delete"


@dataclass(frozen=True, kw_only=True)
class Template:
    """A well-formed template. `text` is what was given, the rest its sections."""

    text: str
    description: str
    transforms: tuple[str, ...]
    metadata: Mapping[str, Any]
    parameters: Mapping[str, Mapping[str, Any]]
    rules: Mapping[str, Mapping[str, Any]]
    mappings: Mapping[str, Any]
    conditions: Mapping[str, Any]
    resources: Mapping[str, ResourceDefinition]
    outputs: Mapping[str, Mapping[str, Any]]

    @property
    def extended(self) -> bool:
        """Tell whether the language extensions (Fn::Length, Fn::ToJsonString, ...) are switched on."""
        return LANGUAGE_EXTENSIONS in self.transforms


def parse(text: str) -> Template:
    """Read a template and check its form.

    Raises:
        ApiError: ValidationError in CloudFormation's words, or NotImplemented for transforms and attributes
            that the twin does not have.
    """
    if len(text.encode()) > MAXIMUM_BYTES:
        raise invalid(f"Template may not exceed {MAXIMUM_BYTES} bytes in size.")
    document = documents.load(text)
    _check_sections(document)
    _refuse_nulls(document, "")
    return Template(
        text=text,
        description=str(document.get("Description", "")),
        transforms=_transforms(document.get("Transform", [])),
        metadata=document.get("Metadata", {}),
        parameters=document.get("Parameters", {}),
        rules=document.get("Rules", {}),
        mappings=document.get("Mappings", {}),
        conditions=document.get("Conditions", {}),
        resources={name: _resource(name, body) for name, body in document["Resources"].items()},
        outputs=_outputs(document.get("Outputs", {})),
    )


def _check_sections(document: Mapping[str, Any]) -> None:
    unknown = [str(name) for name in document if name not in _SECTIONS]
    if unknown:
        raise invalid(f"Template validation error: Invalid template property or properties [{', '.join(unknown)}]")
    if not document.get("Resources"):
        raise invalid("Template format error: At least one Resources member must be defined.")
    for section in _MAPPED_SECTIONS:
        _check_members(section, document.get(section, {}))


def _check_members(section: str, members: Any) -> None:
    if not isinstance(members, dict):
        raise invalid(f"Template format error: {section} must be a mapping.")
    maximum = _MAXIMUM.get(section, len(members))
    if len(members) > maximum:
        raise invalid(
            f"Template format error: Number of {section.lower()}, {len(members)}, is greater than maximum allowed, "
            f"{maximum}"
        )
    kind = _ALPHANUMERIC_SECTIONS.get(section)
    for name, member in members.items():
        if str(name).startswith("Fn::ForEach"):
            raise NotImplementedByTwin(f"The function {name} (section {section})")
        if kind and not re.fullmatch(r"[A-Za-z0-9]+", str(name)):
            raise invalid(f"Template format error: {kind} name {name} is non alphanumeric.")
        if kind and not isinstance(member, dict):
            raise invalid(f"Template format error: Every {section} member must be an object, {name} is not.")


def _refuse_nulls(value: Any, path: str) -> None:
    if value is None:
        raise invalid(f"[{path}] 'null' values are not allowed in templates")
    if isinstance(value, dict):
        for key, member in value.items():
            _refuse_nulls(member, f"{path}/{key}")
    elif isinstance(value, list):
        for index, member in enumerate(value):
            _refuse_nulls(member, f"{path}/{index}")


def _transforms(given: Any) -> tuple[str, ...]:
    names = tuple(str(name) for name in (given if isinstance(given, list) else [given]))
    for name in names:
        if name != LANGUAGE_EXTENSIONS:
            raise NotImplementedByTwin(f"The transform {name}")
    return names


def _resource(name: str, body: Mapping[str, Any]) -> ResourceDefinition:
    unknown = [key for key in body if key not in _ATTRIBUTES]
    if unknown:
        raise invalid(f"Invalid template resource property '{unknown[0]}' of the resource {name}")
    if not isinstance(body.get("Type"), str):
        raise invalid(f"Template format error: [/Resources/{name}] Every Resources object must contain a Type member.")
    for attribute in ("CreationPolicy", "UpdatePolicy"):
        if attribute in body:
            raise NotImplementedByTwin(f"The attribute {attribute} (resource {name})")
    return ResourceDefinition(
        logical_id=name,
        type=body["Type"],
        properties=_mapping(name, "Properties", body.get("Properties", {})),
        depends_on=_depends_on(name, body.get("DependsOn", [])),
        condition=body.get("Condition"),
        metadata=body.get("Metadata"),
        deletion_policy=_policy(name, body, "DeletionPolicy"),
        update_replace_policy=_policy(name, body, "UpdateReplacePolicy"),
    )


def _mapping(name: str, attribute: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise invalid(f"Template format error: [/Resources/{name}/{attribute}] must be an object.")
    return value


def _depends_on(name: str, given: Any) -> tuple[str, ...]:
    names = given if isinstance(given, list) else [given]
    if not all(isinstance(item, str) for item in names):
        raise invalid(f"Template format error: DependsOn of {name} must be a string or a list of strings.")
    return tuple(names)


def _policy(name: str, body: Mapping[str, Any], attribute: str) -> str:
    value = body.get(attribute, "Delete")
    if not isinstance(value, str):
        raise invalid(f"Template format error: Every {attribute} member must be a string.")
    if value not in _POLICIES[attribute]:
        raise invalid(f"Template error: resource {name} does not support {attribute} {value}")
    return value


def _outputs(given: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Mapping[str, Any]]:
    for name, body in given.items():
        if "Value" not in body:
            raise invalid(
                f"Template format error: Output {name} is malformed. Every Outputs member must contain a Value object"
            )
        unknown = sorted(set(body) - {"Description", "Value", "Export", "Condition"})
        if unknown:
            raise invalid(
                f"Template format error: Invalid template output property '{unknown[0]}' of the output {name}"
            )
    return given
