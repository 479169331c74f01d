"""Running a repository's programs as CodeBuild does: as processes, told everything by their environment."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

REGION = "us-east-1"
KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
}


def project(project_id: str) -> dict[str, str]:
    """What CodeBuild tells the builds of a project."""
    return {
        **KEYS,
        "SAGEMAKER_PROJECT_NAME": "Demo",
        "SAGEMAKER_PROJECT_ID": project_id,
        "MODEL_PACKAGE_GROUP_NAME": f"Demo-{project_id}",
        "SAGEMAKER_PIPELINE_NAME": f"sagemaker-Demo-{project_id}",
        "SAGEMAKER_EXECUTION_ROLE_ARN": f"arn:aws:iam::111122223333:role/lockgate/sagemaker-{project_id}-execution",
        "ARTIFACT_BUCKET": f"sagemaker-project-{project_id}",
        "KMS_KEY_ARN": "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "CODEBUILD_RESOLVED_SOURCE_VERSION": "0123456789abcdef0123456789abcdef01234567",
    }


@dataclass(frozen=True)
class Aws:
    """An AWS endpoint, and a project of its own in it."""

    endpoint: str
    project_id: str

    @property
    def environment(self) -> dict[str, str]:
        """What a build of the project is told, this endpoint included."""
        return {**project(self.project_id), "AWS_ENDPOINT_URL": self.endpoint}

    @property
    def group(self) -> str:
        """The project's model package group."""
        return self.environment["MODEL_PACKAGE_GROUP_NAME"]

    def create_project(self) -> None:
        """Make the project's bucket and model package group."""
        self.client("s3").create_bucket(Bucket=self.environment["ARTIFACT_BUCKET"])
        self.client("sagemaker").create_model_package_group(ModelPackageGroupName=self.group)

    def client(self, service: str) -> Any:
        """A boto3 client of the account."""
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.endpoint,
            aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        )

    def put(self, key: str, content: bytes) -> str:
        """Store an object in the project's bucket; returns its address."""
        bucket = self.environment["ARTIFACT_BUCKET"]
        self.client("s3").put_object(Bucket=bucket, Key=key, Body=content)
        return f"s3://{bucket}/{key}"


def run_module(
    repository: Path, module: str, environment: Mapping[str, str], *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Run `python -m module` in a repository with exactly this environment."""
    return run([sys.executable, "-m", module, *arguments], repository, environment)


def run(argv: list[str], folder: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a program with exactly this environment, and a minute to do its work."""
    variables = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", **environment}
    return subprocess.run(argv, cwd=folder, env=variables, capture_output=True, text=True, timeout=60, check=False)
