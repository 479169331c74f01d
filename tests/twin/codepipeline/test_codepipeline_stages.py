from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lockgate_twin.errors import ApiError

from tests.twin.codepipeline.conftest import Pipelines, approval, build, stage


def _code(pipelines: Pipelines, operation: str, **parameters: Any) -> str:
    with pytest.raises(ApiError) as caught:
        pipelines(operation, **parameters)
    return caught.value.code


def _waiting(pipelines: Pipelines) -> str:
    """Start an execution and wait for its approval."""
    execution_id = pipelines.start()
    pipelines.await_action(execution_id, "Approve")
    return execution_id


def test_an_approval_lets_the_execution_go_on(pipelines: Pipelines) -> None:
    """An approved action succeeds with its summary and who approved; then the next action runs."""
    pipelines.create(stage("Production", approval(), build(run_order=2)))
    execution_id = _waiting(pipelines)
    assert pipelines.get(execution_id)["status"] == "InProgress"

    answer = pipelines.answer("Production", "Approved", pipelines.token("Production"), "good figures")

    assert pipelines.ended(execution_id)["status"] == "Succeeded"
    approved = pipelines.state("Production")["actionStates"][0]["latestExecution"]
    assert (approved["status"], approved["summary"]) == ("Succeeded", "good figures")
    assert approved["lastUpdatedBy"] == "arn:aws:iam::111122223333:root"
    assert approved["lastStatusChange"] == answer["approvedAt"]
    assert "token" not in approved


def test_a_rejection_fails_the_execution(pipelines: Pipelines) -> None:
    """A rejected action fails with the reviewer's summary, and nothing after it runs."""
    pipelines.create(stage("Production", approval(), build(run_order=2)))
    execution_id = _waiting(pipelines)

    pipelines.answer("Production", "Rejected", pipelines.token("Production"), "too slow")

    execution = pipelines.ended(execution_id)
    assert execution["status"] == "Failed"
    assert "too slow" in execution["statusSummary"]
    assert [a["actionName"] for a in pipelines.actions(execution_id)] == ["Source", "Approve"]


def test_only_the_right_token_answers_once(pipelines: Pipelines) -> None:
    """A wrong token, a second answer and unknown names are refused; the approval stays open until the right one."""
    pipelines.create(stage("Production", approval()))
    execution_id = _waiting(pipelines)
    token = pipelines.token("Production")
    where = {"pipelineName": "shop", "stageName": "Production", "actionName": "Approve"}
    rest = {"result": {"status": "Approved", "summary": ""}, "token": token}

    wrong = _code(pipelines, "PutApprovalResult", **where, **{**rest, "token": "0" * 8 + token[8:]})
    assert wrong == "InvalidApprovalTokenException"
    assert _code(pipelines, "PutApprovalResult", **{**where, "stageName": "X"}, **rest) == "StageNotFoundException"
    assert _code(pipelines, "PutApprovalResult", **{**where, "actionName": "X"}, **rest) == "ActionNotFoundException"
    assert pipelines.get(execution_id)["status"] == "InProgress"
    pipelines.answer("Production", "Approved", token)
    assert _code(pipelines, "PutApprovalResult", **where, **rest) == "ApprovalAlreadyCompletedException"
    assert pipelines.ended(execution_id)["status"] == "Succeeded"


def test_an_approval_times_out(pipelines: Pipelines) -> None:
    """An approval that nobody answers in time fails the execution."""
    pipelines.create(stage("Production", approval(timeoutInMinutes=0.001)))

    assert "The approval timed out" in pipelines.run()["statusSummary"]


def test_queued_executions_keep_their_order(pipelines: Pipelines) -> None:
    """One execution is in a stage at a time; the others wait at its entry and enter in order of their start."""
    pipelines.create(stage("Production", approval()))
    first = _waiting(pipelines)
    others = [pipelines.start(), pipelines.start()]
    for other in others:
        pipelines.await_action(other, "Source", "SUCCEEDED")
    _until(lambda: len(pipelines.state("Production")["inboundExecutions"]) == 2)

    inbound = pipelines.state("Production")["inboundExecutions"]
    assert [i["pipelineExecutionId"] for i in inbound] == others
    for execution_id in (first, *others):
        pipelines.await_action(execution_id, "Approve")
        assert pipelines.state("Production")["latestExecution"]["pipelineExecutionId"] == execution_id
        pipelines.answer("Production", "Approved", pipelines.token("Production"))
        assert pipelines.ended(execution_id)["status"] == "Succeeded"


def test_a_newer_execution_supersedes_the_waiting_one(pipelines: Pipelines) -> None:
    """With SUPERSEDED the newest execution takes the place of the one that waits; the one in the stage stays."""
    pipelines.create(stage("Production", approval()), executionMode="SUPERSEDED")
    first = _waiting(pipelines)
    second = pipelines.start()
    _until(lambda: _inbound(pipelines) == [second])

    third = pipelines.start()

    assert pipelines.ended(second)["status"] == "Superseded"
    _until(lambda: _inbound(pipelines) == [third])
    assert pipelines.get(first)["status"] == "InProgress"
    pipelines.answer("Production", "Approved", pipelines.token("Production"))
    pipelines.await_action(third, "Approve")


def _inbound(pipelines: Pipelines) -> list[str]:
    return [i["pipelineExecutionId"] for i in pipelines.state("Production")["inboundExecutions"]]


