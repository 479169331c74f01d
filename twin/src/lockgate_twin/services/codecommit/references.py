"""Moving references: one repository at a time, then the default branch and the events follow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lockgate_twin.ports import Context
from lockgate_twin.services.codecommit.git import BRANCHES
from lockgate_twin.services.codecommit.reference_events import reference_events
from lockgate_twin.services.codecommit.repositories import Repositories, Repository


class References:
    """Watches what a piece of work does to a repository's references."""

    def __init__(self, context: Context, repositories: Repositories) -> None:
        self._context = context
        self._repositories = repositories

    @contextmanager
    def watched(self, repository: Repository, caller_arn: str) -> Iterator[dict[str, str]]:
        """Give the references as they are now; when the block ends, announce what it changed.

        Two blocks on one repository never run at the same time, so that each announces its own changes.
        """
        with repository.lock:
            before = repository.git.references()
            yield before
            after = repository.git.references()
            if after != before:
                self._choose_default(repository, after)
        for event in reference_events(repository, before, after, caller_arn):
            self._context.emit(event)

    def _choose_default(self, repository: Repository, after: dict[str, str]) -> None:
        """The first branch becomes the default branch ("main" if several come at once)."""
        current = self._repositories.get(repository.account, repository.region, repository.name)
        branches = [name.removeprefix(BRANCHES) for name in after if name.startswith(BRANCHES)]
        if current.default_branch is not None or not branches:
            self._repositories.change(current)
            return
        default = "main" if "main" in branches else branches[0]
        repository.git.point_head(default)
        self._repositories.change(current, default_branch=default)
