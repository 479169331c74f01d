"""Everything that is wrong with a definition beyond its form: fields, references, cycles."""

from __future__ import annotations

import graphlib
from collections.abc import Iterator, Mapping
from typing import Any

from lockgate_twin.errors import NotImplementedByTwin
from lockgate_twin.services.sagemaker import request_shapes
from lockgate_twin.services.sagemaker.expressions import (
    EXECUTION_VARIABLES,
    UNKNOWN_VARIABLES,
    ExecutionReference,
    ExpressionError,
    ParameterReference,
    PropertyFileReference,
    Reference,
    StepReference,
    is_expression,
    parse_path,
    parse_reference,
)
from lockgate_twin.services.sagemaker.pipeline_definition import Definition, Step
from lockgate_twin.services.sagemaker.pipeline_graph import KEYED_LISTS, dependencies

PARAMETER_TYPES: dict[str, type] = {"String": str, "Integer": int, "Float": float, "Boolean": bool}


def problems(definition: Definition) -> list[str]:
    """Return all mistakes, each with the path of its field."""
    checker = _Checker(definition)
    found = [problem for step in definition.steps.values() for problem in checker.step(step)]
    if found:
        return found
    try:
        graphlib.TopologicalSorter(dependencies(definition)).prepare()
    except graphlib.CycleError as error:
        return [f"Steps: steps depend on each other in a circle: {' -> '.join(error.args[1])}"]
    return []


class _Checker:
    """Checks steps against the whole definition."""

    def __init__(self, definition: Definition) -> None:
        self._parameters = definition.parameters
        self._steps = definition.steps

    def step(self, step: Step) -> Iterator[str]:
        for name in step.depends_on:
            if name not in self._steps or name == step.name:
                yield f"{step.path}.DependsOn: no other step is named {name!r}"
        wrong = [*self._expressions(step.expressions, f"{step.path}.Arguments")]
        yield from wrong
        if step.type in request_shapes.OPERATIONS and not wrong:
            path = f"{step.path}.Arguments"
            yield from request_shapes.argument_problems(step.type, step.arguments, path, self._type)
        outputs = _declared(step, "Outputs")
        for file in step.property_files.values():
            if file.output not in outputs:
                yield f"{step.path}.PropertyFiles: {file.name} names the unknown output {file.output!r}"

    def _expressions(self, value: Any, path: str) -> Iterator[str]:
        if is_expression(value):
            try:
                self._expression(value)
            except (ExpressionError, KeyError, TypeError) as error:
                reason = error if isinstance(error, ExpressionError) else f"malformed expression {value}"
                yield f"{path}: {reason}"
        elif isinstance(value, Mapping):
            for key, item in value.items():
                yield from self._expressions(item, f"{path}.{key}")
        elif isinstance(value, list):
            for index, item in enumerate(value):
                yield from self._expressions(item, f"{path}[{index}]")

    def _expression(self, expression: Mapping[str, Any]) -> None:
        function, argument = next(iter(expression.items()))
        if function == "Get":
            reference = parse_reference(argument)
            if isinstance(reference, PropertyFileReference):
                raise ExpressionError(f"{argument!r} is a property file, which only Std:JsonGet reads")
            self._reference(reference)
        elif function == "Std:Join":
            for item in argument["Values"]:
                if is_expression(item):
                    self._expression(item)
        else:
            self._json_get(argument)

    def _json_get(self, argument: Mapping[str, Any]) -> None:
        if isinstance(argument["Path"], str):
            parse_path(argument["Path"])
        if "PropertyFile" in argument:
            self._reference(parse_reference(argument["PropertyFile"]["Get"]))
        elif is_expression(argument["S3Uri"]):
            self._expression(argument["S3Uri"])

    def _reference(self, reference: Reference) -> type | None:
        """Check a reference and return the type of its value, if it is known."""
        if isinstance(reference, ParameterReference):
            if reference.name not in self._parameters:
                raise ExpressionError(f"no parameter is named {reference.name!r}")
            return PARAMETER_TYPES[self._parameters[reference.name].type]
        if isinstance(reference, ExecutionReference):
            if reference.variable in UNKNOWN_VARIABLES:
                raise NotImplementedByTwin(f"Execution.{reference.variable} in a pipeline definition")
            if reference.variable not in EXECUTION_VARIABLES:
                raise ExpressionError(f"Execution.{reference.variable} is no execution variable")
            return str
        step = self._steps.get(reference.step)
        if step is None:
            raise ExpressionError(f"no step is named {reference.step!r}")
        if isinstance(reference, StepReference):
            return _property_type(step, reference.path)
        if reference.file not in step.property_files:
            raise ExpressionError(f"step {step.name} has no property file {reference.file!r}")
        return None

    def _type(self, expression: Mapping[str, Any]) -> type | None:
        function, argument = next(iter(expression.items()))
        if function == "Std:Join":
            return str
        return self._reference(parse_reference(argument)) if function == "Get" else None


def _property_type(step: Step, path: tuple[str | int, ...]) -> type | None:
    """Return the type of a step's property.

    Raises:
        ExpressionError: the step has no such property.
    """
    if step.type == "Condition" and path == ("Outcome",):
        return bool
    if step.type not in request_shapes.DESCRIBE:
        raise ExpressionError(f"step {step.name} of type {step.type} has no properties")
    shape, last = request_shapes.described_shape(step.type), ""
    for part in path:
        shape = _member(step, shape, part, last)
        last = str(part)
    return request_shapes.PYTHON_TYPES.get(shape.type_name, (None,))[0]


def _member(step: Step, shape: Any, part: str | int, parent: str) -> Any:
    if shape.type_name == "structure" and part in shape.members:
        return shape.members[part]
    if shape.type_name == "map":
        return shape.value
    if shape.type_name == "list" and (isinstance(part, int) or parent in KEYED_LISTS):
        names = _declared(step, parent)
        if isinstance(part, str) and names and part not in names:
            raise ExpressionError(f"step {step.name} has no {parent} named {part!r} (but {', '.join(names)})")
        return shape.member
    raise ExpressionError(f"step {step.name} has no property {part!r} in {parent or 'its description'}")


def _declared(step: Step, member: str) -> list[str]:
    """Return the names that a step's arguments give to outputs, inputs or metrics."""
    arguments = step.arguments
    lists: dict[str, Any] = {
        "Outputs": (arguments.get("ProcessingOutputConfig") or {}).get("Outputs"),
        "ProcessingInputs": arguments.get("ProcessingInputs"),
    }
    found = lists.get(member)
    return [str(item.get(KEYED_LISTS[member])) for item in found or [] if isinstance(item, Mapping)]
