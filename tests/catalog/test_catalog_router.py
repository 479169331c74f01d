"""The router: what starts, with which token, and what is ignored for which reason."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog import router

ACCOUNT, REGION = "111122223333", "us-east-1"
OWN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:sagemaker-lockgate-router"
BUILD = "sagemaker-fraud-p-idy6c3e1fiqj-modelbuild"
REPOSITORY = f"arn:aws:codecommit:{REGION}:{ACCOUNT}:{BUILD}"
COMMIT = "0a1b2c3d" * 5
VERSION = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package/fraud-p-idy6c3e1fiqj/2"
APPROVED_AT = dt.datetime(2026, 11, 22, 17, 0, 14, 250000, dt.UTC)


@dataclass
class Aws:
    """CodePipeline and SageMaker as the router sees them; also the factory of their clients."""

    status: str = "Approved"
    tags: dict[str, str] = field(
        default_factory=lambda: {"sagemaker:project-name": "Fraud", "sagemaker:project-id": "p-idy6c3e1fiqj"}
    )
    runs: list[dict[str, Any]] = field(default_factory=list)
    modified: dt.datetime = APPROVED_AT
    asked: list[str] = field(default_factory=list)
    started: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, service: str) -> Aws:
        """The client of a service."""
        assert service in {"codepipeline", "sagemaker"}
        return self

    def list_pipeline_executions(self, **request: Any) -> dict[str, Any]:
        """The pipeline's executions."""
        self.asked.append(request["pipelineName"])
        return {"pipelineExecutionSummaries": self.runs}

    def start_pipeline_execution(self, **request: Any) -> dict[str, Any]:
        """Start an execution."""
        self.started.append(request)
        return {"pipelineExecutionId": "e1"}

    def describe_model_package(self, **request: Any) -> dict[str, Any]:
        """The version as the registry holds it."""
        self.asked.append(request["ModelPackageName"])
        return {"ModelApprovalStatus": self.status, "CreationTime": APPROVED_AT, "LastModifiedTime": self.modified}

    def list_tags(self, **request: Any) -> dict[str, Any]:
        """The group's tags."""
        self.asked.append(request["ResourceArn"])
        return {"Tags": [{"Key": key, "Value": value} for key, value in self.tags.items()]}


class Context:
    """What Lambda says about the invocation."""

    invoked_function_arn = OWN


def push(**detail: Any) -> dict[str, Any]:
    """A push event, as CodeCommit sends it."""
    return {
        "id": "1",
        "detail-type": "CodeCommit Repository State Change",
        "resources": [REPOSITORY],
        "detail": {
            "event": "referenceUpdated",
            "repositoryName": BUILD,
            "referenceType": "branch",
            "referenceName": "main",
            "referenceFullName": "refs/heads/main",
            "commitId": COMMIT,
            **detail,
        },
    }


def approval(arn: str = VERSION, **detail: Any) -> dict[str, Any]:
    """An approval event, as SageMaker sends it."""
    return {
        "id": "2",
        "detail-type": "SageMaker Model Package State Change",
        "detail": {"ModelPackageArn": arn, "ModelApprovalStatus": "Approved", **detail},
    }


def created_run(status: str, *revisions: str) -> dict[str, Any]:
    """The execution that CodePipeline starts when a pipeline is created."""
    return {
        "pipelineExecutionId": "first",
        "status": status,
        "trigger": {"triggerType": "CreatePipeline"},
        "sourceRevisions": [{"actionName": "Source", "revisionId": revision} for revision in revisions],
    }


def test_a_push_starts_its_build_pinned_to_the_commit() -> None:
    """The pipeline is named like the repository; not the newest commit is built but the pushed one."""
    start = router.request(push(), OWN, Aws())
    assert start["name"] == BUILD
    assert start["sourceRevisions"] == [{"actionName": "Source", "revisionType": "COMMIT_ID", "revisionValue": COMMIT}]


def test_an_approval_starts_the_deployment_of_exactly_that_version() -> None:
    """The project is known by the tags of the version's group."""
    aws = Aws()
    start = router.request(approval(), OWN, aws)
    assert start["name"] == "sagemaker-Fraud-p-idy6c3e1fiqj-modeldeploy"
    assert start["variables"] == [{"name": "ModelPackageArn", "value": VERSION}]
    group = VERSION.rpartition("/")[0].replace("model-package/", "model-package-group/")
    assert aws.asked == [VERSION, group]


def test_duplicates_give_the_same_token_and_different_events_different_ones() -> None:
    """CodePipeline starts one execution per token (clientRequestToken)."""
    aws = Aws()
    tokens = [
        router.request(event, OWN, aws)["clientRequestToken"]
        for event in (push(), push(), push(commitId="f" * 40), approval(), approval(), approval(VERSION + "1"))
    ]
    assert tokens[0] == tokens[1]
    assert tokens[3] == tokens[4]
    assert len(set(tokens)) == 4
    assert all(len(token) <= 128 for token in tokens)


def test_approving_again_later_is_another_deployment() -> None:
    """The token includes when the version was decided about."""
    later = APPROVED_AT + dt.timedelta(minutes=1)
    first, second = (router.request(approval(), OWN, Aws(modified=when)) for when in (APPROVED_AT, later))
    assert first["clientRequestToken"] != second["clientRequestToken"]


@pytest.mark.parametrize("status", ["Rejected", "PendingManualApproval"])
def test_the_registry_decides_not_the_event(status: str) -> None:
    """An event that says Approved starts nothing when the registry says otherwise."""
    with pytest.raises(router.IgnoredError, match=status):
        router.request(approval(), OWN, Aws(status=status))


