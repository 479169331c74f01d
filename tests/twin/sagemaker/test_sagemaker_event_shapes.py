"""SageMaker's events compared with the examples that AWS publishes.

Source of every shape: "Events that Amazon SageMaker AI sends to Amazon EventBridge" (SageMaker Developer Guide).
"""

from __future__ import annotations

import io
import json
import re
import tarfile
from typing import Any

import boto3
import pytest
from lockgate_twin.ports import Event

from tests.twin.eventbridge.event_shapes import ANY, FRACTIONS, MILLISECONDS_TEXT, SECONDS, differences
from tests.twin.sagemaker.conftest import BUCKET, IMAGE, ROLE

_ARN = "arn:aws:sagemaker:us-east-1:111122223333:"
_LOCAL = "/opt/ml/processing"
_CLUSTER = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
_CODE = """
def model_fn(model_dir): return 2.0
def input_fn(body, content_type): return float(body)
def predict_fn(data, model): return data * model
def output_fn(prediction, accept): return str(prediction), "text/csv"
"""


def _archive(**files: str) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name.replace("__", "/") + ".py")
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return packed.getvalue()


def _told(world: Any, detail_type: str) -> list[Event]:
    found = [event for event in world.events if event.detail_type == detail_type]
    assert found
    return found


def _described_only(event: Event, operation: str, *own: str) -> None:
    """Check that an event has no member that neither the example nor the Describe operation has."""
    client = boto3.client("sagemaker", region_name="us-east-1")
    known = client.meta.service_model.operation_model(operation).output_shape.members
    assert set(event.detail) <= {*known, *own}


def _processing(world: Any, script: str) -> dict[str, Any]:
    entry = ["python3", f"{_LOCAL}/input/code/run.py"]
    source = {"S3Uri": world.put("code/run.py", script), "LocalPath": f"{_LOCAL}/input/code"}
    made = {"S3Uri": f"s3://{BUCKET}/out", "LocalPath": f"{_LOCAL}/output", "S3UploadMode": "EndOfJob"}
    modes = {"S3DataType": "S3Prefix", "S3InputMode": "File", "S3DataDistributionType": "FullyReplicated"}
    return {
        "RoleArn": ROLE,
        "AppSpecification": {"ImageUri": IMAGE, "ContainerEntrypoint": entry},
        "ProcessingInputs": [{"InputName": "code", "S3Input": {**source, **modes}}],
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "out", "S3Output": made}]},
        "ProcessingResources": {"ClusterConfig": _CLUSTER},
    }


def _model(world: Any) -> None:
    url = world.put("model.tar.gz", _archive(code__inference=_CODE))
    environment = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
    container = {"Image": IMAGE, "ModelDataUrl": url, "Environment": environment}
    tags = [{"Key": "team", "Value": "credit"}]
    world.call("CreateModel", ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer=container, Tags=tags)


