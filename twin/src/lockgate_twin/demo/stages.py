"""The life cycle as a tuple of stages, each a function of what is known: read this first."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from lockgate_twin.demo import schedules, traffic
from lockgate_twin.demo.bias import make_biased
from lockgate_twin.demo.decisions import decided, relative
from lockgate_twin.demo.failures import StageFailedError
from lockgate_twin.demo.following import Follower
from lockgate_twin.demo.objects import read
from lockgate_twin.demo.steps import StepWatcher
from lockgate_twin.demo.world import Facts, World

PLATFORM, SCIENTIST, APPROVER = "platform-engineer", "data-scientist", "approver"
HUB = "the hub"
WATCH_SCHEDULE = "sagemaker-lockgate-watch"
APPROVAL_PIPELINE = "sagemaker-lockgate-approval"
_SHOWN_ROWS = 8


@dataclass(frozen=True)
class Stage:
    """One arrow of the life cycle: a title, who acts, and what happens."""

    title: str
    person: str
    run: Callable[[World, Facts], Facts]


def publish(world: World, facts: Facts) -> Facts:
    """The platform team puts the product into the catalog."""
    output = world.person(PLATFORM).run([str(world.root / "lockgate"), "publish"], cwd=world.root)
    for line in output.splitlines()[-3:]:
        world.say(line.strip())
    return facts


def create_project(world: World, facts: Facts) -> Facts:
    """A data scientist creates a project from the product, as Studio does."""
    scientist = world.person(SCIENTIST)
    catalog, sagemaker = scientist.client("servicecatalog"), scientist.client("sagemaker")
    products = catalog.search_products()["ProductViewSummaries"]
    if not products:
        raise StageFailedError("The data scientist sees no product in the catalog.", world.twin_log)
    created = sagemaker.create_project(
        ProjectName=world.project,
        ServiceCatalogProvisioningDetails={"ProductId": products[0]["ProductId"]},
    )
    follower = Follower(scientist.client("codepipeline"), "", world.say, world.twin_log)
    project = follower.until(lambda: _settled(sagemaker, world.project), f"project {world.project} is created")
    if project["ProjectStatus"] != "CreateCompleted":
        details = project.get("ServiceCatalogProvisionedProductDetails", {})
        raise StageFailedError(
            f"{project['ProjectStatus']}: {details.get('ProvisionedProductStatusMessage')}", world.twin_log
        )
    world.say(f"project {world.project} ({created['ProjectId']}) with two repositories and two pipelines")
    return replace(facts, project_id=created["ProjectId"], project_arn=created["ProjectArn"])


def first_build(world: World, facts: Facts) -> Facts:
    """The seed commit is built: tests, pipeline, training, evaluation, registration."""
    return _build(world, facts)


def approval(world: World, facts: Facts) -> Facts:
    """The hub examines the registered version and approves it; that event starts the deployment of exactly it."""
    facts = _decided(world, facts, "approve")
    execution = _follower(world, facts, "modeldeploy").new_execution(set())
    world.say(f"deploy pipeline started for {facts.versions[-1]['arn']}")
    return replace(facts, deploy_execution=execution)


def biased_build(world: World, facts: Facts) -> Facts:
    """A change that makes the model more accurate, and biased, is committed and pushed with git; the push is built."""
    scientist = world.person(SCIENTIST)
    clone_url = (
        f"https://git-codecommit.{world.state.region}.amazonaws.com/v1/repos/{_name(world, facts, 'modelbuild')}"
    )
    work = world.output / "modelbuild"
    shutil.rmtree(work, ignore_errors=True)
    scientist.run(["git", "clone", "--quiet", clone_url, str(work)], cwd=world.output)
    change = make_biased(work / "config.toml")
    world.say(f"git commit -m '{change}' && git push")
    who = {"GIT_AUTHOR_NAME": "Dana", "GIT_AUTHOR_EMAIL": "dana@example.com"}
    who |= {"GIT_COMMITTER_NAME": "Dana", "GIT_COMMITTER_EMAIL": "dana@example.com"}
    scientist.run(["git", "commit", "--quiet", "--all", "-m", change], cwd=work, env=who)
    scientist.run(["git", "push", "--quiet", "origin", "main"], cwd=work)
    return _build(world, facts)


def rejection(world: World, facts: Facts) -> Facts:
    """The hub rejects the biased version with its reasons; nothing deploys it."""
    facts = _decided(world, facts, "reject")
    rejected = facts.versions[-1]["arn"]
    client = world.person(SCIENTIST).client("codepipeline")
    pipeline = _name(world, facts, "modeldeploy")
    for summary in client.list_pipeline_executions(pipelineName=pipeline)["pipelineExecutionSummaries"]:
        execution = client.get_pipeline_execution(
            pipelineName=pipeline, pipelineExecutionId=summary["pipelineExecutionId"]
        )["pipelineExecution"]
        if rejected in {variable["resolvedValue"] for variable in execution.get("variables", [])}:
            raise StageFailedError(f"{rejected} is rejected and yet on its way to production.", world.twin_log)
    world.say("no deployment was started for it")
    return facts


def staging(world: World, facts: Facts) -> Facts:
    """The version is deployed to staging and tested there as in production."""
    follower = _follower(world, facts, "modeldeploy")
    stage, action, _ = follower.approval_token(facts.deploy_execution)
    world.say(f"staging test passed; {stage}/{action} waits for a person")
    return replace(facts, endpoints=(f"{world.project}-{facts.project_id}-staging",))


def production(world: World, facts: Facts) -> Facts:
    """An approver lets it through; the same bytes go to production and are verified there."""
    approver = world.person(APPROVER).client("codepipeline")
    follower = _follower(world, facts, "modeldeploy")
    stage, action, token = follower.approval_token(facts.deploy_execution)
    approver.put_approval_result(
        pipelineName=follower.pipeline,
        stageName=stage,
        actionName=action,
        token=token,
        result={"summary": "Staging test passed", "status": "Approved"},
    )
    follower.finish(facts.deploy_execution)
    return replace(facts, endpoints=(*facts.endpoints, f"{world.project}-{facts.project_id}-prod"))


def invoke(world: World, facts: Facts) -> Facts:
    """The production endpoint answers for held-out rows; predictions stand beside the truth."""
    scientist = world.person(SCIENTIST)
    served = facts.versions[0]
    rows, features = _held_out(scientist.client("s3"), served["evaluation_data_uri"]), served["features"]
    body = io.StringIO()
    csv.writer(body, lineterminator="\n").writerows([[row[c] for c in features] for row in rows])
    answer = scientist.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=facts.endpoints[-1], ContentType="text/csv", Accept="text/csv", Body=body.getvalue().encode()
    )
    scores = [float(line.split(",")[-1]) for line in answer["Body"].read().decode().split()]
    if len(scores) != len(rows):
        raise StageFailedError(f"{len(rows)} rows were sent and {len(scores)} scores came back.", world.twin_log)
    predictions = tuple(
        {**row, "prediction": score, "label": int(float(row["label"]))} for row, score in zip(rows, scores, strict=True)
    )
    return replace(facts, predictions=predictions)


def drift(world: World, facts: Facts) -> Facts:
    """Traffic that differs from the model's data is noticed by the daily watch: a metric, an alarm, a build."""
    scientist = world.person(SCIENTIST)
    served, endpoint = facts.versions[0], facts.endpoints[-1]
    s3, builds = scientist.client("s3"), _follower(world, facts, "modelbuild")
    rows = list(csv.DictReader(io.StringIO(_read(s3, served["evaluation_data_uri"]))))
    before = set(_captures(s3, facts))
    sent = traffic.send(scientist.client("sagemaker-runtime"), endpoint, rows, served["features"])
    world.say(f"{len(rows)} requests from people {traffic.YEARS} years older than those the model learned from")
    builds.until(lambda: _captured(s3, facts, before, sent), "the traffic is captured")
    alarm = f"{_name(world, facts, 'prod')}-drift"
    known = {s["pipelineExecutionId"] for s in builds.executions()}
    schedules.fire(world.state, WATCH_SCHEDULE)
    reason = builds.until(lambda: _alarmed(scientist.client("cloudwatch"), alarm), f"the alarm {alarm} is raised")
    world.say(f"{alarm}: {reason}")
    execution = builds.new_execution(known)
    world.say(f"a build for retraining has started: {execution}")
    return replace(facts, retraining=execution)


