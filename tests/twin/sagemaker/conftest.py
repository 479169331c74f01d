"""A small real world for SageMaker's services: real processes and files, S3 and the log service in memory."""

# ruff: noqa: D102 - the methods mean what the ports say

from __future__ import annotations

import contextlib
import io
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError
from lockgate_twin.durability import MemoryTables
from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Call, Command, Event, Handler, Principal, Settings, Table
from lockgate_twin.services.sagemaker.service import SageMaker, assemble
from lockgate_twin.services.timers import Scheduler

ACCOUNT = "111122223333"
REGION = "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/lockgate/sagemaker-p-test-execution"
BUCKET = "sagemaker-project-p-test"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0"


ROOT = Principal(arn=f"arn:aws:iam::{ACCOUNT}:root", account=ACCOUNT, access_key_id="AKIAROOT")


class RealProcess:
    """A child process as the core's process table gives it, without the guardian."""

    def __init__(self, command: Command) -> None:
        with command.log.open("ab") as log:
            self._popen = subprocess.Popen(
                list(command.argv),
                env=dict(command.env),
                cwd=command.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid = self._popen.pid

    def poll(self) -> int | None:
        return self._popen.poll()

    def wait(self, timeout: float | None = None) -> int:
        return self._popen.wait(timeout)

    def stop(self, grace: float = 5.0) -> None:
        if self._popen.poll() is None:
            os.killpg(self.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(grace)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._popen.wait()


class InMemoryS3:
    """Objects of one account; `denied` are prefixes that nobody but root may read or write."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], bytes] = {}
        self.denied: set[str] = set()


class AlreadyExistsError(Exception):
    """The stream exists."""


class Logs:
    """CloudWatch Logs: streams with their messages."""

    class exceptions:  # noqa: N801 - boto3's name
        """The client's exceptions."""

        ResourceAlreadyExistsException = AlreadyExistsError

    def __init__(self) -> None:
        self.streams: dict[tuple[str, str], list[str]] = {}
        self.delivered = threading.Event()

    def create_log_group(self, **_: str) -> None:
        pass

    def create_log_stream(self, **names: str) -> None:
        key = (names["logGroupName"], names["logStreamName"])
        if key in self.streams:
            raise AlreadyExistsError
        self.streams[key] = []

    def put_log_events(self, **request: Any) -> None:
        key = (request["logGroupName"], request["logStreamName"])
        self.streams[key] += [event["message"] for event in request["logEvents"]]
        self.delivered.set()


class Client:
    """A boto3-like client of SageMaker that calls the handlers as one principal."""

    def __init__(self, world: World, principal: Principal) -> None:
        self._world, self._principal = world, principal

    def __getattr__(self, name: str) -> Callable[..., dict[str, Any]]:
        operation = next(o for o in self._world.handlers if xform_name(o) == name)

        def call(**parameters: Any) -> dict[str, Any]:
            self._world.calls.append((self._principal.arn, operation))
            if operation in self._world.broken:
                raise ClientError(self._world.broken.pop(operation), operation)
            try:
                return dict(self._world.call(operation, self._principal, **parameters))
            except ApiError as error:
                response: dict[str, Any] = {"Error": {"Code": error.code, "Message": error.message}}
                response["ResponseMetadata"] = {"HTTPStatusCode": error.status}
                raise ClientError(response, operation) from error

        return call


class Functions:
    """Lambda: functions by ARN, called in process; what one raises is a FunctionError, as Lambda tells it."""

    def __init__(self, world: World) -> None:
        self._world = world

    def invoke(self, *, FunctionName: str, InvocationType: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        assert InvocationType == "RequestResponse"
        if FunctionName not in self._world.functions:
            missing = {"Code": "ResourceNotFoundException", "Message": f"Function not found: {FunctionName}"}
            response: Any = {"Error": missing, "ResponseMetadata": {"HTTPStatusCode": 404}}
            raise ClientError(response, "Invoke")
        if FunctionName in self._world.throttled:
            self._world.throttled.remove(FunctionName)
            slow: Any = {"Error": {"Code": "TooManyRequestsException", "Message": "Rate Exceeded."}}
            raise ClientError({**slow, "ResponseMetadata": {"HTTPStatusCode": 429}}, "Invoke")
        try:
            answer = self._world.functions[FunctionName](json.loads(Payload))
        except Exception as error:  # noqa: BLE001  # any error of a handler
            told = {"errorType": type(error).__name__, "errorMessage": str(error)}
            return {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": json.dumps(told).encode()}
        return {"StatusCode": 200, "Payload": io.BytesIO(json.dumps(answer).encode())}


class Queues:
    """SQS: messages by the queue's URL."""

    def __init__(self, world: World) -> None:
        self._world = world

    def send_message(self, *, QueueUrl: str, MessageBody: str) -> None:  # noqa: N803
        self._world.messages.put((QueueUrl, json.loads(MessageBody)))


class FakeSession:
    """A principal at work; only `world.s3.denied` is refused to it."""

    def __init__(self, world: World, principal: Principal) -> None:
        self._world, self.principal, self.region = world, principal, REGION

    @property
    def account(self) -> str:
        return ACCOUNT

    def client(self, service: str) -> Any:
        clients: dict[str, Callable[[], Any]] = {
            "s3": lambda: self._world.s3,
            "logs": lambda: self._world.logs,
            "sagemaker": lambda: Client(self._world, self.principal),
            "lambda": lambda: Functions(self._world),
            "sqs": lambda: Queues(self._world),
        }
        return clients[service]()

    def require(self, action: str, *resources: str, context: Mapping[str, Any] | None = None) -> None:
        self._world.required.append((action, *resources, *(context or {})))

    def environment(self) -> dict[str, str]:
        return {"AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_REGION": REGION}

    def _check(self, key: str, action: str) -> None:
        if key.startswith(tuple(self._world.s3.denied)):
            raise ApiError("AccessDenied", f"{self.principal.arn} is not authorized to perform: {action}", 403)

    def read_object(self, bucket: str, key: str) -> bytes:
        self._check(key, "s3:GetObject")
        if (bucket, key) not in self._world.s3.objects:
            raise ApiError("NoSuchKey", f"The specified key does not exist: {key}", 404)
        return self._world.s3.objects[bucket, key]

    def object_etag(self, bucket: str, key: str) -> str:
        self.read_object(bucket, key)
        return uuid.uuid5(uuid.NAMESPACE_URL, key).hex

    def write_object(self, bucket: str, key: str, body: bytes) -> None:
        self._check(key, "s3:PutObject")
        self._world.s3.objects[bucket, key] = body

    def list_objects(self, bucket: str, prefix: str) -> list[str]:
        return sorted(k for b, k in self._world.s3.objects if b == bucket and k.startswith(prefix))


@dataclass
class World:
    """The context that services are constructed with, and everything a test wants to look at."""

    settings: Settings
    s3: InMemoryS3 = field(default_factory=InMemoryS3)
    logs: Logs = field(default_factory=Logs)
    events: list[Event] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    required: list[tuple[str, ...]] = field(default_factory=list)
    untrusted: set[str] = field(default_factory=set)
    broken: dict[str, dict[str, Any]] = field(default_factory=dict)
    defects: list[BaseException] = field(default_factory=list)
    handlers: dict[str, Handler] = field(default_factory=dict)
    functions: dict[str, Callable[[Any], Any]] = field(default_factory=dict)
    throttled: set[str] = field(default_factory=set)
    messages: queue.SimpleQueue[tuple[str, Any]] = field(default_factory=queue.SimpleQueue)
    user: Principal = ROOT
    tables: MemoryTables = field(default_factory=MemoryTables)
    _threads: list[threading.Thread] = field(default_factory=list)

    # -- ports.Context

    def table(self, name: str) -> Table:
        return self.tables.table(name)

    def session(self, call: Call) -> FakeSession:
        return FakeSession(self, call.principal)

    def assume_role(
        self, role_arn: str, *, service: str, session_name: str, region: str, source_arn: str | None = None
    ) -> FakeSession:
        if role_arn in self.untrusted:
            raise ApiError("AccessDenied", f"{service} may not assume {role_arn} ({session_name} {source_arn})", 403)
        assert region == REGION
        arn = role_arn.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/") + f"/{session_name}"
        return FakeSession(self, Principal(arn=arn, account=ACCOUNT, access_key_id="ASIA", role_arn=role_arn))

    def emit(self, event: Event) -> None:
        json.dumps(event.detail)
        self.events.append(event)

    def start_process(self, command: Command) -> RealProcess:
        return RealProcess(command)

    def in_background(self, name: str, work: Callable[[], None]) -> None:
        def run() -> None:
            try:
                work()
            except Exception as error:  # noqa: BLE001  # shown by the fixture's last check
                self.defects.append(error)

        thread = threading.Thread(target=run, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    # -- for tests

    def call(self, operation: str, principal: Principal | None = None, **parameters: Any) -> Mapping[str, Any]:
        """Call an operation as a principal (the root user when not given)."""
        service = "sagemaker-runtime" if operation == "InvokeEndpoint" else "sagemaker"
        call = Call(
            principal=principal or self.user,
            region=REGION,
            service=service,
            operation=operation,
            request_id=str(uuid.uuid4()),
        )
        return self.handlers[operation](parameters, call) or {}

    def settle(self) -> None:
        """Wait until everything in the background is over."""
        while running := [thread for thread in list(self._threads) if thread.is_alive()]:
            running[0].join()

    def put(self, key: str, body: bytes | str) -> str:
        """Store an object and return its URI."""
        self.s3.objects[BUCKET, key] = body.encode() if isinstance(body, str) else body
        return f"s3://{BUCKET}/{key}"

    def statuses(self, detail_type: str, member: str) -> list[Any]:
        """Return one member of every event of a type, in order."""
        return [event.detail[member] for event in self.events if event.detail_type == detail_type]


@dataclass
class Stage:
    """The world with SageMaker's services in it."""

    world: World
    sagemaker: SageMaker


@pytest.fixture
def clock() -> Scheduler | None:
    """The clock of delayed work: the real one. A module that moves the time itself overrides this."""
    return None


@pytest.fixture
def stage(tmp_path: Path, clock: Scheduler | None) -> Iterator[Stage]:
    """SageMaker's services over a small real world; no defect of the twin may happen unseen."""
    settings = Settings(state_dir=tmp_path / "state", endpoint_url="http://127.0.0.1:1", python=Path(sys.executable))
    world = World(settings)
    sagemaker = assemble(world, clock)
    for service in sagemaker.services:
        world.handlers.update(service.operations())
    yield Stage(world, sagemaker)
    sagemaker.close()
    world.settle()
    assert world.defects == []


@pytest.fixture
def world(stage: Stage) -> World:
    """The world alone."""
    return stage.world