def _endpoint_config(world: Any) -> None:
    variant = {"VariantName": "All", "ModelName": "m", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    world.call("CreateEndpointConfig", EndpointConfigName="c", ProductionVariants=[variant])


@pytest.mark.parametrize(("script", "status"), [("print(1)", "Completed"), ("raise SystemExit(1)", "Failed")])
def test_a_processing_jobs_event_has_the_published_shape(stage: Any, script: str, status: str) -> None:
    """Times are milliseconds as numbers, enumerations upper case, ExperimentConfig is there and Tags are not."""
    request = _processing(stage.world, script)
    arn = stage.world.call("CreateProcessingJob", ProcessingJobName="job", **request)["ProcessingJobArn"]
    stage.sagemaker.processing.wait(arn)
    source = {
        "S3Uri": str,
        "LocalPath": str,
        "S3DataType": re.compile("S3_PREFIX"),
        "S3InputMode": re.compile("FILE"),
        "S3DataDistributionType": re.compile("FULLYREPLICATED"),
    }
    made = {"S3Uri": str, "LocalPath": str, "S3UploadMode": re.compile("END_OF_JOB")}
    shape = {
        "ProcessingInputs": [{"InputName": str, "S3Input": source}],
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": str, "S3Output": made}]},
        "ProcessingJobName": str,
        "ProcessingResources": {"ClusterConfig": {"InstanceCount": int, "InstanceType": str, "VolumeSizeInGB": int}},
        "StoppingCondition": {"MaxRuntimeInSeconds": int},
        "AppSpecification": {"ImageUri": str, "ContainerEntrypoint": [str]},
        "RoleArn": str,
        "ExperimentConfig": ANY,
        "ProcessingJobArn": str,
        "ProcessingJobStatus": str,
        "ProcessingStartTime?": int,
        "LastModifiedTime": int,
        "CreationTime": int,
    }
    over = {**shape, "ProcessingStartTime": int, "ProcessingEndTime": int}
    over |= {"FailureReason": str} if status == "Failed" else {}

    name = "SageMaker Processing Job State Change"
    begun, ended = _told(stage.world, name)

    assert ended.detail["ProcessingJobStatus"] == status
    assert differences(begun, name, [f"{_ARN}processing-job/job"], shape) == []
    assert differences(ended, name, [f"{_ARN}processing-job/job"], over) == []
    assert ended.detail["CreationTime"] > 10**12


def test_a_training_jobs_event_has_the_published_shape(stage: Any) -> None:
    """Times are milliseconds as text; VpcConfig and the job's tags are always there."""
    world = stage.world
    where = world.put("sourcedir.tar.gz", _archive(train="import os; open(os.environ['SM_MODEL_DIR'] + '/m', 'w')"))
    world.put("data/a.csv", "1,2\n")
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/data"}}
    arn = world.call(
        "CreateTrainingJob",
        TrainingJobName="job",
        RoleArn=ROLE,
        AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        HyperParameters={"sagemaker_program": "train.py", "sagemaker_submit_directory": where},
        InputDataConfig=[{"ChannelName": "train", "ContentType": "text/csv", "DataSource": source}],
        OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/models"},
        ResourceConfig=_CLUSTER,
        StoppingCondition={"MaxRuntimeInSeconds": 60},
        Tags=[{"Key": "team", "Value": "credit"}],
    )["TrainingJobArn"]
    stage.sagemaker.training.wait(arn)
    shape = {
        "TrainingJobName": str,
        "TrainingJobArn": str,
        "TrainingJobStatus": str,
        "SecondaryStatus": str,
        "HyperParameters": ANY,
        "AlgorithmSpecification": {"TrainingImage": str, "TrainingInputMode": str},
        "RoleArn": str,
        "InputDataConfig": [{"ChannelName": str, "DataSource": {"S3DataSource": ANY}, "ContentType": str}],
        "OutputDataConfig": {"S3OutputPath": str},
        "ResourceConfig": {"InstanceType": str, "InstanceCount": int, "VolumeSizeInGB": int},
        "VpcConfig": ANY,
        "StoppingCondition": {"MaxRuntimeInSeconds": int},
        "CreationTime": MILLISECONDS_TEXT,
        "TrainingStartTime?": MILLISECONDS_TEXT,
        "TrainingEndTime?": MILLISECONDS_TEXT,
        "LastModifiedTime": MILLISECONDS_TEXT,
        "SecondaryStatusTransitions": [ANY],
        "Tags": {"team": str},
        "*": None,
    }

    name = "SageMaker Training Job State Change"
    told = _told(world, name)

    assert [found for e in told for found in differences(e, name, [f"{_ARN}training-job/job"], shape)] == []
    assert told[-1].detail["TrainingJobStatus"] == "Completed"
    assert "TrainingEndTime" in told[-1].detail
    _described_only(told[-1], "DescribeTrainingJob", "Tags")


def test_a_transform_jobs_event_has_the_published_shape(world: Any) -> None:
    """Times are written with seconds, and the job's tags are always there."""
    _model(world)
    world.put("in/a.csv", "1\n")
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/in/"}}
    world.call(
        "CreateTransformJob",
        TransformJobName="job",
        ModelName="m",
        TransformInput={"DataSource": source, "ContentType": "text/csv", "SplitType": "Line"},
        TransformOutput={"S3OutputPath": f"s3://{BUCKET}/out", "Accept": "text/csv", "AssembleWith": "Line"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
        MaxPayloadInMB=1,
    )
    world.settle()
    shape = {
        "TransformJobName": str,
        "TransformJobArn": str,
        "TransformJobStatus": str,
        "ModelName": str,
        "MaxPayloadInMB": int,
        "TransformInput": {"DataSource": {"S3DataSource": ANY}, "ContentType": str, "SplitType": str, "*": None},
        "TransformOutput": {"S3OutputPath": str, "Accept": str, "AssembleWith": str, "*": None},
        "TransformResources": {"InstanceType": str, "InstanceCount": int},
        "CreationTime": SECONDS,
        "TransformStartTime?": SECONDS,
        "TransformEndTime?": SECONDS,
        "Tags": ANY,
        "*": None,
    }

    name = "SageMaker Transform Job State Change"
    told = _told(world, name)

    assert [found for e in told for found in differences(e, name, [f"{_ARN}transform-job/job"], shape)] == []
    assert (told[-1].detail["TransformJobStatus"], "TransformEndTime" in told[-1].detail) == ("Completed", True)
    _described_only(told[-1], "DescribeTransformJob", "Tags")


def test_an_endpoints_event_has_the_published_shape(world: Any) -> None:
    """Times, weights and counts are numbers with a fraction; the status is upper case."""
    _model(world)
    _endpoint_config(world)
    world.call("CreateEndpoint", EndpointName="e", EndpointConfigName="c")
    world.settle()
    shape = {
        "EndpointName": str,
        "EndpointArn": str,
        "EndpointConfigName": str,
        "ProductionVariants": [{"DesiredWeight": float, "DesiredInstanceCount": float}],
        "EndpointStatus": re.compile("CREATING|IN_SERVICE"),
        "CreationTime": float,
        "LastModifiedTime": float,
        "Tags": ANY,
    }

    name = "SageMaker Endpoint State Change"
    told = _told(world, name)

    assert [event.detail["EndpointStatus"] for event in told] == ["CREATING", "IN_SERVICE"]
    assert [found for e in told for found in differences(e, name, [f"{_ARN}endpoint/e"], shape)] == []


def test_models_and_endpoint_configurations_tell_their_creation_and_deletion(world: Any) -> None:
    """Each is told twice with its ARN as resource, its times in milliseconds, and its tags.

    Source: "SageMaker model state change"; for configurations "Amazon SageMaker AI events" (EventBridge Reference).
    """
    _model(world)
    _endpoint_config(world)
    world.call("DeleteEndpointConfig", EndpointConfigName="c")
    world.call("DeleteModel", ModelName="m")
    model = {
        "ModelName": str,
        "ModelArn": str,
        "PrimaryContainer": ANY,
        "ExecutionRoleArn": str,
        "CreationTime": int,
        "EnableNetworkIsolation": bool,
        "Tags": {"team": str},
    }
    config = {
        "EndpointConfigName": str,
        "EndpointConfigArn": str,
        "ProductionVariants": [ANY],
        "CreationTime": int,
        "Tags": ANY,
    }

    for name, arn, shape in (
        ("SageMaker Model State Change", f"{_ARN}model/m", model),
        ("SageMaker Endpoint Config State Change", f"{_ARN}endpoint-config/c", config),
    ):
        told = _told(world, name)
        assert len(told) == 2
        assert [found for event in told for found in differences(event, name, [arn], shape)] == []


def test_a_model_packages_event_has_the_published_shape(world: Any) -> None:
    """A version is told when it is made, without UpdatedModelPackageFields, and when it changes, with them."""
    world.call("CreateModelPackageGroup", ModelPackageGroupName="g")
    container = {"Image": IMAGE, "ModelDataUrl": world.put("m.tar.gz", b"x")}
    arn = world.call(
        "CreateModelPackage",
        ModelPackageGroupName="g",
        ModelApprovalStatus="PendingManualApproval",
        InferenceSpecification={
            "Containers": [container],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
        ModelMetrics={"ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": "s3://b/s.json"}}},
        MetadataProperties={"GeneratedBy": "me"},
        ModelLifeCycle={"Stage": "Development", "StageStatus": "Registered"},
    )["ModelPackageArn"]
    world.call("UpdateModelPackage", ModelPackageArn=arn, ModelApprovalStatus="Rejected", ApprovalDescription="no")
    shape = {
        "ModelPackageGroupName": str,
        "ModelPackageVersion": int,
        "ModelPackageArn": str,
        "CreationTime": SECONDS,
        "InferenceSpecification": {
            "Containers": [{"Image": str, "ModelDataUrl": str, "ImageDigest?": str, "*": None}],
            "SupportedContentTypes": [str],
            "SupportedResponseMIMETypes": [str],
        },
        "ModelPackageStatus": str,
        "ModelPackageStatusDetails": {"ValidationStatuses": [ANY], "ImageScanStatuses": [ANY]},
        "CertifyForMarketplace": bool,
        "ModelApprovalStatus": str,
        "MetadataProperties": {"GeneratedBy": str},
        "ModelMetrics": {"ModelQuality": {"Statistics": {"ContentType": str, "S3Uri": str}}},
        "ModelLifeCycle": {"Stage": str, "StageStatus": str},
        "LastModifiedTime": SECONDS,
    }
    changed = {**shape, "UpdatedModelPackageFields": [str], "ApprovalDescription": str}

    name = "SageMaker Model Package State Change"
    made, updated = _told(world, name)

    assert differences(made, name, [f"{_ARN}model-package/g/1"], shape) == []
    assert differences(updated, name, [f"{_ARN}model-package/g/1"], changed) == []
    assert updated.detail["UpdatedModelPackageFields"] == ["ModelApprovalStatus", "ApprovalDescription"]


def test_a_pipelines_events_have_the_published_shapes(stage: Any) -> None:
    """The execution and its steps tell status, times and ARNs; what is not over has no end."""
    step = {"Name": "One", "Type": "Processing", "Arguments": _processing(stage.world, "print(1)")}
    definition = json.dumps({"Version": "2020-12-01", "Metadata": {}, "Parameters": [], "Steps": [step]})
    given = {"PipelineName": "p", "RoleArn": ROLE, "PipelineDefinition": definition}
    stage.world.call("CreatePipeline", **given, ClientRequestToken="t" * 32)
    wanted = {"PipelineExecutionDisplayName": "shown", "PipelineExecutionDescription": "told"}
    stage.world.call("StartPipelineExecution", PipelineName="p", ClientRequestToken="k" * 32, **wanted)
    (execution,) = stage.sagemaker.executions.executions.all()
    assert execution.done.wait(60)
    pipeline, run = f"{_ARN}pipeline/p", f"{_ARN}pipeline/p/execution/[a-z0-9]{{12}}"
    arns = {"pipelineArn": re.compile(pipeline), "pipelineExecutionArn": re.compile(run)}
    whole = {
        "pipelineExecutionDisplayName": str,
        "currentPipelineExecutionStatus": str,
        "previousPipelineExecutionStatus?": str,
        "executionStartTime": SECONDS,
        "executionEndTime?": SECONDS,
        "pipelineExecutionDescription": str,
        **arns,
    }
    part = {
        "metadata": ANY,
        "stepStartTime": SECONDS,
        "stepEndTime?": SECONDS,
        "stepName": str,
        "stepType": str,
        "previousStepStatus?": str,
        "currentStepStatus": str,
        **arns,
    }
    over = {**part, "metadata": {"processingJob": {"arn": str}}, "stepEndTime": SECONDS, "previousStepStatus": str}

    name = "SageMaker Model Building Pipeline Execution Status Change"
    executions = _told(stage.world, name)
    assert [found for e in executions for found in differences(e, name, [pipeline, run], whole)] == []
    assert "executionEndTime" in executions[-1].detail
    name = "SageMaker Model Building Pipeline Execution Step Status Change"
    steps = _told(stage.world, name)
    assert [found for e in steps for found in differences(e, name, [pipeline, run], part)] == []
    assert differences(steps[-1], name, [pipeline, run], over) == []


def test_a_model_cards_event_has_the_published_shape(world: Any) -> None:
    """A card tells its version, its times with fractions, who made and changed it, and its model."""
    content = json.dumps({"model_overview": {"model_id": "model-1", "model_name": "credit"}})
    world.call("CreateModelCard", ModelCardName="card", Content=content, ModelCardStatus="Draft")
    shape = {
        "ModelCardVersion": int,
        "LastModifiedTime": FRACTIONS,
        "LastModifiedBy": ANY,
        "CreationTime": FRACTIONS,
        "CreatedBy": ANY,
        "ModelCardName": str,
        "ModelId": str,
        "ModelCardStatus": str,
        "AccountId": str,
        "SecurityConfig": ANY,
    }

    name = "SageMaker Model Card State Change"
    (event,) = _told(world, name)

    assert differences(event, name, [f"{_ARN}model-card/card"], shape) == []
