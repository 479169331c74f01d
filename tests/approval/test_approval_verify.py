"""Verification: what was registered is there, unaltered, and in the project's own bucket."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from catalog.approval import verify
from tests.approval import examined
from tests.approval.fake_hub import DECISIONS, PROJECT, FakeContext, FakeS3, FakeSagemaker

NOTHING = "s3://hub/policies/p.yaml"
FILES = {"lineage.json": b"{}", "bias/analysis.json": b'{"a": 1}'}


class Hub:
    """One registered version with its bytes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.s3, self.sagemaker = FakeS3(), FakeSagemaker()
        monkeypatch.setenv("NOTHING_URI", NOTHING)
        monkeypatch.setenv("DECISION_BUCKET", DECISIONS)
        monkeypatch.setattr(verify, "_client", {"s3": self.s3, "sagemaker": self.sagemaker}.__getitem__)
        self.manifest = examined.manifest(FILES)
        for name, content in {**FILES, "manifest.json": self.manifest}.items():
            self.s3.objects[PROJECT, f"e/{name}"] = content
        self.s3.objects[PROJECT, "m/model.tar.gz"] = b"model"
        self.arn = self.sagemaker.register(7, **facts(self.manifest))

    def verified(self) -> dict[str, str]:
        """What the step returns; every output is a text that a job's argument may be."""
        outputs = verify.handler({"model_package_arn": self.arn}, FakeContext())
        assert all(0 < len(value) <= 256 for value in outputs.values())
        return outputs


def facts(manifest: bytes, model: bytes = b"model") -> dict[str, Any]:
    """What a build registers about a version's bytes."""
    return {
        "InferenceSpecification": {"Containers": [{"ModelDataUrl": f"s3://{PROJECT}/m/model.tar.gz"}]},
        "CustomerMetadataProperties": {
            "ModelDigest": hashlib.sha256(model).hexdigest(),
            "EvidenceUri": f"s3://{PROJECT}/e/",
            "EvidenceDigest": hashlib.sha256(manifest).hexdigest(),
        },
    }


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Hub:
    """One registered version with its bytes."""
    return Hub(monkeypatch)


def test_an_unaltered_version_has_no_problem(hub: Hub) -> None:
    """The jobs are told where everything is; ten outputs are the most a step may have."""
    outputs = hub.verified()
    assert outputs["Problem"] == "none"
    assert outputs["ModelUri"] == f"s3://{PROJECT}/m/model.tar.gz"
    assert (outputs["Champion"], outputs["ChampionUri"]) == ("none", NOTHING)
    assert outputs["Folder"] == "credit-p-idy6c3e1fiqj/7"
    assert len(outputs) == 10


@pytest.mark.parametrize("key", ["m/model.tar.gz", "e/manifest.json", "e/lineage.json", "e/bias/analysis.json"])
def test_an_altered_byte_anywhere_is_found(hub: Hub, key: str) -> None:
    """Model, manifest and every file that it names; the examination goes on, to a rejection."""
    content = hub.s3.objects[PROJECT, key]
    hub.s3.objects[PROJECT, key] = bytes([content[0] ^ 1]) + content[1:]
    outputs = hub.verified()
    assert outputs["Problem"].startswith("altered: ")
    assert outputs["ModelUri"] == outputs["EvidenceUri"] == NOTHING


@pytest.mark.parametrize("key", ["m/model.tar.gz", "e/manifest.json", "e/lineage.json"])
def test_a_missing_object_is_a_problem_and_no_fault(hub: Hub, key: str) -> None:
    """Its address is named."""
    del hub.s3.objects[PROJECT, key]
    assert f"{key} does not exist" in hub.verified()["Problem"]


def test_a_model_that_is_too_large_is_a_problem(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the limit in bytes."""
    monkeypatch.setattr(verify, "MOST_MODEL_BYTES", 3)
    assert "more than 3" in hub.verified()["Problem"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EvidenceUri", "s3://somebody-elses/e/"),
        ("EvidenceUri", f"s3://{PROJECT}/e"),
        ("EvidenceUri", f"s3://{PROJECT}/e/../f/"),
        ("EvidenceUri", "elsewhere"),
        ("ModelDigest", "x"),
        ("EvidenceDigest", ""),
    ],
)
def test_a_registration_that_points_elsewhere_is_a_problem(hub: Hub, name: str, value: str) -> None:
    """Only the bucket of the group's own project counts."""
    hub.sagemaker.versions[hub.arn]["CustomerMetadataProperties"][name] = value
    assert name in hub.verified()["Problem"]


@pytest.mark.parametrize("manifest", [b"[]", b"{", b'{"files": {}}', b'{"files": {"../x": "00"}}', b'{"files": 3}'])
def test_a_manifest_that_is_none_is_a_problem(hub: Hub, manifest: bytes) -> None:
    """Even if it is the registered one."""
    hub.s3.objects[PROJECT, "e/manifest.json"] = manifest
    hub.sagemaker.versions[hub.arn] |= facts(manifest)
    assert "manifest.json" in hub.verified()["Problem"]


def test_the_latest_approved_version_is_the_champion(hub: Hub) -> None:
    """With the evidence that was judged when it was approved."""
    champion = hub.sagemaker.register(6, **facts(hub.manifest), ModelApprovalStatus="Approved")
    folder = f"s3://{DECISIONS}/credit-p-idy6c3e1fiqj/6/e1/"
    hub.sagemaker.versions[champion]["CustomerMetadataProperties"]["DecisionUri"] = folder
    outputs = hub.verified()
    assert outputs["Champion"] == f"{champion} {hashlib.sha256(b'model').hexdigest()}"
    assert outputs["BaselineUri"] == folder


@pytest.mark.parametrize(
    "folder", ["credit-p-idy6c3e1fiqj/5/e1", "another-p-idy6c3e1fiqj/6/e1", "credit-p-idy6c3e1fiqj/66/e"]
)
def test_what_was_decided_about_another_version_is_not_taken(hub: Hub, folder: str) -> None:
    """A registration could name another version's folder as its own baseline."""
    champion = hub.sagemaker.register(6, **facts(hub.manifest), ModelApprovalStatus="Approved")
    hub.sagemaker.versions[champion]["CustomerMetadataProperties"]["DecisionUri"] = f"s3://{DECISIONS}/{folder}/"
    assert hub.verified()["BaselineUri"] == NOTHING


def test_evidence_of_an_approved_version_outside_the_store_is_not_taken(hub: Hub) -> None:
    """A project could name a folder of its own as the baseline."""
    champion = hub.sagemaker.register(6, **facts(hub.manifest), ModelApprovalStatus="Approved")
    hub.sagemaker.versions[champion]["CustomerMetadataProperties"]["DecisionUri"] = f"s3://{PROJECT}/mine/"
    assert hub.verified()["BaselineUri"] == NOTHING


def test_a_decided_version_is_a_problem(hub: Hub) -> None:
    """It is not examined again."""
    hub.sagemaker.versions[hub.arn]["ModelApprovalStatus"] = "Rejected"
    assert "already Rejected" in hub.verified()["Problem"]
