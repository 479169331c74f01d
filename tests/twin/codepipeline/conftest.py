"""Pipelines over a real CodeCommit and CodeBuild of the twin; CloudFormation is a small scripted stand-in."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from lockgate_twin.services.codebuild import CodeBuild
from lockgate_twin.services.codecommit import CodeCommit
from lockgate_twin.services.codepipeline import CodePipeline
from moto import mock_aws

from tests.twin.codecommit.fake_world import ACCOUNT, REGION, FakeWorld, call_of, make_world

ROLE = f"arn:aws:iam::{ACCOUNT}:role/pipeline"
DEPLOY_ROLE = f"arn:aws:iam::{ACCOUNT}:role/deploy"
BUILDSPEC = """
version: 0.2
env:
  exported-variables: [MADE]
phases:
  build:
    commands:
      - export MADE="$MESSAGE at $CODEBUILD_RESOLVED_SOURCE_VERSION"
      - echo "$MADE" > out.txt
      - test ! -e fail
      - while [ -e wait ] && [ ! -e "$(cat wait)" ]; do sleep 0.02; done
artifacts:
  files: ['*']
"""


def action(name: str, kind: str, run_order: int = 1, **members: Any) -> dict[str, Any]:
    """Return an action; kind is "<category> <provider>"."""
    category, provider = kind.split(" ")
    made = {
        "name": name,
        "actionTypeId": {"category": category, "owner": "AWS", "provider": provider, "version": "1"},
        "runOrder": run_order,
        "inputArtifacts": [{"name": n} for n in members.pop("inputs", [])],
        "outputArtifacts": [{"name": n} for n in members.pop("outputs", [])],
        "configuration": members.pop("configuration", {}),
    }
    return {**made, **members}


def source() -> dict[str, Any]:
    """Return the source stage."""
    configuration = {"RepositoryName": "shop", "BranchName": "main", "PollForSourceChanges": "false"}
    made = action("Source", "Source CodeCommit", outputs=["SourceArtifact"], configuration=configuration)
    return {"name": "Source", "actions": [{**made, "namespace": "SourceVariables"}]}


def build(name: str = "Build", run_order: int = 1, **members: Any) -> dict[str, Any]:
    """Return a build action."""
    variables = [{"name": "MESSAGE", "value": "#{SourceVariables.CommitMessage}"}]
    configuration = {"ProjectName": "shop", "EnvironmentVariables": json.dumps(variables)}
    given = {"inputs": ["SourceArtifact"], "configuration": configuration, **members}
    return action(name, "Build CodeBuild", run_order, **given)


def approval(name: str = "Approve", run_order: int = 1, **members: Any) -> dict[str, Any]:
    """Return an approval action."""
    return action(name, "Approval Manual", run_order, **members)


def deploy(name: str = "Deploy", run_order: int = 1, **configuration: str) -> dict[str, Any]:
    """Return a CloudFormation action on the source."""
    settings = {
        "ActionMode": "CREATE_UPDATE",
        "StackName": "shop",
        "RoleArn": DEPLOY_ROLE,
        "TemplatePath": "SourceArtifact::template.yaml",
        **configuration,
    }
    return action(name, "Deploy CloudFormation", run_order, inputs=["SourceArtifact"], configuration=settings)


def pipeline(*stages: dict[str, Any], **members: Any) -> dict[str, Any]:
    """Return a pipeline of the source stage and the given ones."""
    return {
        "name": "shop",
        "roleArn": ROLE,
        "artifactStore": {"type": "S3", "location": "artifacts"},
        "stages": [source(), *stages],
        "pipelineType": "V2",
        "executionMode": "QUEUED",
        **members,
    }


def stage(name: str, *actions: dict[str, Any]) -> dict[str, Any]:
    """Return a stage."""
    return {"name": name, "actions": list(actions)}


@dataclass
class ScriptedStacks:
    """A CloudFormation client: each creation or update ends with the next status of `script`."""

    script: list[str] = field(default_factory=list)
    stacks: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        """Describe a stack by its name or id."""
        name = StackName.split("/")[1] if StackName.startswith("arn:") else StackName
        if name not in self.stacks:
            raise _error("ValidationError", f"Stack with id {StackName} does not exist")
        stack = self.stacks[name]
        status, *rest = stack["coming"]
        stack["coming"] = rest or [status]
        return {"Stacks": [{**stack["data"], "StackStatus": status}]}

    def create_stack(self, **request: Any) -> dict[str, Any]:
        """Create a stack."""
        self.calls.append(("create", request))
        return self._begin(request["StackName"], "CREATE_IN_PROGRESS")

    def update_stack(self, **request: Any) -> dict[str, Any]:
        """Update a stack, if the script goes on."""
        self.calls.append(("update", request))
        if not self.script:
            raise _error("ValidationError", "No updates are to be performed.")
        return self._begin(request["StackName"], "UPDATE_IN_PROGRESS")

    def delete_stack(self, **request: Any) -> None:
        """Delete a stack."""
        self.calls.append(("delete", request))
        del self.stacks[request["StackName"]]

    def describe_stack_events(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        """Tell of two failures, the newest first."""
        del StackName
        failure = {"ResourceStatus": "CREATE_FAILED", "ResourceType": "AWS::X::Y", "Timestamp": datetime.now(UTC)}
        second = {**failure, "LogicalResourceId": "Second", "ResourceStatusReason": "cancelled"}
        first = {**failure, "LogicalResourceId": "First", "ResourceStatusReason": "quota"}
        return {"StackEvents": [second, first]}

    def _begin(self, name: str, status: str) -> dict[str, Any]:
        stack_id = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{name}/1"
        outputs = [{"OutputKey": "Endpoint", "OutputValue": "shop-1"}]
        data = {"StackName": name, "StackId": stack_id, "Outputs": outputs}
        self.stacks[name] = {"data": data, "coming": [status, self.script.pop(0)]}
        return {"StackId": stack_id}


def _error(code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Test")


@pytest.fixture(scope="session")
def _aws() -> Iterator[None]:
    with mock_aws():
        yield


@pytest.fixture
def s3(_aws: None) -> Iterator[Any]:
    """An S3 with an empty bucket named artifacts."""
    client = boto3.client("s3", region_name=REGION)
    client.create_bucket(Bucket="artifacts")
    yield client
    for item in client.list_objects_v2(Bucket="artifacts").get("Contents", []):
        client.delete_object(Bucket="artifacts", Key=item["Key"])
    client.delete_bucket(Bucket="artifacts")


@pytest.fixture
def world(tmp_path: Path, s3: Any) -> Iterator[FakeWorld]:
    """A world of its own for each test; nothing of the twin may have failed in it."""
    del s3
    made = make_world(tmp_path / "state")
    yield made
    made.processes.close()
    assert made.defects == []


@dataclass
class Pipelines:
    """Calls the three services, and waits for what pipelines do."""

    world: FakeWorld
    services: dict[str, Any]
    s3: Any
    tip: str = ""

    def __call__(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Call one operation of CodePipeline."""
        return self.call("codepipeline", operation, **parameters)

    def call(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        """Call one operation."""
        return dict(self.services[service].operations()[operation](parameters, call_of(service, operation)) or {})

    def commit(self, message: str, **files: str) -> str:
        """Commit files (`__` in a name is a dot) to the repository and return the commit's id."""
        puts = [{"filePath": n.replace("__", "."), "fileContent": text.encode()} for n, text in files.items()]
        parent = {"parentCommitId": self.tip} if self.tip else {}
        request = {"repositoryName": "shop", "branchName": "main", "commitMessage": message, "putFiles": puts}
        self.tip = self.call("codecommit", "CreateCommit", **request, **parent)["commitId"]
        return self.tip

    def create(self, *stages: dict[str, Any], **members: Any) -> dict[str, Any]:
        """Make a pipeline that is not started by its creation (its variable Wanted has no default)."""
        variables = [{"name": "Wanted"}, *members.pop("variables", [])]
        return dict(self("CreatePipeline", pipeline=pipeline(*stages, variables=variables, **members))["pipeline"])

    def start(self, **parameters: Any) -> str:
        """Start an execution and return its id."""
        variables = [{"name": "Wanted", "value": "x"}, *parameters.pop("variables", [])]
        return str(
            self("StartPipelineExecution", name="shop", variables=variables, **parameters)["pipelineExecutionId"]
        )

    def get(self, execution_id: str) -> dict[str, Any]:
        """Describe an execution."""
        answer = self("GetPipelineExecution", pipelineName="shop", pipelineExecutionId=execution_id)
        return dict(answer["pipelineExecution"])

    def ended(self, execution_id: str) -> dict[str, Any]:
        """Wait for an execution's end and describe it."""
        states = {"SUCCEEDED", "FAILED", "STOPPED", "SUPERSEDED"}
        self.world.await_event(lambda e: self._is(e, execution_id, "Pipeline") and e.detail["state"] in states)
        return self.get(execution_id)

    def run(self, **parameters: Any) -> dict[str, Any]:
        """Start an execution, wait for its end and describe it."""
        return self.ended(self.start(**parameters))

    def await_action(self, execution_id: str, name: str, state: str = "STARTED") -> None:
        """Wait until an action has this state."""
        self.world.await_event(
            lambda e: self._is(e, execution_id, "Action") and (e.detail["action"], e.detail["state"]) == (name, state)
        )

    def actions(self, execution_id: str) -> list[dict[str, Any]]:
        """Return the runs of an execution's actions in order of their start."""
        found = self("ListActionExecutions", pipelineName="shop", filter={"pipelineExecutionId": execution_id})
        return list(reversed(found["actionExecutionDetails"]))

    def state(self, stage_name: str) -> dict[str, Any]:
        """Return the state of a stage."""
        states = self("GetPipelineState", name="shop")["stageStates"]
        return dict(next(s for s in states if s["stageName"] == stage_name))

    def token(self, stage_name: str, action_name: str = "Approve") -> str:
        """Return the token of the approval under way."""
        states = self.state(stage_name)["actionStates"]
        return str(next(s for s in states if s["actionName"] == action_name)["latestExecution"]["token"])

    def answer(self, stage_name: str, status: str, token: str, summary: str = "looked at") -> dict[str, Any]:
        """Answer an approval."""
        result = {"status": status, "summary": summary}
        where = {"pipelineName": "shop", "stageName": stage_name, "actionName": "Approve"}
        return self("PutApprovalResult", **where, result=result, token=token)

    def artifact(self, details: dict[str, Any]) -> zipfile.ZipFile:
        """Return the first output artifact of an action's run."""
        at = details["output"]["outputArtifacts"][0]["s3location"]
        return zipfile.ZipFile(io.BytesIO(self.s3.get_object(Bucket=at["bucket"], Key=at["key"])["Body"].read()))

    @staticmethod
    def _is(event: Any, execution_id: str, level: str) -> bool:
        wanted = f"CodePipeline {level} Execution State Change"
        return bool(event.detail_type == wanted and event.detail["execution-id"] == execution_id)


@pytest.fixture
def stacks(world: FakeWorld) -> ScriptedStacks:
    """The CloudFormation stand-in."""
    made = ScriptedStacks()
    world.clients["cloudformation"] = made
    return made


@pytest.fixture
def pipelines(world: FakeWorld, s3: Any) -> Pipelines:
    """The service under test, with a repository and a build project named shop."""
    codecommit, codebuild = CodeCommit(world), CodeBuild(world)
    codepipeline = CodePipeline(world, sources=codecommit.archives, builds=codebuild.pipeline_builds)
    made = Pipelines(world, {"codecommit": codecommit, "codebuild": codebuild, "codepipeline": codepipeline}, s3)
    made.call("codecommit", "CreateRepository", repositoryName="shop")
    made.commit("first", buildspec__yml=BUILDSPEC, template__yaml="Resources: {}")
    environment = {"type": "LINUX_CONTAINER", "image": "x:1", "computeType": "BUILD_GENERAL1_SMALL"}
    made.call(
        "codebuild",
        "CreateProject",
        name="shop",
        source={"type": "CODEPIPELINE"},
        artifacts={"type": "CODEPIPELINE"},
        environment=environment,
        serviceRole=f"arn:aws:iam::{ACCOUNT}:role/build",
    )
    return made
