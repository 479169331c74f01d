"""What pipelines and builds are after the twin that ran them was killed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from lockgate_twin.errors import ApiError
from moto import mock_aws

from tests.twin.codecommit.fake_world import REGION
from tests.twin.codepipeline.conftest import approval, build, stage
from tests.twin.durability.pipeline_restarts import RestartingPipelines, make_pipelines

WHERE = {"pipelineName": "shop", "stageName": "Build", "transitionType": "Inbound"}


@pytest.fixture
def pipelines(tmp_path: Path) -> Iterator[RestartingPipelines]:
    """The services in a folder and an in-memory AWS of their own."""
    with mock_aws():
        s3 = boto3.client("s3", region_name=REGION)
        s3.create_bucket(Bucket="artifacts")
        made = make_pipelines(tmp_path / "state", s3)
        yield made
        made.close()
        assert made.world.defects == []


def waiting(pipelines: RestartingPipelines) -> str:
    """Start an execution and wait until its approval waits for an answer."""
    execution_id = pipelines.start()
    pipelines.await_action(execution_id, "Approve")
    return execution_id


def building(pipelines: RestartingPipelines, tmp_path: Path) -> str:
    """Start an execution whose build waits for the file `go`, and wait until its commands run."""
    pipelines.commit("waits", wait=str(tmp_path / "go"))
    execution_id = pipelines.start()
    pipelines.await_action(execution_id, "Build")
    running = lambda: [p["phaseType"] for b in pipelines.builds() for p in b["phases"]]  # noqa: E731
    while "BUILD" not in running():
        with pipelines.world.changed:
            pipelines.world.changed.wait(0.02)
    return execution_id


def test_a_finished_execution_is_told_as_before(pipelines: RestartingPipelines) -> None:
    """Its description, its actions, its builds and the state of the pipeline are the same."""
    pipelines.create(stage("Build", build(namespace="Built")))
    execution_id = pipelines.run()["pipelineExecutionId"]

    def told() -> list[Any]:
        everything = [pipelines.get(execution_id), pipelines.actions(execution_id), pipelines.builds()]
        return [*everything, pipelines("GetPipelineState", name="shop"), pipelines("GetPipeline", name="shop")]

    before = told()
    pipelines.kill()
    assert told() == before
    assert before[0]["status"] == "Succeeded"


def test_a_pending_approval_is_answered_in_the_next_twin(pipelines: RestartingPipelines) -> None:
    """The token that was given out is still the approval's, and the execution goes on after the answer."""
    pipelines.create(stage("Production", approval(), build(run_order=2)))
    execution_id = waiting(pipelines)
    token = pipelines.token("Production")
    pipelines.kill()
    assert pipelines.token("Production") == token
    pipelines.answer("Production", "Approved", token)
    assert pipelines.ended(execution_id)["status"] == "Succeeded"
    assert [a["actionName"] for a in pipelines.actions(execution_id)] == ["Source", "Approve", "Build"]


def test_a_pending_approval_is_rejected_in_the_next_twin(pipelines: RestartingPipelines) -> None:
    """A rejection fails the execution, and what comes after the approval never runs."""
    pipelines.create(stage("Production", approval(), build(run_order=2)))
    execution_id = waiting(pipelines)
    pipelines.kill()
    pipelines.answer("Production", "Rejected", pipelines.token("Production"), "not good enough")
    assert "not good enough" in pipelines.ended(execution_id)["statusSummary"]
    assert [a["actionName"] for a in pipelines.actions(execution_id)] == ["Source", "Approve"]


def test_an_answer_is_never_lost(pipelines: RestartingPipelines) -> None:
    """An approval that was answered is not asked for again."""
    pipelines.create(stage("Production", approval()), stage("Later", approval("Approve2")))
    execution_id = waiting(pipelines)
    pipelines.answer("Production", "Approved", pipelines.token("Production"))
    pipelines.await_action(execution_id, "Approve2")
    pipelines.kill()
    (action,) = pipelines.state("Production")["actionStates"]
    assert (action["latestExecution"]["status"], action["latestExecution"]["summary"]) == ("Succeeded", "looked at")
    assert pipelines.token("Later", "Approve2")


def test_an_action_that_ran_has_failed_and_can_be_retried(pipelines: RestartingPipelines, tmp_path: Path) -> None:
    """The action tells that the twin ended; RetryStageExecution runs it again, and the execution succeeds."""
    pipelines.create(stage("Build", build()))
    execution_id = building(pipelines, tmp_path)
    pipelines.kill()
    ended = pipelines.ended(execution_id)
    assert (ended["status"], "The twin ended" in ended["statusSummary"]) == ("Failed", True)
    (tmp_path / "go").touch()
    pipelines.world.events.clear()
    pipelines(
        "RetryStageExecution",
        pipelineName="shop",
        stageName="Build",
        pipelineExecutionId=execution_id,
        retryMode="FAILED_ACTIONS",
    )
    assert pipelines.ended(execution_id)["status"] == "Succeeded"


