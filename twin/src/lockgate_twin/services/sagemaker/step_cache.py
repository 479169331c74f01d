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

from lockgate_twin.ports import Table, utc_now
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
    "Transform": ("DataProcessing", "Environment", "ModelName", "TransformInput"),
}
# Assumption: the documented list of attributes leaves out Lambda and Callback steps, whose caching the SDK offers; they
# are reused if what they call (their `target`) and all their arguments are the same.
WHOLE = frozenset({"Lambda", "Callback"})


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

    def __init__(self, table: Table) -> None:
        self._lock = threading.Lock()
        self._table = table
        self._entries: dict[tuple[str, str], CacheEntry] = {_entry_key(key): entry for key, entry in table.items()}

    def find(self, pipeline_arn: str, step: Step, arguments: Mapping[str, Any]) -> CacheEntry | None:
        """Return the run to reuse for a step whose caching is on, or None."""
        if not step.cached or step.type not in {*KEY_ATTRIBUTES, *WHOLE}:
            return None
        entry = self._entries.get((pipeline_arn, _key(step, arguments)))
        if entry is None or (step.expire_after is not None and utc_now() - entry.ended > step.expire_after):
            return None
        return entry

    def keep(self, pipeline_arn: str, step: Step, arguments: Mapping[str, Any], entry: CacheEntry) -> None:
        """Remember a successful run."""
        if step.type in {*KEY_ATTRIBUTES, *WHOLE}:
            with self._lock:
                key = (pipeline_arn, _key(step, arguments))
                self._table.put("#".join(key), entry)
                self._entries[key] = entry

    def forget(self, pipeline_arn: str) -> None:
        """Drop a deleted pipeline's runs."""
        with self._lock:
            for key in [key for key in self._entries if key[0] == pipeline_arn]:
                self._table.remove("#".join(key))
                del self._entries[key]


def _entry_key(key: str) -> tuple[str, str]:
    pipeline_arn, _, attributes = key.partition("#")
    return pipeline_arn, attributes


def _key(step: Step, arguments: Mapping[str, Any]) -> str:
    names = KEY_ATTRIBUTES.get(step.type, arguments)
    attributes = {name: arguments.get(name) for name in names}
    text = json.dumps([step.type, step.name, attributes], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
