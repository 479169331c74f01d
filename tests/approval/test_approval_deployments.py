"""Approval to deployment: every approval once, whatever becomes of its event."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog import router
from catalog.approval import deployments
from catalog.approval.deployments import GRACE, OLDEST, Approval, reconcile
from tests.approval.fake_hub import (
    ACCOUNT,
    FUNCTION,
    GROUP,
    LONG_AGO,
    NOW,
    REGION,
    FakeContext,
    FakeSagemaker,
    arn_of,
    hold,
    refused,
)

ROUTER = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:sagemaker-lockgate-router"
OTHER = "fraud-p-6tor2p5oglf1"
GROUPS = (GROUP, OTHER)
MINUTE = dt.timedelta(minutes=1)


def pipeline_of(group: str) -> str:
    """The deploy pipeline of a group's project."""
    name, _, id_ = group.partition("-")
    return f"sagemaker-{name}-{id_}-modeldeploy"


@dataclass
class Registry(FakeSagemaker):
    """Groups of two projects and one of no project, a page each; versions by group and creation."""

    tags: dict[str, dict[str, str]] = field(
        default_factory=lambda: {
            "nobodys": {"team": "risk"},
            **{
                group: {"sagemaker:project-name": group[: group.index("-")], "sagemaker:project-id": group[-14:]}
                for group in GROUPS
            },
        }
    )

    def add(self, group: str, number: int) -> str:
        """A pending version of a group."""
        arn, created = arn_of(number, group), LONG_AGO + number * MINUTE
        facts = {"ModelPackageArn": arn, "CreationTime": created, "LastModifiedTime": created}
        self.versions[arn] = {**facts, "ModelApprovalStatus": "PendingManualApproval"}
        return arn

    def approve(self, arn: str, when: dt.datetime = NOW - dt.timedelta(hours=1)) -> str:
        """Approve a version."""
        self.versions[arn] |= {"ModelApprovalStatus": "Approved", "LastModifiedTime": when}
        return arn

    def list_model_package_groups(self, **request: Any) -> dict[str, Any]:
        """One group a page."""
        hold("sagemaker", "ListModelPackageGroups", request)
        names, place = sorted(self.tags), int(request.get("NextToken", "0"))
        arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package-group/{names[place]}"
        found = {"ModelPackageGroupName": names[place], "ModelPackageGroupArn": arn}
        more = {"NextToken": str(place + 1)} if place + 1 < len(names) else {}
        return {"ModelPackageGroupSummaryList": [found], **more}

    def list_model_packages(self, **request: Any) -> dict[str, Any]:
        """A group's versions by status, in the order that is asked for."""
        hold("sagemaker", "ListModelPackages", request)
        own, wanted = f"/{request['ModelPackageGroupName']}/", request["ModelApprovalStatus"]
        found = [v for arn, v in self.versions.items() if own in arn and v["ModelApprovalStatus"] == wanted]
        found.sort(key=lambda v: v[request["SortBy"]], reverse=request["SortOrder"] == "Descending")
        return {"ModelPackageSummaryList": found[: request["MaxResults"]]}


@dataclass
class Pipelines:
    """The deploy pipelines of both projects: one execution per token; two executions a page, the newest first."""

    runs: dict[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: {pipeline_of(g): {} for g in GROUPS})
    now: dt.datetime = NOW
    asked: int = 0

    @property
    def started(self) -> list[str]:
        """The versions that executions carry."""
        return [run["variables"][0]["resolvedValue"] for runs in self.runs.values() for run in runs.values()]

    def start_pipeline_execution(self, **request: Any) -> dict[str, str]:
        """Start an execution, or answer with the one of the same token."""
        hold("codepipeline", "StartPipelineExecution", request)
        runs, ((variable,), token) = self.runs[request["name"]], (request["variables"], request["clientRequestToken"])
        told = {"name": variable["name"], "resolvedValue": variable["value"]}
        run = {"pipelineExecutionId": token[:8], "variables": [told], "startTime": self.now}
        return {"pipelineExecutionId": runs.setdefault(token, run)["pipelineExecutionId"]}

    def list_pipeline_executions(self, **request: Any) -> dict[str, Any]:
        """Executions without what they carry."""
        hold("codepipeline", "ListPipelineExecutions", request)
        if request["pipelineName"] not in self.runs:
            raise refused("ListPipelineExecutions", "PipelineNotFoundException")
        found, place = list(self.runs[request["pipelineName"]].values())[::-1], int(request.get("nextToken", "0"))
        more = {"nextToken": str(place + 2)} if place + 2 < len(found) else {}
        shown = ("pipelineExecutionId", "startTime")
        summaries = [{name: run[name] for name in shown} for run in found[place : place + 2]]
        return {"pipelineExecutionSummaries": summaries, **more}

    def get_pipeline_execution(self, **request: Any) -> dict[str, Any]:
        """An execution."""
        hold("codepipeline", "GetPipelineExecution", request)
        self.asked += 1
        runs = self.runs[request["pipelineName"]].values()
        (run,) = [run for run in runs if run["pipelineExecutionId"] == request["pipelineExecutionId"]]
        return {"pipelineExecution": run}


