"""Step caching (Developer Guide, "Caching Pipeline Steps" and "Default cache key attributes by pipeline step type").

A step is reused if one of the same name in the same pipeline ran successfully with the same attributes, within
ExpireAfter; the newest counts. As on AWS neither the inputs' content nor the outputs' existence is checked.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lockgate_twin.ports import utc_now
from lockgate_twin.services.sagemaker.pipeline_definition import Step

KEY_ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "Processing": ("AppSpecification", "Environment", "ProcessingInputs"),
    "Training": (
        "AlgorithmSpecification",
        "CheckpointConfig",
        "DebugHookConfig",
        "DebugRuleConfigurations",
        "Environment",
        "HyperParameters",
        "InputDataConfig",
    ),
}


@dataclass(frozen=True, kw_only=True)
class StepResult:
    """What a step leaves: the properties that expressions read, and its Metadata."""

    properties: Mapping[str, Any]
    metadata: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class CacheEntry:
    """A successful run that may be reused."""

    execution_arn: str
    ended: datetime
    result: StepResult


class StepCache:
    """The newest successful run of every step by its attributes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[tuple[str, str], CacheEntry] = {}

    def find(self, pipeline_arn: str, step: Step, arguments: Mapping[str, Any]) -> CacheEntry | None:
        """Return the run to reuse for a step whose caching is on, or None."""
        if not step.cached or step.type not in KEY_ATTRIBUTES:
            return None
        entry = self._entries.get((pipeline_arn, _key(step, arguments)))
        if entry is None or (step.expire_after is not None and utc_now() - entry.ended > step.expire_after):
            return None
        return entry

    def keep(self, pipeline_arn: str, step: Step, arguments: Mapping[str, Any], entry: CacheEntry) -> None:
        """Remember a successful run."""
        if step.type in KEY_ATTRIBUTES:
            with self._lock:
                self._entries[pipeline_arn, _key(step, arguments)] = entry

    def forget(self, pipeline_arn: str) -> None:
        """Drop a deleted pipeline's runs."""
        with self._lock:
            for key in [key for key in self._entries if key[0] == pipeline_arn]:
                del self._entries[key]


def _key(step: Step, arguments: Mapping[str, Any]) -> str:
    attributes = {name: arguments.get(name) for name in KEY_ATTRIBUTES[step.type]}
    text = json.dumps([step.type, step.name, attributes], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