def test_a_closed_transition_keeps_executions_out(pipelines: Pipelines) -> None:
    """Executions wait before a stage whose inbound transition is disabled, and enter when it is enabled."""
    pipelines.create(stage("Build", build()))
    where = {"pipelineName": "shop", "stageName": "Build", "transitionType": "Inbound"}
    pipelines("DisableStageTransition", **where, reason="freeze")
    execution_id = pipelines.start()
    pipelines.await_action(execution_id, "Source", "SUCCEEDED")
    state = pipelines.state("Build")["inboundTransitionState"]
    assert (state["enabled"], state["disabledReason"]) == (False, "freeze")

    pipelines("EnableStageTransition", **where)

    assert pipelines.ended(execution_id)["status"] == "Succeeded"
    outbound = {**where, "transitionType": "Outbound"}
    assert _code(pipelines, "EnableStageTransition", **outbound) == "NotImplemented"


def test_stopping_waits_for_the_action_under_way(pipelines: Pipelines, tmp_path: Path) -> None:
    """A stopped execution ends when its build has ended; later actions do not run; a second stop is refused."""
    gate = tmp_path / "go"
    pipelines.commit("waits", wait=str(gate))
    pipelines.create(stage("Build", build(), build("Later", run_order=2)))
    execution_id = pipelines.start()
    pipelines.await_action(execution_id, "Build")
    stop = {"pipelineName": "shop", "pipelineExecutionId": execution_id, "reason": "mistake"}

    pipelines("StopPipelineExecution", **stop)
    assert pipelines.get(execution_id)["status"] == "Stopping"
    assert _code(pipelines, "StopPipelineExecution", **stop) == "DuplicatedStopRequestException"
    gate.touch()

    assert pipelines.ended(execution_id)["status"] == "Stopped"
    assert [a["status"] for a in pipelines.actions(execution_id)] == ["Succeeded", "Succeeded"]
    listed = pipelines("ListPipelineExecutions", pipelineName="shop")["pipelineExecutionSummaries"]
    assert listed[0]["stopTrigger"] == {"reason": "mistake"}
    assert _code(pipelines, "StopPipelineExecution", **stop) == "PipelineExecutionNotStoppableException"


def test_abandoning_ends_at_once(pipelines: Pipelines) -> None:
    """An abandoned approval ends the execution at once and frees the stage for the next one."""
    pipelines.create(stage("Production", approval()))
    execution_id = _waiting(pipelines)
    following = pipelines.start()

    pipelines("StopPipelineExecution", pipelineName="shop", pipelineExecutionId=execution_id, abandon=True)

    assert pipelines.ended(execution_id)["status"] == "Stopped"
    assert pipelines.actions(execution_id)[-1]["status"] == "Abandoned"
    pipelines.await_action(following, "Approve")


def test_a_waiting_execution_can_be_stopped(pipelines: Pipelines) -> None:
    """An execution that waits before a stage is stopped there."""
    pipelines.create(stage("Production", approval()))
    _waiting(pipelines)
    second = pipelines.start()
    _until(lambda: _inbound(pipelines) == [second])

    pipelines("StopPipelineExecution", pipelineName="shop", pipelineExecutionId=second)

    assert pipelines.ended(second)["status"] == "Stopped"
    assert _inbound(pipelines) == []


def test_a_failed_stage_can_be_retried(pipelines: Pipelines) -> None:
    """A retry runs the failed actions of the stage again, in the same execution, and goes on from there."""
    pipelines.create(stage("Production", build(), approval(run_order=2)))
    execution_id = _waiting(pipelines)
    where = {"pipelineName": "shop", "stageName": "Production", "pipelineExecutionId": execution_id}
    retry = {**where, "retryMode": "FAILED_ACTIONS"}
    assert _code(pipelines, "RetryStageExecution", **retry) == "StageNotRetryableException"
    pipelines.answer("Production", "Rejected", pipelines.token("Production"))
    pipelines.ended(execution_id)
    pipelines.world.events.clear()

    pipelines("RetryStageExecution", **retry)
    pipelines.await_action(execution_id, "Approve")
    pipelines.answer("Production", "Approved", pipelines.token("Production"))

    assert pipelines.ended(execution_id)["status"] == "Succeeded"
    names = [(a["actionName"], a["status"]) for a in pipelines.actions(execution_id)]
    assert names == [("Source", "Succeeded"), ("Build", "Succeeded"), ("Approve", "Failed"), ("Approve", "Succeeded")]
    assert pipelines.world.events[0].detail["state"] == "RESUMED"


def _until(condition: Any) -> None:
    import threading

    for _ in range(600):
        if condition():
            return
        threading.Event().wait(0.02)
    raise AssertionError("it did not happen")


def test_a_closed_service_starts_no_further_action(pipelines: Pipelines) -> None:
    """Closing gives up approvals and executions that wait, so that the twin can end."""
    pipelines.create(stage("Production", approval(), build(run_order=2)))
    first = _waiting(pipelines)
    second = pipelines.start()
    _until(lambda: _inbound(pipelines) == [second])

    pipelines.services["codepipeline"].close()

    assert [pipelines.ended(execution_id)["status"] for execution_id in (first, second)] == ["Stopped", "Stopped"]
    assert [a["actionName"] for a in pipelines.actions(first)] == ["Source", "Approve"]