def test_a_failed_action_leaves_the_approval_beside_it_open(pipelines: RestartingPipelines, tmp_path: Path) -> None:
    """The stage has failed once the approval of the same run order is answered, as without a restart."""
    pipelines.create(stage("Build", build(), approval()))
    execution_id = building(pipelines, tmp_path)
    pipelines.kill()
    pipelines.await_action(execution_id, "Build", "FAILED")
    assert pipelines.get(execution_id)["status"] == "InProgress"
    pipelines.answer("Build", "Approved", pipelines.token("Build"))
    assert "The twin ended" in pipelines.ended(execution_id)["statusSummary"]


def test_executions_keep_their_places(pipelines: RestartingPipelines) -> None:
    """One execution is in the stage and the others wait for it in order of their arrival, after a restart, too."""
    pipelines.create(stage("Production", approval()))
    order = [waiting(pipelines), pipelines.start(), pipelines.start()]
    for later in order[1:]:
        pipelines.await_action(later, "Source", "SUCCEEDED")
    pipelines.kill()
    for execution_id in order:
        while pipelines.state("Production")["latestExecution"]["pipelineExecutionId"] != execution_id:
            pipelines.await_action(execution_id, "Approve")
        pipelines.answer("Production", "Approved", pipelines.token("Production"))
        assert pipelines.ended(execution_id)["status"] == "Succeeded"


def test_a_stop_that_was_asked_for_is_carried_out(pipelines: RestartingPipelines, tmp_path: Path) -> None:
    """An execution that was Stopping has ended in the next twin; none is Stopping for ever."""
    pipelines.create(stage("Build", build()))
    execution_id = building(pipelines, tmp_path)
    pipelines("StopPipelineExecution", pipelineName="shop", pipelineExecutionId=execution_id, reason="enough")
    pipelines.kill()
    assert pipelines.ended(execution_id)["status"] in {"Stopped", "Failed"}


def test_a_closed_transition_stays_closed(pipelines: RestartingPipelines) -> None:
    """A stage that nobody may enter is not entered because the twin was started again."""
    pipelines.create(stage("Build", build()))
    pipelines("DisableStageTransition", **WHERE, reason="freeze")
    execution_id = pipelines.start()
    pipelines.await_action(execution_id, "Source", "SUCCEEDED")
    pipelines.kill()
    assert pipelines.state("Build")["inboundTransitionState"]["disabledReason"] == "freeze"
    assert [i["pipelineExecutionId"] for i in pipelines.state("Build")["inboundExecutions"]] == [execution_id]
    pipelines("EnableStageTransition", **WHERE)
    assert pipelines.ended(execution_id)["status"] == "Succeeded"


def test_versions_and_tags_of_a_pipeline_are_kept(pipelines: RestartingPipelines) -> None:
    """Each version can be read, and a token still names the execution that it started."""
    declared = pipelines.create(stage("Production", approval()))
    execution_id = pipelines.start(clientRequestToken="t1")
    pipelines("UpdatePipeline", pipeline={**declared, "stages": [*declared["stages"], stage("Build", build())]})
    arn = f"arn:aws:codepipeline:{REGION}:111122223333:shop"
    pipelines("TagResource", resourceArn=arn, tags=[{"key": "a", "value": "1"}])
    pipelines.kill()
    assert pipelines("GetPipeline", name="shop")["pipeline"]["version"] == 2
    assert pipelines("GetPipeline", name="shop", version=1)["pipeline"] == declared
    assert pipelines("ListTagsForResource", resourceArn=arn)["tags"] == [{"key": "a", "value": "1"}]
    assert pipelines.start(clientRequestToken="t1") == execution_id


def test_a_deleted_pipeline_stays_deleted(pipelines: RestartingPipelines) -> None:
    """Neither it nor its executions come back, not even under a new pipeline of the same name."""
    pipelines.create(stage("Production", approval()))
    waiting(pipelines)
    pipelines("DeletePipeline", name="shop")
    pipelines.kill()
    with pytest.raises(ApiError, match="does not have a pipeline"):
        pipelines("GetPipeline", name="shop")
    pipelines.create(stage("Production", approval()))
    assert pipelines("ListPipelineExecutions", pipelineName="shop")["pipelineExecutionSummaries"] == []


