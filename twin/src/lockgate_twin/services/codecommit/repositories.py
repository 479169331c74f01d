"""The repositories: what AWS tells about each, and where its bare git repository lies."""

from __future__ import annotations

import re
import shutil
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Call, Store, Table, utc_now
from lockgate_twin.services.codecommit.git import GitRepository
from lockgate_twin.services.kept import NOT_KEPT, Kept

# RepositoryName in botocore's model (`[\w\.-]+`, meant as ASCII); the CloudFormation schema adds "not *.git".
_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}(?<!\.git)")


@dataclass(frozen=True, kw_only=True)
class Repository(Kept):
    """One repository. `lock` serializes what moves its references."""

    name: str
    account: str
    region: str
    path: Path
    repository_id: str
    created: datetime
    modified: datetime
    description: str | None = None
    kms_key_id: str | None = None
    default_branch: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False, compare=False, metadata=NOT_KEPT)

    @property
    def arn(self) -> str:
        """Return the repository's ARN."""
        return repository_arn(self.account, self.region, self.name)

    @property
    def git(self) -> GitRepository:
        """Return git's view of the repository."""
        return GitRepository(self.path)

    def metadata(self) -> dict[str, Any]:
        """Return botocore's RepositoryMetadata."""
        host = f"git-codecommit.{self.region}.amazonaws.com/v1/repos/{self.name}"
        known: dict[str, Any] = {
            "accountId": self.account,
            "repositoryId": self.repository_id,
            "repositoryName": self.name,
            "lastModifiedDate": self.modified,
            "creationDate": self.created,
            "cloneUrlHttp": f"https://{host}",
            "cloneUrlSsh": f"ssh://{host}",
            "Arn": self.arn,
        }
        optional = {
            "repositoryDescription": self.description,
            "defaultBranch": self.default_branch,
            "kmsKeyId": self.kms_key_id,
        }
        return known | {name: value for name, value in optional.items() if value is not None}


def repository_arn(account: str, region: str, name: str) -> str:
    """Return the ARN of a repository by its name."""
    return f"arn:aws:codecommit:{region}:{account}:{name}"


def valid_name(name: str) -> bool:
    """Tell whether AWS allows this repository name."""
    return _NAME.fullmatch(name) is not None


def _check_name(name: str) -> None:
    if not valid_name(name):
        message = f"'{name}' is no repository name: use letters, digits, '.', '_' and '-', not ending in .git."
        raise ApiError("InvalidRepositoryNameException", message)


class Repositories:
    """All repositories of the twin; their git data lies under `root`, what AWS tells about them in `table`."""

    def __init__(self, root: Path, table: Table) -> None:
        self._root = root
        self._table = table
        self._store = Store()
        self._lock = threading.Lock()
        for kept in dict(table.items()).values():
            key = (kept.account, kept.region, kept.name)
            path = self._path(key)
            # A twin that ended while it renamed one has written down both names.
            if path.is_dir():
                self._store.items[key] = replace(kept, path=path)

    def create(self, parameters: Mapping[str, Any], call: Call) -> Repository:
        """Make an empty repository.

        Raises:
            ApiError: InvalidRepositoryNameException or RepositoryNameExistsException.
        """
        name = parameters["repositoryName"]
        _check_name(name)
        key, now = (call.account, call.region, name), utc_now()
        with self._lock:
            if key in self._store.items:
                raise ApiError("RepositoryNameExistsException", f"Repository named {name} already exists")
            repository = Repository(
                name=name,
                account=call.account,
                region=call.region,
                path=self._path(key),
                repository_id=str(uuid.uuid4()),
                created=now,
                modified=now,
                description=parameters.get("repositoryDescription"),
                kms_key_id=parameters.get("kmsKeyId"),
                tags=parameters.get("tags", {}),
            )
            shutil.rmtree(repository.path, ignore_errors=True)
            repository.git.create()
            self._put(key, repository)
        return repository

    def find(self, account: str, region: str, name: str) -> Repository | None:
        """Return a repository, or None if there is none of this name."""
        found: Repository | None = self._store.items.get((account, region, name))
        return found

    def get(self, account: str, region: str, name: str) -> Repository:
        """Return a repository.

        Raises:
            ApiError: RepositoryDoesNotExistException.
        """
        repository = self.find(account, region, name)
        if repository is None:
            raise ApiError("RepositoryDoesNotExistException", f"{name} does not exist")
        return repository

    def by_arn(self, arn: str) -> Repository:
        """Return a repository by its ARN.

        Raises:
            ApiError: InvalidResourceArnException or RepositoryDoesNotExistException.
        """
        parts = arn.split(":")
        if len(parts) != 6 or parts[2] != "codecommit":
            raise ApiError("InvalidResourceArnException", f"'{arn}' is not the ARN of a repository.")
        return self.get(parts[4], parts[3], parts[5])

    def of(self, account: str, region: str) -> list[Repository]:
        """Return the repositories of an account and region in order of creation."""
        return self._store.of(account, region)

    def change(self, repository: Repository, **changes: Any) -> Repository:
        """Store a repository with some of its members changed, and return it."""
        key = (repository.account, repository.region, repository.name)
        with self._lock:
            stored: Repository = self._store.items[key]
            changed = replace(stored, modified=utc_now(), **changes)
            self._put(key, changed)
        return changed

    def rename(self, repository: Repository, name: str) -> None:
        """Give a repository another name; its git data moves with it.

        Raises:
            ApiError: InvalidRepositoryNameException or RepositoryNameExistsException.
        """
        _check_name(name)
        old, new = ((repository.account, repository.region, n) for n in (repository.name, name))
        with repository.lock, self._lock:
            if new in self._store.items:
                raise ApiError("RepositoryNameExistsException", f"Repository named {name} already exists")
            path = self._path(new)
            stored: Repository = self._store.items[old]
            renamed = replace(stored, name=name, path=path, modified=utc_now())
            self._table.put("/".join(new), renamed)
            repository.path.rename(path)
            self._put(new, renamed)
            self._remove(old)

    def delete(self, account: str, region: str, name: str) -> str | None:
        """Delete a repository and its git data; return its id, or None if there was none."""
        with self._lock:
            repository = self._remove((account, region, name))
        if repository is None:
            return None
        with repository.lock:
            shutil.rmtree(repository.path, ignore_errors=True)
        return str(repository.repository_id)

    def by_id(self, repository_id: str) -> Repository | None:
        """Return a repository by the id that it has for ever."""
        return next((r for r in list(self._store.items.values()) if r.repository_id == repository_id), None)

    def _path(self, key: tuple[str, str, str]) -> Path:
        account, region, name = key
        return self._root / account / region / f"{name}.git"

    def _put(self, key: tuple[str, str, str], repository: Repository) -> None:
        self._table.put("/".join(key), repository)
        self._store.items[key] = repository

    def _remove(self, key: tuple[str, str, str]) -> Repository | None:
        self._table.remove("/".join(key))
        found: Repository | None = self._store.items.pop(key, None)
        return found
