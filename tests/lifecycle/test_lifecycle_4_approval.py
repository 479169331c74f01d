"""registry -> approval: code decides by evidence and policy, with reasons; people keep the exceptions."""

from __future__ import annotations

import datetime as dt
import json
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from lockgate_twin.demo import schedules
from lockgate_twin.demo.failures import StageFailedError
from lockgate_twin.demo.world import Facts, World

from catalog.approval import deployments

APPROVER, SCIENTIST, ADMINISTRATOR = "approver", "data-scientist", "administrator"
PIPELINE = "sagemaker-lockgate-approval"
PATIENCE = 1200  # polls of 50 ms
RECONCILERS = {
    "sagemaker-lockgate-reconcile": "sagemaker-lockgate-registrations",
    "sagemaker-lockgate-reconcile-deployments": "sagemaker-lockgate-deployments",
}


def lockgate(world: World, *arguments: str, person: str = APPROVER) -> str:
    """Run `lockgate` as somebody and return what it says."""
    return world.person(person).run([str(world.root / "lockgate"), *arguments], cwd=world.root)


def package(world: World, facts: Facts, number: int) -> dict[str, Any]:
    """Describe a version."""
    arn = facts.versions[number - 1]["arn"]
    described: dict[str, Any] = world.person(SCIENTIST).client("sagemaker").describe_model_package(ModelPackageName=arn)
    return described


def stored(world: World, uri: str, name: str) -> bytes:
    """Read what the hub keeps about a decision, as an approver."""
    place = urlsplit(uri)
    key = f"{place.path.strip('/')}/{name}"
    return bytes(world.person(APPROVER).client("s3").get_object(Bucket=place.netloc, Key=key)["Body"].read())


def executions(world: World) -> list[dict[str, Any]]:
    """The examinations so far, with the version that each was about."""
    sagemaker = world.person(ADMINISTRATOR).client("sagemaker")
    found = []
    for summary in sagemaker.list_pipeline_executions(PipelineName=PIPELINE)["PipelineExecutionSummaries"]:
        arn = summary["PipelineExecutionArn"]
        parameters = sagemaker.list_pipeline_parameters_for_execution(PipelineExecutionArn=arn)["PipelineParameters"]
        found.append({**summary, **{p["Name"]: p["Value"] for p in parameters}})
    return found


def done(world: World, facts: Facts) -> tuple[list[Any], list[Any], list[Any]]:
    """The examinations, the entries of the record and the deployments so far, by their names."""
    person, group = world.person(ADMINISTRATOR), f"{world.project}-{facts.project_id}"
    bucket = f"sagemaker-lockgate-decisions-{world.state.account}-{world.state.region}"
    listed = person.client("s3").list_objects_v2(Bucket=bucket, Prefix=f"record/{group}/entries/")
    pipeline = f"sagemaker-{world.project}-{facts.project_id}-modeldeploy"
    deployed = person.client("codepipeline").list_pipeline_executions(pipelineName=pipeline)
    return (
        [execution["PipelineExecutionArn"] for execution in executions(world)],
        [entry["Key"] for entry in listed["Contents"]],
        [summary["pipelineExecutionId"] for summary in deployed["pipelineExecutionSummaries"]],
    )


def reconciliations(world: World, function: str) -> list[dict[str, Any]]:
    """What a function has logged of its reconciliations, oldest first."""
    pages = world.person(ADMINISTRATOR).client("logs").get_paginator("filter_log_events")
    events = [event for page in pages.paginate(logGroupName=f"/aws/lambda/{function}") for event in page["events"]]
    return [json.loads(event["message"]) for event in events if '"outcome": "reconciled"' in event["message"]]


class Blind:
    """CodePipeline to somebody who sees no executions; `answered` are those that starts are answered with."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.answered: list[str] = []

    def list_pipeline_executions(self, **_: Any) -> dict[str, Any]:
        """None."""
        return {"pipelineExecutionSummaries": []}

    def start_pipeline_execution(self, **request: Any) -> None:
        """Start in earnest."""
        self.answered.append(self._client.start_pipeline_execution(**request)["pipelineExecutionId"])


def test_version_1_is_approved_by_code_with_what_it_rests_on(world: World, approved: Facts) -> None:
    """The registry has the verdict, who decided, by which policy, and where the record lies under which digest."""
    version = package(world, approved, 1)
    said = version["CustomerMetadataProperties"]
    assert version["ModelApprovalStatus"] == "Approved"
    assert said["DecisionVerdict"] == "approve"
    assert said["DecidedBy"].endswith("role/lockgate/sagemaker-lockgate-decide")
    assert len(said["PolicyDigest"]) == len(said["DecisionDigest"]) == 64
    assert version["ModelLifeCycle"]["Stage"]
    decision = json.loads(stored(world, said["DecisionUri"], "decision.json"))
    assert decision["verdict"] == "approve"
    assert decision["policy_digest"] == said["PolicyDigest"]


def test_the_examination_asked_the_registered_model_itself(world: World, approved: Facts) -> None:
    """The hub's own predictions agree with the declared ones, and their document is part of the evidence."""
    uri = package(world, approved, 1)["CustomerMetadataProperties"]["DecisionUri"]
    asked = json.loads(stored(world, uri, "evidence/recomputed.json"))
    assert asked["scores"] == "model"
    assert asked["model_digest"] == approved.versions[0]["model_digest"]
    assert asked["largest_difference"] < 1e-5


