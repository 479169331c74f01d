from __future__ import annotations

import re
from typing import Any

import pytest

from tests.twin.codepipeline.conftest import Pipelines, approval, build, stage
from tests.twin.eventbridge.event_shapes import FRACTIONS, UUID, differences

_ARN = "arn:aws:codepipeline:us-east-1:111122223333:shop"
_COMMON = {
    "pipeline": str,
    "execution-id": UUID,
    "start-time": FRACTIONS,
    "state": str,
    "version": float,
    "pipeline-execution-attempt": float,
}
_ARTIFACTS = [{"name": str, "s3location": {"bucket": str, "key": str}}]
_ACTION = {
    **_COMMON,
    "stage": str,
    "action": str,
    "action-execution-id": UUID,
    "region": str,
    "type": {"owner": str, "provider": str, "category": str, "version": re.compile("1")},
    "input-artifacts?": _ARTIFACTS,
}
_RESULT = {
    "external-execution-url?": str,
    "external-execution-summary?": str,
    "external-execution-id?": str,
    "error-code?": str,
}


def _told(pipelines: Pipelines, level: str, *states: str) -> list[Any]:
    name = f"CodePipeline {level} Execution State Change"
    found = [e for e in pipelines.world.events if e.detail_type == name and e.detail["state"] in states]
    assert {event.detail["state"] for event in found} == set(states)
    return found


def _differences(pipelines: Pipelines, level: str, states: tuple[str, ...], shape: dict[str, Any]) -> list[str]:
    name = f"CodePipeline {level} Execution State Change"
    return [found for e in _told(pipelines, level, *states) for found in differences(e, name, [_ARN], shape)]


def test_events_of_a_run_have_the_published_shapes(pipelines: Pipelines) -> None:
    """Pipeline, stages and actions are told as documented; only the start names its trigger.

    Source: "Monitoring CodePipeline events" (CodePipeline User Guide): STARTED and SUCCEEDED events of each level.
    """
    pipelines.create(stage("Build", build()))
    pipelines.run()

    trigger = {"execution-trigger": {"trigger-type": str, "trigger-detail": str}}
    assert _differences(pipelines, "Pipeline", ("STARTED",), {**_COMMON, **trigger}) == []
    assert _differences(pipelines, "Pipeline", ("SUCCEEDED",), _COMMON) == []
    assert _differences(pipelines, "Stage", ("STARTED", "SUCCEEDED"), {**_COMMON, "stage": str}) == []
    assert _differences(pipelines, "Action", ("STARTED",), _ACTION) == []
    ended = {**_ACTION, "execution-result?": _RESULT, "output-artifacts?": _ARTIFACTS}
    assert _differences(pipelines, "Action", ("SUCCEEDED",), ended) == []


def test_a_failure_and_its_retry_have_the_published_shapes(pipelines: Pipelines) -> None:
    """A failed action tells error-code; a stage that is tried again tells when, in place of its start.

    Source: "Monitoring CodePipeline events" (CodePipeline User Guide): Action FAILED, Stage RESUMED.
    """
    pipelines.create(stage("Gate", approval()))
    execution_id = pipelines.start()
    pipelines.await_action(execution_id, "Approve")
    pipelines.answer("Gate", "Rejected", pipelines.token("Gate"))
    pipelines.ended(execution_id)
    where = {"pipelineName": "shop", "stageName": "Gate", "pipelineExecutionId": execution_id}
    pipelines("RetryStageExecution", **where, retryMode="FAILED_ACTIONS")
    resumed = "CodePipeline Stage Execution State Change"
    pipelines.world.await_event(lambda e: e.detail_type == resumed and e.detail["state"] == "RESUMED")

    failed = {**_ACTION, "execution-result": {**_RESULT, "error-code": str}}
    assert _differences(pipelines, "Action", ("FAILED",), failed) == []
    assert _differences(pipelines, "Pipeline", ("FAILED",), _COMMON) == []
    again = {name: form for name, form in _COMMON.items() if name != "start-time"}
    again |= {"stage": str, "stage-last-retry-attempt-time": FRACTIONS}
    assert _differences(pipelines, "Stage", ("RESUMED",), again) == []
    assert [e.detail["pipeline-execution-attempt"] for e in _told(pipelines, "Stage", "RESUMED")] == [2.0]


@pytest.mark.parametrize(("reason", "comments"), [("an update", {"stop-execution-comments": str}), ("", {})])
def test_a_stop_has_the_published_shape(pipelines: Pipelines, reason: str, comments: dict[str, Any]) -> None:
    """A stop tells its comments, if there are any; the abandoned action and its stage are told as documented.

    Source: "Monitoring CodePipeline events" (CodePipeline User Guide): Pipeline STOPPING, Stage STOPPED.
    """
    pipelines.create(stage("Gate", approval()))
    execution_id = pipelines.start()
    pipelines.await_action(execution_id, "Approve")
    stop = {"pipelineName": "shop", "pipelineExecutionId": execution_id, "abandon": True}
    pipelines("StopPipelineExecution", **stop, **({"reason": reason} if reason else {}))
    pipelines.ended(execution_id)

    assert _differences(pipelines, "Pipeline", ("STOPPING",), {**_COMMON, **comments}) == []
    assert _differences(pipelines, "Pipeline", ("STOPPED",), _COMMON) == []
    assert _differences(pipelines, "Stage", ("STOPPED",), {**_COMMON, "stage": str}) == []
    assert _differences(pipelines, "Action", ("ABANDONED",), {**_ACTION, "execution-result?": _RESULT}) == []
