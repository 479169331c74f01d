from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from lockgate_twin.core import Core
from lockgate_twin.ports import Event, Settings
from lockgate_twin.server import HOST, Router, Server, bind
from lockgate_twin.services.codebuild import CodeBuild
from lockgate_twin.services.codecommit import CodeCommit, GitHttp
from lockgate_twin.services.codepipeline import CodePipeline

from tests.support.twin_server import client_of
from tests.twin.codepipeline.conftest import BUILDSPEC, approval, build, pipeline, stage

_ALLOWED = {
    "pipeline": [
        ("codecommit:*", "arn:aws:codecommit:us-east-1:111122223333:shop"),
        ("codebuild:*", "arn:aws:codebuild:us-east-1:111122223333:project/shop"),
        ("s3:*Object", "arn:aws:s3:::artifacts/*"),
    ],
    "build": [
        ("s3:*Object", "arn:aws:s3:::artifacts/*"),
        ("logs:*", "arn:aws:logs:us-east-1:111122223333:log-group:/aws/codebuild/shop*"),
    ],
}


@dataclass
class Place:
    """A twin with its developer services, reached by ordinary clients; a push starts the pipeline."""

    core: Core
    events: list[Event]
    changed: threading.Condition

    def client(self, service: str) -> Any:
        """Return a boto3 client of the administrator."""
        return client_of(self.core, service)

    def role(self, name: str, statements: list[tuple[str, str]]) -> str:
        """Make a role that a service of its name may assume."""
        iam, service = self.client("iam"), "codebuild" if name == "build" else "codepipeline"
        trust = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
        allowed = [{"Effect": "Allow", "Action": action, "Resource": resource} for action, resource in statements]
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_document([trust]))["Role"]["Arn"]
        iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=_document(allowed))
        return str(arn)

    def emit(self, event: Event) -> None:
        """Keep an event and wake whoever waits for one."""
        with self.changed:
            self.events.append(event)
            self.changed.notify_all()

    def await_event(self, source: str, **detail: str) -> Event:
        """Return the first event with these members, waiting for it."""

        def matches(event: Event) -> bool:
            return event.source == source and all(event.detail.get(k.replace("_", "-")) == v for k, v in detail.items())

        with self.changed:
            assert self.changed.wait_for(lambda: any(matches(e) for e in self.events), 60), [
                dict(e.detail) for e in self.events
            ]
            return next(e for e in self.events if matches(e))


def _document(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A twin of its own with roles, bucket, repository and build project."""
    listener = bind(0)
    url = f"http://{HOST}:{listener.getsockname()[1]}"
    core = Core(Settings(state_dir=tmp_path_factory.mktemp("state"), endpoint_url=url, python=Path(sys.executable)))
    codecommit, codebuild = CodeCommit(core), CodeBuild(core)
    codepipeline = CodePipeline(core, sources=codecommit.archives, builds=codebuild.pipeline_builds)
    for service in (codecommit, codebuild, codepipeline):
        core.front.register(service)
    git = GitHttp(codecommit, lambda user, _: found.principal if (found := core.credentials.find(user)) else None)
    server = Server(listener, Router(core.front, git, dict))
    server.start()
    made = Place(core, [], threading.Condition())
    core.on_event = made.emit
    made.client("s3").create_bucket(Bucket="artifacts")
    made.client("codecommit").create_repository(repositoryName="shop")
    made.client("codebuild").create_project(
        name="shop",
        source={"type": "CODEPIPELINE"},
        artifacts={"type": "CODEPIPELINE"},
        environment={"type": "LINUX_CONTAINER", "image": "x:1", "computeType": "BUILD_GENERAL1_SMALL"},
        serviceRole=made.role("build", _ALLOWED["build"]),
    )
    yield made
    _remove_bucket(made.client("s3"))
    codepipeline.close()
    server.stop()
    core.processes.close()
    core.log.close()


def _remove_bucket(s3: Any) -> None:
    """Leave the bucket's name to other tests: Moto keeps its buckets for the whole process."""
    for item in s3.list_objects_v2(Bucket="artifacts").get("Contents", []):
        s3.delete_object(Bucket="artifacts", Key=item["Key"])
    s3.delete_bucket(Bucket="artifacts")


def _push(place: Place, folder: Path, branch: str = "main") -> str:
    who = place.core.administrator
    url = place.core.settings.endpoint_url.replace("://", f"://{who.access_key_id}:{who.secret_access_key}@")
    folder.mkdir()
    (folder / "buildspec.yml").write_text(BUILDSPEC)

    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"]
        done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "first")
    git("push", "-q", f"{url}/v1/repos/shop", f"HEAD:{branch}")
    return git("rev-parse", "HEAD")


