"""What a twin knows of its roles: their policies, the policies of resources, the stacks that made them.

A running twin gives it out (`/_twin/roles`); a stopping one leaves it in its folder, so that the access log can
still be read with the policies that decided.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from lockgate_twin.core import Core
from lockgate_twin.credentials import Credentials
from lockgate_twin.moto_host import Role

SNAPSHOT = "roles.json"
ACCESS_LOG = "access.jsonl"
_RESOURCE = re.compile(r'"resource": "(arn:[^"]+)"')


def take(core: Core, started: datetime) -> dict[str, Any]:
    """Return the snapshot; `started` is when the twin began: what the access log tells of earlier is not its own."""
    return {
        "region": core.settings.region,
        "started": started.isoformat(timespec="milliseconds"),
        "roles": [_role(role) for account in core.administrators for role in core.moto.roles(account)],
        "resource_policies": _resource_policies(core),
        "stacks": _stacks(core),
    }


def save(snapshot: dict[str, Any], state_dir: Path) -> None:
    """Write the snapshot into the twin's folder."""
    partial = state_dir / f"{SNAPSHOT}.partial"
    partial.write_text(json.dumps(snapshot), encoding="utf-8")
    partial.replace(state_dir / SNAPSHOT)


def owner_of(arn: str) -> str:
    """Return the ARN of the resource that has a policy: an object's is its bucket."""
    return arn.split("/", 1)[0] if arn.startswith("arn:aws:s3:::") else arn


def _role(role: Role) -> dict[str, Any]:
    named = zip(role.policy_names, role.identity, strict=True)
    return {
        "arn": role.arn,
        "name": role.name,
        "policies": [{"name": name, "document": document} for name, document in named],
        "boundary_arn": role.boundary_arn,
        "boundary": role.boundary,
    }


def _resource_policies(core: Core) -> dict[str, Any]:
    """Return policy and owner of everything in the access log that has a policy, and the roles' trust policies."""
    log = (core.settings.state_dir / ACCESS_LOG).read_text(encoding="utf-8")
    named = dict.fromkeys(owner_of(arn) for arn in _RESOURCE.findall(log))
    found = {arn: core.authorizer.resource_policy(arn) for arn in named}
    known = {arn: {"policy": p, "account": a} for arn, (p, a) in found.items() if p is not None or a is not None}
    trust = {
        r.arn: {"policy": r.trust, "account": account}
        for account in core.administrators
        for r in core.moto.roles(account)
    }
    return {**known, **trust}


def _stacks(core: Core) -> list[dict[str, Any]]:
    return [stack for found in core.administrators.values() for stack in _stacks_of(core, found)]


def _stacks_of(core: Core, administrator: Credentials) -> list[dict[str, Any]]:
    client = core.session_of(administrator.principal, core.settings.region).client("cloudformation")
    return [_stack(client, found["StackId"]) for found in client.list_stacks()["StackSummaries"]]


def _stack(client: Any, stack_id: str) -> dict[str, Any]:
    (described,) = client.describe_stacks(StackName=stack_id)["Stacks"]
    resources = client.describe_stack_resources(StackName=stack_id)["StackResources"]
    return {
        "id": stack_id,
        "name": described["StackName"],
        "role_arn": described.get("RoleARN"),
        "template": client.get_template(StackName=stack_id)["TemplateBody"],
        "resources": list(_resources(resources)),
    }


def _resources(listed: Iterable[dict[str, Any]]) -> Iterable[dict[str, str]]:
    for resource in listed:
        yield {
            "logical_id": resource["LogicalResourceId"],
            "type": resource["ResourceType"],
            "physical_id": resource.get("PhysicalResourceId", ""),
        }
