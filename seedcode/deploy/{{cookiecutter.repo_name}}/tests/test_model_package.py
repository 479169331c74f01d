from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from conftest import ARN, GROUP, Bucket, SageMaker, registered

from deploy.environment import Environment
from deploy.errors import RefusedError
from deploy.model_package import deployable


def test_an_approved_unaltered_version_is_deployable(environment: Environment, bucket: Bucket) -> None:
    """Its ARN, digest and evidence come back for the steps that follow."""
    package = deployable(SageMaker(), bucket, environment)
    assert (package.arn, package.version) == (ARN, 2)
    assert package.evaluation_data_uri == "s3://bucket/holdout.csv"
    assert package.evaluation_plan_uri == "s3://bucket/evaluation_plan.json"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"ModelApprovalStatus": "PendingManualApproval"}, "is PendingManualApproval, not Approved"),
        ({"ModelApprovalStatus": "Rejected"}, "is Rejected, not Approved"),
        (
            {"ModelPackageGroupName": "demo-p-1"},
            f"belongs to the group demo-p-1, not to this project's {GROUP}",
        ),
        ({"CustomerMetadataProperties": {}}, "was registered without ModelDigest and EvaluationDataUri"),
        ({"InferenceSpecification": {"Containers": [{}, {}]}}, "has 2 containers"),
    ],
)
def test_another_version_is_refused_with_the_reason(
    changes: dict[str, Any], sentence: str, environment: Environment, bucket: Bucket
) -> None:
    """Approval, group and evidence are all required."""
    with pytest.raises(RefusedError, match=sentence):
        deployable(SageMaker(package=registered(**changes)), bucket, environment)


@pytest.mark.parametrize("byte", [0, 12, -1])
def test_one_changed_byte_is_refused(byte: int, environment: Environment, bucket: Bucket) -> None:
    """The archive must be byte for byte what was registered, and the error shows both digests."""
    altered = bytearray(bucket.objects["model.tar.gz"])
    altered[byte] ^= 1
    with pytest.raises(RefusedError, match=r"have the sha256 [0-9a-f]{64}, but .* changed since then"):
        deployable(SageMaker(), Bucket({**bucket.objects, "model.tar.gz": bytes(altered)}), environment)


@pytest.mark.parametrize("name", ["holdout.csv", "manifest.json"])
def test_evidence_that_is_altered_or_gone_is_refused(
    name: str, environment: Environment, bucket: Bucket
) -> None:
    """An endpoint would be tested with other rows than those that the version was approved for."""
    altered = {**bucket.objects, name: bucket.objects[name] + b" "}
    with pytest.raises(RefusedError, match=f"{name} is not the one that"):
        deployable(SageMaker(), Bucket(altered), environment)
    gone = {key: content for key, content in bucket.objects.items() if key != name}
    with pytest.raises(RefusedError, match=f"{name} does not exist any more"):
        deployable(SageMaker(), Bucket(gone), environment)


def test_a_version_without_a_digest_of_its_evidence_has_none_to_be_held_against(
    environment: Environment, bucket: Bucket
) -> None:
    """It was approved without one, and its model is held against its digest all the same."""
    properties = registered()["CustomerMetadataProperties"]
    del properties["EvidenceDigest"]
    package = registered(CustomerMetadataProperties=properties)
    assert deployable(SageMaker(package=package), bucket, environment).evidence_digest is None


@pytest.mark.parametrize(
    ("arn", "sentence"),
    [
        ("latest", "is not the ARN of a model version"),
        (ARN.rpartition("/")[0], "is not the ARN of a model version"),
        (ARN.replace("us-east-1", "eu-west-1"), "is in the region eu-west-1"),
        (ARN.replace(GROUP.lower(), "other"), f"is not of this project's group {GROUP}"),
    ],
)
def test_a_foreign_arn_is_refused_unasked(
    arn: str, sentence: str, environment: Environment, bucket: Bucket
) -> None:
    """The registry is not even asked about what cannot be this project's version."""
    with pytest.raises(RefusedError, match=sentence):
        deployable(None, bucket, replace(environment, model_package_arn=arn))