def test_a_push_is_built_and_approved_by_ordinary_clients(place: Place, tmp_path: Path) -> None:
    """Git push, a pinned start, a real build with least-privilege roles, an approval: all through the front."""
    client = place.client("codepipeline")
    role = place.role("pipeline", _ALLOWED["pipeline"])
    declaration = pipeline(
        stage("Build", build(outputs=["BuildArtifact"])),
        stage("Production", approval()),
        roleArn=role,
        variables=[{"name": "Wanted"}],
    )
    client.create_pipeline(pipeline=declaration)
    commit_id = _push(place, tmp_path / "work")
    pushed = place.await_event("aws.codecommit", event="referenceCreated")
    started = client.start_pipeline_execution(
        name="shop",
        variables=[{"name": "Wanted", "value": "x"}],
        sourceRevisions=[
            {"actionName": "Source", "revisionType": "COMMIT_ID", "revisionValue": pushed.detail["commitId"]}
        ],
    )
    place.await_event("aws.codebuild", build_status="IN_PROGRESS")
    place.await_event("aws.codepipeline", action="Approve", state="STARTED")

    states = client.get_pipeline_state(name="shop")["stageStates"]
    token = states[2]["actionStates"][0]["latestExecution"]["token"]
    client.put_approval_result(
        pipelineName="shop",
        stageName="Production",
        actionName="Approve",
        token=token,
        result={"status": "Approved", "summary": "fine"},
    )

    place.await_event("aws.codepipeline", pipeline="shop", state="SUCCEEDED", stage="Production")
    place.await_event("aws.codebuild", build_status="SUCCEEDED")
    answer = client.get_pipeline_execution(pipelineName="shop", pipelineExecutionId=started["pipelineExecutionId"])
    assert answer["pipelineExecution"]["artifactRevisions"][0]["revisionId"] == commit_id
    actions = client.list_action_executions(pipelineName="shop")["actionExecutionDetails"]
    assert [a["status"] for a in actions] == ["Succeeded", "Succeeded", "Succeeded"]
    build_id = actions[1]["output"]["executionResult"]["externalExecutionId"]
    described = place.client("codebuild").batch_get_builds(ids=[build_id])["builds"][0]
    assert (described["buildStatus"], described["resolvedSourceVersion"]) == ("SUCCEEDED", commit_id)


def test_roles_without_permissions_fail_the_execution(place: Place, tmp_path: Path) -> None:
    """A pipeline's role that may not start the build fails the action with the message of the real evaluation."""
    client = place.client("codepipeline")
    role = place.role("unable", [s for s in _ALLOWED["pipeline"] if not s[0].startswith("codebuild")])
    _push(place, tmp_path / "work", "unable")
    client.create_pipeline(pipeline=pipeline(stage("Build", build()), roleArn=role, name="unable"))

    place.await_event("aws.codepipeline", pipeline="unable", state="FAILED", action="Build")

    actions = client.list_action_executions(pipelineName="unable")["actionExecutionDetails"]
    error = actions[0]["output"]["executionResult"]["errorDetails"]
    assert error["code"] == "PermissionError"
    assert "codebuild:StartBuild" in error["message"]


def test_an_action_may_have_a_role_of_its_own(place: Place, tmp_path: Path) -> None:
    """The pipeline's role assumes the action's: without that permission, or the trust, the action fails.

    Source: CodePipeline User Guide, "Action declaration" (roleArn).
    """
    base = [s for s in _ALLOWED["pipeline"] if not s[0].startswith("codebuild")]
    own = "arn:aws:iam::111122223333:role/builder"
    chained = place.role("chained", [*base, ("sts:AssumeRole", own)])
    alone = place.role("alone", base)
    iam = place.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": chained}, "Action": "sts:AssumeRole"}
    iam.create_role(RoleName="builder", AssumeRolePolicyDocument=_document([trust]))
    allow = [{"Effect": "Allow", "Action": action, "Resource": on} for action, on in _ALLOWED["pipeline"][1:]]
    iam.put_role_policy(RoleName="builder", PolicyName="all", PolicyDocument=_document(allow))
    _push(place, tmp_path / "work", branch="chained")
    for name, role, state in (("chained", chained, "SUCCEEDED"), ("alone", alone, "FAILED")):
        declared = pipeline(stage("Build", build(roleArn=own)), name=name, roleArn=role)
        declared["stages"][0]["actions"][0]["configuration"]["BranchName"] = "chained"
        place.client("codepipeline").create_pipeline(pipeline=declared)
        action = place.await_event("aws.codepipeline", pipeline=name, action="Build", state=state)
        if state == "FAILED":
            assert "sts:AssumeRole" in action.detail["execution-result"]["external-execution-summary"]
