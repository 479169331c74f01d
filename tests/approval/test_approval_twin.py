"""The approval as it is published, on a twin of AWS: an event goes in, a decision comes out of the registry."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from lockgate_twin.demo.twin_process import twin_process
from lockgate_twin.demo.world import World

from tests.approval.examined import archive, evidence, manifest

ROOT = Path(__file__).parents[2]
GROUP, BUCKET = "credit-p-idy6c3e1fiqj", "sagemaker-project-p-idy6c3e1fiqj"
PATIENCE = 1200  # polls of 50 ms
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0"


@dataclass
class Registry:
    """A published hub with a group of a project."""

    world: World

    def register(self, name: str, model: bytes, digest: str = "") -> str:
        """Register a version as a build does; return its ARN."""
        s3, files = self.world.person("administrator").client("s3"), evidence()
        for key, content in {**files, "manifest.json": manifest(files)}.items():
            s3.put_object(Bucket=BUCKET, Key=f"{name}/evidence/{key}", Body=content)
        s3.put_object(Bucket=BUCKET, Key=f"{name}/model.tar.gz", Body=model)
        container = {"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/{name}/model.tar.gz"}
        created = self.sagemaker.create_model_package(
            ModelPackageGroupName=GROUP,
            ModelApprovalStatus="PendingManualApproval",
            InferenceSpecification={"Containers": [container], "SupportedContentTypes": ["text/csv"]},
            CustomerMetadataProperties={
                "ModelDigest": digest or hashlib.sha256(model).hexdigest(),
                "EvidenceUri": f"s3://{BUCKET}/{name}/evidence/",
                "EvidenceDigest": hashlib.sha256(manifest(files)).hexdigest(),
            },
        )
        arn: str = created["ModelPackageArn"]
        return arn

    @property
    def sagemaker(self) -> Any:
        """The registry, as the account's administrator."""
        return self.world.person("administrator").client("sagemaker")

    def decided(self, arn: str) -> dict[str, Any]:
        """The version once it is decided."""
        for _ in range(PATIENCE):
            package: dict[str, Any] = self.sagemaker.describe_model_package(ModelPackageName=arn)
            if "DecisionUri" in package["CustomerMetadataProperties"]:
                return package
            threading.Event().wait(0.05)
        raise AssertionError(f"{arn} was not decided")

    def lockgate(self, *arguments: str) -> str:
        """Run `lockgate` as the approver."""
        return self.world.person("approver").run([str(ROOT / "lockgate"), *arguments], cwd=ROOT)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A twin with the hub and the approval published into it."""
    output = tmp_path_factory.mktemp("approval")
    catalog = output / "catalog.toml"
    text = (ROOT / "catalog" / "catalog.toml").read_text(encoding="utf-8")
    catalog.write_text(text.replace("enabled = false", "enabled = true"), encoding="utf-8")
    with twin_process(ROOT, output, port=0) as state:
        world = World(root=ROOT, output=output, project="credit", state=state, say=print)
        publish = [str(ROOT / "lockgate"), "publish", "--catalog", str(catalog)]
        world.person("platform-engineer").run(publish, cwd=ROOT)
        assert "Nothing to change" in world.person("platform-engineer").run(publish, cwd=ROOT)
        administrator = world.person("administrator")
        administrator.client("s3").create_bucket(Bucket=BUCKET)
        tags = [{"Key": "sagemaker:project-id", "Value": "p-idy6c3e1fiqj"}]
        administrator.client("sagemaker").create_model_package_group(ModelPackageGroupName=GROUP, Tags=tags)
        yield Registry(world)


def test_two_versions_at_once_are_each_decided_about_with_their_own_reasons(registry: Registry) -> None:
    """One has too little evidence for the organization's policy, the other's archive is not the registered one."""
    poor, forged = registry.register("poor", archive()), registry.register("forged", archive(), "0" * 64)
    first, second = registry.decided(poor), registry.decided(forged)
    assert first["ModelApprovalStatus"] == second["ModelApprovalStatus"] == "Rejected"
    assert "lineage.complete" in first["ApprovalDescription"]
    assert "altered: the model archive" in second["ApprovalDescription"]
    for arn, package in ((poor, first), (forged, second)):
        assert f"/{GROUP}/{arn.rpartition('/')[2]}/" in package["CustomerMetadataProperties"]["DecisionUri"]


def test_the_explanation_leads_from_the_verdict_to_a_persons_exception(registry: Registry) -> None:
    """The approver decides otherwise, with a reason, and the trail shows both in one record."""
    arn = registry.register("exception", archive())
    registry.decided(arn)
    assert "Verdict of the checks: reject" in registry.lockgate("explain", arn)
    registry.lockgate("approve", arn, "--again", "--reason", "the evidence is being completed")
    trail = registry.lockgate("explain", arn).partition("Trail:")[2]
    assert "reject by the checks" in trail
    assert "the evidence is being completed, against " in trail


def test_the_report_and_the_cards_are_where_the_registry_says(registry: Registry) -> None:
    """The page is stored beside the evidence; the group has a card of its own."""
    package = registry.decided(registry.register("report", archive()))
    bucket, _, key = package["ApprovalDescription"].rpartition("s3://")[2].partition("/")
    s3 = registry.world.person("approver").client("s3")
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read().startswith(b"<!DOCTYPE html>")
    assert registry.sagemaker.describe_model_card(ModelCardName=GROUP)["ModelCardVersion"] >= 1
    assert package["ModelCard"]["ModelCardStatus"] == "Draft"


def test_a_version_is_compared_with_the_approved_one_by_that_ones_own_plan(registry: Registry) -> None:
    """The plan kept beside the decision about the approved version reaches the job that asks both models."""
    approved = registry.register("champion", archive())
    registry.decided(approved)
    registry.lockgate("approve", approved, "--again", "--reason", "the next version is compared with it")
    package = registry.decided(registry.register("challenger", archive()))
    bucket, _, folder = package["CustomerMetadataProperties"]["DecisionUri"].removeprefix("s3://").partition("/")
    s3 = registry.world.person("approver").client("s3")
    champion = json.loads(s3.get_object(Bucket=bucket, Key=f"{folder}evidence/champion.json")["Body"].read())
    assert (champion["champion_arn"], champion["n"], champion["difference"]) == (approved, 600, 0.0)
