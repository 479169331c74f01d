"""What a template's values refer to, and the check that all of it exists.

Source: the texts are those of the CloudFormation API (e.g. the repost.aws article "How do I resolve template
validation or template format errors in CloudFormation?").
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lockgate_twin.cloudformation.failures import invalid
from lockgate_twin.cloudformation.template import ResourceDefinition, Template

PSEUDO_PARAMETERS = frozenset(
    f"AWS::{name}"
    for name in ("AccountId", "NotificationARNs", "NoValue", "Partition", "Region", "StackId", "StackName", "URLSuffix")
)
_Values = list[tuple[Any, tuple[str, ...]]]
PLACEHOLDER = re.compile(r"\$\{(!?)([^}]*)\}")


@dataclass(frozen=True)
class Reference:
    """`attribute` is None for a Ref; a Ref may also name a parameter."""

    name: str
    attribute: str | None = None


def function_of(value: Any) -> tuple[str, Any] | None:
    """Return the name and argument of an intrinsic function call, or None for plain data."""
    if isinstance(value, dict) and len(value) == 1:
        name, argument = next(iter(value.items()))
        if isinstance(name, str) and (name == "Ref" or name.startswith("Fn::")):
            return name, argument
    return None


def find(value: Any, conditions: Mapping[str, bool] | None = None) -> Iterator[Reference]:
    """Find all references in a value; with `conditions` known, only in the chosen branches of Fn::If."""
    call = function_of(value)
    if call is not None:
        yield from _in_call(*call, conditions)
    elif isinstance(value, dict):
        for member in value.values():
            yield from find(member, conditions)
    elif isinstance(value, list):
        for member in value:
            yield from find(member, conditions)


def arguments(value: Any, function: str) -> Iterator[Any]:
    """Find the arguments of all calls of a function."""
    call = function_of(value)
    if call is not None and call[0] == function:
        yield call[1]
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for member in members:
        yield from arguments(member, function)


def _in_call(name: str, argument: Any, conditions: Mapping[str, bool] | None) -> Iterator[Reference]:
    if name == "Ref":
        yield Reference(str(argument))
    elif name == "Fn::GetAtt":
        yield _attribute(argument)
    elif name == "Fn::Sub":
        yield from _in_sub(argument, conditions)
    elif name == "Fn::If" and conditions is not None:
        _, chosen, other = checked_list(name, argument, 3)
        yield from find(chosen if conditions.get(str(argument[0]), False) else other, conditions)
    else:
        yield from find(argument, conditions)


def _attribute(argument: Any) -> Reference:
    parts = argument.split(".", 1) if isinstance(argument, str) else argument
    if not isinstance(parts, list) or len(parts) < 2 or not all(isinstance(part, str) for part in parts):
        raise invalid(
            "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the "
            "resource attribute"
        )
    return Reference(parts[0], ".".join(parts[1:]))


def _in_sub(argument: Any, conditions: Mapping[str, bool] | None) -> Iterator[Reference]:
    text, variables = sub_parts(argument)
    for escaped, name in PLACEHOLDER.findall(text):
        if not escaped and name.strip() not in variables:
            yield placeholder_reference(name.strip())
    yield from find(variables, conditions)


def placeholder_reference(name: str) -> Reference:
    """Return what `${name}` in an Fn::Sub refers to: `Resource.Attribute` or a Ref."""
    resource, dot, attribute = name.partition(".")
    return Reference(resource, attribute) if dot else Reference(name)


def sub_parts(argument: Any) -> tuple[str, dict[str, Any]]:
    """Return the text and the variables of an Fn::Sub.

    Raises:
        ApiError: ValidationError when its argument has another form.
    """
    if isinstance(argument, str):
        return argument, {}
    if (
        isinstance(argument, list)
        and len(argument) == 2
        and isinstance(argument[0], str)
        and isinstance(argument[1], dict)
    ):
        return argument[0], argument[1]
    raise invalid(
        "Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string "
        "as first argument, and an optional second argument to specify a mapping of values to replace in the string"
    )


def checked_list(name: str, argument: Any, length: int) -> list[Any]:
    """Return the argument of a function that takes a list of `length` values.

    Raises:
        ApiError: ValidationError when it is something else.
    """
    if not isinstance(argument, list) or len(argument) != length:
        raise invalid(f"Template error: {name} requires a list argument with {length} parameters")
    return argument


def check(template: Template) -> None:
    """Check that everything the template refers to is declared in it.

    Raises:
        ApiError: ValidationError naming what is not.
    """
    resources: _Values = [(dict(d.properties), d.depends_on) for d in template.resources.values()]
    outputs: _Values = [(dict(o), ()) for o in template.outputs.values()]
    for section, values in (("Resources", resources), ("Outputs", outputs)):
        _check_section(template, section, values)
    _check_conditions(template)


def _check_section(template: Template, section: str, values: _Values) -> None:
    known = PSEUDO_PARAMETERS | template.parameters.keys() | template.resources.keys()
    references = [reference for value, _ in values for reference in find(value)]
    for reference in references:
        if reference.attribute is not None and reference.name not in template.resources:
            raise invalid(f"Template error: instance of Fn::GetAtt references undefined resource {reference.name}")
    names = [r.name for r in references if r.attribute is None and r.name not in known]
    names += [name for _, depends_on in values for name in depends_on if name not in template.resources]
    if names:
        raise unresolved(names, section)


def unresolved(names: list[str], section: str) -> Exception:
    """Return the refusal of references to what does not exist."""
    listed = ", ".join(dict.fromkeys(names))
    return invalid(
        f"Template format error: Unresolved resource dependencies [{listed}] in the {section} block of the template"
    )


def _check_conditions(template: Template) -> None:
    known = PSEUDO_PARAMETERS | template.parameters.keys()
    names = [r.name for r in find(dict(template.conditions)) if r.attribute is not None or r.name not in known]
    if names:
        raise invalid(
            f"Template format error: Unresolved dependencies [{', '.join(dict.fromkeys(names))}]. Cannot reference "
            "resources in the Conditions block of the template"
        )
    for section, used in (("Resources", _resource_conditions(template)), ("Outputs", _output_conditions(template))):
        missing = sorted(set(used) - template.conditions.keys())
        if missing:
            raise invalid(
                f"Template format error: Unresolved condition dependency {missing[0]} in the {section} block of the "
                "template"
            )


def _resource_conditions(template: Template) -> Iterator[str]:
    for definition in template.resources.values():
        yield from _own_condition(definition)
        yield from _if_conditions(dict(definition.properties))


def _own_condition(definition: ResourceDefinition) -> Iterator[str]:
    if definition.condition is not None:
        yield str(definition.condition)


def _output_conditions(template: Template) -> Iterator[str]:
    for output in template.outputs.values():
        if "Condition" in output:
            yield str(output["Condition"])
        yield from _if_conditions(output["Value"])


def _if_conditions(value: Any) -> Iterator[str]:
    for argument in arguments(value, "Fn::If"):
        yield str(checked_list("Fn::If", argument, 3)[0])
