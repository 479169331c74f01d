"""approval -> staging -> production: the approved bytes are tested, let through and served."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError
from lockgate_twin.demo import stages
from lockgate_twin.demo.world import Facts, World

SCIENTIST, ADMINISTRATOR = "data-scientist", "administrator"


def served_package(world: World, endpoint: str) -> str:
    """Return the ARN of the model package that an endpoint serves."""
    sagemaker = world.person(ADMINISTRATOR).client("sagemaker")
    configuration = sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
    variants = sagemaker.describe_endpoint_config(EndpointConfigName=configuration)["ProductionVariants"]
    model = sagemaker.describe_model(ModelName=variants[0]["ModelName"])
    container = (model.get("Containers") or [model["PrimaryContainer"]])[0]
    return str(container["ModelPackageName"])


def test_staging_serves_the_approved_version_while_production_does_not_exist(world: World, staged: Facts) -> None:
    """Before a person lets it through, the version is in staging only."""
    assert served_package(world, staged.endpoints[0]) == staged.versions[0]["arn"]
    with pytest.raises(ClientError, match="Could not find"):
        served_package(world, f"{world.project}-{staged.project_id}-prod")


def test_a_data_scientist_cannot_let_it_through(world: World, staged: Facts) -> None:
    """The approval of the endpoint is the approver's too."""
    client = world.person(SCIENTIST).client("codepipeline")
    pipeline = f"sagemaker-{world.project}-{staged.project_id}-modeldeploy"
    with pytest.raises(ClientError, match="not authorized to perform: codepipeline:PutApprovalResult"):
        client.put_approval_result(
            pipelineName=pipeline,
            stageName="Production",
            actionName="ApproveProduction",
            token="00000000-0000-0000-0000-000000000000",
            result={"summary": "me", "status": "Approved"},
        )


def test_production_serves_the_approved_version(world: World, live: Facts) -> None:
    """The package ARN behind the production endpoint is the approved one."""
    assert served_package(world, live.endpoints[-1]) == live.versions[0]["arn"]


def test_production_answers_with_the_scores_of_the_offline_evaluation(world: World, live: Facts) -> None:
    """For held-out rows the endpoint gives the very scores that were evaluated before approval."""
    answered = stages.invoke(world, live).predictions
    assert len(answered) == 8
    for row in answered:
        assert row["prediction"] == pytest.approx(float(row["score"]), abs=1e-5)


def test_a_malformed_request_gets_a_model_error_and_the_endpoint_lives_on(world: World, live: Facts) -> None:
    """The container's own complaint reaches the caller."""
    runtime = world.person(SCIENTIST).client("sagemaker-runtime")
    with pytest.raises(ClientError) as error:
        runtime.invoke_endpoint(EndpointName=live.endpoints[-1], ContentType="text/csv", Body=b"1,2,3\n")
    assert error.value.response["Error"]["Code"] == "ModelError"
    assert stages.invoke(world, live).predictions
