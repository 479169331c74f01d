"""A batch transform job: the model and the objects in, one `.out` object for each out.

Source: SageMaker Developer Guide, "Use Batch Transform"; "Use Your Own Inference Code with Batch Transform" (the
SAGEMAKER_ variables of its containers).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lockgate_twin.errors import ApiError
from lockgate_twin.jobs import archives, staging
from lockgate_twin.jobs.errors import JobError
from lockgate_twin.jobs.running import role_variables, variables
from lockgate_twin.jobs.sandbox import ML, Program
from lockgate_twin.jobs.work import Ticket
from lockgate_twin.jobs.workspace import Workspace

INPUT, OUTPUT = "transform/input", "transform/output"
DEFAULT_PAYLOAD_MB = 6


@dataclass(frozen=True, kw_only=True)
class Served:
    """The model that transforms: where its archive is, its framework and its container's variables."""

    model_data_url: str
    framework: str
    environment: Mapping[str, str]
    isolated: bool


@dataclass(frozen=True)
class TransformWork:
    """One batch transform job."""

    ticket: Ticket
    served: Served
    directories: Sequence[str] = ("model", INPUT, OUTPUT, "output")
    message_file: str = "failure"

    def prepare(self, workspace: Workspace) -> Program:
        """Fetch the model and the inputs, write the plan and return the command."""
        self._fetch_model(workspace)
        source = self.ticket.request["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]
        staging.download(self.ticket.session, source, workspace.box.ml / INPUT)
        workspace.write_config("transform", {"plan": plan(self.ticket.request, self.served)})
        package = Path(__file__).resolve().parents[2]
        env = variables(
            role_variables(self.ticket.session.environment(), isolated=self.served.isolated),
            {"OMP_NUM_THREADS": "1"},
            container_variables(self.ticket.request),
            self.served.environment,
            self.ticket.request.get("Environment", {}),
            {"PYTHONPATH": f"{ML}/model/code:{package}"},
        )
        argv = ["python3", "-m", "lockgate_twin.jobs.transform_program", f"{ML}/transform/plan.json"]
        return Program(argv=argv, env=env, offline=self.served.isolated)

    def collect(self, workspaces: Sequence[Workspace]) -> None:
        """Upload every `.out` file beneath the output path."""
        target = self.ticket.request["TransformOutput"]["S3OutputPath"]
        for workspace in workspaces:
            staging.upload(self.ticket.session, workspace.box.ml / OUTPUT, target)

    def _fetch_model(self, workspace: Workspace) -> None:
        uri = self.served.model_data_url
        where = staging.parse(uri)
        try:
            packed = self.ticket.session.read_object(where.bucket, where.key)
        except ApiError as error:
            raise JobError(f"ClientError: Failed to download model data from {uri}: {error}") from error
        archives.unpack(packed, workspace.box.ml / "model", uri)


def container_variables(request: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables that tell a container how it is used."""
    return {
        "SAGEMAKER_BATCH": "true",
        "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": str(request.get("MaxConcurrentTransforms") or 1),
        "SAGEMAKER_BATCH_STRATEGY": {"MultiRecord": "MULTI_RECORD"}.get(
            request.get("BatchStrategy", ""), "SINGLE_RECORD"
        ),
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": str(request.get("MaxPayloadInMB", DEFAULT_PAYLOAD_MB)),
    }


def plan(request: Mapping[str, Any], served: Served) -> dict[str, Any]:
    """Return what the program is told; paths are as it sees them, beneath /opt/ml."""
    given, out = request["TransformInput"], request["TransformOutput"]
    processing = request.get("DataProcessing", {})
    return {
        "framework": served.framework,
        "split": given.get("SplitType", "None"),
        "gzip": given.get("CompressionType") == "Gzip",
        "content_type": given.get("ContentType"),
        "accept": out.get("Accept"),
        "assemble": out.get("AssembleWith", "None"),
        "many": request.get("BatchStrategy") == "MultiRecord",
        "max_payload_mb": request.get("MaxPayloadInMB", DEFAULT_PAYLOAD_MB),
        "concurrency": request.get("MaxConcurrentTransforms") or 1,
        "retries": request.get("ModelClientConfig", {}).get("InvocationsMaxRetries", 0),
        "processing": {
            "input_filter": processing.get("InputFilter", "$"),
            "output_filter": processing.get("OutputFilter", "$"),
            "join": processing.get("JoinSource") == "Input",
        },
    }
