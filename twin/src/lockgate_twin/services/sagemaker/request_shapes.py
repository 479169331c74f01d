"""Check step arguments against the shapes of the requests they become (botocore's SageMaker model)."""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lockgate_twin.services.sagemaker.expressions import is_expression

PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "boolean": (bool,),
}
# Step type -> the operation its arguments are the request of, and the member the service fills in.
OPERATIONS: dict[str, tuple[str, str | None]] = {
    "Processing": ("CreateProcessingJob", "ProcessingJobName"),
    "Training": ("CreateTrainingJob", "TrainingJobName"),
    "Transform": ("CreateTransformJob", "TransformJobName"),
    "Model": ("CreateModel", "ModelName"),
    "RegisterModel": ("CreateModelPackage", None),
}
DESCRIBE: dict[str, str] = {
    "Processing": "DescribeProcessingJob",
    "Training": "DescribeTrainingJob",
    "Transform": "DescribeTransformJob",
    "Model": "DescribeModel",
    "RegisterModel": "DescribeModelPackage",
}
# What an expression evaluates to, if that is known when the pipeline is created: a Python type.
TypeOf = Callable[[Any], type | None]


@functools.lru_cache(maxsize=1)
def model() -> Any:
    """Return botocore's service model of SageMaker (0.2 s the first time)."""
    import botocore.session

    return botocore.session.get_session().get_service_model("sagemaker")


def request_shape(step_type: str) -> Any:
    """Return the shape of the request that a step's arguments become."""
    return model().operation_model(OPERATIONS[step_type][0]).input_shape


def described_shape(step_type: str) -> Any:
    """Return the shape that a step's properties have."""
    return model().operation_model(DESCRIBE[step_type]).output_shape


def argument_problems(step_type: str, arguments: Mapping[str, Any], path: str, type_of: TypeOf) -> list[str]:
    """Return everything in a step's arguments that the request's shape does not allow, by the field's path."""
    filled = OPERATIONS[step_type][1]
    given = {**({filled: "filled-in"} if filled else {}), **arguments}
    return list(_problems(request_shape(step_type), given, path, type_of))


def _problems(shape: Any, value: Any, path: str, type_of: TypeOf) -> Iterator[str]:
    if is_expression(value):
        known = type_of(value)
        allowed = PYTHON_TYPES.get(shape.type_name)
        # A string field takes any scalar: the service spells it out.
        if allowed is None or (known is not None and shape.type_name != "string" and known not in allowed):
            yield f"{path}: an expression of type {known.__name__ if known else 'unknown'} is no {shape.type_name}"
    elif shape.type_name == "structure":
        yield from _structure(shape, value, path, type_of)
    elif shape.type_name == "list":
        yield from _list(shape, value, path, type_of)
    elif shape.type_name == "map":
        yield from _map(shape, value, path, type_of)
    else:
        yield from _scalar(shape, value, path)


def _structure(shape: Any, value: Any, path: str, type_of: TypeOf) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{path}: must be an object, not {value!r}"
        return
    for name in shape.required_members:
        if name not in value:
            yield f"{path}.{name}: required field missing"
    for name, item in value.items():
        if name in shape.members:
            yield from _problems(shape.members[name], item, f"{path}.{name}", type_of)
        else:
            near = difflib.get_close_matches(name, shape.members, n=1)
            yield f"{path}.{name}: unknown field" + (f", did you mean {near[0]}?" if near else "")


def _list(shape: Any, value: Any, path: str, type_of: TypeOf) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{path}: must be a list, not {value!r}"
        return
    yield from _size(shape, len(value), path, "items")
    for index, item in enumerate(value):
        yield from _problems(shape.member, item, f"{path}[{index}]", type_of)


def _map(shape: Any, value: Any, path: str, type_of: TypeOf) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{path}: must be an object, not {value!r}"
        return
    yield from _size(shape, len(value), path, "entries")
    for key, item in value.items():
        yield from _scalar(shape.key, key, f"{path} key {key!r}")
        yield from _problems(shape.value, item, f"{path}.{key}", type_of)


def _scalar(shape: Any, value: Any, path: str) -> Iterator[str]:
    allowed = PYTHON_TYPES.get(shape.type_name)
    wrong_bool = isinstance(value, bool) and shape.type_name != "boolean"
    if allowed is None or not isinstance(value, allowed) or wrong_bool:
        yield f"{path}: must be of type {shape.type_name}, not {value!r}"
    elif isinstance(value, str):
        yield from _size(shape, len(value), path, "characters")
        if getattr(shape, "enum", None) and value not in shape.enum:
            near = difflib.get_close_matches(value, shape.enum, n=1)
            yield f"{path}: {value!r} is not allowed" + (f", did you mean {near[0]!r}?" if near else "")
        elif not _matches(shape.metadata.get("pattern"), value):
            yield f"{path}: {value!r} does not match {shape.metadata['pattern']}"
    elif not isinstance(value, bool):
        low, high = shape.metadata.get("min"), shape.metadata.get("max")
        if (low is not None and value < low) or (high is not None and value > high):
            yield f"{path}: {value} is not between {low} and {high}"


def _size(shape: Any, size: int, path: str, unit: str) -> Iterator[str]:
    low, high = shape.metadata.get("min") or 0, shape.metadata.get("max")
    if size < low or (high is not None and size > high):
        yield f"{path}: {size} {unit}, allowed are {low} to {high}"


def _matches(pattern: str | None, value: str) -> bool:
    if not pattern:
        return True
    try:
        return re.fullmatch(pattern, value) is not None
    except re.error:
        return True  # a pattern of another dialect (\p{L}); the service's own check remains


def coerced(shape: Any, value: Any, text: Callable[[Any], str]) -> Any:
    """Return resolved arguments with scalars spelled out where the request takes strings (HyperParameters)."""
    if shape.type_name == "structure" and isinstance(value, Mapping):
        return {k: coerced(shape.members[k], v, text) if k in shape.members else v for k, v in value.items()}
    if shape.type_name == "map" and isinstance(value, Mapping):
        return {k: coerced(shape.value, v, text) for k, v in value.items()}
    if shape.type_name == "list" and isinstance(value, list):
        return [coerced(shape.member, item, text) for item in value]
    return text(value) if shape.type_name == "string" and isinstance(value, bool | int | float) else value
