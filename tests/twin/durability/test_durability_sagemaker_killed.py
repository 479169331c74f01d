"""A real twin, killed while people work with it, through boto3 over HTTP."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from lockgate_twin.control import State, down, program_environment, up

GROUP = "demo-p-test"
BUCKET = "models-of-demo"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for a twin, which is stopped in the end."""
    monkeypatch.setenv("PYTHONPATH", program_environment()["PYTHONPATH"])
    yield tmp_path / "state"
    down(tmp_path / "state")


def client(state: State, service: str) -> Any:
    """Return the administrator's client, without retries."""
    return boto3.client(
        service,
        endpoint_url=state.endpoint_url,
        region_name=state.region,
        aws_access_key_id=state.access_key_id,
        aws_secret_access_key=state.secret_access_key,
        config=Config(retries={"total_max_attempts": 1}),
    )


class Worker:
    """Registers and approves versions until the twin is gone; `acknowledged` are the answers that it got."""

    def __init__(self, state: State) -> None:
        self._sagemaker = client(state, "sagemaker")
        self.acknowledged: dict[str, str] = {}
        self._changed = threading.Condition()
        self.thread = threading.Thread(target=self._work)
        self.thread.start()

    def wait_for(self, number: int) -> None:
        """Wait for a number of versions."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.acknowledged) >= number, 60)

    def _work(self) -> None:
        container = {"Image": "xgboost:3.2-0", "ModelDataUrl": f"s3://{BUCKET}/model.tar.gz"}
        types = {"SupportedContentTypes": ["text/csv"], "SupportedResponseMIMETypes": ["text/csv"]}
        request = {"ModelPackageGroupName": GROUP, "InferenceSpecification": {"Containers": [container], **types}}
        try:
            while True:
                arn = self._sagemaker.create_model_package(**request)["ModelPackageArn"]
                self._note(arn, "PendingManualApproval")
                self._sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
                self._note(arn, "Approved")
        except (BotoCoreError, ClientError):
            return

    def _note(self, arn: str, status: str) -> None:
        with self._changed:
            self.acknowledged[arn] = status
            self._changed.notify_all()


def test_what_a_killed_twin_had_acknowledged_is_there(folder: Path) -> None:
    """Every version and every approval that was answered is in the next twin, and at most one call more."""
    state = up(folder, 0, None)
    client(state, "s3").create_bucket(Bucket=BUCKET)
    client(state, "s3").put_object(Bucket=BUCKET, Key="model.tar.gz", Body=b"a model")
    client(state, "sagemaker").create_model_package_group(ModelPackageGroupName=GROUP)
    worker = Worker(state)
    worker.wait_for(random.randint(1, 40))  # noqa: S311 - any moment will do
    os.kill(state.pid, signal.SIGKILL)
    worker.thread.join(60)
    pages = client(up(folder, 0, None), "sagemaker").get_paginator("list_model_packages")
    listed = [p for page in pages.paginate(ModelPackageGroupName=GROUP) for p in page["ModelPackageSummaryList"]]
    found = {package["ModelPackageArn"]: package["ModelApprovalStatus"] for package in listed}
    approved = {arn for arn, status in worker.acknowledged.items() if status == "Approved"}
    assert {found.get(arn) for arn in approved} <= {"Approved"}
    assert len(set(found) - set(worker.acknowledged)) <= 1
    assert set(worker.acknowledged) <= set(found)
