"""A core with CloudFormation, moto's services and small fakes of ours, and the steps tests take with stacks."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lockgate_twin.cloudformation import CloudFormation
from lockgate_twin.core import Core
from lockgate_twin.ports import Call, Command, Event, Process, Session, Settings, Table

from tests.support.twin_server import client_of
from tests.twin.cloudformation.fake_services import FakeCodeCommit, FakeLambda, FakeSageMaker

NAMED = ["CAPABILITY_NAMED_IAM"]


class JoinableContext:
    """The core's context, whose background work can be waited for."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.settings: Settings = core.settings
        self.threads: list[threading.Thread] = []

    def table(self, name: str) -> Table:
        """Return the core's table."""
        return self.core.table(name)

    def session(self, call: Call) -> Session:
        """Act as the caller."""
        return self.core.session(call)

    def assume_role(
        self, role_arn: str, *, service: str, session_name: str, region: str, source_arn: str | None = None
    ) -> Session:
        """Assume a role as a service."""
        return self.core.assume_role(
            role_arn, service=service, session_name=session_name, region=region, source_arn=source_arn
        )

    def emit(self, event: Event) -> None:
        """Put an event on the bus."""
        self.core.emit(event)

    def start_process(self, command: Command) -> Process:
        """Start a process."""
        return self.core.start_process(command)

    def in_background(self, name: str, work: Callable[[], None]) -> None:
        """Run work on a thread that `join` waits for."""
        thread = threading.Thread(target=work, name=name, daemon=True)
        self.threads.append(thread)
        thread.start()

    def join(self) -> None:
        """Wait until no work is left."""
        while self.threads:
            thread = self.threads.pop()
            thread.join(timeout=60)
            assert not thread.is_alive(), f"{thread.name} does not end"


class World:
    """Clients of the administrator, and stacks."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.context = JoinableContext(core)
        self.sagemaker = FakeSageMaker()
        self.functions = FakeLambda()
        self.codecommit = FakeCodeCommit()
        for service in (CloudFormation(self.context), self.sagemaker, self.functions, self.codecommit):
            core.front.register(service)
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """Return the administrator's client."""
        if service not in self._clients:
            self._clients[service] = client_of(self.core, service)
        return self._clients[service]

    def role(self, *statements: Mapping[str, Any], trusts: str = "cloudformation.amazonaws.com") -> str:
        """Make a role that a service may assume and that may do what the statements say."""
        name = f"role-{uuid.uuid4().hex[:12]}"
        trust = statement(Principal={"Service": trusts}, Action="sts:AssumeRole")
        iam = self.client("iam")
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
        iam.put_role_policy(RoleName=name, PolicyName="may", PolicyDocument=document(*statements))
        return str(arn)

    def stack(self, template: Mapping[str, Any] | str, **options: Any) -> StackUnderTest:
        """Create a stack and wait until its creation has ended, however it did."""
        name = options.pop("StackName", f"stack-{uuid.uuid4().hex[:8]}")
        made = self.client("cloudformation").create_stack(StackName=name, TemplateBody=text_of(template), **options)
        self.context.join()
        return StackUnderTest(self, name, made["StackId"])


@dataclass
class StackUnderTest:
    """One stack and what can be asked of it."""

    world: World
    name: str
    id: str

    @property
    def api(self) -> Any:
        """Return the CloudFormation client."""
        return self.world.client("cloudformation")

    def update(self, template: Mapping[str, Any] | str | None = None, **options: Any) -> StackUnderTest:
        """Update it and wait for the end."""
        given = {"UsePreviousTemplate": True} if template is None else {"TemplateBody": text_of(template)}
        self.api.update_stack(StackName=self.name, **given, **options)
        self.world.context.join()
        return self

    def delete(self, **options: Any) -> StackUnderTest:
        """Delete it and wait for the end."""
        self.api.delete_stack(StackName=self.name, **options)
        self.world.context.join()
        return self

    @property
    def described(self) -> Mapping[str, Any]:
        """Return what DescribeStacks says."""
        found: Mapping[str, Any] = self.api.describe_stacks(StackName=self.id)["Stacks"][0]
        return found

    @property
    def status(self) -> str:
        """Return its status."""
        return str(self.described["StackStatus"])

    @property
    def outputs(self) -> dict[str, str]:
        """Return its outputs."""
        return {output["OutputKey"]: output["OutputValue"] for output in self.described.get("Outputs", [])}

    def events(self, status: str | None = None) -> list[Mapping[str, Any]]:
        """Return its events, oldest first."""
        found = list(reversed(self.api.describe_stack_events(StackName=self.id)["StackEvents"]))
        return [event for event in found if status in (None, event["ResourceStatus"])]

    def reason(self, logical_id: str, status: str) -> str:
        """Return why a resource got a status."""
        return next(str(e["ResourceStatusReason"]) for e in self.events(status) if e["LogicalResourceId"] == logical_id)

    def physical_id(self, logical_id: str) -> str:
        """Return a resource's physical id."""
        detail = self.api.describe_stack_resource(StackName=self.id, LogicalResourceId=logical_id)
        return str(detail["StackResourceDetail"]["PhysicalResourceId"])


def text_of(template: Mapping[str, Any] | str) -> str:
    """Return a template as text."""
    return template if isinstance(template, str) else json.dumps(template)


def statement(**members: Any) -> dict[str, Any]:
    """Return an Allow statement."""
    return {"Effect": "Allow", **members}


def document(*statements: Mapping[str, Any]) -> str:
    """Return a policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def parameter(name: str, value: Any = "1", **more: Any) -> dict[str, Any]:
    """Return an SSM parameter resource: the cheapest real resource there is."""
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Name": name, "Type": "String", "Value": value}, **more}


def resources(**given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a template of resources."""
    return {"Resources": dict(given)}


def values(**given: str) -> Sequence[Mapping[str, str]]:
    """Return the Parameters of a request."""
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()]
