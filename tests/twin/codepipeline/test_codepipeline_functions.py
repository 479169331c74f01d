"""The Lambda invoke action: a job for a function, and its answer.

Source: CodePipeline User Guide, "AWS Lambda invoke action reference", and API Reference, PutJobSuccessResult.
"""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from lockgate_twin.errors import ApiError

from tests.twin.codepipeline.conftest import Pipelines, action, build, stage


class Functions:
    """A Lambda client that takes down what a function is given."""

    def __init__(self) -> None:
        self.given: dict[str, Any] = {}
        self.came = threading.Event()

    def invoke(self, **parameters: Any) -> None:
        """Take down."""
        self.given = {**parameters, "job": json.loads(parameters["Payload"])["CodePipeline.job"]}
        self.came.set()


@pytest.fixture
def functions(pipelines: Pipelines) -> Functions:
    """The Lambda stand-in."""
    made = Functions()
    pipelines.world.clients["lambda"] = made
    return made


def invoke(**members: Any) -> dict[str, Any]:
    """Return an action that invokes a function."""
    configuration = {"FunctionName": "check", "UserParameters": "#{SourceVariables.CommitMessage}"}
    given = {"inputs": ["SourceArtifact"], "configuration": configuration, "namespace": "Checked", **members}
    return action("Check", "Invoke Lambda", **given)


def test_a_function_gets_a_job_and_its_answer_ends_the_action(pipelines: Pipelines, functions: Functions) -> None:
    """The event holds configuration, artifacts and credentials; the answer's variables reach later actions."""
    later = {"name": "SAID", "value": "#{Checked.Said}"}
    after = build(configuration={"ProjectName": "shop", "EnvironmentVariables": json.dumps([later])})
    pipelines.create(stage("Check", invoke()), stage("After", after))
    execution = pipelines.start()
    assert functions.came.wait(60)
    job = functions.given["job"]
    assert (functions.given["FunctionName"], functions.given["InvocationType"]) == ("check", "Event")
    assert job["data"]["actionConfiguration"]["configuration"]["UserParameters"] == "first"
    assert job["data"]["inputArtifacts"][0]["location"]["s3Location"]["bucketName"] == "artifacts"
    assert set(job["data"]["artifactCredentials"]) == {"accessKeyId", "secretAccessKey", "sessionToken"}
    pipelines("PutJobSuccessResult", jobId=job["id"], outputVariables={"Said": "yes"})
    assert pipelines.ended(execution)["status"] == "Succeeded"
    built = pipelines.actions(execution)[-1]["input"]["resolvedConfiguration"]["EnvironmentVariables"]
    assert json.loads(built) == [{"name": "SAID", "value": "yes"}]


def test_a_function_can_fail_the_action(pipelines: Pipelines, functions: Functions) -> None:
    """PutJobFailureResult ends the action with the function's message; the job is over then."""
    pipelines.create(stage("Check", invoke()))
    execution = pipelines.start()
    assert functions.came.wait(60)
    job_id = functions.given["job"]["id"]
    pipelines("PutJobFailureResult", jobId=job_id, failureDetails={"type": "JobFailed", "message": "too biased"})
    ended = pipelines.ended(execution)
    assert (ended["status"], "too biased" in ended["statusSummary"]) == ("Failed", True)
    with pytest.raises(ApiError, match="JobNotFoundException"):
        pipelines("PutJobSuccessResult", jobId=job_id)


def test_a_continued_job_is_refused(pipelines: Pipelines, functions: Functions) -> None:
    """A continuation token is refused by name, and the job can still be answered."""
    pipelines.create(stage("Check", invoke()))
    execution = pipelines.start()
    assert functions.came.wait(60)
    job_id = functions.given["job"]["id"]
    with pytest.raises(ApiError, match="continuationToken"):
        pipelines("PutJobSuccessResult", jobId=job_id, continuationToken="again")
    pipelines("PutJobSuccessResult", jobId=job_id)
    assert pipelines.ended(execution)["status"] == "Succeeded"
