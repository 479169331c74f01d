"""AWS::Lambda::Function. Ref is the name; inline code becomes an archive with the one file `index`."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any

from lockgate_twin.cloudformation.failures import HandlerFailed
from lockgate_twin.cloudformation.naming import NameRule
from lockgate_twin.cloudformation.resources.adapter import Adapter, Made, Request, names, settled

_EPOCH = (1980, 1, 1, 0, 0, 0)
_TIMEOUT = 300.0
_DEFAULTS: Mapping[str, Any] = {
    "DeadLetterConfig": {},
    "Description": "",
    "Environment": {"Variables": {}},
    "EphemeralStorage": {"Size": 512},
    "Handler": None,
    "KmsKeyArn": "",
    "Layers": [],
    "LoggingConfig": {"LogFormat": "Text"},
    "MemorySize": 128,
    "Role": None,
    "Runtime": None,
    "Timeout": 3,
    "TracingConfig": {"Mode": "PassThrough"},
}
_API_NAMES = {"KmsKeyArn": "KMSKeyArn"}


def _code(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Source: "AWS::Lambda::Function Code": inline source for Node.js and Python is zipped as a file named index."""
    code = dict(properties["Code"])
    if "ZipFile" not in code:
        return code
    extension = "js" if str(properties.get("Runtime", "")).startswith("nodejs") else "py"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo(f"index.{extension}", _EPOCH)
        entry.external_attr = 0o644 << 16
        archive.writestr(entry, code["ZipFile"])
    return {"ZipFile": buffer.getvalue()}


def _configuration(values: Mapping[str, Any]) -> dict[str, Any]:
    return {_API_NAMES.get(name, name): values[name] for name in _DEFAULTS if name in values}


def _create(request: Request) -> Made:
    client, name = request.client("lambda"), request.name
    values = {**_configuration(request.properties), **request.pick("Architectures", "PackageType")}
    if request.properties.get("Tags"):
        values["Tags"] = {tag["Key"]: tag["Value"] for tag in request.properties["Tags"]}
    created = client.create_function(FunctionName=name, Code=_code(request.properties), **values)
    request.identify(name)
    _wait(request, name)
    if "ReservedConcurrentExecutions" in request.properties:
        _change_concurrency(request, name)
    return Made(name, {"Arn": created["FunctionArn"]})


def _wait(request: Request, name: str) -> None:
    def configuration() -> Mapping[str, Any]:
        found: Mapping[str, Any] = request.client("lambda").get_function(FunctionName=name)["Configuration"]
        return found

    def is_settled(found: Mapping[str, Any]) -> bool:
        return found.get("State") != "Pending" and found.get("LastUpdateStatus") != "InProgress"

    found = settled(configuration, is_settled, _TIMEOUT)
    if found.get("State") == "Failed" or found.get("LastUpdateStatus") == "Failed":
        reason = found.get("StateReason") or found.get("LastUpdateStatusReason") or f"Function {name} failed"
        raise HandlerFailed(str(reason), "NotStabilized")


def _update(request: Request) -> Made:
    client, name = request.client("lambda"), request.physical_id
    if request.changed("Code", "Architectures"):
        client.update_function_code(FunctionName=name, **_code(request.properties), **request.pick("Architectures"))
        _wait(request, name)
    if request.changed(*_DEFAULTS):
        cleared = {key: _DEFAULTS[key] for key in request.previous if _DEFAULTS.get(key) is not None}
        client.update_function_configuration(FunctionName=name, **_configuration({**cleared, **request.properties}))
        _wait(request, name)
    if request.changed("ReservedConcurrentExecutions"):
        _change_concurrency(request, name)
    _change_tags(request)
    return Made(name)


def _change_concurrency(request: Request, name: str) -> None:
    limit = request.properties.get("ReservedConcurrentExecutions")
    if limit is None:
        request.client("lambda").delete_function_concurrency(FunctionName=name)
    else:
        request.client("lambda").put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=limit)


def _change_tags(request: Request) -> None:
    added, removed = request.tag_changes
    arn = request.attributes["Arn"]
    if added:
        tags = {tag["Key"]: tag["Value"] for tag in added}
        request.client("lambda").tag_resource(Resource=arn, Tags=tags)
    if removed:
        request.client("lambda").untag_resource(Resource=arn, TagKeys=removed)


def _delete(request: Request) -> None:
    request.client("lambda").delete_function(FunctionName=request.physical_id)


ADAPTER = Adapter(
    type="AWS::Lambda::Function",
    properties=names("Architectures Code FunctionName PackageType ReservedConcurrentExecutions Tags")
    | _DEFAULTS.keys(),
    create=_create,
    update=_update,
    delete=_delete,
    name=NameRule("FunctionName", 64),
    gone=names("ResourceNotFoundException"),
)