LIFE_CYCLE: tuple[Stage, ...] = (
    Stage("publish the product", PLATFORM, publish),
    Stage("create a project", SCIENTIST, create_project),
    Stage("build the seed commit", SCIENTIST, first_build),
    Stage("examine version 1: approved by code", HUB, approval),
    Stage("push a biased model and build it", SCIENTIST, biased_build),
    Stage("examine version 2: rejected by code", HUB, rejection),
    Stage("deploy version 1 to staging and test", HUB, staging),
    Stage("let it into production", APPROVER, production),
    Stage("invoke production", SCIENTIST, invoke),
    Stage("notice drifted traffic", HUB, drift),
)


def _build(world: World, facts: Facts) -> Facts:
    follower = _follower(world, facts, "modelbuild")
    execution = follower.new_execution(set(facts.build_executions))
    follower.finish(execution)
    version = _newest_version(world, facts)
    if version["version"] != len(facts.versions) + 1:
        raise StageFailedError(
            f"The build registered no new version: {version['arn']} is still the newest.", follower.log
        )
    world.say(f"registered version {version['version']}: AUC {version['auc']:.4f}, {version['status']}")
    return replace(
        facts,
        versions=(*facts.versions, version),
        build_executions=(*facts.build_executions, execution),
    )


def _decided(world: World, facts: Facts, expected: str) -> Facts:
    """Follow the examination of the newest version and say what was decided and why."""
    version = facts.versions[-1]
    steps = StepWatcher(world.person(SCIENTIST).client("sagemaker"), APPROVAL_PIPELINE, world.say)
    waiting = _follower(world, facts, "modeldeploy")
    found = decided(world, version["arn"], replace(waiting, also=steps.look), APPROVER)
    for line in found.description.splitlines():
        world.say(line)
    for reason in found.failing:
        world.say(f"  {reason}")
    world.say(f"report: {relative(found.report)}")
    if found.verdict != expected:
        raise StageFailedError(f"The verdict on {found.arn} is {found.verdict}, not {expected}.", world.twin_log)
    return replace(facts, decisions=(*facts.decisions, asdict(found)))


