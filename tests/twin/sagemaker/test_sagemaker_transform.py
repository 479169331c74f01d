"""Batch transform: objects in, `.out` objects out, with the model's own code; as a job and as a pipeline's step.

Source: Amazon SageMaker Developer Guide, "Use Batch Transform" and "Associate Prediction Results with Input Records";
API reference, CreateTransformJob.
"""

from __future__ import annotations

import io
import json
import re
import tarfile
import uuid
from typing import Any

import pytest
from lockgate_twin.errors import ApiError, NotImplementedByTwin
from lockgate_twin.jobs.errors import JobError
from lockgate_twin.jobs.transform_data import Processing, records, requests, select

BUCKET = "sagemaker-project-p-test"
ROLE = "arn:aws:iam::111122223333:role/lockgate/sagemaker-p-test-execution"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0"
STATUS = "SageMaker Transform Job State Change"
CODE = """
import os, time

def model_fn(model_dir):
    return float(open(model_dir + "/factor").read())

def input_fn(body, content_type):
    if body == "wait":
        print("waiting", flush=True)
        time.sleep(60)
    return [[float(cell) for cell in line.split(",")] for line in body.strip().splitlines()]

def predict_fn(rows, model):
    return [sum(row) * model for row in rows]

def output_fn(prediction, accept):
    if accept == "text/plain":
        return os.environ["SAGEMAKER_BATCH_STRATEGY"] + " " + os.environ["COLOUR"] + str(len(prediction)), accept
    return "\\n".join(map(str, prediction)), accept
"""


def make_model(world: Any, name: str = "credit") -> str:
    """Create a model and return its name."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for path, text in (("factor", "2"), ("code/inference.py", CODE)):
            member = tarfile.TarInfo(path)
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    container = {
        "Image": IMAGE,
        "ModelDataUrl": world.put(f"models/{name}.tar.gz", packed.getvalue()),
        "Environment": {"SAGEMAKER_PROGRAM": "inference.py", "COLOUR": "blue"},
    }
    world.call("CreateModel", ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container)
    return name


def request(**changes: Any) -> dict[str, Any]:
    """Return a CreateTransformJob request without its name; `input`, `output` replace members of these."""
    given = {
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/in/"}},
        "ContentType": "text/csv",
        "SplitType": "Line",
        **changes.pop("input", {}),
    }
    out = {"S3OutputPath": f"s3://{BUCKET}/out", "Accept": "text/csv", "AssembleWith": "Line"}
    return {
        "ModelName": "credit",
        "TransformInput": given,
        "TransformOutput": {**out, **changes.pop("output", {})},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        **changes,
    }


def run(world: Any, **changes: Any) -> dict[str, Any]:
    """Run a job to its end and describe it."""
    make_model(world)
    arn = world.call("CreateTransformJob", TransformJobName="Batch", **request(**changes))["TransformJobArn"]
    assert arn == "arn:aws:sagemaker:us-east-1:111122223333:transform-job/batch"
    world.settle()
    return dict(world.call("DescribeTransformJob", TransformJobName="Batch"))


def outputs(world: Any) -> dict[str, str]:
    """Return what lies beneath out/."""
    return {key: body.decode() for (_, key), body in world.s3.objects.items() if key.startswith("out/")}


def test_every_object_of_the_prefix_gets_its_out(world: Any) -> None:
    """Records are transformed one by one, in order, each object into <its key>.out; the events tell the course."""
    world.put("in/a.csv", "1,2\n3,4\n")
    world.put("in/deep/b.csv", "5,6\n")
    described = run(world)
    assert described["TransformJobStatus"] == "Completed", described
    assert outputs(world) == {"out/a.csv.out": "6.0\n14.0\n", "out/deep/b.csv.out": "22.0\n"}
    assert described["TransformEndTime"] >= described["TransformStartTime"] >= described["CreationTime"]
    assert world.statuses(STATUS, "TransformJobStatus") == ["InProgress", "Completed"]
    detail = world.events[-1].detail
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", detail["TransformEndTime"])
    assert (detail["ModelName"], detail["Tags"]) == ("credit", {})
    listed = world.call("ListTransformJobs", StatusEquals="Completed")["TransformJobSummaries"]
    assert [s["TransformJobName"] for s in listed] == ["Batch"]


def test_many_records_make_one_request(world: Any) -> None:
    """MultiRecord sends what fits; the container sees the strategy and the job's own variables."""
    world.put("in/a.csv", "1,2\n3,4\n5,6\n")
    described = run(
        world,
        BatchStrategy="MultiRecord",
        Environment={"COLOUR": "red"},
        output={"Accept": "text/plain", "AssembleWith": "None"},
    )
    assert described["TransformJobStatus"] == "Completed", described
    assert outputs(world) == {"out/a.csv.out": "MULTI_RECORD red3"}


@pytest.mark.parametrize("strategy", ["SingleRecord", "MultiRecord"])
def test_answers_are_joined_with_their_records(world: Any, strategy: str) -> None:
    """InputFilter hides the identifier, JoinSource adds the answer to the whole record, OutputFilter picks columns."""
    world.put("in/a.csv", "id-1,1,2\nid-2,3,4\n")
    processing = {"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"}
    described = run(world, DataProcessing=processing, BatchStrategy=strategy)
    assert described["TransformJobStatus"] == "Completed", described
    assert outputs(world) == {"out/a.csv.out": "id-1,6.0\nid-2,14.0\n"}


