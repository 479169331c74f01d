"""A build that has been asked for: everything that is known before it runs."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from lockgate_twin.ports import utc_now
from lockgate_twin.services.codebuild.locations import S3Location


@dataclass(frozen=True, kw_only=True)
class BuildOrder:
    """What to build, from what, as whom and where to.

    `environment` and `source` have the shapes of ProjectEnvironment and ProjectSource; `inputs` are source archives
    by identifier, `primary` names the one the build runs in; `outputs` are where a pipeline expects its artifacts;
    `artifacts` and each of `secondary_artifacts` have the shape of ProjectArtifacts, each of `secondary_sources` that
    of ProjectSource. `log_group` is None when CloudWatch Logs are switched off.
    """

    account: str
    region: str
    project: str
    number: int
    build_id: str
    started: datetime
    initiator: str
    service_role: str
    environment: Mapping[str, Any]
    source: Mapping[str, Any]
    artifacts: Mapping[str, Any]
    timeout_minutes: int
    queued_timeout_minutes: int
    encryption_key: str
    log_group: str | None
    log_stream: str
    inputs: Mapping[str, S3Location] = field(default_factory=dict)
    primary: str = ""
    outputs: Mapping[str, S3Location] = field(default_factory=dict)
    source_version: str | None = None
    resolved_version: str | None = None
    # Plain defaults, which orders that were kept before there were these have, too.
    secondary_sources: tuple[Mapping[str, Any], ...] = ()
    secondary_artifacts: tuple[Mapping[str, Any], ...] = ()

    @property
    def arn(self) -> str:
        """Return the build's ARN."""
        return f"arn:aws:codebuild:{self.region}:{self.account}:build/{self.build_id}"

    @property
    def project_arn(self) -> str:
        """Return the ARN of the build's project."""
        return project_arn(self.account, self.region, self.project)

    @property
    def uuid(self) -> str:
        """Return the part of the build's id that follows the project's name."""
        return self.build_id.partition(":")[2]

    @property
    def variables(self) -> Sequence[Mapping[str, str]]:
        """Return the environment variables of project and request (EnvironmentVariable shapes)."""
        found: Sequence[Mapping[str, str]] = self.environment.get("environmentVariables", [])
        return found


def project_arn(account: str, region: str, name: str) -> str:
    """Return the ARN of a project by its name."""
    return f"arn:aws:codebuild:{region}:{account}:project/{name}"


def retried(order: BuildOrder, number: int) -> BuildOrder:
    """Return the order of a build that does the same again."""
    fresh = str(uuid.uuid4())
    stream = order.log_stream.replace(order.uuid, fresh)
    return replace(order, number=number, build_id=f"{order.project}:{fresh}", started=utc_now(), log_stream=stream)
