"""Processing and training jobs run as real processes with the documented container contract."""

from __future__ import annotations

import io
import json
import os
import select
import tarfile
from pathlib import Path
from typing import Any

import pytest
from lockgate_twin.errors import ApiError, NotImplementedByTwin

from tests.support.namespaces import NEEDS_NAMESPACES

BUCKET = "sagemaker-project-p-test"
ROLE = "arn:aws:iam::111122223333:role/lockgate/sagemaker-p-test-execution"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0"
LOCAL = "/opt/ml/processing"


def processing(world: Any, script: str, name: str = "prepare-1", **changes: Any) -> dict[str, Any]:
    """Return a CreateProcessingJob request that runs a script with one data input and one output."""
    code = world.put(f"{name}/code/run.py", script)
    request: dict[str, Any] = {
        "ProcessingJobName": name,
        "RoleArn": ROLE,
        "AppSpecification": {
            "ImageUri": IMAGE,
            "ContainerEntrypoint": ["python3", f"{LOCAL}/input/code/run.py"],
            "ContainerArguments": ["--greeting", "hello"],
        },
        "ProcessingInputs": [_input("code", code, f"{LOCAL}/input/code")],
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "OutputName": "out",
                    "S3Output": {
                        "S3Uri": f"s3://{BUCKET}/{name}/out",
                        "LocalPath": f"{LOCAL}/output",
                        "S3UploadMode": "EndOfJob",
                    },
                }
            ]
        },
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 30}
        },
        "Environment": {"COLOUR": "blue"},
    }
    return {**request, **changes}


def _input(name: str, uri: str, local: str) -> dict[str, Any]:
    source = {"S3Uri": uri, "LocalPath": local, "S3DataType": "S3Prefix", "S3InputMode": "File"}
    return {"InputName": name, "S3Input": source}


def source_archive(files: dict[str, str]) -> bytes:
    """Return a tar.gz of text files."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return packed.getvalue()


def training(world: Any, script: str, name: str = "train-1", **changes: Any) -> dict[str, Any]:
    """Return a CreateTrainingJob request in script mode with one channel."""
    where = world.put(f"{name}/sourcedir.tar.gz", source_archive({"train.py": script}))
    world.put(f"{name}/data/part-1.csv", "1,2\n")
    channel = {
        "ChannelName": "train",
        "ContentType": "text/csv",
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/{name}/data"}},
    }
    request: dict[str, Any] = {
        "TrainingJobName": name,
        "RoleArn": ROLE,
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "HyperParameters": {"sagemaker_program": "train.py", "sagemaker_submit_directory": where, "max_depth": "3"},
        "InputDataConfig": [channel],
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/models"},
        "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 30},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    }
    return {**request, **changes}


def processed(stage: Any, request: dict[str, Any]) -> dict[str, Any]:
    """Run a processing job to its end and describe it."""
    arn = stage.world.call("CreateProcessingJob", **request)["ProcessingJobArn"]
    stage.sagemaker.processing.wait(arn)
    return dict(stage.world.call("DescribeProcessingJob", ProcessingJobName=request["ProcessingJobName"]))


def trained(stage: Any, request: dict[str, Any]) -> dict[str, Any]:
    """Run a training job to its end and describe it."""
    arn = stage.world.call("CreateTrainingJob", **request)["TrainingJobArn"]
    stage.sagemaker.training.wait(arn)
    return dict(stage.world.call("DescribeTrainingJob", TrainingJobName=request["TrainingJobName"]))


REPORT = """
import json, os, pathlib, sys
out = pathlib.Path("/opt/ml/processing/output")
told = {
    "argv": sys.argv[1:], "colour": os.environ["COLOUR"], "job": os.environ["PROCESSING_JOB_NAME"],
    "config": json.loads(pathlib.Path("/opt/ml/config/processingjobconfig.json").read_text()),
    "hosts": json.loads(pathlib.Path("/opt/ml/config/resourceconfig.json").read_text()),
    "key": os.environ["AWS_ACCESS_KEY_ID"],
}
(out / "report").mkdir()
(out / "report" / "told.json").write_text(json.dumps(told))
pathlib.Path("/opt/ml/output/message").write_text("42 rows")
"""


@NEEDS_NAMESPACES
def test_a_processing_job_gets_the_documented_container_contract(stage: Any) -> None:
    """A processing job sees its inputs, configuration files, variables and arguments, and its output is uploaded."""
    described = processed(stage, processing(stage.world, REPORT))
    told = json.loads(stage.world.s3.objects[BUCKET, "prepare-1/out/report/told.json"])
    assert described["ProcessingJobStatus"] == "Completed"
    assert described["ExitMessage"] == "42 rows"
    assert (told["argv"], told["colour"], told["job"]) == (["--greeting", "hello"], "blue", "prepare-1")
    assert told["config"]["ProcessingJobArn"] == described["ProcessingJobArn"]
    assert told["hosts"] == {"current_host": "algo-1", "hosts": ["algo-1"]}
    assert told["key"] == "AKIATEST"


@NEEDS_NAMESPACES
def test_a_failing_processing_job_tells_its_message_and_its_log(stage: Any) -> None:
    """A failing job's FailureReason is its message file's text with the log file's path; nothing is uploaded."""
    told = "import pathlib\npathlib.Path('/opt/ml/output/message').write_text('column age is missing')"
    script = f"{told}\nraise SystemExit(3)"
    described = processed(stage, processing(stage.world, script))
    assert described["ProcessingJobStatus"] == "Failed"
    assert described["FailureReason"].startswith("AlgorithmError: column age is missing, exit code: 3. Log: /")
    assert Path(described["FailureReason"].rpartition("Log: ")[2]).is_file()
    assert not [key for _, key in stage.world.s3.objects if key.startswith("prepare-1/out")]


