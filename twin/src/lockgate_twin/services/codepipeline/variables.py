"""Variables in action configurations: `#{namespace.name}`.

Source: "Variables reference" (CodePipeline User Guide). `variables` holds the pipeline's variables, `codepipeline` what
the service itself tells, any other namespace what an earlier action put out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from lockgate_twin.errors import TwinError

PIPELINE_VARIABLES, SERVICE = "variables", "codepipeline"
SERVICE_NAMES = frozenset({"PipelineExecutionId"})
_REFERENCE = re.compile(r"#\{([A-Za-z0-9@\-_]+)\.([A-Za-z0-9@\-_]+)\}")

Namespaces = Mapping[str, Mapping[str, str]]


class UnresolvedVariableError(TwinError):
    """A configuration names a variable that has no value."""


def references(text: str) -> list[tuple[str, str]]:
    """Return the (namespace, name) pairs that a text refers to."""
    return _REFERENCE.findall(text)


def resolve(configuration: Mapping[str, str], namespaces: Namespaces) -> dict[str, str]:
    """Return the configuration with every reference replaced by its value.

    Raises:
        UnresolvedVariableError: names the first variable without a value.
    """
    return {key: _REFERENCE.sub(lambda match: _value(match, namespaces), text) for key, text in configuration.items()}


def _value(match: re.Match[str], namespaces: Namespaces) -> str:
    namespace, name = match.groups()
    value = namespaces.get(namespace, {}).get(name)
    if value is None:
        raise UnresolvedVariableError(f"The variable {match[0]} has no value in this execution.")
    return value
