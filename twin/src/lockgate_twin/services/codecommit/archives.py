"""What other services of the twin read from repositories: pinned revisions and their archives."""

from __future__ import annotations

from dataclasses import dataclass

from lockgate_twin.errors import ApiError
from lockgate_twin.services.codecommit.branch_operations import branch_tip
from lockgate_twin.services.codecommit.git import COMMIT_ID, Commit
from lockgate_twin.services.codecommit.repositories import Repositories


@dataclass(frozen=True, kw_only=True)
class SourceRevision:
    """One commit of one repository."""

    account: str
    region: str
    repository: str
    commit: Commit


class SourceArchives:
    """Reads repositories for a service that has checked its permissions itself."""

    def __init__(self, repositories: Repositories) -> None:
        self._repositories = repositories

    def tip(self, account: str, region: str, repository: str, branch: str) -> SourceRevision:
        """Return the revision at the tip of a branch.

        Raises:
            ApiError: RepositoryDoesNotExistException or BranchDoesNotExistException.
        """
        found = self._repositories.get(account, region, repository)
        return self.revision(account, region, repository, branch_tip(found.git.references(), branch))

    def revision(self, account: str, region: str, repository: str, commit_id: str) -> SourceRevision:
        """Return a revision by its full commit id.

        Raises:
            ApiError: RepositoryDoesNotExistException or CommitIdDoesNotExistException.
        """
        found = self._repositories.get(account, region, repository)
        commit = found.git.commit(commit_id) if COMMIT_ID.fullmatch(commit_id) else None
        if commit is None:
            message = f"The commit {commit_id} does not exist in {repository}."
            raise ApiError("CommitIdDoesNotExistException", message)
        return SourceRevision(account=account, region=region, repository=repository, commit=commit)

    def archive(self, revision: SourceRevision) -> bytes:
        """Return the files of a revision as a zip archive (no git data, as CODE_ZIP on AWS)."""
        found = self._repositories.get(revision.account, revision.region, revision.repository)
        return found.git.archive(revision.commit.commit_id)
