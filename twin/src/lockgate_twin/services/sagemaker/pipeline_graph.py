"""What a step waits for: the steps it reads from, those it is told to wait for, and the condition it is behind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lockgate_twin.services.sagemaker.expressions import PropertyFileReference, StepReference, references
from lockgate_twin.services.sagemaker.pipeline_definition import Definition, Step

# Lists of Describe responses that expressions index by a name, and the member that holds it.
KEYED_LISTS = {"Outputs": "OutputName", "ProcessingInputs": "InputName", "FinalMetricDataList": "MetricName"}


def dependencies(definition: Definition) -> dict[str, set[str]]:
    """Return the names of the steps that each step waits for."""
    return {name: needs_of(step) for name, step in definition.steps.items()}


def needs_of(step: Step) -> set[str]:
    """Return the names of the steps that one step waits for."""
    read = {
        reference.step
        for reference in references(step.expressions)
        if isinstance(reference, StepReference | PropertyFileReference)
    }
    found = read | set(step.depends_on) | ({step.branch[0]} if step.branch else set())
    told = {name for body in step.body for name in body.depends_on}
    return (found | told) - {body.name for body in step.body}


def properties(described: Mapping[str, Any]) -> dict[str, Any]:
    """Return a Describe response as the step's properties: some lists become objects by name."""
    found = {key: _keyed(key, value) for key, value in described.items() if key != "ResponseMetadata"}
    outputs = found.get("ProcessingOutputConfig")
    if isinstance(outputs, Mapping):
        found["ProcessingOutputConfig"] = {key: _keyed(key, value) for key, value in outputs.items()}
    return found


def _keyed(name: str, value: Any) -> Any:
    if name not in KEYED_LISTS or not isinstance(value, list):
        return value
    return {item[KEYED_LISTS[name]]: item for item in value}
