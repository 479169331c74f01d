"""Pipelines really run: order, branches, parallel steps, failure, caching, retries, stopping, events."""

from __future__ import annotations

import copy
import io
import json
import shutil
import tarfile
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lockgate_twin.errors import ApiError

from tests.support.namespaces import NEEDS_NAMESPACES

BUCKET = "sagemaker-project-p-idy6c3e1fiqj"
PREFIX = "sagemaker-demo-p-idy6c3e1fiqj"
ROLE = "arn:aws:iam::111122223333:role/lockgate/sagemaker-p-idy6c3e1fiqj-execution"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0"
EXAMPLE = json.loads(Path(__file__).with_name("build_pipeline.json").read_text())
STEP_EVENT = "SageMaker Model Building Pipeline Execution Step Status Change"
EXECUTION_EVENT = "SageMaker Model Building Pipeline Execution Status Change"

PREPARE = """
import pathlib, sys
source, out = pathlib.Path(sys.argv[4]), pathlib.Path(sys.argv[6])
rows = (source / "data.csv").read_text()
for name in ("train", "validation", "test"):
    (out / name / "rows.csv").write_text(rows)
"""
TRAIN = """
import os, pathlib
rows = pathlib.Path(os.environ["SM_CHANNEL_TRAIN"], "rows.csv").read_text().split()
pathlib.Path(os.environ["SM_MODEL_DIR"], "model").write_text(str(len(rows)))
"""
EVALUATE = """
import hashlib, json, pathlib, sys
model, out = pathlib.Path(sys.argv[2], "model.tar.gz"), pathlib.Path(sys.argv[6])
digest = hashlib.sha256(model.read_bytes()).hexdigest()
report = {"auc": 0.72, "model_digest": digest, "data_digest": "d" * 64}
(out / "evaluation.json").write_text(json.dumps(report))
"""


def start(stage: Any, name: str = "demo", **parameters: str) -> dict[str, Any]:
    """Run an execution to its end and describe it."""
    given = [{"Name": key, "Value": value} for key, value in parameters.items()]
    answer = stage.world.call(
        "StartPipelineExecution", PipelineName=name, ClientRequestToken=str(uuid.uuid4()), PipelineParameters=given
    )
    arn = answer["PipelineExecutionArn"]
    finished(stage, arn)
    return dict(stage.world.call("DescribePipelineExecution", PipelineExecutionArn=arn))


def finished(stage: Any, arn: str) -> None:
    """Wait for the end of an execution."""
    (execution,) = [e for e in stage.sagemaker.executions.executions.all() if e.arn == arn]
    assert execution.done.wait(60)


