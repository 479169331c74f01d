"""AWS::CloudFormation::WaitCondition: waits for `Count` signals at its handle's URL. Data is what they brought.

Source: "AWS::CloudFormation::WaitCondition" of the template reference; a signal is {"Status", "UniqueId", "Data",
"Reason"}. Assumption: an update of the condition does not wait again, as AWS says not to update it.
"""

from __future__ import annotations

import json
import time
from typing import Any

from lockgate_twin.cloudformation.failures import Unsuccessful
from lockgate_twin.cloudformation.naming import NameRule
from lockgate_twin.cloudformation.resources.adapter import Adapter, Made, Request, names

_LONGEST = 43_200.0


def _create(request: Request) -> Made:
    request.identify(request.name)
    if "Handle" not in request.properties or "Timeout" not in request.properties:
        raise Unsuccessful("Property validation failure: [Handle and Timeout are required without a CreationPolicy]")
    data = _signals(request)
    return Made(request.name, {"Id": request.name, "Data": json.dumps(data)})


def _signals(request: Request) -> dict[str, Any]:
    wanted, seen = int(request.properties.get("Count", 1)), 0
    url, around = str(request.properties["Handle"]), request.around
    end = time.monotonic() + min(float(request.properties["Timeout"]), _LONGEST)
    found: dict[str, Any] = {}
    while len(found) < wanted:
        body = around.signals.wait(url, end - time.monotonic(), around.cancelled, seen)
        if body is None:
            raise Unsuccessful(f"WaitCondition timed out. Received {len(found)} conditions when expecting {wanted}")
        seen += 1
        found |= _signal(body)
    return found


def _signal(body: bytes) -> dict[str, Any]:
    try:
        given = json.loads(body)
        status, unique_id = given["Status"], str(given["UniqueId"])
    except (ValueError, KeyError, TypeError) as error:
        raise Unsuccessful(f"WaitCondition received a malformed signal: {type(error).__name__}: {error}") from error
    if status != "SUCCESS":
        raise Unsuccessful(
            f"WaitCondition received failed message: '{given.get('Reason', '')}' for uniqueId: {unique_id}"
        )
    return {unique_id: given.get("Data", "")}


def _update(request: Request) -> Made:
    return Made(request.physical_id)


def _delete(_: Request) -> None:
    return None


ADAPTER = Adapter(
    type="AWS::CloudFormation::WaitCondition",
    properties=names("Count Handle Timeout"),
    create=_create,
    update=_update,
    delete=_delete,
    name=NameRule(None, 255),
)
