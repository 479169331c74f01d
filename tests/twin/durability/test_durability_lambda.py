"""Functions and their queued events after the twin that knew them has ended.

Source for "at least once": Lambda Developer Guide, "Invoking a Lambda function asynchronously".
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lockgate_twin.core import Core
from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Call
from lockgate_twin.services.lambda_ import Lambda

from tests.support.function_archives import archive
from tests.support.manual_scheduler import ManualScheduler
from tests.support.twin_server import client_of, running_core

TRUST = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
# Notes each run in a file, fails while the file `fail` is there and waits while `wait` is.
NOTES = """
    import pathlib, time
    def handler(event, context):
        folder = pathlib.Path(event)
        with (folder / "runs").open("a") as runs:
            runs.write("x")
        while (folder / "wait").exists():
            time.sleep(0.01)
        if (folder / "fail").exists():
            raise RuntimeError("not yet")
        (folder / "done").touch()
        return "done"
"""


class Functions:
    """Lambda on one core; `end` starts it anew from what was kept."""

    def __init__(self, core: Core) -> None:
        self._core = core
        trust = json.dumps({"Version": "2012-10-17", "Statement": [TRUST]})
        made = client_of(core, "iam").create_role(RoleName=f"r-{uuid.uuid4().hex[:8]}", AssumeRolePolicyDocument=trust)
        self.role = made["Role"]["Arn"]
        self.name = f"f-{uuid.uuid4().hex[:8]}"
        self._start()

    def __call__(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Call one operation on the function as the administrator."""
        call = Call(
            principal=self._core.administrator.principal,
            region="us-east-1",
            service="lambda",
            operation=operation,
            request_id=str(uuid.uuid4()),
        )
        return dict(self.service.operations()[operation]({"FunctionName": self.name, **parameters}, call) or {})

    def create(self, source: str = NOTES) -> None:
        """Make the function."""
        code = {"ZipFile": archive(source)}
        self("CreateFunction", Role=self.role, Runtime="python3.12", Handler="index.handler", Code=code, Timeout=60)

    def submit(self, folder: Path) -> None:
        """Queue an event."""
        self("Invoke", InvocationType="Event", Payload=json.dumps(str(folder)).encode())

    def end(self) -> None:
        """End the service and start the next one when the old one has noted all it ever will."""
        self.service.close()
        for thread in threading.enumerate():
            if self.name in thread.name:
                thread.join(60)
        self._start()

    def _start(self) -> None:
        self.scheduler = ManualScheduler()
        self.service = Lambda(self._core, scheduler=self.scheduler, scale=1.0)
        self.service.resume()


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Core]:
    """A core for all tests here."""
    with running_core(tmp_path_factory.mktemp("durable-lambda")) as running:
        yield running


@pytest.fixture
def functions(core: Core) -> Iterator[Functions]:
    """Lambda with a function's name and role of its own."""
    made = Functions(core)
    yield made
    made.service.close()


def appears(path: Path) -> None:
    """Wait for a file."""
    for _ in range(1000):
        if path.exists():
            return
        threading.Event().wait(0.02)
    raise AssertionError(f"{path.name} did not appear")


def test_a_function_is_as_it_was_configured_last(functions: Functions) -> None:
    """Its configuration, tags, policy, concurrency and event settings are the same, and it runs."""
    functions.create("def handler(e, c): return e + 1")
    arn = functions("UpdateFunctionConfiguration", Description="adds")["FunctionArn"]
    functions("TagResource", Resource=arn, Tags={"a": "1"})
    grant = {"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "events.amazonaws.com"}
    functions("AddPermission", **grant)
    functions("PutFunctionConcurrency", ReservedConcurrentExecutions=3)
    functions("PutFunctionEventInvokeConfig", MaximumRetryAttempts=1)
    told = ("GetFunction", "GetPolicy", "GetFunctionConcurrency", "GetFunctionEventInvokeConfig")
    before = [functions(operation) for operation in told]
    functions.end()
    assert [functions(operation) for operation in told] == before
    assert before[0]["Configuration"]["Description"] == "adds"
    assert functions("Invoke", Payload=b"1")["Payload"] == b"2"


def test_a_deleted_function_stays_deleted(functions: Functions) -> None:
    """A restart brings no function back."""
    functions.create()
    functions("DeleteFunction")
    functions.end()
    with pytest.raises(ApiError, match="Function not found"):
        functions("GetFunction")


def test_an_event_that_waits_for_its_retry_is_run_by_the_next_twin(functions: Functions, tmp_path: Path) -> None:
    """An accepted event is not lost with the timer that it waited for."""
    functions.create()
    (tmp_path / "fail").touch()
    functions.submit(tmp_path)
    while not functions.scheduler.delays:
        threading.Event().wait(0.01)
    (tmp_path / "fail").unlink()
    functions.end()
    appears(tmp_path / "done")
    assert (tmp_path / "runs").read_text() == "xx"


def test_an_event_under_way_is_run_again(functions: Functions, tmp_path: Path) -> None:
    """The end of the twin is no failure of the function: its retries are not used up by it."""
    functions.create()
    functions("PutFunctionEventInvokeConfig", MaximumRetryAttempts=0)
    (tmp_path / "wait").touch()
    functions.submit(tmp_path)
    appears(tmp_path / "runs")
    functions.end()
    (tmp_path / "wait").unlink()
    appears(tmp_path / "done")
    assert (tmp_path / "runs").read_text() == "xx"


def test_a_finished_event_is_not_run_again(functions: Functions, core: Core, tmp_path: Path) -> None:
    """What was run to its end is forgotten."""
    functions.create()
    functions.submit(tmp_path)
    appears(tmp_path / "done")
    while core.table("lambda.events").items():
        threading.Event().wait(0.01)
    functions.end()
    functions("Invoke", Payload=json.dumps(str(tmp_path)).encode())
    assert (tmp_path / "runs").read_text() == "xx"
