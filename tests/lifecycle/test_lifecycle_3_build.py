"""git push -> build -> registry: what a build registers."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError
from lockgate_checks import Outcome, Verdict, from_mapping, read_bias, read_model_quality
from lockgate_checks.decide import decide
from lockgate_checks.policy import parse_policy, shipped_policy
from lockgate_twin.demo.following import Follower
from lockgate_twin.demo.world import Facts, World

SCIENTIST = "data-scientist"


def package(world: World, facts: Facts, number: int) -> dict[str, Any]:
    """Describe a version."""
    arn = facts.versions[number - 1]["arn"]
    described: dict[str, Any] = world.person(SCIENTIST).client("sagemaker").describe_model_package(ModelPackageName=arn)
    return described


def read(world: World, uri: str) -> bytes:
    """Read an S3 object as the data scientist."""
    place = urlsplit(uri)
    answer = world.person(SCIENTIST).client("s3").get_object(Bucket=place.netloc, Key=place.path.lstrip("/"))
    return bytes(answer["Body"].read())


def test_a_version_is_registered_pending_with_commit_and_digest(world: World, built: Facts) -> None:
    """What is registered says which commit made it and which bytes it is, and nobody has approved it."""
    version = package(world, built, 1)
    repository = f"sagemaker-{world.project}-{built.project_id}-modelbuild"
    head = world.person(SCIENTIST).client("codecommit").get_branch(repositoryName=repository, branchName="main")
    assert built.versions[0]["status"] == "PendingManualApproval"
    assert version["MetadataProperties"]["CommitId"] == head["branch"]["commitId"]
    archive = read(world, version["InferenceSpecification"]["Containers"][0]["ModelDataUrl"])
    assert version["CustomerMetadataProperties"]["ModelDigest"] == hashlib.sha256(archive).hexdigest()


def test_the_reports_of_a_version_are_evidence(world: World, built: Facts) -> None:
    """The reports attached to the version are read by the checks library."""
    metrics = package(world, built, 1)["ModelMetrics"]
    quality = read_model_quality(json.loads(read(world, metrics["ModelQuality"]["Statistics"]["S3Uri"])))
    bias = read_bias(json.loads(read(world, metrics["Bias"]["Report"]["S3Uri"])))
    assert quality.item_count > 500
    assert 0.65 < quality.metrics["auc"].value < 0.85
    assert {m.facet for m in bias} == {"colour"}


def test_the_evidence_of_a_version_is_whole_and_pinned(world: World, built: Facts) -> None:
    """The registry has the digest of the manifest, which has that of every file; the library reads all of them."""
    properties = package(world, built, 1)["CustomerMetadataProperties"]
    manifest = read(world, f"{properties['EvidenceUri']}manifest.json")
    assert hashlib.sha256(manifest).hexdigest() == properties["EvidenceDigest"]
    digests = json.loads(manifest)["files"]
    files = {name: read(world, properties["EvidenceUri"] + name) for name in digests}
    assert {name: hashlib.sha256(content).hexdigest() for name, content in files.items()} == digests
    lineage = json.loads(files["lineage.json"])
    assert lineage["model_digest"] == properties["ModelDigest"]
    assert lineage["commit"] == package(world, built, 1)["MetadataProperties"]["CommitId"]
    assert properties["EvaluationDataUri"] == properties["EvidenceUri"] + "holdout.csv"


def test_evidence_and_policies_approve_what_a_new_project_builds(world: World, built: Facts) -> None:
    """By the baseline policy and the project's own on top of it, a first version of the seed is good enough."""
    uri = package(world, built, 1)["CustomerMetadataProperties"]["EvidenceUri"]
    names = {"model_quality": "statistics.json", "bias": "analysis.json", "lineage": "lineage.json"}
    names |= {"data_quality": "data_quality/statistics.json", "data_constraints": "data_quality/constraints.json"}
    documents = {name: read(world, uri + place) for name, place in names.items()}
    policy = parse_policy(read(world, f"{uri}policy.yaml").decode(), organization=shipped_policy("baseline"))
    bundle = from_mapping({**documents, "champion": {"champion": None}})
    decision = decide(bundle, policy, datetime(2027, 1, 1, tzinfo=UTC))
    assert [finding.reason for finding in decision.findings if finding.outcome is Outcome.FAIL] == []
    assert decision.verdict is Verdict.APPROVE


def test_a_version_says_why_it_was_built(world: World, built: Facts) -> None:
    """A push is the reason of an ordinary version."""
    version = package(world, built, 1)
    assert version["ModelPackageDescription"] == f"Push; commit {version['MetadataProperties']['CommitId']}"


def test_a_changed_feature_makes_another_model(world: World, pushed: Facts) -> None:
    """Version 2 comes from the pushed commit and has other bytes."""
    first, second = package(world, pushed, 1), package(world, pushed, 2)
    assert first["MetadataProperties"]["CommitId"] != second["MetadataProperties"]["CommitId"]
    digests = [v["CustomerMetadataProperties"]["ModelDigest"] for v in (first, second)]
    assert digests[0] != digests[1]


def test_an_unchanged_push_registers_nothing(world: World, pushed: Facts) -> None:
    """A commit that changes no source of the model ends in success and adds no version."""
    scientist = world.person(SCIENTIST)
    work = world.output / "modelbuild"
    with (work / "README.md").open("a", encoding="utf-8") as readme:
        readme.write("\nA remark.\n")
    push(world, "Add a remark")
    follower = Follower(
        scientist.client("codepipeline"),
        f"sagemaker-{world.project}-{pushed.project_id}-modelbuild",
        print,
        world.twin_log,
    )
    follower.finish(follower.new_execution(set(pushed.build_executions)))
    group = f"{world.project}-{pushed.project_id}"
    listed = scientist.client("sagemaker").list_model_packages(ModelPackageGroupName=group)["ModelPackageSummaryList"]
    assert [v["ModelPackageVersion"] for v in listed] == [1, 2]


def test_a_data_scientist_cannot_approve(world: World, pushed: Facts) -> None:
    """Approval is somebody else's; so is changing a decision."""
    sagemaker = world.person(SCIENTIST).client("sagemaker")
    with pytest.raises(ClientError, match="not authorized to perform: sagemaker:UpdateModelPackage"):
        sagemaker.update_model_package(ModelPackageArn=pushed.versions[-1]["arn"], ModelApprovalStatus="Approved")
    assert package(world, pushed, 2)["ModelApprovalStatus"] != "Approved"


def push(world: World, message: str) -> None:
    """Commit everything in the clone and push it."""
    scientist, work = world.person(SCIENTIST), world.output / "modelbuild"
    who = {
        f"GIT_{role}_{part}": value
        for role in ("AUTHOR", "COMMITTER")
        for part, value in (("NAME", "Dana"), ("EMAIL", "dana@example.com"))
    }
    scientist.run(["git", "commit", "--quiet", "--all", "-m", message], cwd=work, env=who)
    scientist.run(["git", "push", "--quiet", "origin", "main"], cwd=work)