def _captures(s3: Any, facts: Facts) -> dict[str, str]:
    """Return the addresses of the production endpoint's captured data by their keys."""
    bucket, prefix = f"sagemaker-project-{facts.project_id}", f"data-capture/prod/{facts.endpoints[-1]}/"
    found = s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    return {entry["Key"]: f"s3://{bucket}/{entry['Key']}" for entry in found}


def _captured(s3: Any, facts: Facts, before: set[str], requests: int) -> bool | None:
    places = [uri for key, uri in _captures(s3, facts).items() if key not in before]
    return True if sum(len(_read(s3, uri).splitlines()) for uri in places) >= requests else None


def _alarmed(cloudwatch: Any, alarm: str) -> str | None:
    found = cloudwatch.describe_alarms(AlarmNames=[alarm])["MetricAlarms"]
    return str(found[0]["StateReason"]) if found and found[0]["StateValue"] == "ALARM" else None


def _newest_version(world: World, facts: Facts) -> dict[str, Any]:
    sagemaker = world.person(SCIENTIST).client("sagemaker")
    summaries = sagemaker.list_model_packages(
        ModelPackageGroupName=f"{world.project}-{facts.project_id}", SortBy="CreationTime", SortOrder="Descending"
    )["ModelPackageSummaryList"]
    if not summaries:
        raise StageFailedError("The build succeeded but no model version is registered.", world.twin_log)
    package = sagemaker.describe_model_package(ModelPackageName=summaries[0]["ModelPackageArn"])
    properties = package["CustomerMetadataProperties"]
    statistics = _read(
        world.person(SCIENTIST).client("s3"), package["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"]
    )
    metrics = json.loads(statistics)["binary_classification_metrics"]
    return {
        "version": package["ModelPackageVersion"],
        "arn": package["ModelPackageArn"],
        "status": package["ModelApprovalStatus"],
        "commit": package["MetadataProperties"]["CommitId"],
        "model_digest": properties["ModelDigest"],
        "data_digest": properties["DataDigest"],
        "evaluation_data_uri": properties["EvaluationDataUri"],
        "features": _plan(world, properties["EvidenceUri"])["features"],
        "auc": metrics["auc"]["value"],
        "accuracy": metrics["accuracy"]["value"],
    }


def _plan(world: World, evidence: str) -> dict[str, Any]:
    plan: dict[str, Any] = json.loads(_read(world.person(SCIENTIST).client("s3"), f"{evidence}evaluation_plan.json"))
    return plan


def _held_out(s3: Any, uri: str) -> list[dict[str, str]]:
    rows = list(csv.DictReader(io.StringIO(_read(s3, uri))))
    positive = [r for r in rows if float(r["label"]) == 1][: _SHOWN_ROWS // 2]
    negative = [r for r in rows if float(r["label"]) == 0][: _SHOWN_ROWS // 2]
    return positive + negative


def _read(s3: Any, uri: str) -> str:
    return read(s3, uri).decode()


def _settled(sagemaker: Any, project: str) -> dict[str, Any] | None:
    described: dict[str, Any] = sagemaker.describe_project(ProjectName=project)
    return None if described["ProjectStatus"] in {"Pending", "CreateInProgress"} else described


def _name(world: World, facts: Facts, kind: str) -> str:
    return f"sagemaker-{world.project}-{facts.project_id}-{kind}"


def _follower(world: World, facts: Facts, kind: str) -> Follower:
    name = _name(world, facts, kind)
    if name not in world.followers:
        scientist = world.person(SCIENTIST)
        pipeline = f"sagemaker-{world.project}-{facts.project_id}"
        steps = StepWatcher(scientist.client("sagemaker"), pipeline, world.say)
        world.followers[name] = Follower(scientist.client("codepipeline"), name, world.say, world.twin_log)
        if kind == "modelbuild":
            world.followers[name].also = steps.look
    return world.followers[name]
