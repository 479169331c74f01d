from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from tests.twin.codebuild.conftest import Builds, failure
from tests.twin.codecommit.fake_world import REGION


@pytest.fixture
def versions(s3: Any) -> Iterator[dict[str, str]]:
    """A secret with a current and a previous version; their ids by stage."""
    del s3
    client = boto3.client("secretsmanager", region_name=REGION)
    client.create_secret(Name="versioned", SecretString='{"key": "old"}')
    client.put_secret_value(SecretId="versioned", SecretString='{"key": "new"}')
    listed = client.list_secret_version_ids(SecretId="versioned")["Versions"]
    yield {stage: version["VersionId"] for version in listed for stage in version["VersionStages"]}
    client.delete_secret(SecretId="versioned", ForceDeleteWithoutRecovery=True)


def _run(builds: Builds, reference: str) -> dict[str, Any]:
    builds.project()
    env = {"secrets-manager": {"S": reference}}
    # Secrets are masked in the log, so the command tells their text backwards.
    spec = {"version": "0.2", "env": env, "phases": {"build": {"commands": ['echo "it is $(echo $S | rev)"']}}}
    return builds.run({"buildspec.yml": json.dumps(spec, indent=1)})


@pytest.mark.parametrize(
    ("reference", "value"),
    [
        ("versioned:key", "new"),
        ("versioned:key:AWSPREVIOUS", "old"),
        ("versioned:key::{AWSPREVIOUS}", "old"),
        ("versioned:key:AWSCURRENT:{AWSCURRENT}", "new"),
        ("versioned", '{"key": "new"}'),
    ],
)
def test_a_version_of_a_secret_is_read(builds: Builds, versions: dict[str, str], reference: str, value: str) -> None:
    """A reference is secret-id:json-key:version-stage:version-id, of which all but the first may be left out.

    Source: "env/secrets-manager" in "Build specification reference for CodeBuild".
    """
    build = _run(builds, reference.format(**versions))

    assert f"it is {value[::-1]}" in builds.log(build)


@pytest.mark.parametrize("reference", ["versioned:other", "versioned:key:AWSPENDING", "unknown"])
def test_a_secret_that_is_not_there_fails_the_build(builds: Builds, versions: dict[str, str], reference: str) -> None:
    """A key, a version and a secret that do not exist are named, before any command runs."""
    del versions

    build = _run(builds, reference)

    assert failure(build)[:2] == ("DOWNLOAD_SOURCE", "Secrets Manager Error")
    assert f"secret {reference} cannot be read" in failure(build)[2]