@pytest.mark.parametrize("way", ["kill", "end"])
def test_a_build_that_ran_is_a_fault_with_the_reason(pipelines: RestartingPipelines, tmp_path: Path, way: str) -> None:
    """The build tells in which phase the twin ended, keeps its number, and the next build gets the next one."""
    pipelines.create(stage("Build", build()))
    building(pipelines, tmp_path)
    getattr(pipelines, way)()
    (ended,) = pipelines.builds()
    phases = {phase["phaseType"]: phase for phase in ended["phases"]}
    assert (ended["buildStatus"], ended["buildComplete"], ended["buildNumber"]) == ("FAULT", True, 1)
    assert phases["BUILD"]["phaseStatus"] == "FAULT"
    assert "The twin ended while the build ran" in phases["BUILD"]["contexts"][0]["message"]
    assert phases["DOWNLOAD_SOURCE"]["phaseStatus"] == "SUCCEEDED"
    (tmp_path / "go").touch()
    pipelines.ended(pipelines.start())
    assert pipelines.builds()[0]["buildNumber"] == 2


def test_a_changed_project_stays_changed(pipelines: RestartingPipelines) -> None:
    """Projects are kept with their last change, and deleted ones stay deleted."""
    pipelines.call("codebuild", "UpdateProject", name="shop", timeoutInMinutes=7)
    before = pipelines.call("codebuild", "BatchGetProjects", names=["shop"])
    pipelines.kill()
    assert pipelines.call("codebuild", "BatchGetProjects", names=["shop"]) == before
    assert before["projects"][0]["timeoutInMinutes"] == 7
    pipelines.call("codebuild", "DeleteProject", name="shop")
    pipelines.kill()
    assert pipelines.call("codebuild", "ListProjects")["projects"] == []


class Alarms:
    """A CloudWatch client whose one alarm is first asked for in vain, and then in ALARM."""

    def __init__(self) -> None:
        self.asked, self.answers = threading.Event(), threading.Event()

    def describe_alarms(self, AlarmNames: list[str]) -> dict[str, Any]:  # noqa: N803
        """Describe the alarm once somebody lets it."""
        self.asked.set()
        assert self.answers.wait(60)
        return {"MetricAlarms": [{"StateValue": "ALARM"} for _ in AlarmNames]}


def test_a_condition_that_was_being_checked_is_checked(pipelines: RestartingPipelines) -> None:
    """No stage is entered without its conditions because the twin ended while it checked them."""
    alarms = pipelines.world.clients["cloudwatch"] = Alarms()
    kind = {"category": "Rule", "owner": "AWS", "provider": "CloudWatchAlarm", "version": "1"}
    rule = {"name": "Calm", "ruleTypeId": kind, "configuration": {"AlarmName": "drift"}}
    pipelines.create({**stage("Build", build()), "beforeEntry": {"conditions": [{"result": "FAIL", "rules": [rule]}]}})
    execution_id = pipelines.start()
    assert alarms.asked.wait(60)
    pipelines.kill()
    alarms.answers.set()
    assert pipelines.ended(execution_id)["statusSummary"].endswith("Alarm drift is in state ALARM")
    assert [a["actionName"] for a in pipelines.actions(execution_id)] == ["Source"]


def test_parallel_executions_stay_parallel(pipelines: RestartingPipelines) -> None:
    """Executions that were in one stage at once are both in it after a restart; each is answered by itself."""
    pipelines.create(stage("Production", approval()), executionMode="PARALLEL")
    both = [waiting(pipelines), waiting(pipelines)]
    tokens = [pipelines.actions(execution_id)[-1]["output"]["executionResult"] for execution_id in both]
    pipelines.kill()
    for execution_id, told in zip(both, tokens, strict=True):
        pipelines.answer("Production", "Approved", told["externalExecutionId"])
        assert pipelines.ended(execution_id)["status"] == "Succeeded"


def test_an_idempotency_token_still_names_its_build(pipelines: RestartingPipelines) -> None:
    """The same token starts no second build, even after a restart."""
    project = {
        "name": "alone",
        "source": {"type": "NO_SOURCE", "buildspec": "version: 0.2\nphases: {build: {commands: ['true']}}"},
        "artifacts": {"type": "NO_ARTIFACTS"},
        "environment": {"type": "LINUX_CONTAINER", "image": "x:1", "computeType": "BUILD_GENERAL1_SMALL"},
        "serviceRole": "arn:aws:iam::111122223333:role/build",
    }
    pipelines.call("codebuild", "CreateProject", **project)
    request = {"projectName": "alone", "idempotencyToken": "once"}
    first = pipelines.call("codebuild", "StartBuild", **request)["build"]["id"]
    pipelines.services["codebuild"].pipeline_builds.wait(first)
    before = pipelines.builds()
    pipelines.kill()
    assert pipelines.call("codebuild", "StartBuild", **request)["build"]["id"] == first
    assert pipelines.builds() == before
