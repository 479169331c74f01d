"""A core with EventBridge Scheduler whose time the test moves, and services that take down who calls them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from lockgate_twin.core import Core
from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Call, Handler
from lockgate_twin.services.scheduler import ScheduleService

from tests.support.manual_clock import ManualClock
from tests.support.twin_server import client_of, running_core

ACCOUNT = "111122223333"


@dataclass
class Taken:
    """A service of one operation that takes down its calls; it fails while `failures` is not used up."""

    name: str
    operation: str
    failures: list[ApiError] = field(default_factory=list)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def operations(self) -> dict[str, Handler]:
        """Return the one operation."""
        return {self.operation: self.take}

    def take(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Take down or fail."""
        if self.failures:
            raise self.failures.pop(0)
        self.calls.append((call.principal.arn, parameters))
        return {"StatusCode": 202} if self.name == "lambda" else {}


@dataclass(frozen=True)
class House:
    """What the tests need."""

    core: Core
    clock: ManualClock
    schedules: ScheduleService
    functions: Taken
    pipelines: Taken
    sagemaker: Taken

    def client(self, service: str) -> Any:
        """Return the administrator's client."""
        return client_of(self.core, service)


@pytest.fixture
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Serve a core whose schedules wait on a clock of the test."""
    clock = ManualClock()
    with running_core(tmp_path_factory.mktemp("scheduler")) as core:
        schedules = ScheduleService(core, clock)
        functions = Taken("lambda", "Invoke")
        pipelines = Taken("codepipeline", "StartPipelineExecution")
        sagemaker = Taken("sagemaker", "StartPipelineExecution")
        for service in (schedules, functions, pipelines, sagemaker):
            core.front.register(service)
        core.authorizer.register_resource_tags("scheduler", schedules.groups.known_tags)
        yield House(core, clock, schedules, functions, pipelines, sagemaker)
        schedules.close()


def document(statement: dict[str, Any]) -> str:
    """Return a policy document of one statement."""
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture
def new_role(house: House) -> Callable[..., str]:
    """Make roles: `new_role(*actions, service=..., condition=...)` returns the ARN."""
    iam = house.client("iam")

    def make(*actions: str, service: str = "scheduler.amazonaws.com", condition: Any = None) -> str:
        name = f"role-{uuid.uuid4().hex[:8]}"
        trust: dict[str, Any] = {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sts:AssumeRole",
            **({"Condition": condition} if condition else {}),
        }
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
        if actions:
            allow = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
            iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document(allow))
        return str(arn)

    return make


@pytest.fixture
def new_schedule(house: House, new_role: Callable[..., str]) -> Callable[..., str]:
    """Make schedules of a function: `new_schedule(expression, ...)` returns the name."""
    scheduler = house.client("scheduler")

    def make(expression: str, *, target: dict[str, Any] | None = None, **more: Any) -> str:
        name = f"schedule-{uuid.uuid4().hex[:8]}"
        function = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:watch"
        whole = {"Arn": function, "RoleArn": new_role("lambda:InvokeFunction"), **(target or {})}
        scheduler.create_schedule(
            Name=name,
            ScheduleExpression=expression,
            FlexibleTimeWindow=more.pop("window", {"Mode": "OFF"}),
            Target={k: v for k, v in whole.items() if v is not None},
            **more,
        )
        return name

    return make
