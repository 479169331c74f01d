"""The life cycle as a tuple of stages, each a function of what is known: read this first."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from lockgate_twin.demo.failures import StageFailedError
from lockgate_twin.demo.following import Follower
from lockgate_twin.demo.hyperparameter import change_hyperparameter
from lockgate_twin.demo.steps import StepWatcher
from lockgate_twin.demo.world import Facts, World

PLATFORM, SCIENTIST, APPROVER = "platform-engineer", "data-scientist", "approver"
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


def second_build(world: World, facts: Facts) -> Facts:
    """A hyperparameter is changed, committed and pushed with git; the push is built."""
    scientist = world.person(SCIENTIST)
    clone_url = (
        f"https://git-codecommit.{world.state.region}.amazonaws.com/v1/repos/{_name(world, facts, 'modelbuild')}"
    )
    work = world.output / "modelbuild"
    shutil.rmtree(work, ignore_errors=True)
    scientist.run(["git", "clone", "--quiet", clone_url, str(work)], cwd=world.output)
    change = change_hyperparameter(work / "config.toml")
    world.say(f"git commit -m '{change}' && git push")
    who = {"GIT_AUTHOR_NAME": "Dana", "GIT_AUTHOR_EMAIL": "dana@example.com"}
    who |= {"GIT_COMMITTER_NAME": "Dana", "GIT_COMMITTER_EMAIL": "dana@example.com"}
    scientist.run(["git", "commit", "--quiet", "--all", "-m", change], cwd=work, env=who)
    scientist.run(["git", "push", "--quiet", "origin", "main"], cwd=work)
    return _build(world, facts)


def approve_model(world: World, facts: Facts) -> Facts:
    """An approver approves version 2; that event starts the deployment of exactly this version."""
    arn = facts.versions[-1]["arn"]
    reason = "AUC above the threshold and better than version 1 on the same held-out rows"
    follower = _follower(world, facts, "modeldeploy")
    world.person(APPROVER).run([str(world.root / "lockgate"), "approve", arn, "--reason", reason], cwd=world.root)
    execution = follower.new_execution(set())
    world.say(f"deploy pipeline started for {arn}")
    return replace(facts, deploy_execution=execution)


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
    rows = _held_out(scientist.client("s3"), facts.versions[-1]["evaluation_data_uri"])
    features = [column for column in rows[0] if column not in {"label", "score"}]
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


LIFE_CYCLE: tuple[Stage, ...] = (
    Stage("publish the product", PLATFORM, publish),
    Stage("create a project", SCIENTIST, create_project),
    Stage("build the seed commit", SCIENTIST, first_build),
    Stage("push a change and build it", SCIENTIST, second_build),
    Stage("approve the model", APPROVER, approve_model),
    Stage("deploy to staging and test", APPROVER, staging),
    Stage("deploy to production", APPROVER, production),
    Stage("invoke production", SCIENTIST, invoke),
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
        "auc": metrics["auc"]["value"],
        "accuracy": metrics["accuracy"]["value"],
    }


def _held_out(s3: Any, uri: str) -> list[dict[str, str]]:
    rows = list(csv.DictReader(io.StringIO(_read(s3, uri))))
    positive = [r for r in rows if float(r["label"]) == 1][: _SHOWN_ROWS // 2]
    negative = [r for r in rows if float(r["label"]) == 0][: _SHOWN_ROWS // 2]
    return positive + negative


def _read(s3: Any, uri: str) -> str:
    place = urlsplit(uri)
    text: str = s3.get_object(Bucket=place.netloc, Key=place.path.lstrip("/"))["Body"].read().decode()
    return text


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
