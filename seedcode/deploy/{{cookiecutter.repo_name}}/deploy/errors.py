"""The errors of this package: each is one clear sentence for the person who watches the pipeline.

DeployError
├── ConfigurationError    stages.toml or the environment is wrong; lists every mistake
├── RefusedError          this model version may not be deployed
└── TestFailedError       the endpoint does not do what it must; lists every failing expectation
"""

from __future__ import annotations

from collections.abc import Sequence


class DeployError(Exception):
    """Root of everything this package raises on purpose."""


class ConfigurationError(DeployError):
    """One source of settings (a file or the environment) has mistakes; all of them are listed."""

    def __init__(self, source: str, mistakes: Sequence[str]) -> None:
        self.source = source
        self.mistakes = tuple(mistakes)
        super().__init__(source, self.mistakes)

    def __str__(self) -> str:
        count = len(self.mistakes)
        heading = f"{self.source} has {count} mistake{'s' if count > 1 else ''}:"
        return "\n".join([heading, *(f"  - {mistake}" for mistake in self.mistakes)])


class RefusedError(DeployError):
    """The model version may not be deployed; the text says why."""


class TestFailedError(DeployError):
    """The endpoint failed its test; one sentence for each failing expectation."""

    __test__ = False  # pytest: not a test

    def __init__(self, sentences: Sequence[str]) -> None:
        self.sentences = tuple(sentences)
        super().__init__(self.sentences)

    def __str__(self) -> str:
        return "\n".join(self.sentences)
