"""What happens to endpoints over time: dead servers come back, captured data is written by itself.

Source: Amazon SageMaker Developer Guide, "Use Your Own Inference Code with Hosting Services" (a container that ends is
replaced) and "Capture data from real-time endpoint" (the JSON Lines, sampling and CaptureOptions).
"""

from __future__ import annotations

import base64
import io
import json
import os
import re
import signal
import tarfile
import time
from typing import Any

import pytest
from lockgate_twin.services.sagemaker.errors import ModelError

from tests.support.manual_scheduler import ManualScheduler

BUCKET = "sagemaker-project-p-test"
ROLE = "arn:aws:iam::111122223333:role/lockgate/sagemaker-p-test-execution"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0"
STATUS = "SageMaker Endpoint State Change"
CODE = """
def model_fn(model_dir):
    return 2.0

def input_fn(body, content_type):
    return body

def predict_fn(body, model):
    return str(len(body) * model)

def output_fn(prediction, accept):
    return prediction, "text/csv"
"""


@pytest.fixture
def clock() -> ManualScheduler:
    """A clock that the tests move."""
    return ManualScheduler()


def deploy(world: Any, **capture: Any) -> None:
    """Create an endpoint "live" that serves a model, with data capture if any is given."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        member = tarfile.TarInfo("code/inference.py")
        member.size = len(CODE.encode())
        tar.addfile(member, io.BytesIO(CODE.encode()))
    url = world.put("models/model.tar.gz", packed.getvalue())
    container = {"Image": IMAGE, "ModelDataUrl": url, "Environment": {"SAGEMAKER_PROGRAM": "inference.py"}}
    world.call("CreateModel", ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer=container)
    variant = {"VariantName": "AllTraffic", "ModelName": "m", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    members: dict[str, Any] = {"ProductionVariants": [variant]}
    if capture:
        members["DataCaptureConfig"] = {
            "EnableCapture": True,
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": f"s3://{BUCKET}/capture",
            "CaptureOptions": [{"CaptureMode": "InputAndOutput"}],
            **capture,
        }
    world.call("CreateEndpointConfig", EndpointConfigName="c", **members)
    world.call("CreateEndpoint", EndpointName="live", EndpointConfigName="c")
    world.settle()
    assert world.call("DescribeEndpoint", EndpointName="live")["EndpointStatus"] == "InService"


def invoke(world: Any, body: bytes = b"abc", **members: Any) -> bytes:
    """Invoke the endpoint."""
    answer = world.call("InvokeEndpoint", EndpointName="live", Body=body, ContentType="text/csv", **members)
    return bytes(answer["Body"])


def captured(world: Any) -> list[dict[str, Any]]:
    """Return every captured line."""
    bodies = [body for (_, key), body in world.s3.objects.items() if key.startswith("capture/")]
    return [json.loads(line) for body in bodies for line in body.decode().splitlines()]


def test_a_server_that_dies_is_started_again(stage: Any) -> None:
    """The endpoint stays InService without an event; invocations fail until the new server answers."""
    world = stage.world
    deploy(world)
    assert invoke(world) == b"6.0"
    told = world.statuses(STATUS, "EndpointStatus")
    (endpoint,) = stage.sagemaker.endpoints.endpoints.all()
    dead = endpoint.fleet.variants[0].server
    os.kill(dead._process.pid, signal.SIGKILL)
    assert dead.wait_ended() != 0
    answers: list[bytes] = []
    refused: list[ModelError] = []
    deadline = time.monotonic() + 30
    while not answers and time.monotonic() < deadline:
        assert world.call("DescribeEndpoint", EndpointName="live")["EndpointStatus"] == "InService"
        try:
            answers.append(invoke(world))
        except ModelError as error:
            refused.append(error)
        time.sleep(0.02)
    assert answers == [b"6.0"]
    assert all(error.status == 424 and "Received server error" in error.message for error in refused)
    assert endpoint.fleet.variants[0].server is not dead
    assert world.statuses(STATUS, "EndpointStatus") == told
    log = world.settings.state_dir / "sagemaker/endpoints/live/AllTraffic.log"
    assert "the model server ended with code -9; it is started again" in log.read_text()


def test_a_deleted_endpoints_server_is_not_started_again(stage: Any) -> None:
    """What the twin itself stops stays stopped."""
    world = stage.world
    deploy(world)
    (endpoint,) = stage.sagemaker.endpoints.endpoints.all()
    fleet = endpoint.fleet
    world.call("DeleteEndpoint", EndpointName="live")
    world.settle()
    assert fleet.ended.is_set()
    assert not list((world.settings.state_dir / "sagemaker/endpoints/live").glob("AllTraffic-*"))


def test_captured_data_is_written_without_another_request(stage: Any, clock: ManualScheduler) -> None:
    """One object holds what came in since the first line; the next line starts the clock again."""
    world = stage.world
    deploy(world, CaptureContentTypeHeader={"CsvContentTypes": ["text/csv"]})
    invoke(world, b"1,2", InferenceId="row-1")
    invoke(world, b"3,4")
    assert captured(world) == []
    clock.wait_for_work()
    first, second = captured(world)
    given = {"observedContentType": "text/csv", "mode": "INPUT", "data": "1,2", "encoding": "CSV"}
    assert first["captureData"]["endpointInput"] == given
    answer = {"observedContentType": "text/csv", "mode": "OUTPUT", "data": "6.0", "encoding": "CSV"}
    got = first["captureData"]["endpointOutput"]
    assert {**got, "observedContentType": got["observedContentType"].partition(";")[0]} == answer
    assert set(first) == {"captureData", "eventMetadata", "eventVersion"}
    assert set(first["eventMetadata"]) == {"eventId", "inferenceTime", "inferenceId"}
    assert set(second["eventMetadata"]) == {"eventId", "inferenceTime"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", first["eventMetadata"]["inferenceTime"])
    (key,) = [key for _, key in world.s3.objects if key.startswith("capture/")]
    assert re.fullmatch(r"capture/live/AllTraffic/\d{4}/\d\d/\d\d/\d\d/\d\d-\d\d-\d{3}-[0-9a-f-]{36}\.jsonl", key)
    invoke(world, b"5,6")
    assert len(clock.delays) == 2
    clock.wait_for_work()
    assert len(captured(world)) == 3


def test_closing_writes_what_is_buffered(stage: Any) -> None:
    """A twin that is ended in an orderly way loses no captured line."""
    deploy(stage.world, CaptureOptions=[{"CaptureMode": "Input"}])
    invoke(stage.world)
    stage.sagemaker.close()
    (line,) = captured(stage.world)
    assert set(line["captureData"]) == {"endpointInput"}
    assert base64.b64decode(line["captureData"]["endpointInput"]["data"]) == b"abc"


@pytest.mark.parametrize(("percentage", "lines"), [(0, 0), (100, 5)])
def test_sampling_decides_what_is_captured(stage: Any, percentage: int, lines: int) -> None:
    """InitialSamplingPercentage 0 captures nothing, 100 everything; CaptureMode Output leaves the input out."""
    world = stage.world
    deploy(world, InitialSamplingPercentage=percentage, CaptureOptions=[{"CaptureMode": "Output"}])
    for _ in range(5):
        invoke(world)
    stage.sagemaker.close()
    found = captured(world)
    assert len(found) == lines
    assert all(set(line["captureData"]) == {"endpointOutput"} for line in found)


def test_a_capture_that_may_not_be_written_does_not_fail_the_invocation(stage: Any, clock: ManualScheduler) -> None:
    """The model's role may not write the destination: invocations go on, the lines are dropped."""
    world = stage.world
    world.s3.denied.add("capture/")
    deploy(world, InitialSamplingPercentage=100)
    assert invoke(world) == b"6.0"
    clock.wait_for_work()
    assert captured(world) == []
    assert invoke(world) == b"6.0"
