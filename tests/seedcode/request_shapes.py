"""Checking a step's arguments against the request shape of the API call SageMaker makes of them.

Pipeline expressions are replaced by values of the type their place asks for. The published JSON schema of pipeline
definitions is no help: it refuses valid ones.
"""

from __future__ import annotations

import re
from typing import Any

import botocore.session
from botocore.validate import ParamValidator

CALLS = {
    "Processing": ("CreateProcessingJob", {"ProcessingJobName": "job"}),
    "Training": ("CreateTrainingJob", {"TrainingJobName": "job"}),
    "RegisterModel": ("CreateModelPackage", {}),
}
EXPRESSIONS = ("Get", "Std:Join", "Std:JsonGet")
PLACEHOLDERS: dict[str, Any] = {"integer": 1, "long": 1, "float": 1.0, "double": 1.0, "boolean": True}


def mistakes(step: dict[str, Any]) -> list[str]:
    """What SageMaker would refuse in a step's arguments."""
    operation, name = CALLS[step["Type"]]
    shape = botocore.session.get_session().get_service_model("sagemaker").operation_model(operation).input_shape
    found: list[str] = []
    request = _concrete(shape, {**name, **step["Arguments"]}, step["Name"], found)
    report = ParamValidator().validate(request, shape)
    return found + ([report.generate_report()] if report.has_errors() else [])


def _concrete(shape: Any, value: Any, path: str, found: list[str]) -> Any:
    if isinstance(value, dict) and len(value) == 1 and next(iter(value)) in EXPRESSIONS:
        return _placeholder(shape)
    if shape.type_name == "structure" and isinstance(value, dict):
        found += [f"unknown member {path}.{key}" for key in value if key not in shape.members]
        known = {key: item for key, item in value.items() if key in shape.members}
        return {key: _concrete(shape.members[key], item, f"{path}.{key}", found) for key, item in known.items()}
    if shape.type_name == "map" and isinstance(value, dict):
        return {key: _concrete(shape.value, item, f"{path}.{key}", found) for key, item in value.items()}
    if shape.type_name == "list" and isinstance(value, list):
        return [_concrete(shape.member, item, f"{path}[{number}]", found) for number, item in enumerate(value)]
    if shape.type_name == "string" and isinstance(value, str):
        found += _unfit_text(shape, value, path)
    return value


def _placeholder(shape: Any) -> Any:
    if getattr(shape, "enum", None):
        return shape.enum[0]
    return PLACEHOLDERS.get(shape.type_name, "x" * max(1, shape.metadata.get("min", 1)))


def _unfit_text(shape: Any, value: str, path: str) -> list[str]:
    allowed, pattern = getattr(shape, "enum", None), shape.metadata.get("pattern")
    found = [f"{path} is {value!r}, not one of {', '.join(allowed)}"] if allowed and value not in allowed else []
    if pattern and "\\p{" not in pattern and not re.fullmatch(pattern, value):
        found.append(f"{path} is {value!r}, which does not match {pattern}")
    return found