def test_an_unusable_record_fails_the_job(world: Any) -> None:
    """What the model's code says is in the reason; nothing is uploaded."""
    world.put("in/a.csv", "1,2\nx,y\n")
    described = run(world)
    assert described["TransformJobStatus"] == "Failed"
    assert "could not convert string to float: 'x'" in described["FailureReason"]
    assert outputs(world) == {}


def test_a_job_without_objects_fails(world: Any) -> None:
    """An empty prefix is told as a failed download."""
    assert "No S3 objects found" in run(world)["FailureReason"]


def test_a_job_can_be_stopped(stage: Any) -> None:
    """StopTransformJob ends the program; the job is Stopped and a second stop is refused."""
    world = stage.world
    make_model(world)
    world.put("in/a.csv", "wait")
    world.call("CreateTransformJob", TransformJobName="Batch", **request())
    world.call("StopTransformJob", TransformJobName="Batch")
    world.settle()
    stage.sagemaker.transform.wait("arn:aws:sagemaker:us-east-1:111122223333:transform-job/batch")
    assert world.call("DescribeTransformJob", TransformJobName="Batch")["TransformJobStatus"] == "Stopped"
    with pytest.raises(ApiError, match="the job is in status Stopped"):
        world.call("StopTransformJob", TransformJobName="Batch")


@pytest.mark.parametrize(
    ("changes", "kind", "told"),
    [
        ({"ModelName": "none"}, ApiError, "Could not find model"),
        ({"BatchStrategy": "MultiRecord", "input": {"SplitType": "None"}}, ApiError, "needs a SplitType"),
        ({"DataProcessing": {"InputFilter": "$..x"}}, ApiError, r"filter '\$\.\.x' is not one"),
        ({"input": {"SplitType": "RecordIO"}}, NotImplementedByTwin, "SplitType RecordIO"),
        ({"DataCaptureConfig": {"DestinationS3Uri": "s3://b"}}, NotImplementedByTwin, "DataCaptureConfig"),
    ],
)
def test_requests_that_cannot_be_done_are_refused(world: Any, changes: Any, kind: Any, told: str) -> None:
    """Unknown models, contradictions and what the twin does not do are told at once."""
    make_model(world)
    with pytest.raises(kind, match=told):
        world.call("CreateTransformJob", TransformJobName="Batch", **request(**changes))
    assert world.call("ListTransformJobs")["TransformJobSummaries"] == []


def test_a_pipeline_transforms_with_the_model_it_made(stage: Any) -> None:
    """A Transform step is a job named after the execution; later steps read its properties."""
    world = stage.world
    make_model(world)
    world.put("in/a.csv", "1,2\n")
    step = {"Name": "Predict", "Type": "Transform", "Arguments": request()}
    path = {"Get": "Steps.Predict.TransformOutput.S3OutputPath"}
    fail = {"Name": "Say", "Type": "Fail", "Arguments": {"ErrorMessage": path}}
    definition = json.dumps({"Version": "2020-12-01", "Steps": [step, fail]})
    token = uuid.uuid4().hex
    world.call(
        "CreatePipeline", PipelineName="demo", RoleArn=ROLE, ClientRequestToken=token, PipelineDefinition=definition
    )
    arn = world.call("StartPipelineExecution", PipelineName="demo", ClientRequestToken=token)["PipelineExecutionArn"]
    world.settle()
    steps = world.call("ListPipelineExecutionSteps", PipelineExecutionArn=arn)["PipelineExecutionSteps"]
    found = {s["StepName"]: s for s in steps}
    assert found["Say"]["FailureReason"] == f"s3://{BUCKET}/out"
    assert ":transform-job/pipelines-" in found["Predict"]["Metadata"]["TransformJob"]["Arn"]
    assert outputs(world) == {"out/a.csv.out": "6.0\n"}


def test_records_fill_requests_up_to_the_payload() -> None:
    """MultiRecord fills a request with whole records; a record that is too large alone is refused."""
    items = records(b"aaaa\nbb\n\ncc\r\n", "Line")
    assert items == [b"aaaa", b"bb", b"cc"]
    assert list(requests(items, many=True, limit=7)) == [[b"aaaa", b"bb"], [b"cc"]]
    assert list(requests(items, many=False, limit=7)) == [[b"aaaa"], [b"bb"], [b"cc"]]
    with pytest.raises(JobError, match="4 bytes, more than MaxPayloadInMB"):
        list(requests(items, many=True, limit=3))


def test_json_records_are_joined_by_member() -> None:
    """An object gets SageMakerOutput; anything else is wrapped with SageMakerInput."""
    join = Processing(join=True)
    lines = "application/jsonlines"
    assert join.after(b'{"a": 1}', b"[2]", lines, lines) == b'{"a": 1, "SageMakerOutput": [2]}'
    assert join.after(b"[1]", b"2", lines, lines) == b'{"SageMakerInput": [1], "SageMakerOutput": 2}'
    assert Processing(input_filter="$.features").before(b'{"features": [1], "id": 7}', lines) == b"[1]"


@pytest.mark.parametrize(
    ("path", "found"), [("$", [0, 1, 2]), ("$[1]", 1), ("$[-1:]", [2]), ("$[0,2]", [0, 2]), ("$[0,1:]", [0, 1, 2])]
)
def test_paths_select_as_documented(path: str, found: Any) -> None:
    """Indexes, lists of indexes and slices work; what is not there is an error."""
    assert select([0, 1, 2], path) == found
    with pytest.raises(JobError, match="selects nothing"):
        select([], "$[3]")
