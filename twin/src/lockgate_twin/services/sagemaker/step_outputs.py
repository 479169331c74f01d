"""OutputParameters of Lambda and Callback steps: declared with a type, read by name.

Source: Developer Guide, "Lambda step" and "Callback step": a nested value is treated as one string. Sizes: botocore
shapes OutputParameterList (50) and OutputParameter (1,024 characters).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from lockgate_twin.services.sagemaker.pipeline_definition import TYPES, Step
from lockgate_twin.services.sagemaker.step_call import StepFailure

MAX_OUTPUTS = 50
MAX_VALUE = 1024


def problems(given: Any, path: str) -> Iterator[str]:
    """Give what is wrong with a step's OutputParameters."""
    if not isinstance(given, list) or len(given) > MAX_OUTPUTS:
        yield f"{path}: must be a list of at most {MAX_OUTPUTS} outputs"
        return
    names = [item.get("OutputName") for item in given if isinstance(item, Mapping)]
    for index, item in enumerate(given):
        named = isinstance(item, Mapping) and isinstance(item.get("OutputName"), str) and item["OutputName"]
        if not named or set(item) != {"OutputName", "OutputType"} or item["OutputType"] not in TYPES:
            yield f"{path}[{index}]: an output has an OutputName and an OutputType of {', '.join(TYPES)}"
        elif item["OutputName"] in names[:index]:
            yield f"{path}[{index}]: two outputs are named {item['OutputName']!r}"


def declared(given: Any) -> dict[str, str]:
    """Return the types of well-formed OutputParameters by name."""
    return {item["OutputName"]: item["OutputType"] for item in given or []}


def typed(step: Step, answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the step's declared outputs as an answer gives them; what is not declared is dropped.

    Raises:
        StepFailure: an output is missing, too long, or not of its type.
    """
    missing = [name for name in step.outputs if answer.get(name) is None]
    if missing:
        raise StepFailure(f"ClientError: step {step.name} got no output named {', '.join(missing)}.")
    return {name: _typed(step, name, answer[name]) for name in step.outputs}


def _typed(step: Step, name: str, value: Any) -> Any:
    kind = step.outputs[name]
    text = spelled(value)
    if len(text) > MAX_VALUE:
        raise StepFailure(f"ClientError: output {name} of step {step.name} is longer than {MAX_VALUE} characters.")
    if kind == "String":
        return text
    try:
        return _read(kind, text)
    except (ValueError, KeyError):
        raise StepFailure(f"ClientError: output {name} of step {step.name} is no {kind}: {text}") from None


def _read(kind: str, text: str) -> Any:
    if kind == "Boolean":
        return {"true": True, "false": False}[text.lower()]
    return int(text) if kind == "Integer" else float(text)


def spelled(value: Any) -> str:
    """Return a value as the string that OutputParameters hold."""
    return value if isinstance(value, str) else json.dumps(value)


def listed(outputs: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return outputs as the members of a step's metadata."""
    return [{"Name": name, "Value": spelled(value)} for name, value in outputs.items()]
