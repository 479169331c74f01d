"""What a custom resource's provider answers, checked.

Source: "Custom resource response objects" of the CloudFormation user guide: Status, Reason (with FAILED),
PhysicalResourceId (up to 1 KB), StackId, RequestId and LogicalResourceId as they were asked with, NoEcho, Data; 4,096
bytes at most. Assumption: the sentences about malformed responses are the twin's, where AWS documents none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lockgate_twin.cloudformation.failures import Unsuccessful
from lockgate_twin.cloudformation.intrinsics import text_of

_MAXIMUM_BYTES = 4096
_MAXIMUM_ID = 1024
_ECHOED = ("StackId", "RequestId", "LogicalResourceId")


@dataclass(frozen=True, kw_only=True)
class Response:
    """A provider's answer. `reason` tells why it `failed`."""

    physical_id: str
    failed: bool = False
    reason: str = ""
    no_echo: bool = False
    data: Mapping[str, Any] = field(default_factory=dict)


def read(body: bytes, asked: Mapping[str, Any]) -> Response:
    """Read a response to a request.

    Raises:
        Unsuccessful: it is too long, no JSON object, or does not have the members it must have.
    """
    if len(body) > _MAXIMUM_BYTES:
        raise Unsuccessful("Response object is too long.")
    given = _document(body)
    status = given.get("Status")
    if status not in {"SUCCESS", "FAILED"}:
        raise Unsuccessful(f"Invalid response object: Value of property Status must be SUCCESS or FAILED, not {status}")
    for name in _ECHOED:
        if given.get(name) != asked[name]:
            raise Unsuccessful(f"Invalid response object: Value of property {name} must be that of the request")
    return Response(
        physical_id=_physical_id(given, asked, failed=status == "FAILED"),
        failed=status == "FAILED",
        reason=str(given.get("Reason") or ""),
        no_echo=text_of(given.get("NoEcho", "false")).lower() == "true",
        data=_data(given.get("Data") or {}),
    )


def _document(body: bytes) -> dict[str, Any]:
    try:
        given = json.loads(body)
    except ValueError as error:
        raise Unsuccessful(f"Invalid response object: it is not JSON ({error})") from error
    if not isinstance(given, dict):
        raise Unsuccessful("Invalid response object: it is not a JSON object")
    return given


def _physical_id(given: Mapping[str, Any], asked: Mapping[str, Any], *, failed: bool) -> str:
    found = given.get("PhysicalResourceId")
    if not found and (failed or asked["RequestType"] == "Delete"):
        return str(asked.get("PhysicalResourceId", ""))
    if not isinstance(found, str) or not found or len(found.encode()) > _MAXIMUM_ID:
        raise Unsuccessful("Invalid PhysicalResourceId")
    return found


def _data(given: Any) -> Mapping[str, Any]:
    if not isinstance(given, dict):
        raise Unsuccessful("Invalid response object: Value of property Data must be an object")
    return given
