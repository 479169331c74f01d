"""What the twin knows of a project. Values are frozen: a change makes a new one."""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Key = tuple[str, str, str]
Operation = Literal["Create", "Update", "Delete"]
State = Literal["InProgress", "Completed", "Failed"]


@dataclass(frozen=True, kw_only=True)
class TemplateStack:
    """The stack of a project that was made from a template in S3."""

    template_name: str
    url: str
    role: str | None
    parameters: Mapping[str, str]
    name: str
    id: str
    message: str = "The stack operation is in progress."


@dataclass(frozen=True, kw_only=True)
class Project:
    """A project. Exactly one of `provisioned_product` and `stack` is set. `people` are botocore's UserContext."""

    key: Key
    id: str
    description: str
    created: datetime
    created_by: Mapping[str, Any]
    operation: Operation = "Create"
    state: State = "InProgress"
    details: Mapping[str, Any] = field(default_factory=dict)
    provisioned_product: str | None = None
    message: str = ""
    stack: TemplateStack | None = None
    modified: datetime | None = None
    modified_by: Mapping[str, Any] | None = None

    @property
    def name(self) -> str:
        """Return the project's name."""
        return self.key[2]

    @property
    def arn(self) -> str:
        """Return the project's ARN; SageMaker writes names in ARNs in lower case."""
        account, region, name = self.key
        return f"arn:aws:sagemaker:{region}:{account}:project/{name.lower()}"

    @property
    def status(self) -> str:
        """Return the ProjectStatus (botocore)."""
        return f"{self.operation}{self.state}"

    @property
    def deleted(self) -> bool:
        """Tell whether the project is gone and only its record is left."""
        return self.status == "DeleteCompleted"


def new_project_id() -> str:
    """Return a project id: p- and 12 lower-case letters or digits, as observed, e.g. p-idy6c3e1fiqj."""
    alphabet = string.ascii_lowercase + string.digits
    return "p-" + "".join(secrets.choice(alphabet) for _ in range(12))


def project_tags(name: str, identifier: str, tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return the tags of everything that is provisioned for a project."""
    merged = {"sagemaker:project-name": name, "sagemaker:project-id": identifier, **tags}
    return [{"Key": key, "Value": value} for key, value in merged.items()]


def own_parameters(name: str, identifier: str) -> dict[str, str]:
    """Return the template parameters that SageMaker fills itself."""
    return {"SageMakerProjectName": name, "SageMakerProjectId": identifier}
