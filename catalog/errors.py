"""What can go wrong, as a tree.

CatalogError
├── ConfigurationError   the files to publish: every mistake at once
├── HubError             the hub stack could not be brought to the wanted state
├── PublishError         Service Catalog did not do, or does not hold, what a publish needs
└── RefusedError         a decision about a model version that must not be made
"""

from __future__ import annotations

from collections.abc import Iterable


class CatalogError(Exception):
    """Root of this package's errors; the text is one clear sentence that says what to do next."""


class ConfigurationError(CatalogError):
    """The files to publish have mistakes; `mistakes` holds one sentence for each."""

    def __init__(self, mistakes: Iterable[str]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__(self.mistakes)

    def __str__(self) -> str:
        if len(self.mistakes) == 1:
            return self.mistakes[0]
        listed = "".join(f"\n  - {mistake}" for mistake in self.mistakes)
        return f"{len(self.mistakes)} mistakes to correct before anything is published:{listed}"


class HubError(CatalogError):
    """The hub stack is in the way or failed."""


class PublishError(CatalogError):
    """Service Catalog did not do, or does not hold, what a publish needs."""


class RefusedError(CatalogError):
    """The decision is not made: the model version or the reason does not allow it."""
