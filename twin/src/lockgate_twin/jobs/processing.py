"""A processing job's container contract: S3 inputs to local paths, local paths to S3 outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lockgate_twin.errors import NotImplementedByTwin
from lockgate_twin.jobs import staging
from lockgate_twin.jobs.running import role_variables, variables
from lockgate_twin.jobs.sandbox import ML, Program
from lockgate_twin.jobs.work import Ticket
from lockgate_twin.jobs.workspace import Workspace, processing_config

LOCAL = f"{ML}/processing"


@dataclass(frozen=True)
class ProcessingWork:
    """One processing job ("How Amazon SageMaker Processing Runs Your Processing Container Image")."""

    ticket: Ticket
    directories: Sequence[str] = ("processing", "output")
    message_file: str = "message"

    def prepare(self, workspace: Workspace) -> Program:
        """Write the configuration, download the inputs, make the outputs' directories and return the command."""
        request, ticket = self.ticket.request, self.ticket
        workspace.write_config("config", processing_config(request, ticket.arn, workspace.host))
        for item in request.get("ProcessingInputs", []):
            source = item["S3Input"]
            local, share = workspace.local(source["LocalPath"], LOCAL), workspace.share(source)
            staging.download(ticket.session, source["S3Uri"], local, share)
        for output in outputs(request):
            workspace.local(output["LocalPath"], LOCAL).mkdir(parents=True, exist_ok=True)
        own = {
            "PROCESSING_JOB_NAME": ticket.name,
            "PROCESSING_JOB_ARN": ticket.arn,
            "AWS_REGION": ticket.session.region,
        }
        offline = bool(request.get("NetworkConfig", {}).get("EnableNetworkIsolation"))
        role = role_variables(ticket.session.environment(), isolated=offline)
        env = variables(role, own, request.get("Environment", {}))
        return Program(argv=entry_point(request), env=env, offline=offline)

    def collect(self, workspaces: Sequence[Workspace]) -> None:
        """Upload every output's files to its S3 prefix; of files of one name the last instance's stays."""
        for workspace in workspaces:
            for output in outputs(self.ticket.request):
                local = workspace.local(output["LocalPath"], LOCAL)
                staging.upload(self.ticket.session, local, output["S3Uri"])


def outputs(request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the request's S3 outputs."""
    return [output["S3Output"] for output in request.get("ProcessingOutputConfig", {}).get("Outputs", [])]


def entry_point(request: Mapping[str, Any]) -> list[str]:
    """Return the command that the request gives for its image, or nothing."""
    specification = request["AppSpecification"]
    return [*specification.get("ContainerEntrypoint", []), *specification.get("ContainerArguments", [])]


def check_image(request: Mapping[str, Any]) -> None:
    """Check that the twin can run the request's image.

    Raises:
        NotImplementedByTwin: it has no entry point; the twin does not know what the image would run.
    """
    if not request["AppSpecification"].get("ContainerEntrypoint"):
        image = request["AppSpecification"]["ImageUri"]
        raise NotImplementedByTwin(f"A processing job with image {image!r} and no ContainerEntrypoint")
