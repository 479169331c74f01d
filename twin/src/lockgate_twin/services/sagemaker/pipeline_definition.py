"""A pipeline definition (schema version 2020-12-01) as values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from lockgate_twin.services.sagemaker.retry_policies import RetryPolicy

TYPES: dict[str, tuple[type, ...]] = {
    "String": (str,),
    "Integer": (int,),
    "Float": (float, int),
    "Boolean": (bool,),
}


class DefinitionError(Exception):
    """A definition with mistakes; `problems` are all of them, each naming its place."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A pipeline parameter."""

    name: str
    type: str
    default: Any = None
    choices: tuple[Any, ...] | None = None

    def accepts(self, value: Any) -> bool:
        """Tell whether a value has the parameter's type and is one of its choices."""
        typed = isinstance(value, TYPES[self.type]) and isinstance(value, bool) == (self.type == "Boolean")
        return typed and (self.choices is None or value in self.choices)

    def read(self, text: str) -> Any:
        """Return the value that StartPipelineExecution spells.

        Raises:
            ValueError: it is not one of this type or of the choices.
        """
        readers: dict[str, Callable[[str], Any]] = {"String": str, "Integer": int, "Float": float, "Boolean": _boolean}
        try:
            value = readers[self.type](text)
        except (ValueError, KeyError) as error:
            raise ValueError(f"parameter {self.name} must be of type {self.type}, not {text!r}") from error
        if not self.accepts(value):
            raise ValueError(f"parameter {self.name} must be one of {list(self.choices or ())}, not {text!r}")
        return value


def _boolean(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


@dataclass(frozen=True, kw_only=True)
class PropertyFile:
    """A JSON file in an output of a Processing step."""

    name: str
    output: str
    path: str


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step; `branch` is the Condition step it is in, with the outcome that runs it.

    `target` is what a Lambda or Callback step calls (a function's ARN, a queue's URL, or an expression), `outputs` the
    types of its OutputParameters by name, `body` the steps that a ForEach step repeats.
    """

    name: str
    type: str
    arguments: Mapping[str, Any]
    path: str
    depends_on: tuple[str, ...] = ()
    branch: tuple[str, bool] | None = None
    cached: bool = False
    expire_after: timedelta | None = None
    retries: tuple[RetryPolicy, ...] = ()
    property_files: Mapping[str, PropertyFile] = field(default_factory=dict)
    target: Any = None
    outputs: Mapping[str, str] = field(default_factory=dict)
    body: tuple[Step, ...] = ()
    display_name: str | None = None
    description: str | None = None

    @property
    def expressions(self) -> Any:
        """Return the part of the arguments whose expressions the step itself resolves (not its branches')."""
        if self.type == "ForEach":
            return [self.arguments.get("IterableItems"), *(step.expressions for step in self.body)]
        own = self.arguments.get("Conditions", []) if self.type == "Condition" else self.arguments
        return own if self.target is None else [own, self.target]


@dataclass(frozen=True, kw_only=True)
class Definition:
    """A parsed definition; `steps` holds nested steps too, by name, in the order they are written."""

    text: str
    parameters: Mapping[str, Parameter]
    steps: Mapping[str, Step]
