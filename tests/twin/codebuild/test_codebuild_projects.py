from __future__ import annotations

from typing import Any

import pytest
from lockgate_twin.errors import ApiError

from tests.twin.codebuild.conftest import PROJECT, Builds

_ENVIRONMENT = PROJECT["environment"]


def _refusal(builds: Builds, operation: str, **parameters: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        builds.api(operation, **parameters)
    return caught.value


def test_a_project_is_described_with_awss_defaults(builds: Builds) -> None:
    """AWS's defaults are filled in, and describing tells what was created."""
    created = builds.project(tags=[{"key": "a", "value": "b"}])

    assert created["timeoutInMinutes"] == 60
    assert created["queuedTimeoutInMinutes"] == 480
    assert created["encryptionKey"] == "arn:aws:kms:us-east-1:111122223333:alias/aws/s3"
    assert created["cache"] == {"type": "NO_CACHE"}
    assert builds.api("BatchGetProjects", names=["shop", "none"]) == {
        "projects": [created],
        "projectsNotFound": ["none"],
    }
    assert builds.api("ListProjects")["projects"] == ["shop"]


def test_a_project_is_updated_and_deleted(builds: Builds) -> None:
    """An update changes the members given and keeps the others; deleting twice is no error."""
    builds.project(description="old")

    updated = builds.api("UpdateProject", name="shop", timeoutInMinutes=5)["project"]
    builds.api("DeleteProject", name="shop")
    builds.api("DeleteProject", name="shop")

    assert (updated["description"], updated["timeoutInMinutes"]) == ("old", 5)
    assert _refusal(builds, "UpdateProject", name="shop").code == "ResourceNotFoundException"


def test_a_name_is_taken_once(builds: Builds) -> None:
    """A second project of the same name is refused."""
    builds.project()
    assert _refusal(builds, "CreateProject", **PROJECT).code == "ResourceAlreadyExistsException"


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"name": "-x"}, "InvalidInputException", "Invalid project name"),
        ({"artifacts": {"type": "NO_ARTIFACTS"}}, "InvalidInputException", "must both have type CODEPIPELINE"),
        ({"source": {"type": "S3"}, "artifacts": {"type": "NO_ARTIFACTS"}}, "InvalidInputException", "location"),
        (
            {"source": {"type": "NO_SOURCE"}, "artifacts": {"type": "NO_ARTIFACTS"}},
            "InvalidInputException",
            "Buildspec",
        ),
        ({"serviceRole": "arn:aws:iam::111122223333:role/untrusting"}, "InvalidInputException", "sts:AssumeRole"),
        ({"vpcConfig": {"vpcId": "v"}}, "NotImplemented", "vpcConfig"),
        ({"cache": {"type": "S3", "location": "x"}}, "NotImplemented", "cache type S3"),
        ({"environment": {**_ENVIRONMENT, "privilegedMode": True}}, "NotImplemented", "privilegedMode"),
        ({"source": {"type": "GITHUB"}, "artifacts": {"type": "NO_ARTIFACTS"}}, "NotImplemented", "GITHUB"),
    ],
)
def test_what_cannot_be_is_refused(builds: Builds, changes: dict[str, Any], code: str, said: str) -> None:
    """Wrong settings have AWS's error; what the twin would ignore is refused by name."""
    refusal = _refusal(builds, "CreateProject", **{**PROJECT, **changes})

    assert (refusal.code, said in refusal.message) == (code, True)
    assert builds.api("ListProjects")["projects"] == []


def test_a_pipelines_project_is_not_started_alone(builds: Builds) -> None:
    """StartBuild of a project that takes its source from a pipeline says what to do; unknown overrides are refused."""
    builds.project()

    assert "start the pipeline" in _refusal(builds, "StartBuild", projectName="shop").message
    refused = _refusal(builds, "StartBuild", projectName="shop", privilegedModeOverride=True)
    assert "StartBuild.privilegedModeOverride" in refused.message
    assert _refusal(builds, "StartBuild", projectName="none").code == "ResourceNotFoundException"
    assert _refusal(builds, "StopBuild", id="shop:none").code == "ResourceNotFoundException"
    assert builds.api("BatchGetBuilds", ids=["shop:none"]) == {"builds": [], "buildsNotFound": ["shop:none"]}
