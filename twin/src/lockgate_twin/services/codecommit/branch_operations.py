"""The API operations on branches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Call, Handler
from lockgate_twin.services.codecommit.git import BRANCHES, COMMIT_ID
from lockgate_twin.services.codecommit.references import References
from lockgate_twin.services.codecommit.repositories import Repositories, Repository
from lockgate_twin.services.paging import page

_NOTHING = "0" * 40
_PAGE = 1000


class BranchOperations:
    """Read, list, create and delete branches, and choose the default one."""

    def __init__(self, repositories: Repositories, references: References) -> None:
        self._repositories = repositories
        self._references = references

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by operation name."""
        return {
            "GetBranch": self.get,
            "ListBranches": self.list,
            "CreateBranch": self.create,
            "DeleteBranch": self.delete,
            "UpdateDefaultBranch": self.update_default,
        }

    def get(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Return the commit at the tip of a branch."""
        if not parameters.get("repositoryName"):
            raise ApiError("RepositoryNameRequiredException", "A repository name is required.")
        branch = parameters.get("branchName")
        if not branch:
            raise ApiError("BranchNameRequiredException", "A branch name is required.")
        repository = self._repository(parameters, call)
        tip = branch_tip(repository.git.references(), branch)
        return {"branch": {"branchName": branch, "commitId": tip}}

    def list(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Name the branches."""
        references = self._repository(parameters, call).git.references()
        names = [name.removeprefix(BRANCHES) for name in references if name.startswith(BRANCHES)]
        token = parameters.get("nextToken")
        shown, more = page(names, token, size=_PAGE, error="InvalidContinuationTokenException")
        return {"branches": shown, **more}

    def create(self, parameters: dict[str, Any], call: Call) -> None:
        """Make a branch at an existing commit.

        Raises:
            ApiError: the name is taken or invalid, or the commit does not exist.
        """
        repository, branch = self._repository(parameters, call), parameters["branchName"]
        commit_id = parameters["commitId"]
        if not COMMIT_ID.fullmatch(commit_id):
            raise ApiError("InvalidCommitIdException", f"'{commit_id}' is not a full commit id.")
        if not repository.git.allows_branch(branch):
            raise ApiError("InvalidBranchNameException", f"'{branch}' is not a valid branch name.")
        if repository.git.commit(commit_id) is None:
            raise ApiError("CommitDoesNotExistException", f"The commit {commit_id} does not exist.")
        with self._references.watched(repository, call.principal.arn) as references:
            if BRANCHES + branch in references:
                raise ApiError("BranchNameExistsException", f"The branch {branch} already exists.")
            repository.git.move_reference(BRANCHES + branch, commit_id, _NOTHING)

    def delete(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Delete a branch; deleting one that does not exist succeeds and returns nothing.

        Source: "DeleteBranch" (CodeCommit API Reference); the default branch cannot be deleted.
        """
        repository, branch = self._repository(parameters, call), parameters["branchName"]
        if branch == repository.default_branch:
            message = f"{branch} is the default branch; choose another default branch before you delete it."
            raise ApiError("DefaultBranchCannotBeDeletedException", message)
        with self._references.watched(repository, call.principal.arn) as references:
            tip = references.get(BRANCHES + branch)
            if tip is None:
                return {}
            repository.git.drop_reference(BRANCHES + branch, tip)
        return {"deletedBranch": {"branchName": branch, "commitId": tip}}

    def update_default(self, parameters: dict[str, Any], call: Call) -> None:
        """Choose another default branch, which must exist."""
        repository, branch = self._repository(parameters, call), parameters["defaultBranchName"]
        with repository.lock:
            branch_tip(repository.git.references(), branch)
            repository.git.point_head(branch)
            self._repositories.change(repository, default_branch=branch)

    def _repository(self, parameters: Mapping[str, Any], call: Call) -> Repository:
        return self._repositories.get(call.account, call.region, parameters["repositoryName"])


def branch_tip(references: Mapping[str, str], branch: str) -> str:
    """Return the commit id at the tip of a branch.

    Raises:
        ApiError: BranchDoesNotExistException.
    """
    tip = references.get(BRANCHES + branch)
    if tip is None:
        raise ApiError("BranchDoesNotExistException", f"The branch {branch} does not exist.")
    return tip
