"""One running core for all tests of the core: its state is separated by names."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from lockgate_twin.core import Core

from tests.support.twin_server import client_of, running_core


@pytest.fixture(scope="session")
def core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Core]:
    """Serve a core."""
    with running_core(tmp_path_factory.mktemp("core")) as running:
        yield running


@pytest.fixture
def new_role(core: Core) -> Callable[..., str]:
    """Make roles: `new_role(statement, ..., boundary=..., trust=...)` returns the ARN."""
    iam = client_of(core, "iam")

    def make(*statements: dict[str, Any], boundary: list[dict[str, Any]] | None = None, trust: Any = None) -> str:
        name = f"role-{uuid.uuid4().hex[:12]}"
        extra = {}
        if boundary is not None:
            policy = iam.create_policy(PolicyName=f"{name}-boundary", PolicyDocument=document(*boundary))["Policy"]
            extra["PermissionsBoundary"] = policy["Arn"]
        account = f"arn:aws:iam::{core.settings.account}:root"
        principal = trust or {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"}
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(principal), **extra)["Role"]["Arn"]
        iam.put_role_policy(RoleName=name, PolicyName="policy", PolicyDocument=document(*statements))
        return str(arn)

    return make


def document(*statements: dict[str, Any]) -> str:
    """Return a policy document as text."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
