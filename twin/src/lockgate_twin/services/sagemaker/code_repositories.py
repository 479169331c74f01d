"""Code repositories: Studio's references to git repositories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Call, Context, Handler, utc_now
from lockgate_twin.services.sagemaker.errors import validation
from lockgate_twin.services.sagemaker.listing import Facts, Lister
from lockgate_twin.services.sagemaker.names import Named, place
from lockgate_twin.services.sagemaker.registry import Registry
from lockgate_twin.services.sagemaker.tags import TagRegistry


@dataclass
class CodeRepository:
    """A reference to a git repository."""

    key: Named
    git: dict[str, Any]
    created: datetime = field(default_factory=utc_now)
    modified: datetime = field(default_factory=utc_now)

    @property
    def arn(self) -> str:
        """Return its ARN."""
        return self.key.place.arn("code-repository", self.key.name)

    def described(self) -> dict[str, Any]:
        """Return the members of DescribeCodeRepository and ListCodeRepositories."""
        return {
            "CodeRepositoryName": self.key.name,
            "CodeRepositoryArn": self.arn,
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
            "GitConfig": self.git,
        }


LISTER: Lister[CodeRepository] = Lister(
    "CodeRepositorySummaryList",
    facts=lambda r: Facts(name=r.key.name, created=r.created, modified=r.modified),
    summary=CodeRepository.described,
    sort_by="Name",
    sort_order="Ascending",
)


class CodeRepositories:
    """The operations on code repositories."""

    name = "sagemaker"

    def __init__(self, context: Context, tags: TagRegistry) -> None:
        self._context = context
        self._tags = tags
        self.repositories: Registry[CodeRepository] = Registry(context.table("sagemaker.code-repositories"))

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by operation name."""
        return {
            "CreateCodeRepository": self.create,
            "UpdateCodeRepository": self.update,
            "DescribeCodeRepository": self.describe,
            "ListCodeRepositories": self.list_all,
            "DeleteCodeRepository": self.delete,
        }

    def create(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Create a reference."""
        repository = CodeRepository(Named(place(call), parameters["CodeRepositoryName"]), parameters["GitConfig"])
        taken = validation(f"Code Repository with name {repository.key.name} already exists.")
        if self.repositories.get(repository.key):
            raise taken
        self._tags.register_for(self._context.session(call), repository.arn, parameters.get("Tags", []))
        self.repositories.add(repository.key, repository, taken)
        return {"CodeRepositoryArn": repository.arn}

    def update(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Change the secret of a reference."""
        repository = self._find(parameters, call)
        repository.git = {**repository.git, **parameters.get("GitConfig", {})}
        repository.modified = utc_now()
        self.repositories.keep(repository.key, repository)
        return {"CodeRepositoryArn": repository.arn}

    def describe(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Describe a reference."""
        return self._find(parameters, call).described()

    def list_all(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """List references by name."""
        return LISTER.page(self.repositories.here(place(call)), parameters)

    def delete(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Delete a reference."""
        key = Named(place(call), parameters["CodeRepositoryName"])
        self._tags.forget(self.repositories.remove(key, _missing(key)).arn)
        return {}

    def _find(self, parameters: Mapping[str, Any], call: Call) -> CodeRepository:
        key = Named(place(call), parameters["CodeRepositoryName"])
        return self.repositories.find(key, _missing(key))


def _missing(key: Named) -> ApiError:
    return validation(f"Cannot find CodeRepository: {key.place.arn('code-repository', key.name)}")
