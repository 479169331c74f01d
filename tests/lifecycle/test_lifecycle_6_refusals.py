"""Every gate stays shut for what must not pass, and says why."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from lockgate_twin.demo.failures import StageFailedError
from lockgate_twin.demo.following import Follower
from lockgate_twin.demo.world import Facts, World

SCIENTIST, ADMINISTRATOR = "data-scientist", "administrator"
DANA = {
    "GIT_AUTHOR_NAME": "Dana",
    "GIT_AUTHOR_EMAIL": "dana@example.com",
    "GIT_COMMITTER_NAME": "Dana",
    "GIT_COMMITTER_EMAIL": "dana@example.com",
}


def clone(world: World, facts: Facts, kind: str, to: Path) -> Path:
    """Clone a repository of the project."""
    name = f"sagemaker-{world.project}-{facts.project_id}-{kind}"
    url = f"https://git-codecommit.{world.state.region}.amazonaws.com/v1/repos/{name}"
    world.person(SCIENTIST).run(["git", "clone", "--quiet", url, str(to)], cwd=to.parent)
    return to


def push(world: World, work: Path, message: str) -> None:
    """Commit everything and push."""
    scientist = world.person(SCIENTIST)
    scientist.run(["git", "commit", "--quiet", "--all", "-m", message], cwd=work, env=DANA)
    scientist.run(["git", "push", "--quiet", "origin", "main"], cwd=work)


def follower(world: World, facts: Facts, kind: str) -> Follower:
    """Follow a pipeline of the project."""
    client = world.person(SCIENTIST).client("codepipeline")
    return Follower(client, f"sagemaker-{world.project}-{facts.project_id}-{kind}", print, world.twin_log)


def executions(following: Follower) -> set[str]:
    """Return the ids of a pipeline's executions."""
    listed = following.client.list_pipeline_executions(pipelineName=following.pipeline)["pipelineExecutionSummaries"]
    return {s["pipelineExecutionId"] for s in listed}


def versions(world: World, facts: Facts) -> list[int]:
    """Return the registered version numbers."""
    group = f"{world.project}-{facts.project_id}"
    listed = world.person(SCIENTIST).client("sagemaker").list_model_packages(ModelPackageGroupName=group)
    return [v["ModelPackageVersion"] for v in listed["ModelPackageSummaryList"]]


def run_pipeline(world: World, facts: Facts, **parameters: str) -> dict[str, Any]:
    """Run the project's SageMaker pipeline with other parameters and return its end."""
    sagemaker = world.person(ADMINISTRATOR).client("sagemaker")
    listed = sagemaker.list_pipeline_executions(PipelineName=f"sagemaker-{world.project}-{facts.project_id}")
    succeeded = [s for s in listed["PipelineExecutionSummaries"] if s["PipelineExecutionStatus"] == "Succeeded"]
    previous = succeeded[0]["PipelineExecutionArn"]
    used = sagemaker.list_pipeline_parameters_for_execution(PipelineExecutionArn=previous)["PipelineParameters"]
    merged = {**{p["Name"]: p["Value"] for p in used}, **parameters}
    arn = sagemaker.start_pipeline_execution(
        PipelineName=f"sagemaker-{world.project}-{facts.project_id}",
        PipelineParameters=[{"Name": k, "Value": v} for k, v in merged.items()],
    )["PipelineExecutionArn"]
    following = follower(world, facts, "modelbuild")

    def ended() -> dict[str, Any] | None:
        found: dict[str, Any] = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
        return found if found["PipelineExecutionStatus"] not in {"Executing", "Stopping"} else None

    result: dict[str, Any] = following.until(ended, "the pipeline ends")
    steps = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn)["PipelineExecutionSteps"]
    return {**result, "steps": {s["StepName"]: s for s in steps}}


def test_a_push_whose_buildspec_fails_fails_the_pipeline_with_the_logs_path(
    world: World, rejected: Facts, tmp_path: Path
) -> None:
    """The failing command is named, the log shows it, nothing is registered, and the mended push succeeds."""
    before, following = versions(world, rejected), follower(world, rejected, "modelbuild")
    known = executions(following)
    work = clone(world, rejected, "modelbuild", tmp_path / "work")
    buildspec = work / "buildspec.yml"
    original = buildspec.read_text()
    buildspec.write_text(original.replace("python -m pytest", "echo a broken test && false && python -m pytest", 1))
    push(world, work, "Break the build")
    with pytest.raises(StageFailedError, match=r"Build/Build failed") as error:
        following.finish(following.new_execution(known))
    log = re.search(r"(/\S+\.log)", str(error.value))
    assert log, error.value
    assert "a broken test" in Path(log[1]).read_text()
    known = executions(following)
    buildspec.write_text(original)
    push(world, work, "Mend the build")
    following.finish(following.new_execution(known))
    assert versions(world, rejected) == before


