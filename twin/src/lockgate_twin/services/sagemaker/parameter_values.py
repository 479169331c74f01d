"""The values of an execution's parameters: what the request gives, what a reference execution had, the defaults."""

from __future__ import annotations

from typing import Any

from lockgate_twin.services.sagemaker.errors import validation
from lockgate_twin.services.sagemaker.expressions import text
from lockgate_twin.services.sagemaker.pipeline_definition import Definition
from lockgate_twin.services.sagemaker.pipeline_execution import Execution


def inherited(definition: Definition, source: Execution | None) -> list[dict[str, str]]:
    """Return the parameters of a reference execution that a definition still has, as a request gives them."""
    known = source.start.parameters if source else {}
    return [{"Name": n, "Value": text(v)} for n, v in known.items() if n in definition.parameters]


def values_of(definition: Definition, given: list[dict[str, str]]) -> dict[str, Any]:
    """Return the value of every parameter: what the request gives, or its default.

    Raises:
        ApiError: ValidationException with everything that is wrong.
    """
    values = {name: parameter.default for name, parameter in definition.parameters.items()}
    problems: list[str] = []
    for name, value in ((item["Name"], item["Value"]) for item in given):
        if name not in values:
            problems.append(f"the pipeline has no parameter {name!r} (but {', '.join(values) or 'none'})")
            continue
        try:
            values[name] = definition.parameters[name].read(value)
        except ValueError as error:
            problems.append(str(error))
    missing = [n for n, v in values.items() if v is None and n not in {item["Name"] for item in given}]
    problems += [f"parameter {name} has no default and needs a value" for name in missing]
    if problems:
        raise validation(f"The pipeline parameters are not valid: {'; '.join(problems)}")
    return values
