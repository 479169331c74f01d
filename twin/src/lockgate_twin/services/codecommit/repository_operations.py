"""The API operations on repositories as a whole and on their tags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Call, Handler
from lockgate_twin.services.codecommit.repositories import Repositories, valid_name
from lockgate_twin.services.paging import page

_MOST_NAMES = 100
_MOST_TAGS = 50
_PAGE = 1000


class RepositoryOperations:
    """Create, describe, list, delete and tag repositories."""

    def __init__(self, repositories: Repositories) -> None:
        self._repositories = repositories

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by operation name."""
        return {
            "CreateRepository": self.create,
            "GetRepository": self.get,
            "BatchGetRepositories": self.batch_get,
            "ListRepositories": self.list,
            "DeleteRepository": self.delete,
            "UpdateRepositoryName": self.update_name,
            "UpdateRepositoryDescription": self.update_description,
            "UpdateRepositoryEncryptionKey": self.update_encryption_key,
            "TagResource": self.tag,
            "UntagResource": self.untag,
            "ListTagsForResource": self.list_tags,
        }

    def create(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Make an empty repository."""
        _check_tags(parameters.get("tags", {}))
        return {"repositoryMetadata": self._repositories.create(parameters, call).metadata()}

    def get(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Describe one repository."""
        repository = self._repositories.get(call.account, call.region, parameters["repositoryName"])
        return {"repositoryMetadata": repository.metadata()}

    def batch_get(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Describe up to 100 repositories and name those that do not exist."""
        names = list(dict.fromkeys(parameters["repositoryNames"]))
        if len(names) > _MOST_NAMES:
            message = f"At most {_MOST_NAMES} repositories can be described at once."
            raise ApiError("MaximumRepositoryNamesExceededException", message)
        found = {name: self._repositories.find(call.account, call.region, name) for name in names}
        missing = [name for name, repository in found.items() if repository is None]
        errors = [
            {
                "repositoryName": name,
                "errorCode": "RepositoryDoesNotExistException",
                "errorMessage": f"{name} does not exist",
            }
            for name in missing
        ]
        known = [repository.metadata() for repository in found.values() if repository is not None]
        return {"repositories": known, "repositoriesNotFound": missing, "errors": errors}

    def list(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Name the repositories, sorted by name or by the date of their last change."""
        by_date = parameters.get("sortBy") == "lastModifiedDate"
        found = self._repositories.of(call.account, call.region)
        found.sort(key=lambda r: (r.modified.timestamp() if by_date else 0, r.name))
        if parameters.get("order") == "descending":
            found.reverse()
        names = [{"repositoryName": r.name, "repositoryId": r.repository_id} for r in found]
        token = parameters.get("nextToken")
        shown, more = page(names, token, size=_PAGE, error="InvalidContinuationTokenException")
        return {"repositories": shown, **more}

    def delete(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Delete a repository; deleting one that does not exist succeeds and returns no id.

        Source: "DeleteRepository" (CodeCommit API Reference).
        """
        name = parameters["repositoryName"]
        if not valid_name(name):
            raise ApiError("InvalidRepositoryNameException", f"'{name}' is not a valid repository name.")
        deleted = self._repositories.delete(call.account, call.region, name)
        return {"repositoryId": deleted} if deleted else {}

    def update_name(self, parameters: dict[str, Any], call: Call) -> None:
        """Give a repository another name."""
        repository = self._repositories.get(call.account, call.region, parameters["oldName"])
        self._repositories.rename(repository, parameters["newName"])

    def update_description(self, parameters: dict[str, Any], call: Call) -> None:
        """Change or, with an empty text, remove a repository's description."""
        repository = self._repositories.get(call.account, call.region, parameters["repositoryName"])
        self._repositories.change(repository, description=parameters.get("repositoryDescription") or None)

    def update_encryption_key(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Record another key; the twin keeps repositories unencrypted."""
        repository = self._repositories.get(call.account, call.region, parameters["repositoryName"])
        changed = self._repositories.change(repository, kms_key_id=parameters["kmsKeyId"])
        known = {"repositoryId": changed.repository_id, "kmsKeyId": changed.kms_key_id}
        return known | ({"originalKmsKeyId": repository.kms_key_id} if repository.kms_key_id else {})

    def tag(self, parameters: dict[str, Any], _: Call) -> None:
        """Add or replace tags."""
        repository = self._repositories.by_arn(parameters["resourceArn"])
        tags = {**repository.tags, **parameters["tags"]}
        _check_tags(tags)
        self._repositories.change(repository, tags=tags)

    def untag(self, parameters: dict[str, Any], _: Call) -> None:
        """Remove tags; keys that are not there are ignored."""
        repository = self._repositories.by_arn(parameters["resourceArn"])
        tags = {key: value for key, value in repository.tags.items() if key not in parameters["tagKeys"]}
        self._repositories.change(repository, tags=tags)

    def list_tags(self, parameters: dict[str, Any], _: Call) -> dict[str, Any]:
        """Return a repository's tags."""
        return {"tags": dict(self._repositories.by_arn(parameters["resourceArn"]).tags)}


def _check_tags(tags: Mapping[str, str]) -> None:
    if len(tags) > _MOST_TAGS:
        raise ApiError("TooManyTagsException", f"A repository has at most {_MOST_TAGS} tags.")
    system = [key for key in tags if key.lower().startswith("aws:")]
    if system:
        raise ApiError("InvalidSystemTagUsageException", f"The tag '{system[0]}' is reserved for AWS.")
