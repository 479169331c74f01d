"""A core with Lambda, and a way to make functions from source text."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from lockgate_twin.core import Core
from lockgate_twin.services.lambda_ import Lambda

from tests.support.function_archives import archive
from tests.support.manual_scheduler import ManualScheduler
from tests.support.twin_server import client_of, running_core

TRUST = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
LOGS = {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}


def document(*statements: dict[str, Any]) -> str:
    """Return a policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.fixture(scope="session")
def scheduler() -> ManualScheduler:
    """Return the clock of asynchronous retries."""
    return ManualScheduler()


@pytest.fixture(scope="session")
def core(tmp_path_factory: pytest.TempPathFactory, scheduler: ManualScheduler) -> Iterator[Core]:
    """Serve a core with Lambda."""
    with running_core(tmp_path_factory.mktemp("lambda")) as running:
        service = Lambda(running, scheduler=scheduler, scale=1.0)
        running.front.register(service)
        running.authorizer.register_resource_policies("lambda", service.resource_policy)
        yield running
        service.close()


@pytest.fixture(scope="session")
def functions(core: Core) -> Any:
    """Return the administrator's Lambda client."""
    return client_of(core, "lambda")


@pytest.fixture
def new_role(core: Core) -> Callable[..., str]:
    """Make execution roles."""
    iam = client_of(core, "iam")

    def make(*statements: dict[str, Any], trust: dict[str, Any] = TRUST) -> str:
        name = f"role-{uuid.uuid4().hex[:10]}"
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="policy", PolicyDocument=document(*statements))
        return str(arn)

    return make


@pytest.fixture
def new_function(functions: Any, new_role: Callable[..., str]) -> Iterator[Callable[..., str]]:
    """Make functions: `new_function(source, **settings)` returns the name."""
    made = []

    def make(source: str, *, statements: tuple[dict[str, Any], ...] = (), **settings: Any) -> str:
        name = f"function-{uuid.uuid4().hex[:10]}"
        request = {
            "FunctionName": name,
            "Runtime": "python3.12",
            "Handler": "index.handler",
            "Code": {"ZipFile": archive(source)},
            **settings,
        }
        functions.create_function(Role=settings.pop("Role", None) or new_role(*statements), **request)
        made.append(name)
        return name

    yield make
    for name in made:
        functions.delete_function(FunctionName=name)