def routed(arn: str, sagemaker: Registry) -> dict[str, Any]:
    """The request that the router makes of an approval's event."""
    event = {"detail-type": "SageMaker Model Package State Change", "detail": {"ModelPackageArn": arn}}
    return router.request(event, ROUTER, {"sagemaker": sagemaker}.__getitem__)


steps = st.one_of(
    st.tuples(st.sampled_from(["approve", "deliver"]), st.sampled_from(GROUPS), st.integers(1, 3)),
    st.tuples(st.just("reconcile"), st.none(), st.none()),
    st.tuples(st.just("wait"), st.none(), st.integers(1, 9)),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(steps, max_size=20))
def test_one_deployment_per_approval_however_its_event_arrives(happened: list[tuple[str, Any, Any]]) -> None:
    """Events that come late, twice or never, the schedule at any time: at most one each, and the newest are started."""
    sagemaker, pipelines = Registry(), Pipelines()
    versions = {(group, number): sagemaker.add(group, number) for group in GROUPS for number in (1, 2, 3)}
    approved, delivered = set(), set()
    for what, group, number in [*happened, ("wait", None, GRACE // MINUTE), ("reconcile", None, None)]:
        if what == "wait":
            pipelines.now += number * MINUTE
        elif what == "reconcile":
            reconcile(sagemaker, pipelines, FUNCTION, pipelines.now)
        elif what == "approve" and (group, number) not in approved:
            approved.add((group, number))
            sagemaker.approve(versions[group, number], pipelines.now)
        elif what == "deliver" and (group, number) in approved:
            delivered.add((group, number))
            pipelines.start_pipeline_execution(**routed(versions[group, number], sagemaker))
    started = pipelines.started
    assert len(started) == len(set(started))
    newest = {(group, max(n for g, n in approved if g == group)) for group in {g for g, _ in approved}}
    assert {versions[one] for one in delivered | newest} <= set(started) <= {versions[one] for one in approved}


def test_all_events_lost_the_newest_approved_version_of_each_project_is_started() -> None:
    """Never an older one, nor one that is not approved, nor one of a group of no project."""
    sagemaker, pipelines = Registry(), Pipelines()
    for group in (*GROUPS, "nobodys"):
        for number in (1, 2):
            sagemaker.approve(sagemaker.add(group, number))
        sagemaker.add(group, 3)
    newest = [arn_of(2, group) for group in GROUPS]
    said = reconcile(sagemaker, pipelines, FUNCTION, NOW)
    assert (said["started"], said["approved"], pipelines.started) == (newest, 2, newest)
    assert reconcile(sagemaker, pipelines, FUNCTION, NOW)["started"] == []


def test_the_request_is_the_routers_for_the_same_approval() -> None:
    """An event that comes after all finds the same token, and so the same execution."""
    sagemaker, decided = Registry(), NOW - dt.timedelta(hours=1, microseconds=4321)
    arn = sagemaker.approve(sagemaker.add(GROUP, 1), decided)
    assert deployments.request(pipeline_of(GROUP), Approval(arn, LONG_AGO, decided)) == routed(arn, sagemaker)


@pytest.mark.parametrize("age", [GRACE - dt.timedelta(seconds=1), OLDEST + dt.timedelta(seconds=1)])
def test_an_approval_whose_event_may_still_come_or_that_is_forgotten_is_left_alone(age: dt.timedelta) -> None:
    """At the grace's end it is started; long after it CodePipeline may have forgotten that it was."""
    sagemaker, pipelines = Registry(), Pipelines()
    sagemaker.approve(sagemaker.add(GROUP, 1), NOW - age)
    assert reconcile(sagemaker, pipelines, FUNCTION, NOW)["started"] == []
    sagemaker.approve(arn_of(1), NOW - GRACE)
    assert reconcile(sagemaker, pipelines, FUNCTION, NOW)["started"] == [arn_of(1)]


def test_a_version_that_any_execution_carries_is_not_started_again() -> None:
    """Not even with another token, as after a person's start or a later change of the version; on whatever page."""
    sagemaker, pipelines = Registry(), Pipelines()
    arn = sagemaker.approve(sagemaker.add(GROUP, 1))
    for number in (1, 2, 3, 4, 5):
        other = {"name": "ModelPackageArn", "value": arn if number == 1 else arn_of(number)}
        token = f"{number}-by-hand"
        pipelines.start_pipeline_execution(name=pipeline_of(GROUP), variables=[other], clientRequestToken=token)
    assert reconcile(sagemaker, pipelines, FUNCTION, NOW)["started"] == []
    assert pipelines.asked == 5


def test_executions_that_are_older_than_the_version_are_not_asked() -> None:
    """They cannot be about it."""
    sagemaker, pipelines = Registry(), Pipelines(now=LONG_AGO)
    arn = sagemaker.approve(sagemaker.add(GROUP, 1))
    earlier = {"name": "ModelPackageArn", "value": arn_of(7)}
    pipelines.start_pipeline_execution(name=pipeline_of(GROUP), variables=[earlier], clientRequestToken="earlier-one")
    assert reconcile(sagemaker, pipelines, FUNCTION, NOW)["started"] == [arn]
    assert pipelines.asked == 0


def test_where_it_cannot_be_told_nothing_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """More executions than are looked through, or a project whose pipeline is gone; other projects are served."""
    monkeypatch.setattr(deployments, "MOST_PAGES", 3)
    sagemaker, pipelines = Registry(), Pipelines()
    for group in GROUPS:
        sagemaker.approve(sagemaker.add(group, 1))
    del pipelines.runs[pipeline_of(OTHER)]
    for number in range(2, 9):
        other = {"name": "ModelPackageArn", "value": arn_of(number)}
        token = f"{number}-by-hand"
        pipelines.start_pipeline_execution(name=pipeline_of(GROUP), variables=[other], clientRequestToken=token)
    assert reconcile(sagemaker, pipelines, FUNCTION, NOW)["started"] == []
    pipelines.runs = {pipeline_of(OTHER): {}}
    assert reconcile(sagemaker, pipelines, FUNCTION, NOW)["started"] == [arn_of(1, OTHER)]


def test_a_reconciliation_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left is the next one's."""
    monkeypatch.setattr(deployments, "MOST_STARTS", 1)
    sagemaker, pipelines = Registry(), Pipelines()
    for group in GROUPS:
        sagemaker.approve(sagemaker.add(group, 1))
    started = [reconcile(sagemaker, pipelines, FUNCTION, NOW)["started"] for _ in range(3)]
    assert started == [[arn_of(1, GROUP)], [arn_of(1, OTHER)], []]


def test_an_approval_that_was_withdrawn_meanwhile_is_not_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """The list may be older than the version's own description."""
    sagemaker, pipelines = Registry(), Pipelines()
    arn = sagemaker.approve(sagemaker.add(GROUP, 1))
    listed = sagemaker.list_model_packages

    def stale(**request: Any) -> dict[str, Any]:
        page = listed(**request)
        sagemaker.versions[arn]["ModelApprovalStatus"] = "Rejected"
        return page

    monkeypatch.setattr(sagemaker, "list_model_packages", stale)
    assert reconcile(sagemaker, pipelines, FUNCTION, NOW)["started"] == []


def test_a_refusal_of_aws_is_raised() -> None:
    """Lambda repeats it; a fault is not taken for a missing execution."""

    class Refusing(Pipelines):
        def list_pipeline_executions(self, **request: Any) -> dict[str, Any]:
            raise refused(request["pipelineName"], "ThrottlingException")

    sagemaker, pipelines = Registry(), Refusing()
    sagemaker.approve(sagemaker.add(GROUP, 1))
    with pytest.raises(ClientError, match="Throttling"):
        reconcile(sagemaker, pipelines, FUNCTION, NOW)
    assert pipelines.started == []


def test_the_handler_logs_what_it_started(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """One line of JSON with how much was seen and what was started."""
    sagemaker, pipelines = Registry(), Pipelines()
    arn = sagemaker.approve(sagemaker.add(GROUP, 1), dt.datetime.now(dt.UTC) - 2 * GRACE)
    monkeypatch.setattr(deployments, "_client", {"sagemaker": sagemaker, "codepipeline": pipelines}.__getitem__)
    deployments.handler({"action": "reconcile"}, FakeContext())
    line = json.loads(capsys.readouterr().out)
    assert line == {"event": None, "outcome": "reconciled", "approved": 1, "started": [arn]}