def steps(stage: Any, execution: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return an execution's steps by name."""
    arn = execution["PipelineExecutionArn"]
    listed = stage.world.call("ListPipelineExecutionSteps", PipelineExecutionArn=arn, SortOrder="Ascending")
    return {step["StepName"]: step for step in listed["PipelineExecutionSteps"]}


def create(world: Any, definition: dict[str, Any], name: str = "demo") -> None:
    """Create a pipeline."""
    text = json.dumps(definition)
    world.call("CreatePipeline", PipelineName=name, RoleArn=ROLE, ClientRequestToken="t" * 32, PipelineDefinition=text)


def put(world: Any, uri: str, body: bytes) -> None:
    """Store an object by its URI."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    world.s3.objects[bucket, key] = body


@pytest.fixture
def build(stage: Any) -> dict[str, Any]:
    """A build pipeline as the SDK generates it, with small scripts and data in S3."""
    world = stage.world

    prepare, train, evaluate = (step["Arguments"] for step in EXAMPLE["Steps"][:3])
    code = {
        script: step["ProcessingInputs"][0]["S3Input"]["S3Uri"] for script, step in (("p", prepare), ("e", evaluate))
    }
    put(world, f"{code['p']}/prepare.py", PREPARE.encode())
    put(world, f"{code['e']}/evaluate.py", EVALUATE.encode())
    put(world, f"{EXAMPLE['Parameters'][0]['DefaultValue']}/data.csv", b"1\n2\n3\n")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        member = tarfile.TarInfo("train.py")
        member.size = len(TRAIN)
        archive.addfile(member, io.BytesIO(TRAIN.encode()))
    put(world, train["HyperParameters"]["sagemaker_submit_directory"], packed.getvalue())
    world.call("CreateModelPackageGroup", ModelPackageGroupName="demo-p-idy6c3e1fiqj")
    return copy.deepcopy(EXAMPLE)


def test_a_build_pipeline_registers_its_model(stage: Any, build: dict[str, Any]) -> None:
    """Prepare, train, evaluate, condition and registration run as the pipeline's role; values flow between them."""
    create(stage.world, build)
    execution = start(stage, CommitId="abc123")
    assert execution["PipelineExecutionStatus"] == "Succeeded", [
        s.get("FailureReason") for s in steps(stage, execution).values()
    ]
    ran = steps(stage, execution)
    assert list(ran) == ["Prepare", "Train", "Evaluate", "AucReachesThreshold", "RegisterModel"]
    assert ran["AucReachesThreshold"]["Metadata"] == {"Condition": {"Outcome": "True"}}
    arn = ran["RegisterModel"]["Metadata"]["RegisterModel"]["Arn"]
    package = stage.world.call("DescribeModelPackage", ModelPackageName=arn)
    identifier = execution["PipelineExecutionArn"].rpartition("/")[2]
    assert package["MetadataProperties"]["CommitId"] == "abc123"
    assert package["MetadataProperties"]["GeneratedBy"] == execution["PipelineExecutionArn"]
    statistics = package["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"]
    assert statistics == f"s3://{BUCKET}/{PREFIX}/executions/{identifier}/evaluate/evaluation/statistics.json"
    assert len(package["CustomerMetadataProperties"]["ModelDigest"]) == 64
    assert package["CustomerMetadataProperties"]["SourceDigest"] == "not-recorded"
    assert package["CreatedBy"]["IamIdentity"]["Arn"].endswith(f"/pipelines-{identifier}")
    job = ran["Train"]["Metadata"]["TrainingJob"]["Arn"]
    assert job.startswith(f"arn:aws:sagemaker:us-east-1:111122223333:training-job/pipelines-{identifier}-train-")


def test_a_missed_threshold_fails_with_the_steps_message(stage: Any, build: dict[str, Any]) -> None:
    """Below the threshold the Fail step ends the execution with its resolved message; nothing is registered."""
    create(stage.world, build)
    execution = start(stage, AucThreshold="0.9")
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert execution["FailureReason"] == "Step failure: One or multiple steps failed."
    ran = steps(stage, execution)
    told = ran["AucBelowThreshold"]
    assert told["StepStatus"] == "Failed"
    assert told["FailureReason"].startswith("The AUC on held-out rows is 0.72 and the threshold is 0.9 so nothing")
    assert told["Metadata"]["Fail"]["ErrorMessage"] == told["FailureReason"]
    assert "RegisterModel" not in ran
    listed = stage.world.call("ListModelPackages", ModelPackageGroupName="demo-p-idy6c3e1fiqj")
    assert listed["ModelPackageSummaryList"] == []


def test_unchanged_steps_are_taken_from_the_cache(stage: Any, build: dict[str, Any]) -> None:
    """A second execution reuses the newest successful jobs, propagates their outputs, and runs what changed."""
    create(stage.world, build)
    first, second = start(stage), start(stage)
    jobs = len(stage.world.call("ListProcessingJobs")["ProcessingJobSummaries"])
    ran, again = steps(stage, first), steps(stage, second)
    source = {"SourcePipelineExecutionArn": first["PipelineExecutionArn"]}
    for name in ("Prepare", "Train", "Evaluate"):
        assert again[name]["CacheHitResult"] == source
        assert again[name]["Metadata"] == ran[name]["Metadata"]
    assert "CacheHitResult" not in again["RegisterModel"]
    assert jobs == 2
    build["Steps"][1]["Arguments"]["HyperParameters"]["eta"] = "0.3"
    stage.world.call("UpdatePipeline", PipelineName="demo", PipelineDefinition=json.dumps(build))
    third = steps(stage, start(stage))
    assert third["Prepare"]["CacheHitResult"] == source
    assert "CacheHitResult" not in third["Train"]
    assert "CacheHitResult" not in third["Evaluate"]
    assert third["Train"]["StepStatus"] == "Succeeded"


def test_the_cache_is_of_one_pipeline_and_expires(stage: Any, build: dict[str, Any]) -> None:
    """Another pipeline does not share the cache, and a run older than ExpireAfter does not count."""
    definition = {**build, "Steps": [build["Steps"][0]]}
    definition["Steps"][0]["CacheConfig"]["ExpireAfter"] = "PT0H"
    create(stage.world, definition)
    start(stage)
    assert "CacheHitResult" not in steps(stage, start(stage))["Prepare"]
    create(stage.world, build, name="other")
    assert "CacheHitResult" not in steps(stage, start(stage, "other"))["Prepare"]


def simple(stage: Any, name: str, script: str = "", **changes: Any) -> dict[str, Any]:
    """Return a Processing step that runs a script."""
    key = f"scripts/{name}.py"
    stage.world.s3.objects[BUCKET, key] = script.encode()
    source = {"S3Uri": f"s3://{BUCKET}/{key}", "LocalPath": "/opt/ml/processing/input/code", "S3DataType": "S3Prefix"}
    arguments = {
        "RoleArn": ROLE,
        "AppSpecification": {
            "ImageUri": IMAGE,
            "ContainerEntrypoint": ["python3", f"/opt/ml/processing/input/code/{name}.py"],
        },
        "ProcessingInputs": [{"InputName": "code", "S3Input": {**source, "S3InputMode": "File"}}],
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
        },
    }
    return {"Name": name, "Type": "Processing", "Arguments": arguments, **changes}


