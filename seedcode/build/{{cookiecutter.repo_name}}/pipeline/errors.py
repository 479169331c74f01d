"""The errors of this package: each is one clear sentence for the person who pushed.

PipelineError
├── ConfigurationError    config.toml or the environment is wrong; lists every mistake
└── ExecutionError        the SageMaker pipeline did not end well
"""

from __future__ import annotations

from collections.abc import Sequence


class PipelineError(Exception):
    """Root of everything this package raises on purpose."""


class ConfigurationError(PipelineError):
    """One source of settings (a file or the environment) has mistakes; all of them are listed."""

    def __init__(self, source: str, mistakes: Sequence[str]) -> None:
        self.source = source
        self.mistakes = tuple(mistakes)
        super().__init__(source, self.mistakes)

    def __str__(self) -> str:
        count = len(self.mistakes)
        heading = f"{self.source} has {count} mistake{'s' if count > 1 else ''}:"
        return "\n".join([heading, *(f"  - {mistake}" for mistake in self.mistakes)])


class ExecutionError(PipelineError):
    """The pipeline execution failed or was stopped; the text names the step and the cause."""
