"""`python -m deploy.test_endpoint`: call STAGE's endpoint and compare with the offline evaluation."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from deploy import judgement, model_package, storage
from deploy.environment import Environment, read_environment, read_task
from deploy.errors import DeployError, TestFailedError
from deploy.holdout import Holdout, parse_holdout
from deploy.measurement import Caller, measure
from deploy.stages import STAGES, Stage, load_stages

ROOT = Path(__file__).resolve().parent.parent


def run(environment: Environment, stage: Stage, root: Path) -> None:
    """Test one stage's endpoint, print the findings and write them to <stage>-test.json.

    Raises:
        TestFailedError: listing every expectation that does not hold.
    """
    sagemaker, s3, runtime = (
        boto3.client(name, region_name=environment.region)
        for name in ("sagemaker", "s3", "sagemaker-runtime")
    )
    package = model_package.read_approved(sagemaker, environment)
    holdout = read_holdout(s3, package)
    offline_auc = read_auc(storage.read_text(s3, package.statistics_uri))
    endpoint = environment.endpoint_name(stage.name)
    measured = measure(Caller(runtime, endpoint), holdout, stage.test)
    findings = judgement.judge(measured, holdout, offline_auc, stage.test)
    facts: dict[str, Any] = {
        "endpoint": endpoint,
        "model_package_arn": package.arn,
        "model_digest": package.digest,
    }
    path = root / f"{stage.name}-test.json"
    path.write_text(json.dumps(judgement.report(findings, facts), indent=2), encoding="utf-8")
    print(f"endpoint {endpoint}, model version {package.version}\n\n{judgement.table(findings)}\n")
    failing = [finding.sentence for finding in findings if not finding.holds]
    if failing:
        raise TestFailedError(failing)


def read_holdout(s3: Any, package: model_package.ModelPackage) -> Holdout:
    """The held-out rows of the version's evaluation, with its features told from its facets."""
    plan = package.evaluation_plan_uri
    rows = storage.read_text(s3, package.evaluation_data_uri)
    return parse_holdout(rows, storage.read_text(s3, plan) if plan else None)


def read_auc(statistics: str) -> float:
    """The offline AUC in Model Monitor's statistics.json."""
    return float(json.loads(statistics)["binary_classification_metrics"]["auc"]["value"])


def main() -> int:
    """Run with the environment's STAGE; every failure is one clear message."""
    try:
        environment = read_environment(os.environ)
        task = read_task(os.environ, STAGES)
        run(environment, load_stages(ROOT / "stages.toml")[task.stage], ROOT)
    except (DeployError, BotoCoreError, ClientError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
