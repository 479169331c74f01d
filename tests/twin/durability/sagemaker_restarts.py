"""SageMaker's services over a small real world, ended in the middle of their work and started again."""

from __future__ import annotations

import copy
import io
import json
import sys
import tarfile
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lockgate_twin.ports import Resumable, Settings
from lockgate_twin.services.sagemaker.service import assemble

from tests.twin.sagemaker.conftest import World

BUCKET = "sagemaker-project-p-test"
ROLE = "arn:aws:iam::111122223333:role/lockgate/sagemaker-p-test-execution"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0"
INFERENCE = """
import pathlib

def model_fn(model_dir):
    return float(pathlib.Path(model_dir, "factor").read_text())

def predict_fn(rows, model):
    return [sum(row) * model for row in rows]

def input_fn(body, content_type):
    return [[float(cell) for cell in line.split(",")] for line in body.strip().splitlines()]

def output_fn(prediction, accept):
    return "\\n".join(map(str, prediction)), "text/csv"
"""


class Restarting:
    """The services of one folder; `kill` and `end` are two ways to the next twin."""

    def __init__(self, folder: Path) -> None:
        settings = Settings(state_dir=folder, endpoint_url="http://127.0.0.1:1", python=Path(sys.executable))
        self.world = World(settings)
        self._start()

    def __call__(self, operation: str, **parameters: Any) -> Mapping[str, Any]:
        """Call one operation as the account's root user."""
        return self.world.call(operation, **parameters)

    def kill(self) -> None:
        """Start anew from what was kept at this moment; what the old services still do is lost."""
        kept = copy.deepcopy(self.world.tables)
        self.close()
        self.world.tables = kept
        self._start()

    def end(self) -> None:
        """End the services in order and start anew."""
        self.close()
        self._start()

    def close(self) -> None:
        """End the services; no defect of the twin may have happened."""
        self.sagemaker.close()
        self.world.settle()
        assert self.world.defects == []

    def _start(self) -> None:
        self.world.events.clear()
        self.sagemaker = assemble(self.world)
        self.world.handlers = {
            name: handler for service in self.sagemaker.services for name, handler in service.operations().items()
        }
        for service in self.sagemaker.services:
            if isinstance(service, Resumable):
                service.resume()

    # -- what tests make

    def start_pipeline(self, name: str = "demo", token: str = "") -> str:
        """Start an execution and return its ARN."""
        answer = self("StartPipelineExecution", PipelineName=name, ClientRequestToken=token or str(uuid.uuid4()))
        return str(answer["PipelineExecutionArn"])

    def finished(self, arn: str) -> dict[str, Any]:
        """Wait for the end of an execution and describe it."""
        (execution,) = [e for e in self.sagemaker.executions.executions.all() if e.arn == arn]
        assert execution.done.wait(60)
        return dict(self("DescribePipelineExecution", PipelineExecutionArn=arn))

    def steps(self, arn: str) -> dict[str, dict[str, Any]]:
        """Return an execution's steps by name."""
        listed = self("ListPipelineExecutionSteps", PipelineExecutionArn=arn)["PipelineExecutionSteps"]
        return {step["StepName"]: step for step in listed}

    def pipeline(self, *steps: dict[str, Any], name: str = "demo") -> str:
        """Create a pipeline of these steps and return its definition."""
        text = json.dumps({"Version": "2020-12-01", "Parameters": [], "Steps": list(steps)})
        self("CreatePipeline", PipelineName=name, RoleArn=ROLE, ClientRequestToken="t" * 32, PipelineDefinition=text)
        return text

    def endpoint_config(self, name: str, factor: str = "2", **members: Any) -> str:
        """Create a model that multiplies, and an endpoint configuration of the same name that serves it."""
        container = {
            "Image": IMAGE,
            "ModelDataUrl": self.world.put(f"models/{name}/model.tar.gz", _archive(factor)),
            "Environment": {
                "SAGEMAKER_PROGRAM": "inference.py",
                "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
            },
        }
        self("CreateModel", ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container)
        variant = {"VariantName": "All", "ModelName": name, "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
        self("CreateEndpointConfig", EndpointConfigName=name, ProductionVariants=[variant], **members)
        return name

    def answer(self, endpoint: str = "shop") -> bytes:
        """Ask an endpoint for 1 + 2 times its factor."""
        answer = self("InvokeEndpoint", EndpointName=endpoint, Body=b"1,2", ContentType="text/csv")
        return bytes(answer["Body"])


def job(*command: str) -> dict[str, Any]:
    """Return the members of a CreateProcessingJob request, but its name."""
    cluster = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 30}
    return {
        "RoleArn": ROLE,
        "AppSpecification": {"ImageUri": IMAGE, "ContainerEntrypoint": list(command)},
        "ProcessingResources": {"ClusterConfig": cluster},
    }


def step(name: str, *command: str, **members: Any) -> dict[str, Any]:
    """Return a Processing step."""
    return {"Name": name, "Type": "Processing", "Arguments": job(*command), **members}


def _archive(factor: str) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, text in (("factor", factor), ("code/inference.py", INFERENCE)):
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return packed.getvalue()