def test_a_pipeline_definition_with_a_wrong_field_is_refused_by_name(world: World, rejected: Facts) -> None:
    """CreatePipeline names the step and the field that SageMaker does not know."""
    sagemaker = world.person(ADMINISTRATOR).client("sagemaker")
    name = f"sagemaker-{world.project}-{rejected.project_id}"
    described = sagemaker.describe_pipeline(PipelineName=name)
    definition = json.loads(described["PipelineDefinition"])
    step = next(s for s in definition["Steps"] if s["Type"] == "Training")
    step["Arguments"]["ResourceConfig"]["VolumeSizeInGb"] = 1
    with pytest.raises(ClientError, match="VolumeSizeInGb"):
        sagemaker.update_pipeline(PipelineName=name, PipelineDefinition=json.dumps(definition))
    assert sagemaker.describe_pipeline(PipelineName=name)["PipelineDefinition"] == described["PipelineDefinition"]


def test_missing_training_data_fails_with_its_address(world: World, rejected: Facts) -> None:
    """The reason names the location that holds nothing."""
    ended = run_pipeline(world, rejected, InputDataUrl=f"s3://sagemaker-project-{rejected.project_id}/nowhere/data.csv")
    assert ended["PipelineExecutionStatus"] == "Failed"
    assert "nowhere/data.csv" in ended["steps"]["Prepare"]["FailureReason"]


def test_training_data_with_a_missing_column_fails_naming_the_column(world: World, rejected: Facts) -> None:
    """The reason names the column; nothing is registered."""
    before, bucket = versions(world, rejected), f"sagemaker-project-{rejected.project_id}"
    body = b"released,year,age,sex,employed,citizen,checks\nYes,2002,21,Male,Yes,Yes,3\n"
    world.person(ADMINISTRATOR).client("s3").put_object(Bucket=bucket, Key="bad/data.csv", Body=body)
    ended = run_pipeline(world, rejected, InputDataUrl=f"s3://{bucket}/bad/data.csv")
    assert ended["PipelineExecutionStatus"] == "Failed"
    assert "colour" in ended["steps"]["Prepare"]["FailureReason"]
    assert versions(world, rejected) == before


def test_a_model_that_misses_its_threshold_is_not_registered(world: World, rejected: Facts) -> None:
    """The FailStep's reason names metric and threshold; the jobs before it are reused from the cache."""
    before = versions(world, rejected)
    ended = run_pipeline(world, rejected, AucThreshold="0.99")
    assert ended["PipelineExecutionStatus"] == "Failed"
    (reason,) = [s["FailureReason"] for s in ended["steps"].values() if s["StepStatus"] == "Failed"]
    assert "0.99" in reason
    hits = {name for name, step in ended["steps"].items() if step.get("CacheHitResult")}
    assert {"Prepare", "Train", "Evaluate"} <= hits
    assert versions(world, rejected) == before


def test_a_failing_staging_test_leaves_production_untouched(world: World, live: Facts, tmp_path: Path) -> None:
    """A person approves version 2 against its failing checks, its staging test fails: production serves version 1."""
    sagemaker = world.person(ADMINISTRATOR).client("sagemaker")
    before = sagemaker.describe_endpoint(EndpointName=live.endpoints[-1])
    work = clone(world, live, "modeldeploy", tmp_path / "work")
    spec = work / "buildspec.test.yml"
    spec.write_text(spec.read_text().replace("python -m deploy.verify", "python -m deploy.verify && false", 1))
    push(world, work, "Expect the impossible")
    following = follower(world, live, "modeldeploy")
    known = executions(following)
    arn = live.versions[1]["arn"]
    world.person("approver").run(
        [str(world.root / "lockgate"), "approve", arn, "--again", "--reason", "accepted until the data are mended"],
        cwd=world.root,
    )
    with pytest.raises(StageFailedError, match="Staging/TestStaging failed"):
        following.finish(following.new_execution(known))
    after = sagemaker.describe_endpoint(EndpointName=live.endpoints[-1])
    assert after["EndpointConfigName"] == before["EndpointConfigName"]
    assert after["LastModifiedTime"] == before["LastModifiedTime"]
