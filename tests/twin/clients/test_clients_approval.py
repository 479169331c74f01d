"""What an approval pipeline uses, with boto3 against a whole twin: Lambda and Callback steps, model cards, keys."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from lockgate_twin.control import State
from lockgate_twin.demo.twin_process import twin_process

from tests.support.function_archives import archive

ROOT = Path(__file__).parents[3]
FUNCTION = """
import boto3, os

def handler(event, context):
    who = boto3.client("sts").get_caller_identity()["Arn"].split("/")[1]
    return {"Verdict": event["Arn"].upper(), "Who": who}
"""


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[State]:
    """Run a twin."""
    with twin_process(ROOT, tmp_path_factory.mktemp("approval"), port=0) as state:
        yield state


def client(twin: State, service: str, **credentials: str) -> Any:
    """Return an ordinary boto3 client, of the administrator unless other credentials are given."""
    known = {"aws_access_key_id": twin.access_key_id, "aws_secret_access_key": twin.secret_access_key}
    session = boto3.Session(region_name=twin.region, **(credentials or known))
    return session.client(service, endpoint_url=twin.endpoint_url)


def role(twin: State, name: str, trusted: Any, *statements: Any) -> str:
    """Create a role."""
    iam = client(twin, "iam")
    trust = {"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    if statements:
        policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy)
    return str(arn)


def allow(action: str, resource: str) -> dict[str, str]:
    """Return a statement."""
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def settled(twin: State, arn: str, *statuses: str) -> dict[str, Any]:
    """Wait until an execution is in one of the statuses."""
    sagemaker = client(twin, "sagemaker")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
        if found["PipelineExecutionStatus"] in statuses:
            return dict(found)
        time.sleep(0.05)
    raise AssertionError(found)


@pytest.fixture(scope="module")
def function(twin: State) -> str:
    """Create a function that tells who it is."""
    arn = role(twin, "verify", {"Service": "lambda.amazonaws.com"})
    made = client(twin, "lambda").create_function(
        FunctionName="sagemaker-verify",
        Runtime="python3.12",
        Role=arn,
        Handler="index.handler",
        Code={"ZipFile": archive(FUNCTION)},
        Timeout=30,
    )
    return str(made["FunctionArn"])


def pipeline(twin: State, name: str, role_arn: str, *steps: Any) -> str:
    """Create a pipeline, start it and return the execution's ARN."""
    sagemaker = client(twin, "sagemaker")
    definition = json.dumps({"Version": "2020-12-01", "Steps": list(steps)})
    sagemaker.create_pipeline(
        PipelineName=name, RoleArn=role_arn, ClientRequestToken=uuid.uuid4().hex, PipelineDefinition=definition
    )
    started = sagemaker.start_pipeline_execution(PipelineName=name, ClientRequestToken=uuid.uuid4().hex)
    return str(started["PipelineExecutionArn"])


def lambda_step(function: str) -> dict[str, Any]:
    """Return a Lambda step with the function's outputs."""
    outputs = [{"OutputName": name, "OutputType": "String"} for name in ("Verdict", "Who")]
    return {
        "Name": "Verify",
        "Type": "Lambda",
        "FunctionArn": function,
        "Arguments": {"Arn": "arn:x"},
        "OutputParameters": outputs,
    }


def test_a_pipeline_calls_a_function_and_waits_for_a_callback(twin: State, function: str) -> None:
    """The function runs as its own role, the queue gets its answer, the token lets the execution succeed."""
    sqs, sagemaker = client(twin, "sqs"), client(twin, "sagemaker")
    queue = sqs.create_queue(QueueName="review")["QueueUrl"]
    may_invoke = allow("lambda:InvokeFunction", function)
    may_send = allow("sqs:SendMessage", "arn:aws:sqs:us-east-1:111122223333:review")
    arn = role(twin, "pipe", {"Service": "sagemaker.amazonaws.com"}, may_invoke, may_send)
    verdict = {"Get": "Steps.Verify.OutputParameters['Verdict']"}
    review = {"Name": "Review", "Type": "Callback", "SqsQueueUrl": queue, "Arguments": {"verdict": verdict}}
    execution = pipeline(twin, "approval", arn, lambda_step(function), review)
    (message,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20)["Messages"]
    body = json.loads(message["Body"])
    assert (body["arguments"], body["pipelineExecutionArn"]) == ({"verdict": "ARN:X"}, execution)
    sagemaker.send_pipeline_execution_step_success(CallbackToken=body["token"])
    assert settled(twin, execution, "Succeeded", "Failed")["PipelineExecutionStatus"] == "Succeeded"
    steps = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=execution, SortOrder="Ascending")
    outputs = steps["PipelineExecutionSteps"][0]["Metadata"]["Lambda"]["OutputParameters"]
    assert outputs == [{"Name": "Verdict", "Value": "ARN:X"}, {"Name": "Who", "Value": "verify"}]


def test_a_pipeline_whose_role_may_not_invoke_fails(twin: State, function: str) -> None:
    """The denied action is named in the step's reason."""
    arn = role(twin, "powerless", {"Service": "sagemaker.amazonaws.com"})
    execution = pipeline(twin, "powerless", arn, lambda_step(function))
    settled(twin, execution, "Failed")
    (step,) = client(twin, "sagemaker").list_pipeline_execution_steps(PipelineExecutionArn=execution)[
        "PipelineExecutionSteps"
    ]
    assert "is not authorized to perform: lambda:InvokeFunction" in step["FailureReason"]


def test_a_card_under_a_key_is_read_by_those_who_may_decrypt(twin: State) -> None:
    """Reading content needs kms:Decrypt on the card's key; metadata does not."""
    sagemaker = client(twin, "sagemaker")
    key = client(twin, "kms").create_key()["KeyMetadata"]["Arn"]
    content = json.dumps({"model_overview": {"model_name": "credit"}, "business_details": {"line_of_business": "risk"}})
    sagemaker.create_model_card(
        ModelCardName="credit", Content=content, ModelCardStatus="Draft", SecurityConfig={"KmsKeyId": key}
    )
    card = "arn:aws:sagemaker:us-east-1:111122223333:model-card/credit"
    reader = role(twin, "reader", {"AWS": "arn:aws:iam::111122223333:root"}, allow("sagemaker:DescribeModelCard", card))
    got = client(twin, "sts").assume_role(RoleArn=reader, RoleSessionName="reader")["Credentials"]
    limited = client(
        twin,
        "sagemaker",
        aws_access_key_id=got["AccessKeyId"],
        aws_secret_access_key=got["SecretAccessKey"],
        aws_session_token=got["SessionToken"],
    )
    brief = limited.describe_model_card(ModelCardName="credit", IncludedData="MetadataOnly")
    assert json.loads(brief["Content"]) == {"model_overview": {"model_name": "credit"}}
    with pytest.raises(ClientError, match="kms:Decrypt"):
        limited.describe_model_card(ModelCardName="credit")
    assert sagemaker.describe_model_card(ModelCardName="credit")["Content"] == content
