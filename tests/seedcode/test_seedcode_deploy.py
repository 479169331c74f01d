from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import lint

from tests.seedcode import model_server, processes
from tests.seedcode.steps import Workspace

STAGES = ("staging", "prod")


@pytest.fixture
def approved(aws: processes.Aws, evidence: Workspace) -> str:
    """ARN of an approved version with the evidence of the real model."""
    names = ("statistics.json", "holdout.csv", "evaluation_plan.json")
    documents = {name: (evidence.root / "evidence" / name).read_bytes() for name in names}
    statistics, holdout, _ = (aws.put(f"evidence/{name}", content) for name, content in documents.items())
    model = aws.put("model/model.tar.gz", evidence.archive.read_bytes())
    digest = evidence.summary()["model_digest"]
    answer = aws.client("sagemaker").create_model_package(
        ModelPackageGroupName=aws.group,
        ModelApprovalStatus="Approved",
        InferenceSpecification={
            "Containers": [{"Image": "image", "ModelDataUrl": model}],
            "SupportedContentTypes": ["text/csv"],
        },
        ModelMetrics={"ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": statistics}}},
        CustomerMetadataProperties={
            "ModelDigest": digest,
            "EvaluationDataUri": holdout,
            "EvidenceUri": holdout.removesuffix("holdout.csv"),
        },
    )
    return str(answer["ModelPackageArn"])


@pytest.fixture
def environment(aws: processes.Aws, approved: str) -> dict[str, str]:
    """What CodeBuild tells the deploy pipeline's builds about the approved version."""
    return {**aws.environment, "MODEL_PACKAGE_ARN": approved}


@pytest.fixture
def served(evidence: Workspace) -> Iterator[model_server.ModelServer]:
    """An endpoint that serves the real model archive over HTTP."""
    with model_server.serving(evidence.archive) as server:
        yield server


def test_preparation_writes_what_cloudformation_needs(deploy_repo: Path, environment: dict[str, str]) -> None:
    """The exported template lints clean, and each stage's configuration fills exactly its parameters."""
    finished = processes.run_module(deploy_repo, "deploy.prepare", environment)
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout.startswith("version 1 is approved and has its registered bytes (sha256 ")
    template = (deploy_repo / "template-export.yaml").read_text(encoding="utf-8")
    assert template == (deploy_repo / "endpoint.template.yaml").read_text(encoding="utf-8")
    assert [str(match) for match in lint(template, regions=[processes.REGION])] == []
    for stage in STAGES:
        written = json.loads((deploy_repo / f"{stage}-config-export.json").read_text(encoding="utf-8"))
        assert set(written) == {"Parameters", "Tags"}
        assert written["Parameters"]["ModelPackageArn"] == environment["MODEL_PACKAGE_ARN"]
        assert written["Parameters"]["StageName"] == stage


@pytest.mark.parametrize("module", ["deploy.prepare", "deploy.verify"])
def test_a_withdrawn_approval_stops_the_deployment(
    module: str, deploy_repo: Path, environment: dict[str, str], aws: processes.Aws, approved: str
) -> None:
    """Both before staging and before production, a version that is no longer approved is refused."""
    aws.client("sagemaker").update_model_package(ModelPackageArn=approved, ModelApprovalStatus="Rejected")
    finished = processes.run_module(deploy_repo, module, {**environment, "MODE": "verify", "STAGE": "prod"})
    assert (finished.returncode, finished.stdout) == (1, "")
    assert finished.stderr == f"{approved} is Rejected, not Approved: only an approved model version is deployed.\n"


@pytest.mark.parametrize("module", ["deploy.prepare", "deploy.verify"])
def test_an_altered_archive_stops_the_deployment(
    module: str, deploy_repo: Path, environment: dict[str, str], aws: processes.Aws, evidence: Workspace
) -> None:
    """One byte of model.tar.gz differs from what was registered, and the version is refused."""
    altered = bytearray(evidence.archive.read_bytes())
    altered[-1] ^= 1
    aws.put("model/model.tar.gz", bytes(altered))
    finished = processes.run_module(deploy_repo, module, {**environment, "MODE": "verify", "STAGE": "prod"})
    assert (finished.returncode, finished.stdout) == (1, "")
    assert "the archive was changed since then and is not deployed" in finished.stderr


def test_verification_follows_the_endpoint_to_its_package(
    deploy_repo: Path, environment: dict[str, str], aws: processes.Aws, approved: str
) -> None:
    """An endpoint in service on this version passes; one on another configuration does not."""
    endpoint = f"{environment['SAGEMAKER_PROJECT_NAME']}-{aws.project_id}-staging"
    task = {**environment, "MODE": "test", "STAGE": "staging"}
    make_endpoint(aws, endpoint, "new", {"ModelPackageName": approved})
    passed = processes.run_module(deploy_repo, "deploy.verify", task)
    assert (passed.returncode, passed.stderr) == (0, "")
    assert passed.stdout.endswith(f"the endpoint {endpoint} serves exactly this version\n")
    aws.client("sagemaker").delete_endpoint(EndpointName=endpoint)
    make_endpoint(aws, endpoint, "old", {"Image": "image:old"})
    failed = processes.run_module(deploy_repo, "deploy.verify", task)
    assert failed.returncode == 1
    assert f"The endpoint {endpoint} is InService but serves image:old instead of {approved}" in failed.stderr


def make_endpoint(aws: processes.Aws, endpoint: str, version: str, container: dict[str, Any]) -> None:
    """Put an endpoint into service with one model."""
    sagemaker = aws.client("sagemaker")
    name = f"{aws.project_id}-{version}"
    role = aws.environment["SAGEMAKER_EXECUTION_ROLE_ARN"]
    sagemaker.create_model(ModelName=name, Containers=[container], ExecutionRoleArn=role)
    variant = {"VariantName": "AllTraffic", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=endpoint, EndpointConfigName=name)


def test_an_endpoint_that_serves_the_evaluated_model_passes(
    deploy_repo: Path, environment: dict[str, str], served: model_server.ModelServer
) -> None:
    """Over HTTP the held-out rows get the very scores of the offline evaluation, and the report says so."""
    task = {**environment, "MODE": "test", "STAGE": "staging", "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": served.url}
    finished = processes.run_module(deploy_repo, "deploy.test_endpoint", task)
    assert (finished.returncode, finished.stderr) == (0, "")
    report = json.loads((deploy_repo / "staging-test.json").read_text(encoding="utf-8"))
    assert report["passed"] is True
    assert [finding["name"] for finding in report["findings"]] == [
        "rows answered",
        "largest score difference",
        "AUC",
        "p95 milliseconds",
        "malformed request",
    ]
    assert finished.stdout.count(" ok\n") == len(report["findings"])


def test_an_endpoint_that_serves_another_model_fails(
    deploy_repo: Path, environment: dict[str, str], served: model_server.ModelServer
) -> None:
    """Each expectation it does not meet has one sentence, and the build fails."""
    served.shift = 0.05
    served.refuses = False
    task = {**environment, "MODE": "test", "STAGE": "prod", "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": served.url}
    finished = processes.run_module(deploy_repo, "deploy.test_endpoint", task)
    assert finished.returncode == 1
    first, second = finished.stderr.splitlines()
    assert first == "A score differs by 0.05 from the offline evaluation; at most 1e-05 is allowed."
    assert second == "A malformed request was answered with status 500; a client error (400 to 499) is expected."
    assert json.loads((deploy_repo / "prod-test.json").read_text(encoding="utf-8"))["passed"] is False
