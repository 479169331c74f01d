"""Expressions of pipeline definitions: Get, Std:Join and Std:JsonGet, and the paths they use.

Source: Developer Guide, "Pipelines" (properties, parameters, functions) and what the SageMaker SDK v3 generates.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

FUNCTIONS = ("Get", "Std:Join", "Std:JsonGet")
EXECUTION_VARIABLES = frozenset(
    {
        "PipelineName",
        "PipelineArn",
        "PipelineExecutionId",
        "PipelineExecutionArn",
        "StartDateTime",
        "CurrentDateTime",
    }
)
# Documented too, but a job's own name is not known here before its arguments are resolved.
UNKNOWN_VARIABLES = frozenset({"TrainingJobName", "ProcessingJobName"})
ITEM = "ForEach.CurrentItem"
_STEP = re.compile(r"Steps\.([A-Za-z0-9\-_]+)(.*)", re.DOTALL)
_PROPERTY_FILE = re.compile(r"Steps\.([A-Za-z0-9\-_]+)\.PropertyFiles\.(.+)", re.DOTALL)
_TOKEN = re.compile(r"""\.?([A-Za-z0-9_\-]+)|\[(\d+)\]|\['([^']*)'\]|\["([^"]*)"\]""")


class ExpressionError(Exception):
    """An expression that cannot be read or has no value; the message says why."""


@dataclass(frozen=True)
class ParameterReference:
    """`Parameters.X`."""

    name: str


@dataclass(frozen=True)
class ExecutionReference:
    """`Execution.X`."""

    variable: str


@dataclass(frozen=True)
class StepReference:
    """`Steps.S.path`; `path` are names and list indexes."""

    step: str
    path: tuple[str | int, ...]


@dataclass(frozen=True)
class PropertyFileReference:
    """`Steps.S.PropertyFiles.P`."""

    step: str
    file: str


@dataclass(frozen=True)
class ItemReference:
    """`ForEach.CurrentItem`, and what is in it, within the body of a ForEach step."""

    path: tuple[str | int, ...]


Reference = ParameterReference | ExecutionReference | StepReference | PropertyFileReference | ItemReference


def is_expression(value: Any) -> bool:
    """Tell whether a value of a definition is an expression."""
    return isinstance(value, Mapping) and len(value) == 1 and next(iter(value)) in FUNCTIONS


def parse_reference(text: Any) -> Reference:
    """Read what `Get` refers to.

    Raises:
        ExpressionError: it is no known kind of reference.
    """
    if not isinstance(text, str):
        raise ExpressionError(f"Get needs a string, not {text!r}")
    kind, _, rest = text.partition(".")
    if kind == "Parameters" and rest:
        return ParameterReference(rest)
    if kind == "Execution" and rest:
        return ExecutionReference(rest)
    if text == ITEM or text.startswith((f"{ITEM}.", f"{ITEM}[")):
        return ItemReference(parse_path(text.removeprefix(ITEM)))
    if match := _PROPERTY_FILE.fullmatch(text):
        return PropertyFileReference(match.group(1), match.group(2))
    if (match := _STEP.fullmatch(text)) and match.group(2):
        return StepReference(match.group(1), parse_path(match.group(2)))
    raise ExpressionError(f"{text!r} is no reference (Parameters.X, Execution.X, Steps.X.path)")


def parse_path(text: str) -> tuple[str | int, ...]:
    """Read a path such as a.b['k'][0].

    Raises:
        ExpressionError: it is malformed.
    """
    parts: list[str | int] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ExpressionError(f"path {text!r} is malformed at character {position + 1}")
        name, index, single, double = match.groups()
        parts.append(int(index) if index is not None else next(p for p in (name, single, double) if p is not None))
        position = match.end()
    return tuple(parts)


def follow(document: Any, path: tuple[str | int, ...]) -> Any:
    """Return what a path leads to in a document.

    Raises:
        ExpressionError: naming the part that is not there.
    """
    for part in path:
        try:
            document = document[int(part) if isinstance(document, list) else part]
        except (KeyError, IndexError, TypeError, ValueError) as error:
            shown = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path).removeprefix(".")
            raise ExpressionError(f"{shown!r} has no value: {part!r} is not there") from error
    return document


def references(value: Any) -> Iterator[Reference]:
    """Give every reference in a value, however deep.

    Raises:
        ExpressionError: a reference is malformed.
    """
    if isinstance(value, Mapping):
        if is_expression(value) and "Get" in value:
            yield parse_reference(value["Get"])
            return
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


class Values(Protocol):
    """Where the values of references come from while a pipeline runs."""

    def of(self, reference: Reference) -> Any:
        """Return a reference's value.

        Raises:
            ExpressionError: it has none.
        """
        ...

    def document(self, reference: PropertyFileReference) -> Any:
        """Return the parsed content of a property file.

        Raises:
            ExpressionError: it cannot be read.
        """
        ...

    def json_object(self, uri: str) -> Any:
        """Return the parsed content of a JSON object in S3.

        Raises:
            ExpressionError: it cannot be read.
        """
        ...


def resolve(value: Any, values: Values) -> Any:
    """Return a value with every expression in it replaced.

    Raises:
        ExpressionError: an expression has no value.
    """
    if is_expression(value):
        function, argument = next(iter(value.items()))
        return _FUNCTIONS[function](argument, values)
    if isinstance(value, Mapping):
        return {key: resolve(item, values) for key, item in value.items()}
    return [resolve(item, values) for item in value] if isinstance(value, list) else value


def text(value: Any) -> str:
    """Spell a value in a string, as Std:Join does: true, false, and numbers as they are."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _get(argument: Any, values: Values) -> Any:
    return values.of(parse_reference(argument))


def _join(argument: Any, values: Values) -> str:
    return text(argument["On"]).join(text(resolve(item, values)) for item in argument["Values"])


def _json_get(argument: Any, values: Values) -> Any:
    if "PropertyFile" in argument:
        reference = parse_reference(argument["PropertyFile"]["Get"])
        if not isinstance(reference, PropertyFileReference):
            raise ExpressionError(f"{argument['PropertyFile']['Get']!r} is not a property file")
        document = values.document(reference)
    else:
        document = values.json_object(resolve(argument["S3Uri"], values))
    return follow(document, parse_path(resolve(argument["Path"], values)))


_FUNCTIONS = {"Get": _get, "Std:Join": _join, "Std:JsonGet": _json_get}
