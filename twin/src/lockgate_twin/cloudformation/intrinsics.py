"""Intrinsic functions, evaluated purely over what is known.

A value that depends on a resource not made yet is an `Unknown`; functions of an Unknown are Unknown. So one
evaluation serves the checks before anything is touched, the plan of an update, and the execution.
Source: "Intrinsic function reference" of the CloudFormation template reference.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lockgate_twin.cloudformation.failures import invalid
from lockgate_twin.cloudformation.references import (
    PLACEHOLDER,
    Reference,
    checked_list,
    find,
    function_of,
    placeholder_reference,
    sub_parts,
)
from lockgate_twin.errors import NotImplementedByTwin

_EXTENSIONS = frozenset({"Fn::Length", "Fn::ToJsonString"})
_NOT_IMPLEMENTED = frozenset({"Fn::Cidr", "Fn::GetAZs", "Fn::Transform", "Fn::ForEach"})
_MISSING = object()


class _NoValue:
    """The value of AWS::NoValue: it removes the property or list member it stands for."""

    def __repr__(self) -> str:
        return "AWS::NoValue"

    def __reduce__(self) -> str:
        # There is one, wherever a stack was kept.
        return "NO_VALUE"


NO_VALUE = _NoValue()


@dataclass(frozen=True)
class Unknown:
    """A value that is known only after these resources are made."""

    resources: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What names mean. `resources` gives, for those made, their attributes by name with their Ref under "Ref".

    `refusals` are the sentences, with {attribute}, about attributes that certain resources turn out not to have.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    mappings: Mapping[str, Any] = field(default_factory=dict)
    conditions: Mapping[str, bool] = field(default_factory=dict)
    resources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    pending: frozenset[str] = frozenset()
    exports: Mapping[str, str] = field(default_factory=dict)
    refusals: Mapping[str, str] = field(default_factory=dict)
    extended: bool = False


def resolve(value: Any, scope: Scope) -> Any:
    """Evaluate all intrinsic functions in a value.

    Raises:
        ApiError: ValidationError in CloudFormation's words; NotImplemented for functions the twin lacks.
    """
    call = function_of(value)
    if call is not None:
        return _call(*call, scope)
    if isinstance(value, dict):
        members = {key: resolve(member, scope) for key, member in value.items()}
        return {key: member for key, member in members.items() if member is not NO_VALUE}
    if isinstance(value, list):
        return [member for member in (resolve(item, scope) for item in value) if member is not NO_VALUE]
    return value


def unknowns(value: Any) -> frozenset[str]:
    """Return the resources that a resolved value still waits for."""
    if isinstance(value, Unknown):
        return value.resources
    if isinstance(value, dict):
        return frozenset().union(*(unknowns(member) for member in value.values()))
    if isinstance(value, list):
        return frozenset().union(*(unknowns(member) for member in value))
    return frozenset()


def text_of(value: Any) -> str:
    """Return a scalar as CloudFormation spells it in text: true and false in lower case."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _call(name: str, argument: Any, scope: Scope) -> Any:
    if name == "Fn::If":
        return _if(argument, scope)
    function = _FUNCTIONS.get(name)
    if name in _NOT_IMPLEMENTED:
        raise NotImplementedByTwin(f"The function {name}")
    if function is None or (name in _EXTENSIONS and not scope.extended):
        supported = ", ".join(sorted({*_FUNCTIONS, "Fn::If"} - ({*_EXTENSIONS} if not scope.extended else set())))
        raise invalid(
            f"Template format error: Encountered unsupported function: {name} Supported functions are: [{supported}]"
        )
    resolved = argument if name in _RAW else resolve(argument, scope)
    waiting = unknowns(resolved)
    return Unknown(waiting) if waiting else function(resolved, scope)


def _if(argument: Any, scope: Scope) -> Any:
    condition, chosen, other = checked_list("Fn::If", argument, 3)
    if condition not in scope.conditions:
        raise invalid(f"Template error: unresolved condition dependency {condition} in Fn::If")
    return resolve(chosen if scope.conditions[condition] else other, scope)


def _ref(name: Any, scope: Scope) -> Any:
    if name in scope.values:
        return scope.values[name]
    return _attribute(Reference(str(name), "Ref"), scope)


def _get_att(argument: Any, scope: Scope) -> Any:
    return _attribute(next(find({"Fn::GetAtt": argument})), scope)


