"""catalog -> a project's two repositories: creating a project."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from lockgate_twin.demo.world import Facts, World

SCIENTIST = "data-scientist"


def names_in_log(world: World, operation: str) -> set[str]:
    """Return who called an operation, by the access log."""
    lines = (Path(world.state.state_dir) / "access.jsonl").read_text().splitlines()
    return {r["principal"] for r in map(json.loads, lines) if r.get("operation") == operation}


@pytest.mark.parametrize("kind", ["modelbuild", "modeldeploy"])
def test_each_repository_is_cloned_by_its_own_codecommit_url(
    world: World, project: Facts, kind: str, tmp_path: Path
) -> None:
    """Plain git works on the real clone URL, and the repository holds its seed."""
    name = f"sagemaker-{world.project}-{project.project_id}-{kind}"
    url = f"https://git-codecommit.{world.state.region}.amazonaws.com/v1/repos/{name}"
    world.person(SCIENTIST).run(["git", "clone", "--quiet", url, str(tmp_path / kind)], cwd=tmp_path)
    assert (tmp_path / kind / "buildspec.yml").is_file()


def test_the_projects_resources_are_made_with_the_launch_role(world: World, project: Facts) -> None:  # noqa: ARG001
    """CloudFormation acts with the launch constraint's role, not with the data scientist's."""
    for operation in ("CreateRepository", "CreatePipeline", "CreateProject", "CreateModelPackageGroup"):
        callers = {
            arn.split("/")[1] for arn in names_in_log(world, operation) if "CloudFormation" in arn or "catalog" in arn
        }
        assert callers == {"sagemaker-lockgate-launch"}, operation


def test_the_project_describes_itself_as_complete(world: World, project: Facts) -> None:
    """DescribeProject tells status, id and provisioned product."""
    described = world.person(SCIENTIST).client("sagemaker").describe_project(ProjectName=world.project)
    assert described["ProjectStatus"] == "CreateCompleted"
    assert described["ProjectId"] == project.project_id
    assert described["ServiceCatalogProvisionedProductDetails"]["ProvisionedProductId"].startswith("pp-")


@pytest.mark.parametrize("name", ["-starts-with-a-dash", "under_score", "x" * 33])
def test_a_project_name_that_aws_refuses_is_refused(world: World, project: Facts, name: str) -> None:  # noqa: ARG001
    """The API's own pattern is checked before anything is made."""
    scientist = world.person(SCIENTIST)
    with pytest.raises(ClientError, match="projectName"):
        create(scientist.client("sagemaker"), product_of(world), name)
    assert [p["ProjectName"] for p in scientist.client("sagemaker").list_projects()["ProjectSummaryList"]] == [
        world.project
    ]


def test_a_name_that_only_the_template_refuses_leaves_nothing_half_made(world: World, project: Facts) -> None:  # noqa: ARG001
    """A leading digit passes CreateProject but not the template's parameter: the project fails, without a stack."""
    scientist = world.person(SCIENTIST)
    sagemaker = scientist.client("sagemaker")
    create(sagemaker, product_of(world), "1digit")
    described = sagemaker.describe_project(ProjectName="1digit")
    while described["ProjectStatus"] in {"Pending", "CreateInProgress"}:
        described = sagemaker.describe_project(ProjectName="1digit")
    assert described["ProjectStatus"] == "CreateFailed"
    assert (
        "SageMakerProjectName"
        in described["ServiceCatalogProvisionedProductDetails"]["ProvisionedProductStatusMessage"]
    )
    repositories = scientist.client("codecommit").list_repositories()["repositories"]
    assert not [r for r in repositories if "1digit" in r["repositoryName"]]


def product_of(world: World) -> str:
    """Return the product's id."""
    (view,) = world.person(SCIENTIST).client("servicecatalog").search_products()["ProductViewSummaries"]
    return str(view["ProductId"])


def create(sagemaker: Any, product: str, name: str) -> None:
    """Create a project."""
    sagemaker.create_project(ProjectName=name, ServiceCatalogProvisioningDetails={"ProductId": product})
