"""Validates a request's members against botocore's shapes: types, required, unknown, lengths, enums, patterns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import regex

from lockgate_twin.errors import ApiError


def validate(model: Any, operation: str, parameters: Mapping[str, Any]) -> None:
    """Check a request.

    Raises:
        ApiError: ValidationException listing every mistake, in AWS's words.
    """
    shape = model.operation_model(operation).input_shape
    if shape is None:
        return
    problems = list(_structural(shape, parameters)) or list(_constraints(shape, parameters, ""))
    if problems:
        count = f"{len(problems)} validation error{'s' if len(problems) > 1 else ''} detected: "
        code = "ValidationError" if model.protocol == "query" else "ValidationException"
        raise ApiError(code, count + "; ".join(problems))


def _structural(shape: Any, parameters: Mapping[str, Any]) -> Iterable[str]:
    from botocore.validate import ParamValidator

    # An idempotency token is filled in by every SDK; a plain HTTP client may leave it out.
    given = {**{n: "-" * 36 for n, s in shape.members.items() if _is_token(s)}, **parameters}
    report = ParamValidator().validate(given, shape)
    # Lengths and ranges are left to `_constraints`, which says them as AWS does.
    lines = report.generate_report().split("\n") if report.has_errors() else []
    return [line for line in lines if not line.startswith("Invalid length") and "valid min value" not in line]


def _is_token(shape: Any) -> bool:
    return bool(shape.metadata.get("idempotencyToken"))


def _constraints(shape: Any, value: Any, path: str) -> Iterable[str]:
    if value is None:
        return
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            yield from _constraints(member, value.get(name), f"{path}.{name}" if path else name)
    elif shape.type_name == "list":
        yield from _length(shape, value, path)
        for index, item in enumerate(value):
            yield from _constraints(shape.member, item, f"{path}.{index + 1}.member")
    elif shape.type_name == "map":
        for key, item in value.items():
            yield from _constraints(shape.value, item, f"{path}.{key}.value")
    elif shape.type_name == "string":
        yield from _string(shape, value, path)
    elif shape.type_name in {"integer", "long", "float", "double"}:
        yield from _range(shape, value, path)


def _string(shape: Any, value: str, path: str) -> Iterable[str]:
    if shape.enum and value not in shape.enum:
        yield _says(value, path, f"enum value set: [{', '.join(shape.enum)}]", "satisfy")
        return
    yield from _length(shape, value, path)
    pattern = shape.metadata.get("pattern")
    if pattern and not _matches(pattern, value):
        yield _says(value, path, f"regular expression pattern: {pattern}", "satisfy")


def _length(shape: Any, value: Any, path: str) -> Iterable[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and len(value) < low:
        yield _says(value, path, f"length greater than or equal to {low}", "have")
    if high is not None and len(value) > high:
        yield _says(value, path, f"length less than or equal to {high}", "have")


def _range(shape: Any, value: float, path: str) -> Iterable[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and value < low:
        yield _says(value, path, f"value greater than or equal to {low}", "have")
    if high is not None and value > high:
        yield _says(value, path, f"value less than or equal to {high}", "have")


def _says(value: Any, path: str, constraint: str, verb: str) -> str:
    shown = value if len(str(value)) <= 200 else f"{str(value)[:200]}..."
    where = path[:1].lower() + path[1:]
    return f"Value '{shown}' at '{where}' failed to satisfy constraint: Member must {verb} {constraint}"


@cache
def _compiled(pattern: str) -> Any:
    try:
        return regex.compile(pattern, regex.DOTALL)
    except regex.error:
        # A few of botocore's patterns are Java dialect that `regex` does not read; they are not checked.
        return None


def _matches(pattern: str, value: str) -> bool:
    compiled = _compiled(pattern)
    return compiled is None or compiled.fullmatch(value) is not None