def _attribute(reference: Reference, scope: Scope) -> Any:
    name, attribute = reference.name, reference.attribute or "Ref"
    if name in scope.pending:
        return Unknown(frozenset({name}))
    if name not in scope.resources:
        raise invalid(
            f"Template format error: Unresolved resource dependencies [{name}] in the Resources block of the template"
        )
    value = scope.resources[name].get(attribute, _MISSING)
    if value is _MISSING:
        text = f"Template error: resource {name} does not support attribute type {{attribute}} in Fn::GetAtt"
        raise invalid(scope.refusals.get(name, text).replace("{attribute}", attribute))
    return value


def _sub(argument: Any, scope: Scope) -> Any:
    text, given = sub_parts(argument)
    variables = {name: resolve(value, scope) for name, value in given.items()}
    parts = {name: _placeholder(name, variables, scope) for escaped, name in PLACEHOLDER.findall(text) if not escaped}
    waiting = unknowns(parts)
    if waiting:
        return Unknown(waiting)
    return PLACEHOLDER.sub(lambda m: "${" + m[2] + "}" if m[1] else _scalar("Fn::Sub", parts[m[2]]), text)


def _placeholder(name: str, variables: Mapping[str, Any], scope: Scope) -> Any:
    if name.strip() in variables:
        return variables[name.strip()]
    reference = placeholder_reference(name.strip())
    return _ref(reference.name, scope) if reference.attribute is None else _attribute(reference, scope)


def _scalar(function: str, value: Any) -> str:
    if isinstance(value, dict | list | _NoValue):
        raise invalid(f"Template error: every value in {function} must be a string")
    return text_of(value)


def _join(argument: Any, _: Scope) -> str:
    form = (
        "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of "
        "strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined."
    )
    if not isinstance(argument, list) or len(argument) != 2 or not isinstance(argument[1], list):
        raise invalid(form)
    return text_of(argument[0]).join(_scalar("Fn::Join", part) for part in argument[1])


def _split(argument: Any, _: Scope) -> list[str]:
    delimiter, text = checked_list("Fn::Split", argument, 2)
    if not isinstance(delimiter, str) or not delimiter or not isinstance(text, str):
        raise invalid(
            "Template error: every Fn::Split object requires two parameters, (1) a delimiter and (2) a string"
        )
    return text.split(delimiter)


def _select(argument: Any, _: Scope) -> Any:
    index, values = checked_list("Fn::Select", argument, 2)
    if not str(index).isdigit() or not isinstance(values, list):
        raise invalid(
            "Template error: Fn::Select requires a list argument with two elements: an integer index and a list"
        )
    if int(index) >= len(values):
        raise invalid(f"Template error: Fn::Select cannot select nonexistent value at index {index}")
    return values[int(index)]


def _find_in_map(argument: Any, scope: Scope) -> Any:
    extended = scope.extended and isinstance(argument, list) and len(argument) == 4
    names = checked_list("Fn::FindInMap", argument[:3] if extended else argument, 3)
    found: Any = scope.mappings
    for name in names:
        found = found.get(text_of(name), _MISSING) if isinstance(found, dict) else _MISSING
    if found is not _MISSING:
        return found
    if extended and isinstance(argument[3], dict) and "DefaultValue" in argument[3]:
        return argument[3]["DefaultValue"]
    raise invalid(f"Template error: Unable to get mapping for {'::'.join(text_of(name) for name in names)}")


def _base64(argument: Any, _: Scope) -> str:
    return base64.b64encode(_scalar("Fn::Base64", argument).encode()).decode()


def _import_value(argument: Any, scope: Scope) -> str:
    name = _scalar("Fn::ImportValue", argument)
    if name not in scope.exports:
        raise invalid(f"No export named {name} found.")
    return scope.exports[name]


def _to_json_string(argument: Any, _: Scope) -> str:
    return json.dumps(argument, separators=(",", ":"))


def _length(argument: Any, _: Scope) -> int:
    if not isinstance(argument, list):
        raise invalid("Template error: Fn::Length requires a list")
    return len(argument)


_RAW = frozenset({"Ref", "Fn::GetAtt", "Fn::Sub"})
_FUNCTIONS: Mapping[str, Callable[[Any, Scope], Any]] = {
    "Ref": _ref,
    "Fn::Base64": _base64,
    "Fn::FindInMap": _find_in_map,
    "Fn::GetAtt": _get_att,
    "Fn::ImportValue": _import_value,
    "Fn::Join": _join,
    "Fn::Length": _length,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::Sub": _sub,
    "Fn::ToJsonString": _to_json_string,
}
