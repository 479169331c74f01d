"""A project's registry, bucket and endpoint in memory: each answers in the shape of the real service."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from deploy.environment import VARIABLES, Environment, read_environment

ROOT = Path(__file__).resolve().parent.parent
GROUP = "Demo-p-1"
ARN = f"arn:aws:sagemaker:us-east-1:111122223333:model-package/{GROUP.lower()}/2"
ENDPOINT = "Demo-p-1-staging"
ARCHIVE = b"the bytes of model.tar.gz"
LABELS = (1, 1, 0, 1, 0)
SCORES = (0.9, 0.8, 0.3, 0.25, 0.1)
HOLDOUT = "age,sex,label,score\n" + "".join(
    f"{20 + number},Male,{label},{score}\n"
    for number, (label, score) in enumerate(zip(LABELS, SCORES, strict=True))
)
MANIFEST = json.dumps({"files": {"holdout.csv": hashlib.sha256(HOLDOUT.encode()).hexdigest()}}).encode()
VALUES = {
    "SAGEMAKER_PROJECT_NAME": "Demo",
    "SAGEMAKER_PROJECT_ID": "p-1",
    "MODEL_PACKAGE_GROUP_NAME": GROUP,
    "MODEL_PACKAGE_ARN": ARN,
    "SAGEMAKER_EXECUTION_ROLE_ARN": "arn:aws:iam::111122223333:role/lockgate/sagemaker-p-1-execution",
    "ARTIFACT_BUCKET": "bucket",
    "KMS_KEY_ARN": "arn:aws:kms:us-east-1:111122223333:key/k",
    "AWS_REGION": "us-east-1",
}


@dataclass
class SageMaker:
    """One approved version, and an endpoint that serves it."""

    package: dict[str, Any] = field(default_factory=lambda: registered())
    endpoint: dict[str, Any] = field(
        default_factory=lambda: {"EndpointStatus": "InService", "EndpointConfigName": "configuration"}
    )
    container: dict[str, Any] = field(default_factory=lambda: {"ModelPackageName": ARN})

    def describe_model_package(self, ModelPackageName: str) -> dict[str, Any]:
        assert ModelPackageName == ARN
        return self.package

    def describe_endpoint(self, EndpointName: str) -> dict[str, Any]:
        if EndpointName != ENDPOINT:
            raise ClientError({"Error": {"Code": "ValidationException"}}, "DescribeEndpoint")
        return self.endpoint

    def describe_endpoint_config(self, EndpointConfigName: str) -> dict[str, Any]:
        assert EndpointConfigName == self.endpoint["EndpointConfigName"]
        return {"ProductionVariants": [{"ModelName": "model"}]}

    def describe_model(self, ModelName: str) -> dict[str, Any]:
        assert ModelName == "model"
        return {"Containers": [self.container]}


@dataclass
class Bucket:
    """The artifact bucket."""

    objects: dict[str, bytes]

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        assert Bucket == "bucket"
        if Key not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        return {"Body": io.BytesIO(self.objects[Key])}


@dataclass
class Runtime:
    """An endpoint: scores by the age column, so that it knows what the model would say."""

    shift: float = 0.0
    malformed: int = 400
    broken: bool = False

    def invoke_endpoint(
        self, EndpointName: str, ContentType: str, Accept: str, InferenceId: str, Body: bytes
    ) -> dict[str, Any]:
        assert (EndpointName, ContentType, Accept) == (ENDPOINT, "text/csv", "text/csv")
        assert InferenceId == "lockgate-test"
        rows = [line.split(",") for line in Body.decode().splitlines()]
        if self.broken or len(rows[0]) != 2:
            status = 500 if self.broken else self.malformed
            raise ClientError(
                {"Error": {"Code": "ModelError"}, "OriginalStatusCode": status}, "InvokeEndpoint"
            )
        scores = [SCORES[int(row[0]) - 20] + self.shift for row in rows]
        return {"Body": io.BytesIO("".join(f"{score}\n" for score in scores).encode())}


def registered(**changes: Any) -> dict[str, Any]:
    """What the registry answers about the version."""
    return {
        "ModelPackageArn": ARN,
        "ModelPackageGroupName": GROUP,
        "ModelPackageVersion": 2,
        "ModelApprovalStatus": "Approved",
        "InferenceSpecification": {"Containers": [{"ModelDataUrl": "s3://bucket/model.tar.gz"}]},
        "ModelMetrics": {"ModelQuality": {"Statistics": {"S3Uri": "s3://bucket/statistics.json"}}},
        "CustomerMetadataProperties": {
            "ModelDigest": hashlib.sha256(ARCHIVE).hexdigest(),
            "EvaluationDataUri": "s3://bucket/holdout.csv",
            "EvidenceUri": "s3://bucket/",
            "EvidenceDigest": hashlib.sha256(MANIFEST).hexdigest(),
        },
    } | changes


@pytest.fixture
def environment() -> Environment:
    """What CodeBuild tells the build."""
    assert set(VALUES) == set(VARIABLES.values())
    return read_environment(VALUES)


@pytest.fixture
def bucket() -> Bucket:
    """The archive and the evidence of the version."""
    statistics = {"binary_classification_metrics": {"auc": {"value": 5 / 6, "standard_deviation": "NaN"}}}
    objects = {
        "model.tar.gz": ARCHIVE,
        "holdout.csv": HOLDOUT.encode(),
        "manifest.json": MANIFEST,
        "statistics.json": json.dumps(statistics).encode(),
    }
    return Bucket(objects)