def of(*parts: dict[str, Any], parameters: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """Return a definition."""
    return {"Version": "2020-12-01", "Metadata": {}, "Parameters": parameters or [], "Steps": list(parts)}


def test_a_failing_step_stops_new_steps(stage: Any) -> None:
    """The job's reason is the step's; steps that wait for it are never started."""
    bad = simple(stage, "Bad", "raise ValueError('column colour is missing')")
    create(stage.world, of(bad, simple(stage, "After", DependsOn=["Bad"])))
    execution = start(stage)
    ran = steps(stage, execution)
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert list(ran) == ["Bad"]
    reason = ran["Bad"]["FailureReason"]
    assert reason.startswith("ClientError: AlgorithmError: ")
    assert "column colour is missing" in reason
    assert Path(reason.rpartition("Log: ")[2]).is_file()


def test_independent_steps_run_at_the_same_time(stage: Any) -> None:
    """Two steps that wait for each other's file both succeed; MaxParallelExecutionSteps 1 would not let them."""
    script = """
import pathlib, sys, time
mine, other = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
mine.touch()
end = time.monotonic() + 10
while not other.exists():
    assert time.monotonic() < end, "alone"
    time.sleep(0.01)
"""
    outside = Path(tempfile.mkdtemp(dir="/var/tmp"))
    parts = []
    for name, other in (("Left", "Right"), ("Right", "Left")):
        step = simple(stage, name, script)
        step["Arguments"]["AppSpecification"]["ContainerArguments"] = [str(outside / name), str(outside / other)]
        parts.append(step)
    create(stage.world, of(*parts))
    try:
        assert start(stage)["PipelineExecutionStatus"] == "Succeeded"
    finally:
        shutil.rmtree(outside)


def test_only_the_taken_branch_runs(stage: Any) -> None:
    """The other branch's steps and whatever waits for them are not started; the execution succeeds."""
    condition = {
        "Name": "Check",
        "Type": "Condition",
        "Arguments": {
            "Conditions": [
                {"Type": "In", "QueryValue": {"Get": "Parameters.Colour"}, "Values": ["red", "blue"]},
                {"Type": "Not", "Expression": {"Type": "Equals", "LeftValue": 1, "RightValue": 2}},
            ],
            "IfSteps": [simple(stage, "Yes")],
            "ElseSteps": [simple(stage, "No")],
        },
    }
    colour = [{"Name": "Colour", "Type": "String", "DefaultValue": "red"}]
    create(stage.world, of(condition, simple(stage, "AfterNo", DependsOn=["No"]), parameters=colour))
    assert set(steps(stage, start(stage))) == {"Check", "Yes"}
    assert set(steps(stage, start(stage, Colour="green"))) == {"Check", "No", "AfterNo"}


@NEEDS_NAMESPACES
def test_a_condition_on_a_value_that_is_missing_fails(stage: Any) -> None:
    """A property file without the value fails the condition step with the path that is not there."""
    script = "import pathlib\npathlib.Path('/opt/ml/processing/out/r.json').write_text('{\"auc\": 1}')"
    step = simple(stage, "Report", script)
    target = {"S3Uri": f"s3://{BUCKET}/r", "LocalPath": "/opt/ml/processing/out", "S3UploadMode": "EndOfJob"}
    step["Arguments"]["ProcessingOutputConfig"] = {"Outputs": [{"OutputName": "o", "S3Output": target}]}
    step["PropertyFiles"] = [{"PropertyFileName": "R", "OutputName": "o", "FilePath": "r.json"}]
    read = {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Report.PropertyFiles.R"}, "Path": "metrics.auc"}}
    test = {"Type": "GreaterThan", "LeftValue": read, "RightValue": 0.5}
    create(stage.world, of(step, {"Name": "Check", "Type": "Condition", "Arguments": {"Conditions": [test]}}))
    told = steps(stage, start(stage))["Check"]
    assert told["FailureReason"] == "ClientError: 'metrics.auc' has no value: 'metrics' is not there"


def test_numbers_are_spelled_where_the_request_takes_strings(stage: Any, build: dict[str, Any]) -> None:
    """An Integer parameter in HyperParameters arrives as text, as the SDK relies on."""
    build["Parameters"].append({"Name": "Depth", "Type": "Integer", "DefaultValue": 4})
    build["Steps"][1]["Arguments"]["HyperParameters"]["max_depth"] = {"Get": "Parameters.Depth"}
    create(stage.world, build)
    arn = steps(stage, start(stage, Depth="6"))["Train"]["Metadata"]["TrainingJob"]["Arn"]
    (job,) = stage.sagemaker.training.jobs.all()
    assert job.arn == arn
    assert job.request["HyperParameters"]["max_depth"] == "6"


def test_the_same_token_starts_one_execution(stage: Any) -> None:
    """ClientRequestToken makes StartPipelineExecution idempotent; other parameters with it are a conflict."""
    create(stage.world, of(simple(stage, "One")))
    request = {"PipelineName": "demo", "ClientRequestToken": "k" * 32}
    first = stage.world.call("StartPipelineExecution", **request)
    assert stage.world.call("StartPipelineExecution", **request) == first
    with pytest.raises(ApiError, match="ConflictException"):
        stage.world.call("StartPipelineExecution", **request, PipelineExecutionDescription="other")
    finished(stage, first["PipelineExecutionArn"])
    listed = stage.world.call("ListPipelineExecutions", PipelineName="demo")["PipelineExecutionSummaries"]
    assert [item["PipelineExecutionArn"] for item in listed] == [first["PipelineExecutionArn"]]


def test_wrong_parameters_are_all_named(stage: Any, build: dict[str, Any]) -> None:
    """Unknown names and values of the wrong type are reported together; nothing starts."""
    create(stage.world, build)
    with pytest.raises(ApiError, match=r"no parameter 'Nope' .*parameter AucThreshold must be of type Float, not 'x'"):
        start(stage, Nope="1", AucThreshold="x")
    assert stage.world.call("ListPipelineExecutions", PipelineName="demo")["PipelineExecutionSummaries"] == []


def test_the_values_of_all_parameters_are_listed(stage: Any) -> None:
    """Defaults count as values of the execution."""
    parameters = [
        {"Name": "Depth", "Type": "Integer", "DefaultValue": 3},
        {"Name": "Fast", "Type": "Boolean", "DefaultValue": False},
    ]
    create(stage.world, of(simple(stage, "One"), parameters=parameters))
    execution = start(stage, Fast="true")
    request = {"PipelineExecutionArn": execution["PipelineExecutionArn"]}
    listed = stage.world.call("ListPipelineParametersForExecution", **request)["PipelineParameters"]
    assert listed == [{"Name": "Depth", "Value": "3"}, {"Name": "Fast", "Value": "true"}]
    told = stage.world.call("DescribePipelineDefinitionForExecution", **request)["PipelineDefinition"]
    assert json.loads(told)["Parameters"] == parameters


def test_stopping_an_execution_stops_its_jobs(stage: Any) -> None:
    """StopPipelineExecution ends the running job and starts nothing more."""
    world = stage.world
    slow = simple(stage, "Slow", "import time\ntime.sleep(600)")
    create(world, of(slow, simple(stage, "After", DependsOn=["Slow"])))
    answer = world.call("StartPipelineExecution", PipelineName="demo", ClientRequestToken="k" * 32)
    arn = answer["PipelineExecutionArn"]
    world.call("StopPipelineExecution", PipelineExecutionArn=arn, ClientRequestToken="s" * 32)
    finished(stage, arn)
    execution = world.call("DescribePipelineExecution", PipelineExecutionArn=arn)
    assert execution["PipelineExecutionStatus"] == "Stopped"
    assert "After" not in steps(stage, execution)
    assert all(step["StepStatus"] == "Stopped" for step in steps(stage, execution).values())
    assert world.statuses(EXECUTION_EVENT, "currentPipelineExecutionStatus") == ["Executing", "Stopping", "Stopped"]
    with pytest.raises(ApiError, match="only a running one"):
        world.call("StopPipelineExecution", PipelineExecutionArn=arn, ClientRequestToken="s" * 32)


THROTTLED = {
    "Error": {"Code": "ThrottlingException", "Message": "slow down"},
    "ResponseMetadata": {"HTTPStatusCode": 400},
}
DENIED = {"Error": {"Code": "AccessDeniedException", "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": 403}}


@pytest.mark.parametrize(("error", "status", "attempts"), [(THROTTLED, "Succeeded", 2), (DENIED, "Failed", 1)])
def test_retry_policies(stage: Any, error: dict[str, Any], status: str, attempts: int) -> None:
    """A throttled call is tried again as the policy says; a refused one is not."""
    policy = {"ExceptionType": ["Step.THROTTLING", "Step.SERVICE_FAULT"], "IntervalSeconds": 0.01, "MaxAttempts": 3}
    create(stage.world, of(simple(stage, "One", RetryPolicies=[policy])))
    stage.world.broken["CreateProcessingJob"] = error
    (step,) = steps(stage, start(stage)).values()
    assert (step["StepStatus"], step["AttemptCount"]) == (status, attempts)
    if status == "Failed":
        assert step["FailureReason"] == (
            "ClientError: Failed to invoke sagemaker:CreateProcessingJob. Error Details: AccessDeniedException: no"
        )


def test_a_role_that_sagemaker_may_not_assume_fails_the_execution(stage: Any) -> None:
    """The reason is the execution's; no step is started."""
    create(stage.world, of(simple(stage, "One")))
    stage.world.untrusted.add(ROLE)
    execution = start(stage)
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert "may not assume" in execution["FailureReason"]
    assert steps(stage, execution) == {}


def test_every_call_of_a_step_is_made_as_the_pipelines_role(stage: Any) -> None:
    """Jobs are created and described as the pipeline's role, so that its permissions decide."""
    create(stage.world, of(simple(stage, "One")))
    start(stage)
    arn = "arn:aws:sts::111122223333:assumed-role/lockgate/sagemaker-p-idy6c3e1fiqj-execution/pipelines-"
    assert [operation for _, operation in stage.world.calls] == ["CreateProcessingJob", "DescribeProcessingJob"]
    assert all(who.startswith(arn) for who, _ in stage.world.calls)


def test_status_changes_are_told_as_documented(stage: Any) -> None:
    """Events of the execution and its steps carry the documented members."""
    create(stage.world, of(simple(stage, "One")))
    execution = start(stage)
    pipeline, arn = execution["PipelineArn"], execution["PipelineExecutionArn"]
    told = [event for event in stage.world.events if event.detail_type in {STEP_EVENT, EXECUTION_EVENT}]
    assert all(list(event.resources) == [pipeline, arn] for event in told)
    assert stage.world.statuses(STEP_EVENT, "currentStepStatus") == ["Starting", "Executing", "Succeeded"]
    last_step, last = told[-2].detail, told[-1].detail
    assert ":processing-job/pipelines-" in last_step["metadata"]["processingJob"]["arn"]
    assert (last_step["stepName"], last_step["stepType"], last_step["previousStepStatus"]) == (
        "One",
        "Processing",
        "Executing",
    )
    assert (last["previousPipelineExecutionStatus"], last["currentPipelineExecutionStatus"]) == (
        "Executing",
        "Succeeded",
    )
    assert last["executionEndTime"].endswith("Z")


def test_a_running_pipeline_cannot_be_deleted(stage: Any) -> None:
    """DeletePipeline is a conflict while an execution runs; afterwards its executions are gone with it."""
    world = stage.world
    create(world, of(simple(stage, "Slow", "import time\ntime.sleep(600)")))
    arn = world.call("StartPipelineExecution", PipelineName="demo", ClientRequestToken="k" * 32)["PipelineExecutionArn"]
    with pytest.raises(ApiError, match="ConflictException"):
        world.call("DeletePipeline", PipelineName="demo", ClientRequestToken="d" * 32)
    world.call("StopPipelineExecution", PipelineExecutionArn=arn, ClientRequestToken="s" * 32)
    finished(stage, arn)
    world.call("DeletePipeline", PipelineName="demo", ClientRequestToken="d" * 32)
    with pytest.raises(ApiError, match="ResourceNotFound"):
        world.call("DescribePipelineExecution", PipelineExecutionArn=arn)


def test_model_steps_create_a_model(stage: Any, build: dict[str, Any]) -> None:
    """A Model step creates a model from the training step's artifacts."""
    container = {
        "Image": IMAGE,
        "ModelDataUrl": {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"},
        "Environment": {"SAGEMAKER_PROGRAM": "inference.py"},
    }
    model = {
        "Name": "Make_Model",
        "Type": "Model",
        "Arguments": {"ExecutionRoleArn": ROLE, "PrimaryContainer": container},
    }
    create(stage.world, {**build, "Steps": [*build["Steps"][:2], model]})
    ran = steps(stage, start(stage))
    (summary,) = stage.world.call("ListModels")["Models"]
    assert ran["Make_Model"]["Metadata"]["Model"]["Arn"] == summary["ModelArn"]
    assert summary["ModelName"].startswith("pipelines-")


def _names(run: Callable[[], dict[str, Any]]) -> list[str]:
    return [step["StepName"] for step in run()["PipelineExecutionSteps"]]


def test_steps_are_listed_newest_first_by_default(stage: Any) -> None:
    """Without SortOrder the last step comes first."""
    create(stage.world, of(simple(stage, "A"), simple(stage, "B", DependsOn=["A"])))
    arn = start(stage)["PipelineExecutionArn"]
    call = stage.world.call
    assert _names(lambda: call("ListPipelineExecutionSteps", PipelineExecutionArn=arn)) == ["B", "A"]
    ascending = {"PipelineExecutionArn": arn, "SortOrder": "Ascending"}
    assert _names(lambda: call("ListPipelineExecutionSteps", **ascending)) == ["A", "B"]


def test_an_execution_must_be_named(world: Any) -> None:
    """Some operations cannot do without an ARN that botocore does not require."""
    with pytest.raises(ApiError, match="PipelineExecutionArn is required"):
        world.call("ListPipelineExecutionSteps")
