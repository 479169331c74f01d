"""AWS::CodeBuild::Project. Ref and Id are the name. Not taken: webhooks (Triggers) and public visibility."""

from __future__ import annotations

from typing import Any

from lockgate_twin.cloudformation.naming import NameRule
from lockgate_twin.cloudformation.resources.adapter import Adapter, Made, Request, names
from lockgate_twin.cloudformation.resources.api_shapes import request_members

_PROPERTIES = names(
    "Artifacts AutoRetryLimit BadgeEnabled BuildBatchConfig Cache ConcurrentBuildLimit Description EncryptionKey"
    " Environment FileSystemLocations LogsConfig Name QueuedTimeoutInMinutes SecondaryArtifacts"
    " SecondarySourceVersions SecondarySources ServiceRole Source SourceVersion Tags TimeoutInMinutes VpcConfig"
)
_CLEARED: dict[str, Any] = {
    "Cache": {"type": "NO_CACHE"},
    "ConcurrentBuildLimit": -1,
    "Description": "",
    "EncryptionKey": "",
    "FileSystemLocations": [],
    "LogsConfig": {},
    "QueuedTimeoutInMinutes": 480,
    "SecondaryArtifacts": [],
    "SecondarySourceVersions": [],
    "SecondarySources": [],
    "SourceVersion": "",
    "Tags": [],
    "TimeoutInMinutes": 60,
    "VpcConfig": {},
}


def _create(request: Request) -> Made:
    client = request.client("codebuild")
    values = request_members(client, "CreateProject", {**request.properties, "Name": request.name})
    project = client.create_project(**values)["project"]
    request.identify(request.name)
    return Made(request.name, {"Arn": project["arn"], "Id": request.name})


def _update(request: Request) -> Made:
    client = request.client("codebuild")
    cleared = {name: value for name, value in _CLEARED.items() if name in request.previous}
    wanted = {**cleared, **request.properties, "Name": request.physical_id}
    project = client.update_project(**request_members(client, "UpdateProject", wanted))["project"]
    return Made(request.physical_id, {"Arn": project["arn"]})


def _delete(request: Request) -> None:
    request.client("codebuild").delete_project(name=request.physical_id)


ADAPTER = Adapter(
    type="AWS::CodeBuild::Project",
    properties=_PROPERTIES,
    create=_create,
    update=_update,
    delete=_delete,
    name=NameRule("Name", 255),
    gone=names("ResourceNotFoundException"),
)
