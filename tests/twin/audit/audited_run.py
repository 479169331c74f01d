"""Runs written by hand: a snapshot of roles and an access log, as a twin leaves them in its folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ACCOUNT = "111122223333"
STARTED = "2026-11-22T10:00:00.000+00:00"
BUCKET = "arn:aws:s3:::artifacts"


def arn(name: str) -> str:
    """Return the ARN of a role of the product."""
    return f"arn:aws:iam::{ACCOUNT}:role/lockgate/{name}"


def allow(sid: str, actions: list[str], resource: Any, **condition: Any) -> dict[str, Any]:
    """Return an Allow statement."""
    statement = {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource}
    return {**statement, "Condition": condition} if condition else statement


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    """Return a policy document."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def role(name: str, *statements: dict[str, Any], boundary: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a role of a snapshot, with one inline policy."""
    return {
        "arn": arn(name),
        "name": name,
        "policies": [{"name": "inline", "document": policy(*statements)}],
        "boundary_arn": "arn:aws:iam::111122223333:policy/lockgate/boundary" if boundary else None,
        "boundary": boundary,
    }


def snapshot(*roles: dict[str, Any], stacks: Any = (), resource_policies: Any = None) -> dict[str, Any]:
    """Return a snapshot."""
    return {
        "region": "us-east-1",
        "started": STARTED,
        "roles": list(roles),
        "resource_policies": resource_policies or {},
        "stacks": list(stacks),
    }


def record(name: str, action: str, resource: str, **more: Any) -> dict[str, Any]:
    """Return a line of the access log: an allowed API call of a role's session."""
    keys = {"aws:PrincipalArn": arn(name), "aws:RequestedRegion": "us-east-1", **more.pop("keys", {})}
    check = {"action": action, "resource": resource, "allowed": more.pop("allowed", True), "by": ""}
    return {
        "time": "2026-11-22T10:00:01.000+00:00",
        "principal": f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/session",
        "checks": [check],
        "keys": keys,
        "operation": action.split(":")[1],
        **more,
    }


def write(folder: Path, found: dict[str, Any] | None, records: list[dict[str, Any]]) -> Path:
    """Write what a twin leaves behind; without a snapshot it was killed."""
    (folder / "access.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records), encoding="utf-8")
    if found is not None:
        (folder / "roles.json").write_text(json.dumps(found), encoding="utf-8")
    return folder
