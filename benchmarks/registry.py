"""A registry of 1,000 model packages against its budgets: created, listed, and up again after `kill -9`.

`python benchmarks/registry.py` (or `make bench`). Packages are created and listed through boto3 over HTTP, one by one,
by a person's role, with the fields that the projects' builds register.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "twin/src")]

from lockgate_twin.control import State, down, program_environment, up  # noqa: E402

from benchmarks.measure import Measure, resident  # noqa: E402

PACKAGES = 1_000
GROUP = "bench-p-000000000000"
BUCKET = "sagemaker-project-p-000000000000"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0"


def main() -> int:
    """Measure everything and print it; exit 1 if a budget is exceeded."""
    os.environ.update(program_environment())
    with tempfile.TemporaryDirectory() as folder:
        state_dir = Path(folder)
        try:
            measures = measured(state_dir)
        finally:
            down(state_dir)
    print("\n".join(map(str, measures)))
    return int(any(m.value > m.budget for m in measures))


def measured(state_dir: Path) -> list[Measure]:
    """Run a twin in a folder, fill it, kill it, run it again."""
    state = up(state_dir, 0, ROOT / "catalog/roles")
    sagemaker = client(state, "sagemaker")
    uri = group_and_model(state, sagemaker)
    created = timed(lambda: [sagemaker.create_model_package(**package(uri, number)) for number in range(PACKAGES)])
    listed = timed(lambda: listing(sagemaker))
    before = listing(sagemaker)
    os.kill(state.pid, signal.SIGKILL)
    restart = time.monotonic()
    state = up(state_dir, 0, ROOT / "catalog/roles")
    ready = time.monotonic() - restart
    if listing(client(state, "sagemaker")) != before:
        raise RuntimeError("The twin that was killed has lost model packages.")
    return [
        Measure(f"{PACKAGES} model packages created", created, 15, "s"),
        Measure(f"{PACKAGES} model packages listed", listed, 0.5, "s"),
        Measure(f"up again with {PACKAGES} model packages, after kill -9", ready, 5, "s"),
        Measure("memory of the idle twin with them", resident(state.pid), 450, "MB"),
    ]


def client(state: State, service: str) -> Any:
    """Return the administrator's client of a running twin."""
    import boto3

    return boto3.client(
        service,
        endpoint_url=state.endpoint_url,
        region_name=state.region,
        aws_access_key_id=state.access_key_id,
        aws_secret_access_key=state.secret_access_key,
    )


def group_and_model(state: State, sagemaker: Any) -> str:
    """Make the group and the model archive that the packages name; return the archive's URI."""
    s3 = client(state, "s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="model/model.tar.gz", Body=b"a model")
    sagemaker.create_model_package_group(ModelPackageGroupName=GROUP)
    return f"s3://{BUCKET}/model/model.tar.gz"


def package(uri: str, number: int) -> dict[str, Any]:
    """Return the request that registers one version."""
    folder = f"s3://{BUCKET}/evaluation/{number}"
    document = {"ContentType": "application/json"}
    return {
        "ModelPackageGroupName": GROUP,
        "ModelApprovalStatus": "PendingManualApproval",
        "InferenceSpecification": {
            "Containers": [
                {
                    "Image": IMAGE,
                    "ModelDataUrl": uri,
                    "Environment": {
                        "SAGEMAKER_PROGRAM": "inference.py",
                        "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
                        "SAGEMAKER_CONTAINER_LOG_LEVEL": "20",
                        "SAGEMAKER_REGION": "us-east-1",
                    },
                }
            ],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
        "ModelMetrics": {
            "ModelQuality": {"Statistics": {**document, "S3Uri": f"{folder}/statistics.json"}},
            "Bias": {"Report": {**document, "S3Uri": f"{folder}/analysis.json"}},
        },
        "MetadataProperties": {"CommitId": f"{number:040x}", "Repository": "sagemaker-bench-modelbuild"},
        "CustomerMetadataProperties": {"ModelDigest": f"{number:064x}", "EvaluationDataUri": f"{folder}/holdout.csv"},
    }


def listing(sagemaker: Any) -> list[tuple[str, str]]:
    """Return every version with its approval, page by page."""
    pages = sagemaker.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=GROUP, PaginationConfig={"PageSize": 100}
    )
    found = [summary for page in pages for summary in page["ModelPackageSummaryList"]]
    return [(summary["ModelPackageArn"], summary["ModelApprovalStatus"]) for summary in found]


def timed(work: Callable[[], object]) -> float:
    """Return how long something takes, in seconds."""
    began = time.monotonic()
    work()
    return time.monotonic() - began


if __name__ == "__main__":
    sys.exit(main())
