"""Whether a blueprint may be carried out at all. Nothing is touched before it is admitted.

Source: CreateStack's Capabilities (API reference); CloudFormation's pre-deployment validation of resource
properties, which AWS words "Properties validation failed for resource ... with message:".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lockgate_twin.cloudformation import dynamic, references, resources, schemas
from lockgate_twin.cloudformation.blueprint import Blueprint
from lockgate_twin.cloudformation.failures import invalid
from lockgate_twin.cloudformation.template import Template
from lockgate_twin.errors import ApiError, NotImplementedByTwin

_IAM_NAMES = {
    "AWS::IAM::AccessKey": None,
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Policy": None,
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
    "AWS::IAM::UserToGroupAddition": None,
}


def required_capabilities(template: Template) -> tuple[list[str], str]:
    """Return the capabilities a template needs, and why."""
    iam = {name: d for name, d in template.resources.items() if d.type in _IAM_NAMES}
    named = [name for name, d in iam.items() if _IAM_NAMES[d.type] in d.properties]
    needed = ["CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM"] if iam else []
    if template.extended:
        needed.append("CAPABILITY_AUTO_EXPAND")
    types = sorted({definition.type for definition in iam.values()})
    return needed, f"The following resource(s) require capabilities: [{', '.join(types)}]" if types else ""


def check_capabilities(template: Template, given: Sequence[str]) -> None:
    """Check that the caller acknowledges what the template may do.

    Raises:
        ApiError: InsufficientCapabilitiesException naming the missing capability.
    """
    for needed in required_capabilities(template)[0]:
        acknowledged = {needed, "CAPABILITY_NAMED_IAM"} if needed == "CAPABILITY_IAM" else {needed}
        if not acknowledged & set(given):
            raise ApiError("InsufficientCapabilitiesException", f"Requires capabilities : [{needed}]")


def check_types(template: Template, region: str) -> None:
    """Check that all resource types exist and that the twin makes them.

    Raises:
        ApiError: ValidationError for types AWS does not have, NotImplemented for those the twin does not.
    """
    types = sorted({definition.type for definition in template.resources.values()})
    unknown = [name for name in types if schemas.load(name, region) is None]
    if unknown:
        raise invalid(f"Template format error: Unrecognized resource types: [{', '.join(unknown)}]")
    missing = [name for name in types if resources.adapter_of(name) is None]
    if missing:
        raise NotImplementedByTwin(f"The resource type {', '.join(missing)}")


def admit(blueprint: Blueprint, made: Mapping[str, Mapping[str, object]]) -> None:
    """Check everything that can be checked before a resource is made.

    Raises:
        ApiError: ValidationError with all violations, or NotImplemented for properties the twin does not have.
    """
    check_types(blueprint.template, blueprint.identity.region)
    references.check(blueprint.template)
    blueprint.check_references()
    _check_attributes(blueprint)
    _check_secure_references(blueprint)
    known = {name: attributes for name, attributes in made.items() if name in blueprint.definitions}
    problems = [problem for name in blueprint.order for problem in _violations(blueprint, name, known)]
    if problems:
        raise invalid("\n".join(problems))
    _check_supported(blueprint, known)
    blueprint.outputs({})


def _violations(blueprint: Blueprint, name: str, made: Mapping[str, Mapping[str, object]]) -> Iterator[str]:
    _, found = blueprint.properties(name, made)
    if found:
        yield f"Properties validation failed for resource {name} with message:\n" + "\n".join(found)


def _check_supported(blueprint: Blueprint, made: Mapping[str, Mapping[str, object]]) -> None:
    for name, definition in blueprint.definitions.items():
        properties, _ = blueprint.properties(name, made)
        adapter = resources.adapter_of(definition.type)
        unsupported = adapter.unsupported(properties) if adapter is not None else []
        if unsupported:
            raise NotImplementedByTwin(f"The property {unsupported[0]} of {definition.type} (resource {name})")


def _check_secure_references(blueprint: Blueprint) -> None:
    paths = [
        path
        for definition in blueprint.definitions.values()
        for path in dynamic.secure_paths(dict(definition.properties), f"{definition.type}/Properties")
    ]
    if paths:
        raise invalid(f"SSM Secure reference is not supported in: [{', '.join(paths)}]")


def _check_attributes(blueprint: Blueprint) -> None:
    values = [dict(definition.properties) for definition in blueprint.definitions.values()]
    for reference in references.find([*values, *map(dict, blueprint.template.outputs.values())], blueprint.conditions):
        if reference.attribute is None or reference.name not in blueprint.definitions:
            continue
        if not blueprint.schema(reference.name).has_attribute(reference.attribute):
            raise invalid(
                f"Template error: resource {reference.name} does not support attribute type {reference.attribute} in "
                "Fn::GetAtt"
            )