def test_without_a_message_the_end_of_the_log_is_the_reason(stage: Any) -> None:
    """An uncaught exception's last line is in the FailureReason."""
    described = processed(stage, processing(stage.world, "raise KeyError('released')"))
    assert "KeyError: 'released', exit code: 1" in described["FailureReason"]


def test_missing_input_data_is_told_by_its_uri(stage: Any) -> None:
    """An input prefix without objects fails the job before it runs."""
    request = processing(stage.world, "print('never')")
    request["ProcessingInputs"].append(_input("data", f"s3://{BUCKET}/nothing/here", f"{LOCAL}/input/data"))
    described = processed(stage, request)
    assert described["ProcessingJobStatus"] == "Failed"
    assert f"s3://{BUCKET}/nothing/here" in described["FailureReason"]
    assert "ProcessingStartTime" not in described


def test_an_input_the_role_may_not_read_fails_the_job(stage: Any) -> None:
    """AccessDenied while staging is the job's FailureReason."""
    request = processing(stage.world, "print('never')")
    stage.world.s3.denied.add("prepare-1/code")
    assert "is not authorized to perform: s3:GetObject" in processed(stage, request)["FailureReason"]


@NEEDS_NAMESPACES
def test_two_parallel_jobs_have_their_own_opt_ml_and_tmp(stage: Any) -> None:
    """Two jobs that write to the same paths under /opt/ml and /tmp at the same time do not see each other."""
    script = """
import pathlib, sys, time
mine = sys.argv[2]
for place in ("/opt/ml/processing/output/x", "/tmp/x"):
    assert not pathlib.Path(place).exists(), place
    pathlib.Path(place).write_text(mine)
ready = pathlib.Path("/opt/ml/processing/output/ready")
ready.write_text(mine)
end = time.monotonic() + 0.3
while time.monotonic() < end:
    assert pathlib.Path("/tmp/x").read_text() == mine
pathlib.Path("/opt/ml/processing/output/y").write_text(pathlib.Path("/tmp/x").read_text())
"""
    world = stage.world
    arns = []
    for name in ("left", "right"):
        request = processing(world, script, name)
        request["AppSpecification"]["ContainerArguments"] = ["--me", name]
        arns.append(world.call("CreateProcessingJob", **request)["ProcessingJobArn"])
    for arn in arns:
        stage.sagemaker.processing.wait(arn)
    for name in ("left", "right"):
        assert world.call("DescribeProcessingJob", ProcessingJobName=name)["ProcessingJobStatus"] == "Completed"
        assert world.s3.objects[BUCKET, f"{name}/out/y"] == name.encode()


def test_a_job_past_its_limit_is_ended_with_its_children(stage: Any) -> None:
    """MaxRuntimeInSeconds ends the whole process group and says so."""
    script = "import subprocess\nc = subprocess.Popen(['sleep', '600'])\nprint('child', c.pid, flush=True)\nc.wait()"
    described = processed(stage, processing(stage.world, script, StoppingCondition={"MaxRuntimeInSeconds": 2}))
    assert described["ProcessingJobStatus"] == "Stopped"
    assert "MaxRuntimeInSeconds of 2" in described["FailureReason"]
    child = Path(described["FailureReason"].rpartition("Log: ")[2]).read_text().split()[1]
    assert _ended(int(child))


