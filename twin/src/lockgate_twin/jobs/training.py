"""A training job's container contract: channels in, /opt/ml/model out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lockgate_twin.jobs import archives, images, staging, toolkit
from lockgate_twin.jobs.errors import JobError
from lockgate_twin.jobs.running import role_variables, variables
from lockgate_twin.jobs.sandbox import Program
from lockgate_twin.jobs.work import Ticket
from lockgate_twin.jobs.workspace import TRAINING_DIRECTORIES, Workspace, training_config

NO_REQUIREMENTS = "lockgate twin: requirements.txt is not installed; the twin's own packages are used.\n"


@dataclass(frozen=True)
class TrainingWork:
    """One training job ("How Amazon SageMaker Runs Your Training Image")."""

    ticket: Ticket
    log: Path
    directories: Sequence[str] = TRAINING_DIRECTORIES
    message_file: str = "failure"

    def prepare(self, workspace: Workspace) -> Program:
        """Write the configuration, download the channels and the source, and return the command."""
        program = self._program(workspace)
        return replace(program, offline=bool(self.ticket.request.get("EnableNetworkIsolation")))

    def _program(self, workspace: Workspace) -> Program:
        request, session = self.ticket.request, self.ticket.session
        config = training_config(request, workspace.host)
        workspace.write_config("input/config", config)
        for channel in request.get("InputDataConfig", []):
            source = channel["DataSource"]["S3DataSource"]
            local = workspace.box.ml / "input/data" / channel["ChannelName"]
            staging.download(session, source["S3Uri"], local, workspace.share(source))
        env = self._environment()
        argv = entry_point(request)
        if argv:
            return Program(argv=argv, env=env)
        script = toolkit.script_mode(request.get("HyperParameters", {}))
        if script is None:
            raise JobError("ClientError: the hyperparameters name no sagemaker_program.")
        code = workspace.box.ml / "code"
        script.stage(session, code)
        if (code / "requirements.txt").is_file():
            with self.log.open("a") as log:
                log.write(NO_REQUIREMENTS)
        return script.launch(config, env)

    def _environment(self) -> dict[str, str]:
        ticket = self.ticket
        own = {
            "TRAINING_JOB_NAME": ticket.name,
            "TRAINING_JOB_ARN": ticket.arn,
            "AWS_REGION": ticket.session.region,
        }
        isolated = bool(ticket.request.get("EnableNetworkIsolation"))
        role = role_variables(ticket.session.environment(), isolated=isolated)
        return variables(role, own, ticket.request.get("Environment", {}))

    def collect(self, workspaces: Sequence[Workspace]) -> None:
        """Upload model.tar.gz and output.tar.gz with the files of all instances; none at all give no archive."""
        request, job = self.ticket.request, self.ticket.name
        archived = {"model": model_uri(request, job), "output/data": _beneath(request, job, "output.tar.gz")}
        for directory, uri in archived.items():
            sources = [workspace.box.ml / directory for workspace in workspaces]
            if any(source.is_dir() and any(source.iterdir()) for source in sources):
                staging.put(self.ticket.session, uri, archives.pack(*sources))


def model_uri(request: Mapping[str, Any], job: str) -> staging.S3Uri:
    """Return where the model artifacts go: <S3OutputPath>/<job>/output/model.tar.gz."""
    return _beneath(request, job, "model.tar.gz")


def _beneath(request: Mapping[str, Any], job: str, name: str) -> staging.S3Uri:
    return staging.beneath(request["OutputDataConfig"]["S3OutputPath"], job, "output", name)


def entry_point(request: Mapping[str, Any]) -> list[str]:
    """Return the command that the request gives for its image, or nothing."""
    specification = request["AlgorithmSpecification"]
    return [*specification.get("ContainerEntrypoint", []), *specification.get("ContainerArguments", [])]


def check_image(request: Mapping[str, Any]) -> None:
    """Check that the twin can run the request's image.

    Raises:
        NotImplementedByTwin: it has neither an entry point nor a stand-in.
    """
    if not request["AlgorithmSpecification"].get("ContainerEntrypoint"):
        program = request.get("HyperParameters", {}).get("sagemaker_program")
        image = request["AlgorithmSpecification"]["TrainingImage"]
        images.script_mode_framework(image, program=program, purpose="A training job")


def final_metrics(request: Mapping[str, Any], log: Path) -> list[dict[str, Any]]:
    """Return the last value that each metric definition's expression finds in the log (FinalMetricDataList)."""
    definitions = request["AlgorithmSpecification"].get("MetricDefinitions", [])
    if not definitions or not log.is_file():
        return []
    text = log.read_text(errors="replace")
    found = [{"MetricName": d["Name"], "Value": _last_number(d["Regex"], text)} for d in definitions]
    return [metric for metric in found if metric["Value"] is not None]


def _last_number(expression: str, text: str) -> float | None:
    value = None
    for match in re.finditer(expression, text):
        try:
            value = float(match.group(1) if match.groups() else match.group())
        except (TypeError, ValueError):
            continue
    return value
