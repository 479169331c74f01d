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
    ItemReference,
    ParameterReference,
    PropertyFileReference,
    Reference,
    StepReference,
    is_expression,
    parse_path,
    parse_reference,
)
from lockgate_twin.services.sagemaker.for_each import selector_field
from lockgate_twin.services.sagemaker.pipeline_definition import Definition, Step
from lockgate_twin.services.sagemaker.pipeline_graph import KEYED_LISTS, dependencies, needs_of

PARAMETER_TYPES: dict[str, type] = {"String": str, "Integer": int, "Float": float, "Boolean": bool}

# The properties of a ForEach step that are plain values.
LOOP_TYPES: dict[str, type] = {
    "Status": str,
    "InputItemCount": int,
    "TotalStepCount": int,
    "SucceededStepCount": int,
    "FailedStepCount": int,
    "StoppedStepCount": int,
}


def problems(definition: Definition) -> list[str]:
    """Return all mistakes, each with the path of its field."""
    checker = _Checker(definition)
    found = [problem for step in definition.steps.values() for problem in checker.step(step)]
    if found:
        return found
    return list(_circle(dependencies(definition)))


def _circle(needs: Mapping[str, set[str]]) -> Iterator[str]:
    try:
        graphlib.TopologicalSorter(needs).prepare()
    except graphlib.CycleError as error:
        yield f"Steps: steps depend on each other in a circle: {' -> '.join(error.args[1])}"


class _Checker:
    """Checks steps against the whole definition."""

    def __init__(self, definition: Definition, body: tuple[Step, ...] = ()) -> None:
        self._definition = definition
        self._parameters = definition.parameters
        self._steps = {**definition.steps, **{step.name: step for step in body}}
        self._in_body = bool(body)

    def step(self, step: Step) -> Iterator[str]:
        for name in step.depends_on:
            if name not in self._steps or name == step.name:
                yield f"{step.path}.DependsOn: no other step is named {name!r}"
        if step.type == "ForEach":
            yield from self._expressions(step.arguments.get("IterableItems"), f"{step.path}.Arguments.IterableItems")
            inner = _Checker(self._definition, step.body)
            yield from (problem for body in step.body for problem in inner.step(body))
            names = {body.name for body in step.body}
            yield from _circle({body.name: needs_of(body) & names for body in step.body})
            return
        wrong = [*self._expressions(step.expressions, f"{step.path}.Arguments")]
        yield from wrong
        if step.type == "Lambda":
            yield from _nested(step.arguments, f"{step.path}.Arguments")
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
            return _variable_type(reference.variable)
        if isinstance(reference, ItemReference):
            if not self._in_body:
                raise ExpressionError("ForEach.CurrentItem can be used within the body of a ForEach step only")
            return None
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


def _variable_type(variable: str) -> type:
    if variable in UNKNOWN_VARIABLES:
        raise NotImplementedByTwin(f"Execution.{variable} in a pipeline definition")
    if variable not in EXECUTION_VARIABLES:
        raise ExpressionError(f"Execution.{variable} is no execution variable")
    return str


def _nested(arguments: Mapping[str, Any], path: str) -> Iterator[str]:
    """Tell values that are no primitives (Developer Guide, "Lambda step": nested objects are not supported)."""
    for name, value in arguments.items():
        if not is_expression(value) and not isinstance(value, str | int | float | bool):
            yield f"{path}.{name}: must be a string, a number or a boolean, not {value!r}"


def _property_type(step: Step, path: tuple[str | int, ...]) -> type | None:
    """Return the type of a step's property.

    Raises:
        ExpressionError: the step has no such property.
    """
    if step.type == "Condition" and path == ("Outcome",):
        return bool
    if step.type == "ForEach":
        return _loop_type(step, path)
    if step.type in {"Lambda", "Callback"}:
        return _output_type(step, path)
    if step.type not in request_shapes.DESCRIBE:
        raise ExpressionError(f"step {step.name} of type {step.type} has no properties")
    shape, last = request_shapes.described_shape(step.type), ""
    for part in path:
        shape = _member(step, shape, part, last)
        last = str(part)
    return request_shapes.PYTHON_TYPES.get(shape.type_name, (None,))[0]


def _loop_type(step: Step, path: tuple[str | int, ...]) -> type | None:
    """Return the type of a ForEach step's property: its counts, its status, or a member of a body step's output."""
    bodies = {body.name: body for body in step.body}
    if len(path) == 1 and path[0] in LOOP_TYPES:
        return LOOP_TYPES[str(path[0])]
    if len(path) > 3 and path[0] == "IterationOutputs" and isinstance(path[1], int) and path[2] in bodies:
        return _property_type(bodies[str(path[2])], path[3:])
    if len(path) > 1 and path[0] == "Selected" and "Selector" in step.arguments:
        return _property_type(bodies[selector_field(step.arguments["Selector"])[0]], path[1:])
    known = ", ".join([*LOOP_TYPES, "IterationOutputs[i].<body step>.<member>", "Selected.<member> (with a Selector)"])
    raise ExpressionError(f"step {step.name} has no property {path!r} (but {known})")


def _output_type(step: Step, path: tuple[str | int, ...]) -> type:
    name = path[1] if len(path) == 2 and path[0] == "OutputParameters" else None
    if name not in step.outputs:
        declared = ", ".join(step.outputs) or "none"
        raise ExpressionError(f"step {step.name} has no property {path!r}; its OutputParameters are {declared}")
    return PARAMETER_TYPES[step.outputs[str(name)]]


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