def _ended(pid: int) -> bool:
    """Tell whether a process has ended, or does so in a moment."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], 5)[0])
    finally:
        os.close(descriptor)


def test_a_job_can_be_stopped(stage: Any) -> None:
    """StopProcessingJob ends the process; a job that is over cannot be stopped."""
    world = stage.world
    arn = world.call("CreateProcessingJob", **processing(world, "import time\ntime.sleep(600)"))["ProcessingJobArn"]
    world.call("StopProcessingJob", ProcessingJobName="prepare-1")
    stage.sagemaker.processing.wait(arn)
    assert world.call("DescribeProcessingJob", ProcessingJobName="prepare-1")["ProcessingJobStatus"] == "Stopped"
    with pytest.raises(ApiError, match="in status Stopped"):
        world.call("StopProcessingJob", ProcessingJobName="prepare-1")


def test_job_events_follow_its_course(stage: Any) -> None:
    """InProgress and the final status are told, with times in milliseconds."""
    processed(stage, processing(stage.world, "print('hi')"))
    told = stage.world.statuses("SageMaker Processing Job State Change", "ProcessingJobStatus")
    assert told == ["InProgress", "Completed"]
    assert all(isinstance(event.detail["CreationTime"], int) for event in stage.world.events)


def test_a_jobs_output_goes_to_cloudwatch_logs(stage: Any) -> None:
    """The whole log is delivered to the kind's log group under the job's name."""
    processed(stage, processing(stage.world, "print('one')\nprint('two')"))
    assert stage.world.logs.delivered.wait(60)
    (group, stream), messages = next(iter(stage.world.logs.streams.items()))
    assert (group, messages) == ("/aws/sagemaker/ProcessingJobs", ["one", "two"])
    assert stream.startswith("prepare-1/algo-1-")


def test_an_image_without_entry_point_is_refused_by_name(world: Any) -> None:
    """The twin does not pretend to know what an image runs."""
    request = processing(world, "")
    del request["AppSpecification"]["ContainerEntrypoint"]
    with pytest.raises(NotImplementedByTwin, match=r"sagemaker-xgboost:3\.2-0"):
        world.call("CreateProcessingJob", **request)


def test_every_unsupported_member_is_named(world: Any) -> None:
    """All that a request asks for and the twin does not do is told at once."""
    request = processing(world, "")
    request["ProcessingInputs"][0]["S3Input"]["S3InputMode"] = "Pipe"
    request["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3UploadMode"] = "Continuous"
    with pytest.raises(
        NotImplementedByTwin, match=r"ProcessingInputs\[code\] S3InputMode Pipe; .*Outputs\[out\] other"
    ):
        world.call("CreateProcessingJob", **request)


def test_a_local_path_outside_processing_is_refused(world: Any) -> None:
    """Inputs and outputs live beneath /opt/ml/processing."""
    request = processing(world, "")
    request["ProcessingInputs"][0]["S3Input"]["LocalPath"] = "/opt/ml/processing/../../etc"
    with pytest.raises(ApiError, match="must be beneath /opt/ml/processing"):
        world.call("CreateProcessingJob", **request)


def test_a_role_that_does_not_trust_sagemaker_is_refused(world: Any) -> None:
    """The job is not created if its role cannot be assumed."""
    world.untrusted.add(ROLE)
    with pytest.raises(ApiError, match="Could not assume role"):
        world.call("CreateProcessingJob", **processing(world, ""))
    assert world.call("ListProcessingJobs")["ProcessingJobSummaries"] == []


def test_job_names_are_unique(stage: Any) -> None:
    """A second job of the same name is ResourceInUse."""
    request = processing(stage.world, "")
    processed(stage, request)
    with pytest.raises(ApiError, match="ResourceInUse"):
        stage.world.call("CreateProcessingJob", **request)


TRAIN = """
import argparse, json, os, pathlib
parser = argparse.ArgumentParser()
parser.add_argument("--max_depth", type=int)
arguments = parser.parse_args()
model = pathlib.Path(os.environ["SM_MODEL_DIR"])
print("validation-auc:0.71"); print("validation-auc:0.75")
told = {k: v for k, v in os.environ.items() if k.startswith(("SM_", "TRAINING_JOB"))}
(model / "told.json").write_text(json.dumps(told, sort_keys=True))
(model / "rows").write_text(pathlib.Path(os.environ["SM_CHANNEL_TRAIN"], "part-1.csv").read_text())
pathlib.Path("/opt/ml/output/data/depth").write_text(str(arguments.max_depth))
pathlib.Path("helper.txt").read_text() if pathlib.Path("helper.txt").exists() else None
assert os.getcwd() == "/opt/ml/code", os.getcwd()
"""


@NEEDS_NAMESPACES
def test_script_mode_training_leaves_a_model_archive(stage: Any) -> None:
    """The user's program runs with SM_* variables and arguments; /opt/ml/model becomes model.tar.gz."""
    request = training(stage.world, TRAIN)
    request["AlgorithmSpecification"]["MetricDefinitions"] = [{"Name": "auc", "Regex": "validation-auc:([0-9.]+)"}]
    described = trained(stage, request)
    assert described["TrainingJobStatus"] == described["SecondaryStatus"] == "Completed", described
    uri = described["ModelArtifacts"]["S3ModelArtifacts"]
    assert uri == f"s3://{BUCKET}/models/train-1/output/model.tar.gz"
    with tarfile.open(fileobj=io.BytesIO(stage.world.s3.objects[BUCKET, "models/train-1/output/model.tar.gz"])) as tar:
        assert tar.getnames() == ["rows", "told.json"]
        told = json.loads(tar.extractfile("told.json").read())  # type: ignore[union-attr]
    assert told["SM_CHANNELS"] == '["train"]'
    assert told["SM_HPS"] == '{"max_depth":3}'
    assert (told["SM_HP_MAX_DEPTH"], told["SM_USER_ARGS"]) == ("3", '["--max_depth","3"]')
    assert told["TRAINING_JOB_ARN"] == described["TrainingJobArn"]
    assert (BUCKET, "models/train-1/output/output.tar.gz") in stage.world.s3.objects
    assert [(m["MetricName"], m["Value"]) for m in described["FinalMetricDataList"]] == [("auc", 0.75)]
    phases = [t["Status"] for t in described["SecondaryStatusTransitions"]]
    assert phases == ["Starting", "Downloading", "Training", "Uploading", "Completed"]


