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
        self._moving = context.table("codecommit.moving")

    def resume(self) -> None:
        """Announce what an earlier twin had changed, or git after its end, and not announced."""
        for repository_id, (before, caller_arn) in self._moving.items():
            repository = self._repositories.by_id(repository_id)
            if repository is not None:
                self._announce(repository, before, caller_arn)
            self._moving.remove(repository_id)

    @contextmanager
    def watched(self, repository: Repository, caller_arn: str) -> Iterator[dict[str, str]]:
        """Give the references as they are now; when the block ends, announce what it changed.

        Two blocks on one repository never run at the same time, so that each announces its own changes.
        """
        with repository.lock:
            before = repository.git.references()
            self._moving.put(repository.repository_id, (before, caller_arn))
            yield before
            self._announce(repository, before, caller_arn)
            self._moving.remove(repository.repository_id)

    def _announce(self, repository: Repository, before: dict[str, str], caller_arn: str) -> None:
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
