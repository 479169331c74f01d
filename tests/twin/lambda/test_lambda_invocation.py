"""Running functions: answers, errors, time limits, crashes, warm processes."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from lockgate_twin.core import Core
from lockgate_twin.ports import Call
from lockgate_twin.services.lambda_ import Lambda

from tests.support.function_archives import archive
from tests.support.twin_server import client_of

ECHO = """
    import os
    count = 0
    def handler(event, context):
        global count
        count += 1
        return {"event": event, "pid": os.getpid(), "count": count, "arn": context.invoked_function_arn,
                "left": context.get_remaining_time_in_millis()}
"""


def invoke(functions: Any, name: str, event: Any = None, **options: Any) -> tuple[Any, dict[str, Any]]:
    """Invoke and return (parsed payload, response)."""
    response = functions.invoke(FunctionName=name, Payload=json.dumps(event or {}), **options)
    return json.loads(response["Payload"].read() or b"null"), response


def test_a_function_answers(functions: Any, new_function: Callable[..., str]) -> None:
    """The handler gets the event and Lambda's context; its return value comes back."""
    name = new_function(ECHO, Timeout=10)
    payload, response = invoke(functions, name, {"a": [1, "ü"]})
    assert payload["event"] == {"a": [1, "ü"]}
    assert payload["arn"] == f"arn:aws:lambda:us-east-1:111122223333:function:{name}"
    assert 5_000 < payload["left"] <= 10_000
    assert response["StatusCode"] == 200
    assert response["ExecutedVersion"] == "$LATEST"
    assert "FunctionError" not in response


def test_a_process_stays_warm(functions: Any, new_function: Callable[..., str]) -> None:
    """The second invocation meets the same process and its memory."""
    name = new_function(ECHO)
    first, _ = invoke(functions, name)
    second, _ = invoke(functions, name)
    assert (second["pid"], second["count"]) == (first["pid"], 2)


def test_new_code_runs_in_a_new_process(functions: Any, new_function: Callable[..., str]) -> None:
    """After UpdateFunctionCode the next invocation runs the new code."""
    name = new_function(ECHO)
    invoke(functions, name)
    functions.update_function_code(FunctionName=name, ZipFile=archive("def handler(e, c): return 'new'"))
    assert invoke(functions, name)[0] == "new"


def test_a_tag_does_not_end_the_process(functions: Any, new_function: Callable[..., str]) -> None:
    """Tags are no part of what runs."""
    name = new_function(ECHO)
    first, _ = invoke(functions, name)
    arn = functions.get_function(FunctionName=name)["Configuration"]["FunctionArn"]
    functions.tag_resource(Resource=arn, Tags={"team": "a"})
    assert invoke(functions, name)[0]["pid"] == first["pid"]


def test_an_exception_is_an_unhandled_error(functions: Any, new_function: Callable[..., str]) -> None:
    """The payload names type and message and has the stack, as awslambdaric reports them."""
    name = new_function("def handler(e, c):\n    raise KeyError('no such thing')")
    payload, response = invoke(functions, name)
    assert response["FunctionError"] == "Unhandled"
    assert (payload["errorType"], payload["errorMessage"]) == ("KeyError", "'no such thing'")
    assert "index.py" in payload["stackTrace"][0]


def test_a_slow_function_is_stopped(functions: Any, new_function: Callable[..., str]) -> None:
    """After the timeout the process is killed; the next invocation gets a new one."""
    source = """
        import os, threading
        def handler(event, context):
            if event.get("hang"):
                threading.Event().wait()
            return os.getpid()
    """
    name = new_function(source, Timeout=1)
    before, _ = invoke(functions, name)
    payload, response = invoke(functions, name, {"hang": True})
    assert response["FunctionError"] == "Unhandled"
    assert payload["errorType"] == "Sandbox.Timedout"
    assert payload["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")
    after, _ = invoke(functions, name)
    assert after != before


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("os._exit(3)", "Runtime exited with error: exit status 3"),
        ("os._exit(0)", "Runtime exited without providing a reason"),
        ("os.kill(os.getpid(), 9)", "Runtime exited with error: signal: killed"),
    ],
)
def test_a_crash_is_told(functions: Any, new_function: Callable[..., str], code: str, said: str) -> None:
    """A process that ends during an invocation gives Runtime.ExitError and how it ended."""
    name = new_function(f"import os\ndef handler(e, c):\n    {code}")
    payload, response = invoke(functions, name)
    assert response["FunctionError"] == "Unhandled"
    assert payload["errorType"] == "Runtime.ExitError"
    assert payload["errorMessage"].endswith(f"Error: {said}")


def test_a_module_that_cannot_be_imported(functions: Any, new_function: Callable[..., str]) -> None:
    """A failed initialization is the answer of the invocation."""
    name = new_function("import no_such_module_at_all")
    payload, response = invoke(functions, name)
    assert response["FunctionError"] == "Unhandled"
    assert payload["errorType"] == "Runtime.ImportModuleError"
    assert "no_such_module_at_all" in payload["errorMessage"]


