from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import boto3
import pytest
from lockgate_twin.errors import ApiError, NotImplementedByTwin

from tests.twin.codebuild.conftest import Builds, archive_of, failure
from tests.twin.codecommit.fake_world import REGION

_SOURCE = {"type": "S3", "location": "artifacts/source.zip"}
_OTHER = {"type": "S3", "location": "artifacts/other.zip", "sourceIdentifier": "Other"}
_OUT = {"type": "S3", "location": "artifacts", "artifactIdentifier": "Extra", "packaging": "ZIP"}
_COMMAND = "cp $CODEBUILD_SRC_DIR_Other/x.txt taken.txt"


def _put(s3: Any, command: str, artifacts: dict[str, Any] | None = None, **more: Any) -> None:
    spec = {"version": "0.2", "phases": {"build": {"commands": [command]}}, **more}
    if artifacts:
        spec["artifacts"] = {"files": ["taken.txt"], "secondary-artifacts": artifacts}
    s3.put_object(Bucket="artifacts", Key="source.zip", Body=archive_of({"buildspec.yml": json.dumps(spec)}))
    s3.put_object(Bucket="artifacts", Key="other.zip", Body=archive_of({"x.txt": "from other"}))


def _built(builds: Builds, **wanted: Any) -> dict[str, Any]:
    build_id = builds.api("StartBuild", projectName="shop", **wanted)["build"]["id"]
    builds.codebuild.pipeline_builds.wait(build_id)
    return builds.describe(build_id)


def test_a_project_has_secondary_sources_and_artifacts(builds: Builds, s3: Any) -> None:
    """A secondary source lies in CODEBUILD_SRC_DIR_<identifier>; a secondary artifact goes to its own place.

    Source: "Multiple input sources and output artifacts sample" (CodeBuild User Guide).
    """
    _put(s3, _COMMAND, {"Extra": {"files": ["taken.txt"]}})
    builds.project(
        source=_SOURCE, artifacts={"type": "NO_ARTIFACTS"}, secondarySources=[_OTHER], secondaryArtifacts=[_OUT]
    )

    build = _built(builds)

    assert build["buildStatus"] == "SUCCEEDED"
    archive = s3.get_object(Bucket="artifacts", Key="Extra")["Body"].read()
    assert zipfile.ZipFile(io.BytesIO(archive)).read("taken.txt") == b"from other"
    assert build["secondarySources"] == [_OTHER]
    (made,) = build["secondaryArtifacts"]
    assert (made["artifactIdentifier"], made["location"]) == ("Extra", "arn:aws:s3:::artifacts/Extra")
    assert len(made["sha256sum"]) == 64


def test_a_request_can_replace_secondary_sources(builds: Builds, s3: Any) -> None:
    """A request's secondarySourcesOverride and secondaryArtifactsOverride stand in for the project's own."""
    _put(s3, _COMMAND)
    builds.project(source=_SOURCE, artifacts={"type": "NO_ARTIFACTS"}, secondaryArtifacts=[_OUT])

    missing = _built(builds, secondarySourcesOverride=[_OTHER])
    given = _built(builds, secondarySourcesOverride=[_OTHER], secondaryArtifactsOverride=[])

    assert "no artifacts.secondary-artifacts.Extra" in failure(missing)[2]
    assert given["buildStatus"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"secondarySources": [{**_OTHER, "type": "GITHUB"}]}, NotImplementedByTwin, "secondary source type GITHUB"),
        ({"secondarySources": [{**_OTHER, "sourceIdentifier": "a-b"}]}, ApiError, "sourceIdentifier 'a-b'"),
        ({"secondarySources": [_OTHER, _OTHER]}, ApiError, "Other is used twice"),
        ({"secondaryArtifacts": [{**_OUT, "location": ""}]}, ApiError, "Extra: location is required"),
        ({"secondarySourceVersions": [{}]}, NotImplementedByTwin, "secondarySourceVersions"),
        ({"buildBatchConfig": {"serviceRole": "x"}}, NotImplementedByTwin, "buildBatchConfig"),
        ({"cache": {"type": "S3", "location": "x"}}, NotImplementedByTwin, "cache type S3"),
        ({"cache": {"type": "LOCAL"}}, NotImplementedByTwin, "cache type LOCAL"),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    builds: Builds, changes: dict[str, Any], error: type[ApiError], said: str
) -> None:
    """Other kinds of sources, identifiers that are none, batch builds and caches are refused when a project is made."""
    with pytest.raises(error, match=said):
        builds.project(source=_SOURCE, artifacts={"type": "NO_ARTIFACTS"}, **changes)


def test_a_request_overrides_what_a_build_is_like(builds: Builds, s3: Any) -> None:
    """Buildspec, variables, timeouts and cache of one build can differ from its project's; a cache is refused by kind.

    Source: CodeBuild API Reference, StartBuild.
    """
    _put(s3, "false")
    builds.project(source=_SOURCE, artifacts={"type": "NO_ARTIFACTS"})
    inline = 'version: 0.2\nphases:\n  build:\n    commands:\n      - echo "it is $A"\n'

    build = _built(
        builds,
        buildspecOverride=inline,
        environmentVariablesOverride=[{"name": "A", "value": "overridden"}],
        timeoutInMinutesOverride=7,
        queuedTimeoutInMinutesOverride=9,
        cacheOverride={"type": "NO_CACHE"},
    )

    assert "it is overridden" in builds.log(build)
    assert (build["timeoutInMinutes"], build["queuedTimeoutInMinutes"]) == (7, 9)
    with pytest.raises(NotImplementedByTwin, match="cache type LOCAL"):
        builds.api("StartBuild", projectName="shop", cacheOverride={"type": "LOCAL"})
    with pytest.raises(NotImplementedByTwin, match="debugSessionEnabled"):
        builds.api("StartBuild", projectName="shop", debugSessionEnabled=True)


def test_builds_are_listed_in_the_order_asked_for(builds: Builds, s3: Any) -> None:
    """ListBuilds names the newest first, unless ASCENDING is asked for."""
    _put(s3, "true")
    builds.project(source=_SOURCE, artifacts={"type": "NO_ARTIFACTS"})
    ids = [_built(builds)["id"] for _ in range(2)]

    assert builds.api("ListBuilds")["ids"] == ids[::-1]
    assert builds.api("ListBuilds", sortOrder="ASCENDING")["ids"] == ids


def test_secrets_and_aws_variables_are_not_exported(builds: Builds, s3: Any) -> None:
    """Of the exported variables, parameters, secrets and names that begin with AWS_ are left out.

    Source: "env/exported-variables" in "Build specification reference for CodeBuild".
    """
    boto3.client("ssm", region_name=REGION).put_parameter(Name="/p", Value="hidden", Type="String", Overwrite=True)
    env = {
        "variables": {"OUT": "shown", "AWS_MINE": "kept back"},
        "parameter-store": {"P": "/p"},
        "exported-variables": ["OUT", "P", "AWS_MINE", "NEVER_SET"],
    }
    _put(s3, "true", env=env)
    builds.project(source=_SOURCE, artifacts={"type": "NO_ARTIFACTS"})

    assert _built(builds)["exportedEnvironmentVariables"] == [{"name": "OUT", "value": "shown"}]