@pytest.mark.parametrize(
    "arn",
    [
        VERSION.replace(ACCOUNT, "999999999999"),
        VERSION.replace(REGION, "eu-west-1"),
        VERSION.replace("arn:aws:", "arn:aws-cn:"),
        VERSION.replace("model-package/", "model-package-group/"),
        VERSION.rpartition("/")[0],
        VERSION + "/../3",
        VERSION + "\n",
        "",
        "None",
    ],
)
def test_a_foreign_or_malformed_version_is_ignored_before_anything_is_asked(arn: str) -> None:
    """Another account, region, partition or kind of resource never reaches AWS."""
    aws = Aws()
    with pytest.raises(router.IgnoredError, match="is no project's"):
        router.request(approval(arn), OWN, aws)
    assert aws.asked == []


@pytest.mark.parametrize(
    "resources",
    [
        [REPOSITORY.replace(ACCOUNT, "999999999999")],
        [REPOSITORY.replace(REGION, "eu-west-1")],
        [REPOSITORY.replace("modelbuild", "modeldeploy")],
        [REPOSITORY.replace(BUILD, "somebody-elses")],
        [],
    ],
)
def test_a_push_to_another_repository_is_ignored(resources: list[str]) -> None:
    """Only build repositories of this account and region start builds, whatever the detail says."""
    aws = Aws()
    with pytest.raises(router.IgnoredError):
        router.request(push() | {"resources": resources}, OWN, aws)
    assert aws.asked == []


@pytest.mark.parametrize("detail", [{"referenceName": "feature"}, {"commitId": "HEAD"}, {"commitId": None}])
def test_a_push_that_is_no_commit_on_main_is_ignored(detail: dict[str, Any]) -> None:
    """Other branches and anything that is not a commit id start nothing."""
    with pytest.raises(router.IgnoredError, match="not a commit on main"):
        router.request(push(**detail), OWN, Aws())


def test_a_group_without_project_tags_is_ignored() -> None:
    """A model version that belongs to no project is not deployed."""
    with pytest.raises(router.IgnoredError, match="no project tags"):
        router.request(approval(), OWN, Aws(tags={"sagemaker:project-id": "p-idy6c3e1fiqj"}))


def test_an_event_of_another_kind_is_ignored() -> None:
    """The router has two routes."""
    with pytest.raises(router.IgnoredError, match="no route"):
        router.request({"detail-type": "Scheduled Event", "detail": {}}, OWN, Aws())


def test_the_seed_commit_is_not_built_twice() -> None:
    """CodePipeline runs a new pipeline by itself; the event of the same commit adds nothing."""
    seed = push(event="referenceCreated")
    for run in (created_run("InProgress"), created_run("InProgress", COMMIT), created_run("Succeeded", COMMIT)):
        with pytest.raises(router.IgnoredError, match="first builds"):
            router.request(seed, OWN, Aws(runs=[run]))


@pytest.mark.parametrize(
    ("event", "run"),
    [
        ("referenceUpdated", created_run("InProgress")),
        ("referenceUpdated", created_run("Succeeded", "f" * 40)),
        ("referenceCreated", created_run("Failed")),
        ("referenceCreated", created_run("Succeeded", "f" * 40)),
    ],
)
def test_a_later_commit_is_built_whatever_the_first_execution_does(event: str, run: dict[str, Any]) -> None:
    """Only the very commit of the first execution is left to it."""
    assert router.request(push(event=event), OWN, Aws(runs=[run]))["name"] == BUILD


def test_the_handler_logs_what_it_started(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """One line of JSON with event, pipeline, execution and token."""
    aws = Aws()
    monkeypatch.setattr(router, "_client", aws)
    router.handler(push(), Context())
    line = json.loads(capsys.readouterr().out)
    assert line["outcome"] == "started"
    assert (line["event"], line["execution"], line["name"]) == ("1", "e1", BUILD)
    assert len(aws.started) == 1


def test_the_handler_logs_why_it_ignored(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """An ignored event is no failure: it is not retried."""
    monkeypatch.setattr(router, "_client", Aws(status="Rejected"))
    router.handler(approval(), Context())
    line = json.loads(capsys.readouterr().out)
    assert line["outcome"] == "ignored"
    assert line["reason"] == f"{VERSION} is Rejected"


def test_a_failure_of_aws_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lambda retries and then dead-letters what raises; nothing is swallowed."""

    class Throttled(Aws):
        def start_pipeline_execution(self, **request: Any) -> dict[str, Any]:
            raise ConnectionError(request["name"])

    monkeypatch.setattr(router, "_client", Throttled())
    with pytest.raises(ConnectionError):
        router.handler(push(), Context())


json_values = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5)


@given(st.dictionaries(st.sampled_from([*push()["detail"], *approval()["detail"]]), json_values))
def test_no_forged_detail_starts_anything_but_names_allow(detail: dict[str, Any]) -> None:
    """Whatever a forged event says, it is ignored or starts a pipeline that its own ARN names."""
    for event in (push(), approval()):
        try:
            start = router.request(event | {"detail": detail}, OWN, Aws())
        except router.IgnoredError:
            continue
        assert start["name"] in {BUILD, "sagemaker-Fraud-p-idy6c3e1fiqj-modeldeploy"}


def test_the_router_is_small_enough_to_stand_in_the_template() -> None:
    """Less than 4 KB, and nothing but the standard library and boto3."""
    source = Path(router.__file__).read_text(encoding="utf-8")
    assert len(source.encode()) < 4096
    imports = {line.split()[1].split(".")[0] for line in source.splitlines() if line.startswith(("import", "from"))}
    assert imports == {"__future__", "boto3", "functools", "hashlib", "json", "re", "typing"}