def test_two_at_once_run_side_by_side(
    core: Core, functions: Any, new_function: Callable[..., str], tmp_path: Any
) -> None:
    """A second invocation does not wait for the first: each has a process of its own."""
    source = """
        import os, pathlib, time
        def handler(event, context):
            mine, other = pathlib.Path(event["mine"]), pathlib.Path(event["other"])
            mine.write_text("here")
            while not other.exists():
                time.sleep(0.005)
            return os.getpid()
    """
    name = new_function(source, Timeout=20)
    a, b = str(tmp_path / "a"), str(tmp_path / "b")
    answers: list[Any] = []

    def work() -> None:
        answers.append(invoke(client_of(core, "lambda"), name, {"mine": a, "other": b})[0])

    other = threading.Thread(target=work)
    other.start()
    mine, _ = invoke(functions, name, {"mine": b, "other": a})
    other.join(60)
    assert len({mine, *answers}) == 2


def test_reserved_concurrency_zero_throttles(functions: Any, new_function: Callable[..., str]) -> None:
    """A function with no concurrency is not run."""
    name = new_function(ECHO)
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    with pytest.raises(ClientError, match=r"TooManyRequestsException.*Rate Exceeded"):
        invoke(functions, name)
    functions.delete_function_concurrency(FunctionName=name)
    assert invoke(functions, name)[0]["count"] == 1


def test_the_log_tail_has_output_and_report(functions: Any, new_function: Callable[..., str]) -> None:
    """LogType Tail returns what the function printed between START and REPORT."""
    name = new_function("def handler(e, c):\n    print('hello there')")
    _, response = invoke(functions, name, LogType="Tail")
    lines = base64.b64decode(response["LogResult"]).decode().splitlines()
    assert lines[0].startswith("START RequestId: ")
    assert "hello there" in lines
    assert lines[-1].startswith("REPORT RequestId: ")
    assert "Init Duration" in lines[-1]


def test_dry_run_does_not_run(functions: Any, new_function: Callable[..., str]) -> None:
    """DryRun only checks: code that cannot be loaded makes no error."""
    name = new_function("raise RuntimeError")
    assert "FunctionError" not in functions.invoke(FunctionName=name, InvocationType="DryRun")


def test_a_payload_must_be_json(functions: Any, new_function: Callable[..., str]) -> None:
    """What is not JSON is refused before the function sees it."""
    name = new_function(ECHO)
    with pytest.raises(ClientError, match="InvalidRequestContentException"):
        functions.invoke(FunctionName=name, Payload=b"{not json")


def test_an_unknown_function_is_named(functions: Any) -> None:
    """The error names the ARN."""
    arn = "arn:aws:lambda:us-east-1:111122223333:function:nobody"
    with pytest.raises(ClientError, match=rf"ResourceNotFoundException.*Function not found: {arn}"):
        functions.invoke(FunctionName="nobody")


def test_the_function_acts_as_its_role(core: Core, functions: Any, new_function: Callable[..., str]) -> None:
    """Its AWS calls are made, and refused, with the execution role."""
    client_of(core, "ssm").put_parameter(Name="/allowed", Value="yes", Type="String")
    source = """
        import boto3
        def handler(event, context):
            try:
                return boto3.client("ssm").get_parameter(Name=event["name"])["Parameter"]["Value"]
            except Exception as error:
                return str(error)
    """
    allowed = {
        "Effect": "Allow",
        "Action": "ssm:GetParameter",
        "Resource": "arn:aws:ssm:us-east-1:111122223333:parameter/allowed",
    }
    name = new_function(source, statements=(allowed,), Timeout=30)
    assert invoke(functions, name, {"name": "/allowed"})[0] == "yes"
    refused, _ = invoke(functions, name, {"name": "/other"})
    assert "AccessDenied" in refused
    assert f"/{name} is not authorized to perform: ssm:GetParameter" in refused


def test_environment_variables_arrive(functions: Any, new_function: Callable[..., str]) -> None:
    """The function sees its own variables and Lambda's; a changed configuration starts a new process."""
    source = "import os\ndef handler(e, c):\n    return {k: os.environ[k] for k in e}"
    name = new_function(source, Environment={"Variables": {"STAGE": "one"}})
    payload, _ = invoke(functions, name, ["STAGE", "AWS_LAMBDA_FUNCTION_NAME", "AWS_REGION"])
    assert payload == {"STAGE": "one", "AWS_LAMBDA_FUNCTION_NAME": name, "AWS_REGION": "us-east-1"}
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": {"STAGE": "two"}})
    assert invoke(functions, name, ["STAGE"])[0] == {"STAGE": "two"}


def test_closing_ends_every_process(core: Core, new_role: Callable[..., str]) -> None:
    """No function outlives the service, not even one at work."""
    service = Lambda(core)
    call = Call(
        principal=core.administrator.principal,
        region="us-east-1",
        service="lambda",
        operation="CreateFunction",
        request_id="1",
    )
    source = "import threading\ndef handler(e, c):\n    threading.Event().wait()"
    request = {
        "FunctionName": "endless",
        "Role": new_role(),
        "Runtime": "python3.12",
        "Handler": "index.handler",
        "Code": {"ZipFile": archive(source)},
        "Timeout": 60,
    }
    service.operations()["CreateFunction"](request, call)
    before = set(core.processes.running())
    invoke_it = service.operations()["Invoke"]
    answers: list[Any] = []
    caller = threading.Thread(target=lambda: answers.append(invoke_it({"FunctionName": "endless"}, call)))
    caller.start()
    while not set(core.processes.running()) - before:
        threading.Event().wait(0.005)
    service.close()
    caller.join(60)
    assert set(core.processes.running()) <= before
    assert answers[0]["FunctionError"] == "Unhandled"
