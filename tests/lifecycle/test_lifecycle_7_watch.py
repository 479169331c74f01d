"""production -> watch: drift is measured, raises the alarm, and starts a build whose model passes the same gates."""

from __future__ import annotations

import json

from lockgate_twin.demo import stages
from lockgate_twin.demo.decisions import decided
from lockgate_twin.demo.following import Follower
from lockgate_twin.demo.world import Facts, World

ADMINISTRATOR, APPROVER, SCIENTIST = "administrator", "approver", "data-scientist"
NAMESPACE = "Lockgate"


def test_the_watch_names_what_drifted(world: World, drifted: Facts) -> None:
    """Much older people drift in age and so in what is predicted; nothing else is blamed."""
    s3 = world.person(ADMINISTRATOR).client("s3")
    bucket = f"sagemaker-lockgate-decisions-{world.state.account}-{world.state.region}"
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=f"watch/{drifted.endpoints[-1]}/")["Contents"]
    (key,) = [entry["Key"] for entry in listed if entry["Key"].endswith("watch.json")]
    seen = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    assert seen["model_package_arn"] == drifted.versions[0]["arn"]
    failing = {f["subject"] for f in seen["findings"] if f["outcome"] == "fail" and f["check"] == "data.drift"}
    assert failing == {"drift@age", "drift@prediction"}


def test_the_metrics_are_in_cloudwatch_and_the_alarm_is_raised(world: World, drifted: Facts) -> None:
    """The endpoint's own alarm judges the number of failing checks."""
    cloudwatch = world.person(ADMINISTRATOR).client("cloudwatch")
    metrics = cloudwatch.list_metrics(Namespace=NAMESPACE)["Metrics"]
    assert {m["MetricName"] for m in metrics} == {"Rows", "UnreadRecords", "FailingChecks", "LargestDrift"}
    (alarm,) = cloudwatch.describe_alarms(StateValue="ALARM")["MetricAlarms"]
    assert alarm["AlarmName"] == f"sagemaker-{world.project}-{drifted.project_id}-prod-drift"


def test_the_retrained_version_says_why_and_passes_the_same_examination(world: World, drifted: Facts) -> None:
    """The build that the alarm started registers a version of what main holds: the biased one, rejected again."""
    client = world.person(SCIENTIST).client("codepipeline")
    name = f"sagemaker-{world.project}-{drifted.project_id}-modelbuild"
    following = Follower(client, name, print, world.twin_log)
    following.finish(drifted.retraining)
    sagemaker = world.person(SCIENTIST).client("sagemaker")
    group = f"{world.project}-{drifted.project_id}"
    newest = sagemaker.list_model_packages(ModelPackageGroupName=group, SortBy="CreationTime", SortOrder="Descending")[
        "ModelPackageSummaryList"
    ][0]
    described = sagemaker.describe_model_package(ModelPackageName=newest["ModelPackageArn"])
    assert "drifted" in described["ModelPackageDescription"]
    assert decided(world, newest["ModelPackageArn"], following, APPROVER).verdict == "reject"


def test_the_watch_fires_once_for_one_scheduled_time(world: World, drifted: Facts) -> None:
    """One execution watched the one production endpoint."""
    sagemaker = world.person(ADMINISTRATOR).client("sagemaker")
    found = sagemaker.list_pipeline_executions(PipelineName=stages.WATCH_SCHEDULE)["PipelineExecutionSummaries"]
    assert [e["PipelineExecutionStatus"] for e in found] == ["Succeeded"]
    assert drifted.retraining
