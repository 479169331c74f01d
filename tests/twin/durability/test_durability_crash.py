"""A twin that is killed while it is called has everything that it had acknowledged."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.support.killable_twin import KillableTwin, killable_twin

TRUST = '{"Version": "2012-10-17", "Statement": []}'
KILLS = 3
CALLERS = 4
LARGE = b"0123456789" * 2000


@dataclass(frozen=True)
class Kind:
    """One kind of call: what it makes under a name, and the names of all that are there."""

    make: Callable[[Any, str], object]
    names: Callable[[Any], set[str]]


def _pages(client: Any, operation: str, member: str, key: str, **request: Any) -> set[str]:
    pages = client.get_paginator(operation).paginate(**request)
    return {item[key] for page in pages for item in page.get(member, ())}


def _queue(sqs: Any) -> str:
    return str(sqs.get_queue_url(QueueName="queue")["QueueUrl"])


def _all_messages(sqs: Any) -> set[str]:
    url, found = _queue(sqs), set()
    while got := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=600).get("Messages"):
        found |= {message["Body"] for message in got}
    return found


def _put_log(logs: Any, name: str) -> None:
    event = {"timestamp": int(time.time() * 1000), "message": name}
    logs.put_log_events(logGroupName="group", logStreamName="stream", logEvents=[event])


KINDS: dict[str, tuple[str, Kind]] = {
    "roles": (
        "iam",
        Kind(
            lambda c, name: c.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST),
            lambda c: _pages(c, "list_roles", "Roles", "RoleName"),
        ),
    ),
    "small objects": (
        "s3",
        Kind(
            lambda c, name: c.put_object(Bucket="bucket", Key=f"small/{name}", Body=name.encode()),
            lambda c: {_body(c, key).decode() for key in _keys(c, "small/")},
        ),
    ),
    "large objects": (
        "s3",
        Kind(
            lambda c, name: c.put_object(Bucket="bucket", Key=f"large/{name}", Body=name.encode() + LARGE),
            lambda c: {_body(c, key).removesuffix(LARGE).decode() for key in _keys(c, "large/")},
        ),
    ),
    "messages": ("sqs", Kind(lambda c, name: c.send_message(QueueUrl=_queue(c), MessageBody=name), _all_messages)),
    "log events": (
        "logs",
        Kind(_put_log, lambda c: _pages(c, "filter_log_events", "events", "message", logGroupName="group")),
    ),
    "parameters": (
        "ssm",
        Kind(
            lambda c, name: c.put_parameter(Name=name, Value="1", Type="String"),
            lambda c: _pages(c, "describe_parameters", "Parameters", "Name"),
        ),
    ),
    "repositories": (
        "codecommit",
        Kind(
            lambda c, name: c.create_repository(repositoryName=name),
            lambda c: _pages(c, "list_repositories", "repositories", "repositoryName"),
        ),
    ),
    "portfolios": (
        "servicecatalog",
        Kind(
            lambda c, name: c.create_portfolio(DisplayName=name, ProviderName="me"),
            lambda c: _pages(c, "list_portfolios", "PortfolioDetails", "DisplayName"),
        ),
    ),
    "stacks": (
        "cloudformation",
        Kind(
            lambda c, name: c.create_stack(StackName=name, TemplateBody=_template(name)),
            lambda c: _pages(c, "describe_stacks", "Stacks", "StackName"),
        ),
    ),
    "model package groups": (
        "sagemaker",
        Kind(
            lambda c, name: c.create_model_package_group(ModelPackageGroupName=name),
            lambda c: _pages(c, "list_model_package_groups", "ModelPackageGroupSummaryList", "ModelPackageGroupName"),
        ),
    ),
}


def _template(name: str) -> str:
    return f"Resources: {{Topic: {{Type: 'AWS::SNS::Topic', Properties: {{TopicName: {name}}}}}}}"


def _keys(s3: Any, prefix: str) -> set[str]:
    return _pages(s3, "list_objects_v2", "Contents", "Key", Bucket="bucket", Prefix=prefix)


def _body(s3: Any, key: str) -> bytes:
    return bytes(s3.get_object(Bucket="bucket", Key=key)["Body"].read())


@dataclass
class Caller:
    """Calls until the twin is gone; remembers what was acknowledged."""

    clients: dict[str, Any]
    choices: random.Random
    acknowledged: list[tuple[str, str]] = field(default_factory=list)

    def run(self, enough: threading.Semaphore) -> None:
        """Make things of all kinds, in a random order."""
        while True:
            kind = self.choices.choice(list(KINDS))
            service, how = KINDS[kind]
            name = f"n{uuid.uuid4().hex[:12]}"
            try:
                how.make(self.clients[service], name)
            except Exception:  # noqa: BLE001 - whatever a client makes of an answer that ends early
                return
            self.acknowledged.append((kind, name))
            enough.release()


@pytest.fixture(scope="module")
def acknowledged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[KillableTwin, list[tuple[str, str]]]]:
    """Call a twin from several threads and kill it after a random number of answers, several times over."""
    choices, done = random.Random(20), []  # noqa: S311 - the same calls in every run
    with killable_twin(tmp_path_factory.mktemp("crash")) as twin:
        _prepare(twin)
        done += _made_once(twin)
        for _ in range(KILLS):
            port = twin.port
            done += _called_and_killed(twin, choices)
            twin.start(port=port)
        yield twin, done


def _prepare(twin: KillableTwin) -> None:
    twin.client("s3").create_bucket(Bucket="bucket")
    twin.client("sqs").create_queue(QueueName="queue")
    logs = twin.client("logs")
    logs.create_log_group(logGroupName="group")
    logs.create_log_stream(logGroupName="group", logStreamName="stream")


def _made_once(twin: KillableTwin) -> list[tuple[str, str]]:
    """Make one of each kind, so that none depends on what the callers happen to choose."""
    names = {kind: f"n{uuid.uuid4().hex[:12]}" for kind in KINDS}
    for kind, (service, how) in KINDS.items():
        how.make(twin.client(service), names[kind])
    return list(names.items())


def _called_and_killed(twin: KillableTwin, choices: random.Random) -> list[tuple[str, str]]:
    services = {service for service, _ in KINDS.values()}
    clients = {service: twin.client(service) for service in services}
    callers = [Caller(clients, random.Random(choices.random())) for _ in range(CALLERS)]  # noqa: S311 - as above
    enough = threading.Semaphore(0)
    threads = [threading.Thread(target=caller.run, args=(enough,), daemon=True) for caller in callers]
    for thread in threads:
        thread.start()
    for _ in range(choices.randint(20, 60)):
        assert enough.acquire(timeout=60)
    twin.kill()
    for thread in threads:
        thread.join(timeout=60)
    return [made for caller in callers for made in caller.acknowledged]


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_acknowledged_is_there(acknowledged: tuple[KillableTwin, list[tuple[str, str]]], kind: str) -> None:
    """Everything whose making was answered is found, whole, after all kills."""
    twin, done = acknowledged
    made = {name for of, name in done if of == kind}
    service, how = KINDS[kind]
    assert made
    assert made <= how.names(twin.client(service))


def test_no_stack_stays_in_progress(acknowledged: tuple[KillableTwin, list[tuple[str, str]]]) -> None:
    """Every stack comes to an end: it was made, or is rolled back by the next twin. None stays under way for ever."""
    twin, _ = acknowledged
    client, left = twin.client("cloudformation"), threading.Event()
    for _ in range(400):
        statuses = _pages(client, "describe_stacks", "Stacks", "StackStatus")
        if not any(status.endswith("_IN_PROGRESS") for status in statuses):
            break
        left.wait(0.05)
    assert statuses <= {"CREATE_COMPLETE", "ROLLBACK_COMPLETE"}


def test_a_complete_stack_has_its_topic(acknowledged: tuple[KillableTwin, list[tuple[str, str]]]) -> None:
    """What a stack says it has made is there."""
    twin, _ = acknowledged
    stacks = twin.client("cloudformation").describe_stacks()["Stacks"]
    complete = {stack["StackName"] for stack in stacks if stack["StackStatus"] == "CREATE_COMPLETE"}
    topics = {arn.rpartition(":")[2] for arn in _pages(twin.client("sns"), "list_topics", "Topics", "TopicArn")}
    assert complete <= topics