@NEEDS_NAMESPACES
def test_the_same_model_gives_the_same_archive(stage: Any) -> None:
    """Two runs of the same program upload byte-identical archives."""
    script = "import pathlib\nfor n in 'ba': pathlib.Path('/opt/ml/model', n).write_text(n)"
    for name in ("first", "second"):
        trained(stage, training(stage.world, script, name))
    objects = stage.world.s3.objects
    assert objects[BUCKET, "models/first/output/model.tar.gz"] == objects[BUCKET, "models/second/output/model.tar.gz"]


@NEEDS_NAMESPACES
def test_a_failing_training_job_tells_its_failure_file(stage: Any) -> None:
    """/opt/ml/output/failure is the FailureReason; no model is uploaded."""
    script = "import pathlib\npathlib.Path('/opt/ml/output/failure').write_text('no rows')\nraise SystemExit(1)"
    described = trained(stage, training(stage.world, script))
    assert described["TrainingJobStatus"] == described["SecondaryStatus"] == "Failed"
    assert "AlgorithmError: no rows, exit code: 1" in described["FailureReason"]
    assert not [key for _, key in stage.world.s3.objects if key.startswith("models/")]


@NEEDS_NAMESPACES
def test_a_stopped_training_job_keeps_what_it_saved(stage: Any) -> None:
    """At the end of MaxRuntimeInSeconds the model saved so far is uploaded; the job is Stopped."""
    script = "import pathlib, time\npathlib.Path('/opt/ml/model/half').write_text('x')\ntime.sleep(600)"
    described = trained(stage, training(stage.world, script, StoppingCondition={"MaxRuntimeInSeconds": 2}))
    assert (described["TrainingJobStatus"], described["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert (BUCKET, "models/train-1/output/model.tar.gz") in stage.world.s3.objects


@pytest.mark.parametrize(
    ("hyperparameters", "reason"),
    [
        ({"sagemaker_program": "other.py"}, "sagemaker_program 'other.py' is not in s3://"),
        ({"sagemaker_submit_directory": f"s3://{BUCKET}/missing.tar.gz"}, "missing.tar.gz cannot be read: NoSuchKey"),
    ],
)
def test_a_wrong_source_is_told(stage: Any, hyperparameters: dict[str, str], reason: str) -> None:
    """A program that is not in the archive, or an archive that is missing, fails the job by name."""
    request = training(stage.world, "")
    request["HyperParameters"].update(hyperparameters)
    assert reason in trained(stage, request)["FailureReason"]


def test_the_built_in_algorithm_is_refused(world: Any) -> None:
    """Without a program the image's own algorithm would run, which the twin does not have."""
    request = training(world, "")
    del request["HyperParameters"]["sagemaker_program"]
    with pytest.raises(NotImplementedByTwin, match="built-in algorithm of image"):
        world.call("CreateTrainingJob", **request)


def test_jobs_are_listed_oldest_first_in_pages(stage: Any) -> None:
    """ListTrainingJobs is ascending by default; NextToken goes on where the page ended."""
    for number in range(3):
        trained(stage, training(stage.world, "", f"job-{number}"))
    first = stage.world.call("ListTrainingJobs", MaxResults=2)
    rest = stage.world.call("ListTrainingJobs", MaxResults=2, NextToken=first["NextToken"])
    names = [job["TrainingJobName"] for page in (first, rest) for job in page["TrainingJobSummaries"]]
    assert names == ["job-0", "job-1", "job-2"]
    assert "NextToken" not in rest
    with pytest.raises(ApiError, match="Invalid NextToken"):
        stage.world.call("ListTrainingJobs", NextToken="x")
