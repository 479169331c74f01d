"""CloudFormation's PascalCase properties -> the members of an API's request.

botocore's model names the members, so nothing is renamed by guess: `BuildSpec` becomes `buildspec` for CodeBuild,
and the keys of maps (a pipeline action's Configuration) stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lockgate_twin.cloudformation.failures import HandlerFailed
from lockgate_twin.cloudformation.intrinsics import text_of


def request_members(client: Any, operation: str, values: Mapping[str, Any], *path: str) -> Any:
    """Convert values to the request of an operation, or to its member at `path`.

    Raises:
        HandlerFailed: InvalidRequest when the API has no such member.
    """
    shape = client.meta.service_model.operation_model(operation).input_shape
    for name in path:
        shape = shape.members[name]
    return _converted(values, shape)


def _converted(value: Any, shape: Any) -> Any:
    if shape.type_name == "structure" and isinstance(value, Mapping):
        members = {name.lower(): name for name in shape.members}
        return dict(_member(name, given, members, shape) for name, given in value.items())
    if shape.type_name == "list" and isinstance(value, list):
        return [_converted(item, shape.member) for item in value]
    if shape.type_name == "map" and isinstance(value, Mapping):
        return {key: _converted(item, shape.value) for key, item in value.items()}
    return text_of(value) if shape.type_name == "string" and not isinstance(value, str) else value


def _member(name: str, value: Any, members: Mapping[str, str], shape: Any) -> tuple[str, Any]:
    if name.lower() not in members:
        raise HandlerFailed(f"{shape.name} has no member for the property {name}", "InvalidRequest")
    member = members[name.lower()]
    return member, _converted(value, shape.members[member])
