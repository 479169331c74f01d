"""A core with Lambda and an event bus whose retries wait on a clock of the test."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from lockgate_twin.core import Core
from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Call, Event, Handler
from lockgate_twin.services.eventbridge import EventBus, QueueSender, SessionQueues, Wiring, standard_targets
from lockgate_twin.services.lambda_ import Lambda

from tests.support.function_archives import archive
from tests.support.manual_scheduler import ManualScheduler
from tests.support.twin_server import client_of, running_core

ACCOUNT = "111122223333"


@dataclass
class Starts:
    """A service that only takes down who starts what; it fails while `failures` is not used up."""

    name: str
    operation: str
    failures: list[ApiError] = field(default_factory=list)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def operations(self) -> dict[str, Handler]:
        """Return the one operation."""
        return {self.operation: self.start}

    def start(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Take down or fail."""
        if self.failures:
            raise self.failures.pop(0)
        self.calls.append((call.principal.arn, parameters))
        return {}


@dataclass(frozen=True)
class House:
    """What the tests need of one running core."""

    core: Core
    bus: EventBus
    scheduler: ManualScheduler
    pipelines: Starts
    sagemaker: Starts

    def client(self, service: str) -> Any:
        """Return the administrator's client."""
        return client_of(self.core, service)

    def put(self, **detail: Any) -> str:
        """Put an event on the default bus."""
        event = Event(source="test.house", detail_type="Test", detail=detail, account=ACCOUNT, region="us-east-1")
        return self.bus.put(event)


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Serve a core with Lambda, EventBridge and two services that take down calls."""
    scheduler = ManualScheduler()
    with running_core(tmp_path_factory.mktemp("events")) as core:
        functions = Lambda(core)
        pipelines = Starts("codepipeline", "StartPipelineExecution")
        sagemaker = Starts("sagemaker", "StartPipelineExecution")
        queues, may = SessionQueues(core, core.administrator_of), core.authorizer.service_may
        wiring = Wiring(
            rules=core.moto.rules,
            targets=standard_targets(core, functions, queues, may),
            dead_letters=QueueSender(queues, may),
            scheduler=scheduler,
        )
        bus = EventBus(core, wiring)
        for service in (functions, pipelines, sagemaker, bus):
            core.front.register(service)
        core.authorizer.register_resource_policies("lambda", functions.resource_policy)
        core.on_event = bus.emit
        yield House(core, bus, scheduler, pipelines, sagemaker)
        bus.close()
        functions.close()


@dataclass(frozen=True)
class Queue:
    """A queue that EventBridge may write to, if `open_to_events`."""

    client: Any
    url: str
    arn: str

    def messages(self, *, wait: int = 10) -> list[dict[str, Any]]:
        """Wait for a message."""
        got = self.client.receive_message(QueueUrl=self.url, WaitTimeSeconds=wait, MessageAttributeNames=["All"])
        return list(got.get("Messages", []))


@pytest.fixture
def new_queue(house: House) -> Callable[..., Queue]:
    """Make queues."""

    def make(*, open_to_events: bool = True) -> Queue:
        client, name = house.client("sqs"), f"queue-{uuid.uuid4().hex[:8]}"
        arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:events:us-east-1:{ACCOUNT}:rule/*"}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        url = client.create_queue(QueueName=name, Attributes={"Policy": policy} if open_to_events else {})
        return Queue(client, url["QueueUrl"], arn)

    return make


@pytest.fixture
def new_rule(house: House) -> Iterator[Callable[..., str]]:
    """Make rules for this test's events: `new_rule(target, case=...)` returns the rule's ARN."""
    events, made = house.client("events"), []

    def make(*targets: dict[str, Any], **detail: Any) -> str:
        name = f"rule-{uuid.uuid4().hex[:8]}"
        pattern = {"source": ["test.house"], "detail": {k: [v] for k, v in detail.items()}}
        arn = events.put_rule(Name=name, EventPattern=json.dumps(pattern))["RuleArn"]
        numbered = [{"Id": str(i), **target} for i, target in enumerate(targets)]
        events.put_targets(Rule=name, Targets=numbered)
        made.append((name, [t["Id"] for t in numbered]))
        return str(arn)

    yield make
    for name, ids in made:
        events.remove_targets(Rule=name, Ids=ids)
        events.delete_rule(Name=name)


@pytest.fixture
def new_role(house: House) -> Callable[..., str]:
    """Make roles that EventBridge may assume (or another service)."""
    iam = house.client("iam")

    def make(action: str, *, service: str = "events.amazonaws.com") -> str:
        name = f"role-{uuid.uuid4().hex[:8]}"
        trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_document(trust))["Role"]["Arn"]
        allow = {"Effect": "Allow", "Action": action, "Resource": "*"}
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=_document(allow))
        return str(arn)

    return make


@pytest.fixture
def new_function(house: House) -> Callable[..., str]:
    """Make functions that write their event into a file; return the ARN."""
    iam, functions = house.client("iam"), house.client("lambda")

    def make(path: str) -> str:
        name = f"function-{uuid.uuid4().hex[:8]}"
        trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_document(trust))["Role"]["Arn"]
        source = f"import json, pathlib\ndef handler(e, c):\n    pathlib.Path({path!r}).write_text(json.dumps(e))"
        made = functions.create_function(
            FunctionName=name,
            Role=role,
            Runtime="python3.12",
            Handler="index.handler",
            Code={"ZipFile": archive(source)},
        )
        return str(made["FunctionArn"])

    return make


def _document(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
