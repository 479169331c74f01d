"""Build projects: what CreateProject and UpdateProject take, and what the twin refuses.

Source: "CreateProject" (CodeBuild API Reference) for the rules and for the defaults that AWS fills in.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from typing import Any

from lockgate_twin.errors import ApiError, NotImplementedByTwin
from lockgate_twin.ports import Call, Store, Table, utc_now
from lockgate_twin.services.codebuild.order import project_arn
from lockgate_twin.services.codebuild.secondary import check_secondary

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-_]{1,254}")
_SOURCES = {"CODEPIPELINE", "S3", "NO_SOURCE"}
_MINUTES, _QUEUED_MINUTES = 60, 480
_NOT_IMPLEMENTED = (
    "vpcConfig",
    "fileSystemLocations",
    "buildBatchConfig",
    "secondarySourceVersions",
    "sourceVersion",
    "badgeEnabled",
    "concurrentBuildLimit",
    "autoRetryLimit",
)
_ENVIRONMENT_NOT_IMPLEMENTED = (
    "certificate",
    "computeConfiguration",
    "dockerServer",
    "fleet",
    "privilegedMode",
    "registryCredential",
)

ProjectData = dict[str, Any]


class Projects:
    """The projects of the twin by account, region and name; a change is kept when it returns."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._store = Store({_place(project): project for _, project in table.items()})
        self._lock = threading.Lock()

    def create(self, parameters: Mapping[str, Any], call: Call) -> ProjectData:
        """Add a project.

        Raises:
            ApiError: InvalidInputException, ResourceAlreadyExistsException or not implemented.
        """
        now, name = utc_now(), parameters["name"]
        project = _complete({**parameters, "created": now, "lastModified": now}, call)
        check(project)
        with self._lock:
            if (call.account, call.region, name) in self._store.items:
                message = f"Project already exists: {project['arn']}"
                raise ApiError("ResourceAlreadyExistsException", message)
            self._keep(project)
        return project

    def update(self, parameters: Mapping[str, Any], call: Call) -> ProjectData:
        """Change the members given; the others stay.

        Raises:
            ApiError: InvalidInputException, ResourceNotFoundException or not implemented.
        """
        with self._lock:
            old = self.get(parameters["name"], call.account, call.region)
            project = _complete({**old, **parameters, "lastModified": utc_now()}, call)
            check(project)
            self._keep(project)
        return project

    def find(self, name: str, account: str, region: str) -> ProjectData | None:
        """Return a project by its name or ARN, or None."""
        short = name.rpartition("/")[2] if name.startswith("arn:") else name
        found: ProjectData | None = self._store.items.get((account, region, short))
        return found

    def get(self, name: str, account: str, region: str) -> ProjectData:
        """Return a project by its name or ARN.

        Raises:
            ApiError: ResourceNotFoundException.
        """
        found = self.find(name, account, region)
        if found is None:
            arn = name if name.startswith("arn:") else project_arn(account, region, name)
            raise ApiError("ResourceNotFoundException", f"Project cannot be found: {arn}")
        return found

    def delete(self, name: str, call: Call) -> None:
        """Remove a project if it is there."""
        with self._lock:
            project = self._store.items.pop((call.account, call.region, name.rpartition("/")[2]), None)
            if project is not None:
                self._table.remove(project["arn"])

    def _keep(self, project: ProjectData) -> None:
        self._table.put(project["arn"], project)
        self._store.items[_place(project)] = project

    def of(self, account: str, region: str) -> list[ProjectData]:
        """Return the projects of an account and region."""
        return self._store.of(account, region)


def _place(project: ProjectData) -> tuple[str, str, str]:
    _, _, _, region, account, _ = project["arn"].split(":", 5)
    return account, region, project["name"]


def _complete(project: ProjectData, call: Call) -> ProjectData:
    """Fill in what AWS fills in."""
    environment = {
        "environmentVariables": [],
        "privilegedMode": False,
        "imagePullCredentialsType": "CODEBUILD",
        **project["environment"],
    }
    environment["environmentVariables"] = [{"type": "PLAINTEXT", **v} for v in environment["environmentVariables"]]
    return {
        "timeoutInMinutes": _MINUTES,
        "queuedTimeoutInMinutes": _QUEUED_MINUTES,
        "encryptionKey": f"arn:aws:kms:{call.region}:{call.account}:alias/aws/s3",
        "cache": {"type": "NO_CACHE"},
        "tags": [],
        "projectVisibility": "PRIVATE",
        "badge": {"badgeEnabled": False},
        **{member: value for member, value in project.items() if value != ""},
        "arn": project_arn(call.account, call.region, project["name"]),
        "source": {"insecureSsl": False, **project["source"]},
        "environment": environment,
    }


def check(project: ProjectData) -> None:
    """Check a complete project.

    Raises:
        ApiError: InvalidInputException or not implemented.
    """
    if not _NAME.fullmatch(project["name"]):
        message = f"Invalid project name: '{project['name']}' needs 2-255 letters, digits, '-' or '_'."
        raise ApiError("InvalidInputException", message)
    refuse_unknown(project)
    source, artifacts = project["source"], project["artifacts"]
    if (source["type"] == "CODEPIPELINE") != (artifacts["type"] == "CODEPIPELINE"):
        message = "Invalid artifacts: source and artifacts must both have type CODEPIPELINE, or neither."
        raise ApiError("InvalidInputException", message)
    if source["type"] == "S3" and not source.get("location"):
        raise ApiError("InvalidInputException", "Project source location is required")
    if source["type"] == "NO_SOURCE" and not source.get("buildspec"):
        message = "Buildspec is required: a project without a source needs its buildspec inline."
        raise ApiError("InvalidInputException", message)
    if artifacts["type"] == "S3" and not artifacts.get("location"):
        raise ApiError("InvalidInputException", "Project artifacts location is required")
    check_secondary(project)


def refuse_unknown(project: Mapping[str, Any]) -> None:
    """Refuse what the twin would otherwise ignore.

    Raises:
        NotImplementedByTwin: names the member.
    """
    for member in _NOT_IMPLEMENTED:
        if project.get(member):
            raise NotImplementedByTwin(f"CodeBuild's {member}")
    for member in _ENVIRONMENT_NOT_IMPLEMENTED:
        if project["environment"].get(member):
            raise NotImplementedByTwin(f"CodeBuild's environment.{member}")
    if project["source"]["type"] not in _SOURCES:
        raise NotImplementedByTwin(f"CodeBuild's source type {project['source']['type']}")
    if project.get("cache", {}).get("type", "NO_CACHE") != "NO_CACHE":
        raise NotImplementedByTwin(f"CodeBuild's cache type {project['cache']['type']}")
    if project.get("logsConfig", {}).get("s3Logs", {}).get("status") == "ENABLED":
        raise NotImplementedByTwin("CodeBuild's logsConfig.s3Logs")
    if "LINUX" not in project["environment"]["type"] and "ARM" not in project["environment"]["type"]:
        raise NotImplementedByTwin(f"CodeBuild's environment type {project['environment']['type']}")
