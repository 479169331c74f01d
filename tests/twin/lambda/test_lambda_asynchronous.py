"""Asynchronous invocations: retries, destinations and dead-letter queues.

Expected records are from the Lambda Developer Guide, "Capturing records of Lambda asynchronous invocations" and
"Adding a dead-letter queue".
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from lockgate_twin.core import Core

from tests.support.manual_scheduler import ManualScheduler
from tests.support.twin_server import client_of

FAILS_UNTIL = """
    import pathlib
    def handler(event, context):
        count = pathlib.Path(event["count"])
        count.write_text(count.read_text() + "x" if count.exists() else "x")
        if len(count.read_text()) <= event["failures"]:
            raise RuntimeError("not yet")
        return "done"
"""


class Queue:
    """A queue whose messages a test can wait for."""

    def __init__(self, core: Core) -> None:
        self._client = client_of(core, "sqs")
        name = f"queue-{uuid.uuid4().hex[:8]}"
        self._url = self._client.create_queue(QueueName=name)["QueueUrl"]
        self.arn = f"arn:aws:sqs:us-east-1:111122223333:{name}"
        self.send = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": self.arn}

    def message(self) -> dict[str, Any]:
        """Wait for a message and return it."""
        got = self._client.receive_message(QueueUrl=self._url, WaitTimeSeconds=10, MessageAttributeNames=["All"])
        return dict(got["Messages"][0])


@pytest.fixture
def queue(core: Core) -> Queue:
    """Make a queue."""
    return Queue(core)


def submit(functions: Any, name: str, event: dict[str, Any]) -> None:
    """Invoke asynchronously."""
    functions.invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(event))


def test_an_error_is_retried_after_one_and_two_minutes(
    functions: Any,
    new_function: Callable[..., str],
    queue: Queue,
    scheduler: ManualScheduler,
    tmp_path: Any,
) -> None:
    """Two failures and a success make three attempts; the on-success destination gets the record."""
    name = new_function(FAILS_UNTIL, statements=(queue.send,))
    config = {"OnSuccess": {"Destination": queue.arn}}
    functions.put_function_event_invoke_config(FunctionName=name, DestinationConfig=config)
    already = len(scheduler.delays)
    submit(functions, name, {"count": str(tmp_path / "count"), "failures": 2})
    scheduler.wait_for_work()
    scheduler.wait_for_work()
    record = json.loads(queue.message()["Body"])
    assert scheduler.delays[already:] == [60.0, 120.0]
    assert (tmp_path / "count").read_text() == "xxx"
    assert record["requestContext"]["condition"] == "Success"
    assert record["requestContext"]["approximateInvokeCount"] == 3
    assert record["responsePayload"] == "done"


def test_what_fails_for_good_reaches_destination_and_dead_letter_queue(
    core: Core,
    functions: Any,
    new_function: Callable[..., str],
    queue: Queue,
    tmp_path: Any,
) -> None:
    """Without retries left, the record goes to the destination and the event to the dead-letter queue."""
    dead = Queue(core)
    name = new_function(FAILS_UNTIL, statements=(queue.send, dead.send), DeadLetterConfig={"TargetArn": dead.arn})
    functions.put_function_event_invoke_config(
        FunctionName=name,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": queue.arn}},
    )
    event = {"count": str(tmp_path / "count"), "failures": 9}
    submit(functions, name, event)
    record = json.loads(queue.message()["Body"])
    assert record["version"] == "1.0"
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestContext"]["functionArn"].endswith(f":function:{name}:$LATEST")
    assert record["requestContext"]["approximateInvokeCount"] == 1
    assert record["responseContext"] == {
        "statusCode": 200,
        "executedVersion": "$LATEST",
        "functionError": "Unhandled",
    }
    assert (record["requestPayload"], record["responsePayload"]["errorMessage"]) == (event, "not yet")
    message = dead.message()
    assert json.loads(message["Body"]) == event
    attributes = {k: v["StringValue"] for k, v in message["MessageAttributes"].items()}
    assert attributes["ErrorMessage"] == "not yet"
    assert attributes["ErrorCode"] == "200"
    assert attributes["RequestID"] == record["requestContext"]["requestId"]


def test_a_destination_needs_the_roles_permission(
    functions: Any, new_function: Callable[..., str], queue: Queue
) -> None:
    """A destination the role cannot write to is refused when it is configured."""
    name = new_function("def handler(e, c): return 1")
    config = {"OnFailure": {"Destination": queue.arn}}
    with pytest.raises(ClientError, match=r"InvalidParameterValueException.*SendMessage on SQS"):
        functions.put_function_event_invoke_config(FunctionName=name, DestinationConfig=config)
    with pytest.raises(ClientError, match="doesn't have an EventInvokeConfig"):
        functions.get_function_event_invoke_config(FunctionName=name)


def test_output_goes_to_cloudwatch_logs_if_the_role_may(
    core: Core, functions: Any, new_function: Callable[..., str]
) -> None:
    """The stream of the process has START, the output, END and REPORT; without permission nothing fails."""
    logs = {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}
    allowed = new_function("def handler(e, c): print('to the log')", statements=(logs,))
    silent = new_function("def handler(e, c): print('to nobody')")
    for name in (allowed, silent):
        functions.invoke(FunctionName=name)
    client = client_of(core, "logs")
    lines = _wait_for_lines(client, f"/aws/lambda/{allowed}")
    assert "to the log" in lines
    assert lines[0].startswith("START RequestId: ")
    assert lines[-1].startswith("REPORT RequestId: ")
    groups = [g["logGroupName"] for g in client.describe_log_groups()["logGroups"]]
    assert f"/aws/lambda/{silent}" not in groups


def _wait_for_lines(client: Any, group: str) -> list[str]:
    """Read a log group that is being written in the background."""
    for _ in range(400):
        try:
            events = client.filter_log_events(logGroupName=group)["events"]
        except client.exceptions.ResourceNotFoundException:
            events = []
        if events:
            return [e["message"] for e in events]
    pytest.fail(f"{group} stayed empty")
