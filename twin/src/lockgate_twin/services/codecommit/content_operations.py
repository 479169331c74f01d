"""The API operations that read and write commits, files and folders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Call, Handler
from lockgate_twin.services.codecommit.branch_operations import branch_tip
from lockgate_twin.services.codecommit.commit_plan import MODE_NAMES, CommitPlan, plan_commit
from lockgate_twin.services.codecommit.commit_writer import CommitText, write_commit
from lockgate_twin.services.codecommit.git import BRANCHES, COMMIT_ID, GitError, TreeEntry, resolve
from lockgate_twin.services.codecommit.references import References
from lockgate_twin.services.codecommit.repositories import Repositories, Repository


class ContentOperations:
    """Read and write what is in a repository without git."""

    def __init__(self, repositories: Repositories, references: References) -> None:
        self._repositories = repositories
        self._references = references

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by operation name."""
        return {
            "GetCommit": self.get_commit,
            "CreateCommit": self.create_commit,
            "GetFile": self.get_file,
            "GetFolder": self.get_folder,
        }

    def get_commit(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Describe a commit by its full id."""
        repository, commit_id = self._repository(parameters, call), parameters["commitId"]
        if not COMMIT_ID.fullmatch(commit_id):
            raise ApiError("InvalidCommitIdException", f"'{commit_id}' is not a full commit id.")
        commit = repository.git.commit(commit_id)
        if commit is None:
            raise ApiError("CommitIdDoesNotExistException", f"The commit {commit_id} does not exist.")
        described = {
            "commitId": commit.commit_id,
            "treeId": commit.tree_id,
            "parents": list(commit.parents),
            "message": commit.message,
            "author": asdict(commit.author),
            "committer": asdict(commit.committer),
            "additionalData": "",
        }
        return {"commit": described}

    def create_commit(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Put, delete and change files on a branch in one commit.

        Raises:
            ApiError: the parent commit or the changes are not valid.
        """
        repository = self._repository(parameters, call)
        if not repository.git.allows_branch(parameters["branchName"]):
            raise ApiError("InvalidBranchNameException", f"'{parameters['branchName']}' is no branch name.")
        with self._references.watched(repository, call.principal.arn) as references:
            parent = _parent(parameters, references, repository)
            tree = repository.git.tree(parent) if parent else {}
            plan = plan_commit(parameters, tree)
            commit_id = write_commit(repository.git, _text(parameters, call, parent), plan)
        written = repository.git.commit(commit_id)
        tree_id = written.tree_id if written else ""
        return {"commitId": commit_id, "treeId": tree_id, **_changes(plan, tree)}

    def get_file(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Return one file of a commit, by default of the tip of the default branch."""
        repository, path = self._repository(parameters, call), parameters["filePath"].strip("/")
        commit_id = _commit_id(parameters, repository)
        entry = repository.git.tree(commit_id).get(path)
        if entry is None or entry.kind != "blob":
            raise ApiError("FileDoesNotExistException", f"The file '{path}' does not exist.")
        content = repository.git.blob(entry.object_id)
        return {
            "commitId": commit_id,
            "blobId": entry.object_id,
            "filePath": path,
            "fileMode": MODE_NAMES[entry.mode],
            "fileSize": len(content),
            "fileContent": content,
        }

    def get_folder(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """List what lies directly in a folder of a commit."""
        repository, path = self._repository(parameters, call), parameters["folderPath"].strip("/")
        commit_id = _commit_id(parameters, repository)
        try:
            entries = repository.git.folder(commit_id, path)
        except GitError:
            raise ApiError("FolderDoesNotExistException", f"The folder '{path}' does not exist.") from None
        return {"commitId": commit_id, "folderPath": path, **_folder(path, entries)}

    def _repository(self, parameters: Mapping[str, Any], call: Call) -> Repository:
        return self._repositories.get(call.account, call.region, parameters["repositoryName"])


def _parent(parameters: Mapping[str, Any], references: Mapping[str, str], repository: Repository) -> str | None:
    """Return the commit to build on; None for the first commit of an empty repository."""
    given = parameters.get("parentCommitId")
    if not any(name.startswith(BRANCHES) for name in references) and given is None:
        return None
    if given is None:
        message = f"The branch {parameters['branchName']} may have commits: give the id of its tip as parentCommitId."
        raise ApiError("ParentCommitIdRequiredException", message)
    if not COMMIT_ID.fullmatch(given):
        raise ApiError("InvalidParentCommitIdException", f"'{given}' is not a full commit id.")
    if repository.git.commit(given) is None:
        raise ApiError("ParentCommitDoesNotExistException", f"The parent commit {given} does not exist.")
    if branch_tip(references, parameters["branchName"]) != given:
        message = f"{given} is not the tip of {parameters['branchName']}; get the current tip with GetBranch."
        raise ApiError("ParentCommitIdOutdatedException", message)
    return str(given)


def _text(parameters: Mapping[str, Any], call: Call, parent: str | None) -> CommitText:
    """Assumption: without an author AWS takes the caller's name, and without a message a standard one."""
    return CommitText(
        branch=parameters["branchName"],
        author=parameters.get("authorName") or call.principal.arn.rpartition("/")[2],
        email=parameters.get("email", ""),
        message=parameters.get("commitMessage") or "Commit created by CreateCommit",
        parent=parent,
    )


def _commit_id(parameters: Mapping[str, Any], repository: Repository) -> str:
    specifier = parameters.get("commitSpecifier") or "HEAD"
    commit_id = resolve(repository.git.references(), specifier, repository.default_branch)
    if commit_id is None or repository.git.commit(commit_id) is None:
        raise ApiError("CommitDoesNotExistException", f"'{specifier}' names no commit of {repository.name}.")
    return commit_id


def _changes(plan: CommitPlan, tree: Mapping[str, TreeEntry]) -> dict[str, Any]:
    changed: dict[str, Any] = {"filesAdded": [], "filesUpdated": [], "filesDeleted": []}
    for put in plan.puts:
        kind = "filesUpdated" if put.path in tree else "filesAdded"
        changed[kind].append(_file(put.path, TreeEntry(mode=put.mode, kind="blob", object_id=put.object_id)))
    changed["filesDeleted"] = [_file(path, tree[path]) for path in plan.deletes]
    return changed


def _file(path: str, entry: TreeEntry) -> dict[str, str]:
    return {"absolutePath": path, "blobId": entry.object_id, "fileMode": MODE_NAMES[entry.mode]}


def _folder(path: str, entries: Mapping[str, TreeEntry]) -> dict[str, Any]:
    found: dict[str, Any] = {"subFolders": [], "files": [], "symbolicLinks": [], "subModules": []}
    for name, entry in entries.items():
        paths = {"absolutePath": f"{path}/{name}".lstrip("/"), "relativePath": name}
        if entry.kind == "tree":
            found["subFolders"].append({"treeId": entry.object_id, **paths})
        elif entry.kind == "commit":
            found["subModules"].append({"commitId": entry.object_id, **paths})
        else:
            kind = "symbolicLinks" if MODE_NAMES[entry.mode] == "SYMLINK" else "files"
            found[kind].append({"blobId": entry.object_id, "fileMode": MODE_NAMES[entry.mode], **paths})
    return found
