"""A CodeBuild of its own for each test, with an in-memory S3 and CloudWatch Logs around it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from lockgate_twin.services.codebuild import CodeBuild, PipelineBuild, S3Location
from moto import mock_aws

from tests.twin.codecommit.fake_world import ACCOUNT, REGION, FakeWorld, call_of, make_world

ROLE = f"arn:aws:iam::{ACCOUNT}:role/build"
PROJECT: dict[str, Any] = {
    "name": "shop",
    "source": {"type": "CODEPIPELINE"},
    "artifacts": {"type": "CODEPIPELINE"},
    "environment": {
        "type": "LINUX_CONTAINER",
        "image": "aws/codebuild/amazonlinux-x86_64-standard:6.0",
        "computeType": "BUILD_GENERAL1_SMALL",
    },
    "serviceRole": ROLE,
}


@pytest.fixture(scope="session")
def _aws() -> Iterator[None]:
    with mock_aws():
        yield


@pytest.fixture
def s3(_aws: None) -> Iterator[Any]:
    """An S3 with an empty bucket named artifacts."""
    client = boto3.client("s3", region_name=REGION)
    client.create_bucket(Bucket="artifacts")
    yield client
    for item in client.list_objects_v2(Bucket="artifacts").get("Contents", []):
        client.delete_object(Bucket="artifacts", Key=item["Key"])
    client.delete_bucket(Bucket="artifacts")


@pytest.fixture
def world(tmp_path: Path, s3: Any) -> Iterator[FakeWorld]:
    """A world of its own for each test."""
    del s3
    made = make_world(tmp_path / "state")
    yield made
    made.processes.close()


def archive_of(files: Mapping[str, str]) -> bytes:
    """Return a zip archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()


@dataclass
class Builds:
    """Calls CodeBuild, and runs builds as a pipeline does."""

    codebuild: CodeBuild
    s3: Any
    inputs: dict[str, S3Location] = field(default_factory=dict)

    def api(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Call one operation."""
        return dict(self.codebuild.operations()[operation](parameters, call_of("codebuild", operation)) or {})

    def project(self, **changes: Any) -> dict[str, Any]:
        """Make the project."""
        return dict(self.api("CreateProject", **{**PROJECT, **changes})["project"])

    def start(self, files: Mapping[str, str], **wanted: Any) -> str:
        """Start a build of these source files and return its id."""
        self.s3.put_object(Bucket="artifacts", Key="source.zip", Body=archive_of(files))
        inputs = {"Source": S3Location(bucket="artifacts", key="source.zip"), **self.inputs}
        build = PipelineBuild(
            account=ACCOUNT,
            region=REGION,
            project="shop",
            pipeline="shop",
            inputs=inputs,
            primary="Source",
            **wanted,
        )
        return self.codebuild.pipeline_builds.start(build)

    def run(self, files: Mapping[str, str], **wanted: Any) -> dict[str, Any]:
        """Run a build to its end and return its description."""
        build_id = self.start(files, **wanted)
        self.codebuild.pipeline_builds.wait(build_id)
        return self.describe(build_id)

    def commands(self, *commands: str, **wanted: Any) -> dict[str, Any]:
        """Run a build with these commands in its build phase."""
        lines = "".join(f"      - |\n        {line}\n" for line in commands)
        buildspec = f"version: 0.2\nphases:\n  build:\n    commands:\n{lines}"
        return self.run({"buildspec.yml": buildspec}, **wanted)

    def describe(self, build_id: str) -> dict[str, Any]:
        """Return a build's description."""
        return dict(self.api("BatchGetBuilds", ids=[build_id])["builds"][0])

    def log(self, build: Mapping[str, Any]) -> str:
        """Return the text of a build's log in CloudWatch Logs."""
        logs = boto3.client("logs", region_name=REGION)
        events = logs.get_log_events(
            logGroupName=build["logs"]["groupName"], logStreamName=build["logs"]["streamName"], startFromHead=True
        )
        return "\n".join(event["message"] for event in events["events"])


@pytest.fixture
def builds(world: FakeWorld, s3: Any) -> Builds:
    """The service under test."""
    return Builds(CodeBuild(world), s3)


def phases(build: Mapping[str, Any]) -> dict[str, str]:
    """Return the statuses of a build's phases by name."""
    return {phase["phaseType"]: phase.get("phaseStatus", "") for phase in build["phases"]}


def failure(build: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return phase, status code and message of a build's first failure."""
    failed = next(p for p in build["phases"] if p.get("phaseStatus") not in {None, "SUCCEEDED"})
    return failed["phaseType"], failed["contexts"][0]["statusCode"], failed["contexts"][0]["message"]