def test_both_model_cards_tell_the_decision(world: World, approved: Facts) -> None:
    """The version's own card and the group's standalone card carry the evaluation and where the report is."""
    version = package(world, approved, 1)
    embedded = json.loads(version["ModelCard"]["ModelCardContent"])
    assert embedded["evaluation_details"]
    group = f"{world.project}-{approved.project_id}"
    card = world.person(ADMINISTRATOR).client("sagemaker").describe_model_card(ModelCardName=group, ModelCardVersion=1)
    assert version["CustomerMetadataProperties"]["DecisionUri"] in card["Content"]


def test_exactly_the_approved_version_is_deployed(world: World, approved: Facts) -> None:
    """The execution carries the ARN of the approval's event, and the approval started it once."""
    pipeline = f"sagemaker-{world.project}-{approved.project_id}-modeldeploy"
    client = world.person(SCIENTIST).client("codepipeline")
    execution = client.get_pipeline_execution(pipelineName=pipeline, pipelineExecutionId=approved.deploy_execution)[
        "pipelineExecution"
    ]
    carried = {v["name"]: v["resolvedValue"] for v in execution["variables"]}
    assert carried["ModelPackageArn"] == approved.versions[0]["arn"]
    started = client.list_pipeline_executions(pipelineName=pipeline)["pipelineExecutionSummaries"]
    assert [s["pipelineExecutionId"] for s in started] == [approved.deploy_execution]


def test_what_repairs_lost_events_adds_nothing_where_none_was_lost(world: World, approved: Facts) -> None:
    """Both functions look, as their logs say, and there is no second examination, decision or deployment."""
    before = done(world, approved)
    for schedule, function in RECONCILERS.items():
        looked = len(reconciliations(world, function))
        schedules.fire(world.state, schedule)
        for _ in range(PATIENCE):
            if len(said := reconciliations(world, function)) > looked:
                break
            threading.Event().wait(0.05)
        assert [one["started"] for one in said[looked:]] == [[]], function
    assert said[-1]["approved"] == 1
    assert done(world, approved) == before
    examined, recorded, deployed = before
    assert (len(recorded), deployed) == (len(examined), [approved.deploy_execution])


def test_an_event_and_the_schedule_mean_the_same_deployment(world: World, approved: Facts) -> None:
    """Long after the approval it is found deployed; who does not see that is answered with the same execution."""
    administrator, (version,) = world.person(ADMINISTRATOR), approved.versions
    sagemaker, codepipeline = administrator.client("sagemaker"), administrator.client("codepipeline")
    function = version["arn"].partition(":model-package/")[0].replace(":sagemaker:", ":lambda:") + ":function:f"
    later = dt.datetime.now(dt.UTC) + 2 * deployments.GRACE
    assert deployments.reconcile(sagemaker, codepipeline, function, later)["started"] == []
    before, blind = done(world, approved), Blind(codepipeline)
    assert deployments.reconcile(sagemaker, blind, function, later)["started"] == [version["arn"]]
    assert blind.answered == [approved.deploy_execution]
    assert done(world, approved) == before


def test_the_biased_version_is_rejected_with_the_failing_checks_by_name(world: World, rejected: Facts) -> None:
    """It is more accurate than version 1, and the registry says which checks it fails."""
    version = package(world, rejected, 2)
    assert rejected.versions[1]["auc"] > rejected.versions[0]["auc"]
    assert version["ModelApprovalStatus"] == "Rejected"
    assert "bias" in version["ApprovalDescription"]
    assert any("DPPL@colour=Black" in reason for reason in rejected.decisions[-1]["failing"])


def test_the_report_is_one_page_that_needs_nothing_else(world: World, rejected: Facts) -> None:  # noqa: ARG001
    """It is stored with the decision, loads nothing, and the verdict comes first."""
    page = Path(rejected.decisions[-1]["report"]).read_text(encoding="utf-8")
    assert "<script src" not in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert page.index("Rejected") < page.index("<table")


def test_one_version_is_examined_once_however_often_it_is_looked_for(world: World, rejected: Facts) -> None:
    """The schedule that repairs lost events finds nothing to do for versions that are decided."""
    before = executions(world)
    schedules.fire(world.state, "sagemaker-lockgate-reconcile")
    assert sorted(e["ModelPackageArn"] for e in before) == sorted(v["arn"] for v in rejected.versions)
    assert executions(world) == before


def test_a_decision_is_explained_to_its_author(world: World, rejected: Facts) -> None:
    """`lockgate explain` shows the failing checks with value and limit, and where the report is."""
    said = lockgate(world, "explain", rejected.versions[1]["arn"])
    assert "DPPL" in said
    assert "0.05" in said
    assert "report.html" in said


def test_approving_a_version_that_does_not_exist_is_refused(world: World, rejected: Facts) -> None:
    """One sentence names the version; nothing is changed."""
    unknown = rejected.versions[-1]["arn"].rsplit("/", 1)[0] + "/99"
    with pytest.raises(StageFailedError, match=r"/99"):
        lockgate(world, "approve", unknown, "--reason", "looks good")


def test_approving_without_a_reason_is_refused(world: World, rejected: Facts) -> None:
    """A decision without a reason is no decision."""
    with pytest.raises(StageFailedError, match="reason"):
        lockgate(world, "approve", rejected.versions[-1]["arn"])
    assert package(world, rejected, 2)["ModelApprovalStatus"] == "Rejected"
