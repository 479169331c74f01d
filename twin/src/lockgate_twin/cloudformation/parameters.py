"""A template's parameters -> their values, with every constraint checked.

Source: "Parameters" of the CloudFormation user guide; the texts are those of the CloudFormation API.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lockgate_twin.cloudformation.failures import invalid
from lockgate_twin.cloudformation.intrinsics import text_of
from lockgate_twin.errors import NotImplementedByTwin

MASK = "****"
Fetch = Callable[[str], str]
_SSM_VALUE = re.compile(r"AWS::SSM::Parameter::Value<(.+)>")
_PLAIN_TYPES = frozenset(
    {"String", "Number", "CommaDelimitedList", "List<Number>", "List<String>", "AWS::SSM::Parameter::Name"}
)
_PROPERTIES = frozenset(
    [
        "Type",
        "Default",
        "Description",
        "NoEcho",
        "AllowedValues",
        "AllowedPattern",
        "ConstraintDescription",
        "MinLength",
        "MaxLength",
        "MinValue",
        "MaxValue",
    ]
)


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One parameter's value: `given` as text, `value` as Ref gives it; `looked_up` for SSM-typed ones."""

    key: str
    given: str
    value: Any
    no_echo: bool = False
    looked_up: str | None = None

    def described(self) -> dict[str, Any]:
        """Return the Parameter member of DescribeStacks: NoEcho values are masked."""
        shown: dict[str, Any] = {"ParameterKey": self.key, "ParameterValue": MASK if self.no_echo else self.given}
        if self.looked_up is not None:
            shown["ResolvedValue"] = self.looked_up
        return shown


def bind(
    declared: Mapping[str, Mapping[str, Any]],
    given: Sequence[Mapping[str, Any]],
    previous: Mapping[str, Parameter],
    fetch: Fetch,
) -> dict[str, Parameter]:
    """Give every declared parameter its value. `fetch` reads a Systems Manager parameter by name.

    Raises:
        ApiError: ValidationError: for unknown, missing, or wrong values.
    """
    texts = _texts(declared, given, previous)
    problems = [problem for key, text in texts.items() for problem in _violations(key, text, declared[key])]
    if problems:
        raise invalid("\n".join(problems))
    return {key: _parameter(key, text, declared[key], fetch) for key, text in texts.items()}


def check_declarations(declared: Mapping[str, Mapping[str, Any]]) -> None:
    """Check the Parameters section itself.

    Raises:
        ApiError: ValidationError for unknown types or properties; NotImplemented for types of EC2 and Route 53.
    """
    for key, declaration in declared.items():
        unknown = sorted(set(declaration) - _PROPERTIES)
        if unknown:
            raise invalid(f"Invalid template parameter property '{unknown[0]}'")
        declared_type = str(declaration.get("Type", ""))
        if not declared_type:
            raise invalid(f"Template format error: Every Parameters object must contain a Type member ({key}).")
        if not _is_known(declared_type):
            if declared_type.startswith(("AWS::", "List<AWS::")):
                raise NotImplementedByTwin(f"The parameter type {declared_type}")
            raise invalid(f"Template format error: Unrecognized parameter type: {declared_type}")
        _check_pattern(key, declaration)


def _check_pattern(key: str, declaration: Mapping[str, Any]) -> None:
    try:
        re.compile(str(declaration.get("AllowedPattern", "")))
    except re.error as error:
        raise invalid(f"Template format error: AllowedPattern of {key} is not a regular expression: {error}") from error


def _is_known(declared_type: str) -> bool:
    looked_up = _SSM_VALUE.fullmatch(declared_type)
    return (looked_up[1] if looked_up else declared_type) in _PLAIN_TYPES


def _texts(
    declared: Mapping[str, Mapping[str, Any]], given: Sequence[Mapping[str, Any]], previous: Mapping[str, Parameter]
) -> dict[str, str]:
    by_key = {str(item.get("ParameterKey", "")): item for item in given}
    unknown = [key for key in by_key if key not in declared]
    if unknown:
        raise invalid(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    found = {key: _text(by_key.get(key, {}), declared[key], previous.get(key)) for key in declared}
    missing = [key for key, text in found.items() if text is None]
    if missing:
        raise invalid(f"Parameters: [{', '.join(missing)}] must have values")
    return {key: text for key, text in found.items() if text is not None}


def _text(given: Mapping[str, Any], declaration: Mapping[str, Any], previous: Parameter | None) -> str | None:
    if given.get("UsePreviousValue"):
        return previous.given if previous else None
    if "ParameterValue" in given:
        return str(given["ParameterValue"])
    return _default(declaration["Default"]) if "Default" in declaration else None


def _default(value: Any) -> str:
    return ",".join(text_of(item) for item in value) if isinstance(value, list) else text_of(value)


def _parameter(key: str, text: str, declaration: Mapping[str, Any], fetch: Fetch) -> Parameter:
    declared_type = str(declaration["Type"])
    no_echo = text_of(declaration.get("NoEcho", "false")).lower() == "true"
    looked_up = _SSM_VALUE.fullmatch(declared_type)
    if looked_up is None:
        return Parameter(key=key, given=text, value=_typed(text, declared_type), no_echo=no_echo)
    found = fetch(text)
    return Parameter(key=key, given=text, value=_typed(found, looked_up[1]), no_echo=no_echo, looked_up=found)


def _typed(text: str, declared_type: str) -> Any:
    if declared_type == "CommaDelimitedList" or declared_type.startswith("List<"):
        return [item.strip() for item in text.split(",")] if text else []
    return text


def _violations(key: str, text: str, declaration: Mapping[str, Any]) -> Iterator[str]:
    found = list(_broken(key, text, declaration))
    if found and "ConstraintDescription" in declaration:
        found = [f"Parameter {key} failed to satisfy constraint: {declaration['ConstraintDescription']}"]
    yield from found


def _broken(key: str, text: str, declaration: Mapping[str, Any]) -> Iterator[str]:
    declared_type = str(declaration["Type"])
    items = _typed(text, declared_type)
    for item in items if isinstance(items, list) else [text]:
        if declared_type in {"Number", "List<Number>"}:
            yield from _number_violations(key, item, declaration)
        allowed = [text_of(value) for value in declaration.get("AllowedValues", [item])]
        if item not in allowed:
            yield f"Parameter '{key}' must be one of AllowedValues"
    if declared_type in {"String", "AWS::SSM::Parameter::Name"} or _SSM_VALUE.fullmatch(declared_type):
        yield from _text_violations(key, text, declaration)


def _text_violations(key: str, text: str, declaration: Mapping[str, Any]) -> Iterator[str]:
    pattern = declaration.get("AllowedPattern")
    if pattern is not None and not re.fullmatch(str(pattern), text):
        yield f"Parameter '{key}' must match pattern {pattern}"
    if len(text) < int(declaration.get("MinLength", 0)):
        yield f"Parameter '{key}' must contain at least {declaration['MinLength']} characters"
    if len(text) > int(declaration.get("MaxLength", len(text))):
        yield f"Parameter '{key}' must contain at most {declaration['MaxLength']} characters"


def _number_violations(key: str, text: str, declaration: Mapping[str, Any]) -> Iterator[str]:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        yield f"Parameter '{key}' must be a number"
    if number < float(declaration.get("MinValue", number)):
        yield f"Parameter '{key}' must be a number not less than {declaration['MinValue']}"
    if number > float(declaration.get("MaxValue", number)):
        yield f"Parameter '{key}' must be a number not greater than {declaration['MaxValue']}"
