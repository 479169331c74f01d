"""Processing jobs: Create, Describe, List, Stop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lockgate_twin.jobs import processing
from lockgate_twin.jobs.errors import JobError
from lockgate_twin.jobs.processing import ProcessingWork
from lockgate_twin.jobs.running import Launcher
from lockgate_twin.jobs.workspace import check_local
from lockgate_twin.ports import Call, Context, Handler
from lockgate_twin.services.sagemaker.errors import validation
from lockgate_twin.services.sagemaker.event_json import constants, milliseconds
from lockgate_twin.services.sagemaker.job_limits import check_processing
from lockgate_twin.services.sagemaker.job_record import Job
from lockgate_twin.services.sagemaker.job_runner import Course
from lockgate_twin.services.sagemaker.jobs_service import Jobs
from lockgate_twin.services.sagemaker.listing import Facts, Lister
from lockgate_twin.services.sagemaker.names import place
from lockgate_twin.services.sagemaker.tags import TagRegistry

ECHOED = (
    "ProcessingInputs",
    "ProcessingOutputConfig",
    "ProcessingResources",
    "StoppingCondition",
    "AppSpecification",
    "Environment",
    "NetworkConfig",
    "RoleArn",
    "ExperimentConfig",
)


def described(job: Job) -> dict[str, Any]:
    """Return DescribeProcessingJob's members."""
    members = {
        **{name: job.request[name] for name in ECHOED if name in job.request},
        **summary(job),
        "StoppingCondition": {"MaxRuntimeInSeconds": 86_400, **job.request.get("StoppingCondition", {})},
        "ProcessingStartTime": job.started,
    }
    return {name: value for name, value in members.items() if value is not None}


def summary(job: Job) -> dict[str, Any]:
    """Return ListProcessingJobs' members."""
    members = {
        "ProcessingJobName": job.name,
        "ProcessingJobArn": job.arn,
        "CreationTime": job.created,
        "ProcessingEndTime": job.ended,
        "LastModifiedTime": job.modified,
        "ProcessingJobStatus": job.status,
        "FailureReason": job.reason,
        "ExitMessage": job.exit_message,
    }
    return {name: value for name, value in members.items() if value is not None}


LISTER: Lister[Job] = Lister(
    "ProcessingJobSummaries",
    facts=lambda job: Facts(
        name=job.name, created=job.created, serial=job.serial, modified=job.modified, status=job.status
    ),
    summary=summary,
    sort_order="Ascending",
)


class ProcessingJobs(Jobs):
    """The operations on processing jobs."""

    kind = "processing-job"

    def __init__(self, context: Context, launcher: Launcher, tags: TagRegistry) -> None:
        super().__init__(context, launcher, tags)
        self.course = Course(
            running="Training",
            log_group="/aws/sagemaker/ProcessingJobs",
            keeps_partial_output=False,
            changed=self._changed,
        )

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by operation name."""
        return {
            "CreateProcessingJob": self.create,
            "DescribeProcessingJob": self.describe,
            "ListProcessingJobs": self.list_all,
            "StopProcessingJob": self.stop,
        }

    def create(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Start a processing job.

        Raises:
            ApiError: ResourceInUse, ValidationException, or what the twin does not do.
        """
        check_processing(parameters)
        processing.check_image(parameters)
        _check_paths(parameters)
        job = self._start(call, parameters["ProcessingJobName"], parameters, lambda ticket, _: ProcessingWork(ticket))
        return {"ProcessingJobArn": job.arn}

    def describe(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Describe a processing job."""
        return described(self._one(parameters, call))

    def list_all(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """List processing jobs, oldest first unless asked otherwise."""
        return LISTER.page(self.jobs.here(place(call)), parameters)

    def stop(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Stop a processing job (SIGTERM, then SIGKILL)."""
        self._stop(self._one(parameters, call))
        return {}

    def _one(self, parameters: Mapping[str, Any], call: Call) -> Job:
        name = parameters["ProcessingJobName"]
        return self._find(call, name, f"Could not find requested job with name: {name}")

    def _changed(self, job: Job) -> None:
        """Tell a job's status as the documented example does: its times are numbers, its enumerations upper case."""
        detail = {"ExperimentConfig": {}, **constants(milliseconds(described(job)))}
        self._emit(job, "SageMaker Processing Job State Change", detail)


def _check_paths(request: Mapping[str, Any]) -> None:
    paths = [item["S3Input"]["LocalPath"] for item in request.get("ProcessingInputs", [])]
    paths += [output["LocalPath"] for output in processing.outputs(request)]
    try:
        for path in paths:
            check_local(path, processing.LOCAL)
    except JobError as error:
        raise validation(str(error)) from error
