"""stages.toml, parsed once into frozen values; every unknown key and wrong value is reported."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from deploy.errors import ConfigurationError

STAGES = ("staging", "prod")
INSTANCE_TYPE = re.compile(r"ml\.[a-z0-9\-]+\.[a-z0-9]+")


@dataclass(frozen=True)
class Expectations:
    """What an endpoint must show; differences are absolute, times in milliseconds."""

    rows_per_request: int
    single_row_requests: int
    max_score_difference: float
    max_auc_difference: float
    max_p95_milliseconds: float


@dataclass(frozen=True)
class Stage:
    """One stage's settings."""

    name: str
    instance_type: str
    instance_count: int
    data_capture_percentage: int
    retrain_on_drift: bool
    test: Expectations


def load_stages(path: Path) -> Mapping[str, Stage]:
    """Read and check the file: every stage, by name.

    Raises:
        ConfigurationError: listing every mistake of the file at once.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigurationError(path.name, ["the file is missing"]) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(path.name, [f"it is not valid TOML: {error}"]) from None
    mistakes = [f"[{name}] is not a known stage" for name in document if name not in STAGES]
    for name in STAGES:
        mistakes += _mistakes(document.get(name), name)
    if mistakes:
        raise ConfigurationError(path.name, mistakes)
    return {name: _stage(name, document[name]) for name in STAGES}


def _stage(name: str, values: Mapping[str, Any]) -> Stage:
    return Stage(name=name, **{**values, "test": Expectations(**values["test"])})


def _mistakes(values: Any, name: str) -> list[str]:
    if not isinstance(values, dict):
        return [f"section [{name}] is missing"]
    rules = {
        "instance_type": (_is_instance_type, "a SageMaker instance type such as ml.m5.large"),
        "instance_count": (_is_count, "a whole number of at least 1"),
        "data_capture_percentage": (_is_percentage, "a whole number from 0 to 100"),
        "retrain_on_drift": (lambda value: isinstance(value, bool), "true or false"),
        "test": (lambda value: isinstance(value, dict), f"a section [{name}.test]"),
    }
    found = _section_mistakes(values, rules, name)
    if isinstance(values.get("test"), dict):
        counts = {"rows_per_request", "single_row_requests"}
        expected = {
            field.name: (_is_count, "a whole number of at least 1")
            if field.name in counts
            else (_is_limit, "a number above 0")
            for field in fields(Expectations)
        }
        found += _section_mistakes(values["test"], expected, f"{name}.test")
    return found


def _section_mistakes(values: Mapping[str, Any], rules: Mapping[str, Any], name: str) -> list[str]:
    found = [f"{name}.{key} is not a known key" for key in values if key not in rules]
    for key, (holds, meaning) in rules.items():
        if key not in values:
            found.append(f"{name}.{key} is missing")
        elif not holds(values[key]):
            found.append(f"{name}.{key} must be {meaning}, not {values[key]!r}")
    return found


def _is_instance_type(value: Any) -> bool:
    return isinstance(value, str) and bool(INSTANCE_TYPE.fullmatch(value))


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return _is_whole(value) and value >= 1


def _is_percentage(value: Any) -> bool:
    return _is_whole(value) and 0 <= value <= 100


def _is_limit(value: Any) -> bool:
    return (_is_whole(value) or isinstance(value, float)) and value > 0
