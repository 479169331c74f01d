"""Batch transform jobs: Create, Describe, List, Stop.

Assumption: all instances of a job work as one; the objects are transformed by one process, as many requests at a time
as MaxConcurrentTransforms says (1 when it does not), and InvocationsTimeoutInSeconds does not end a request.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lockgate_twin.errors import ApiError, NotImplementedByTwin
from lockgate_twin.jobs import transform_data
from lockgate_twin.jobs.errors import JobError
from lockgate_twin.jobs.running import Launcher
from lockgate_twin.jobs.transform import Served, TransformWork
from lockgate_twin.ports import Call, Context, Handler, Session
from lockgate_twin.services.sagemaker.errors import validation
from lockgate_twin.services.sagemaker.event_json import iso_times
from lockgate_twin.services.sagemaker.job_record import Job
from lockgate_twin.services.sagemaker.job_runner import Course
from lockgate_twin.services.sagemaker.jobs_service import Jobs
from lockgate_twin.services.sagemaker.listing import Facts, Lister
from lockgate_twin.services.sagemaker.models import Model, Models
from lockgate_twin.services.sagemaker.names import place
from lockgate_twin.services.sagemaker.tags import TagRegistry

NOT_DESCRIBED = frozenset({"TransformJobName", "Tags"})


def described(job: Job) -> dict[str, Any]:
    """Return DescribeTransformJob's members."""
    request = {name: value for name, value in job.request.items() if name not in NOT_DESCRIBED}
    hidden = {"LastModifiedTime"}
    members = {
        **request,
        **{name: value for name, value in summary(job).items() if name not in hidden},
        "TransformStartTime": job.started,
        "TransformEndTime": job.ended,
    }
    return {name: value for name, value in members.items() if value is not None}


def summary(job: Job) -> dict[str, Any]:
    """Return ListTransformJobs' members."""
    members = {
        "TransformJobName": job.name,
        "TransformJobArn": job.arn,
        "CreationTime": job.created,
        "TransformEndTime": job.ended,
        "LastModifiedTime": job.modified,
        "TransformJobStatus": job.status,
        "FailureReason": job.reason,
    }
    return {name: value for name, value in members.items() if value is not None}


LISTER: Lister[Job] = Lister(
    "TransformJobSummaries",
    facts=lambda job: Facts(
        name=job.name, created=job.created, serial=job.serial, modified=job.modified, status=job.status
    ),
    summary=summary,
)


class TransformJobs(Jobs):
    """The operations on batch transform jobs."""

    kind = "transform-job"

    def __init__(self, context: Context, launcher: Launcher, models: Models, tags: TagRegistry) -> None:
        super().__init__(context, launcher, tags)
        self._models = models
        self.course = Course(
            running="Transforming",
            log_group="/aws/sagemaker/TransformJobs",
            keeps_partial_output=False,
            changed=self._changed,
        )

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by operation name."""
        return {
            "CreateTransformJob": self.create,
            "DescribeTransformJob": self.describe,
            "ListTransformJobs": self.list_all,
            "StopTransformJob": self.stop,
        }

    def create(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Start a batch transform job with the role of its model.

        Raises:
            ApiError: ResourceInUse, ValidationException, or what the twin does not do.
        """
        _check(parameters)
        model = self._models.find(place(call), parameters["ModelName"])
        served = _served(model)
        job = self._start(call, parameters["TransformJobName"], parameters, lambda t, _: TransformWork(t, served))
        return {"TransformJobArn": job.arn}

    def describe(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Describe a batch transform job."""
        return described(self._one(parameters, call))

    def list_all(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """List batch transform jobs, newest first unless asked otherwise."""
        return LISTER.page(self.jobs.here(place(call)), parameters)

    def stop(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Stop a batch transform job; nothing of its output is kept."""
        self._stop(self._one(parameters, call))
        return {}

    def _one(self, parameters: Mapping[str, Any], call: Call) -> Job:
        name = parameters["TransformJobName"]
        return self._find(call, name, f"Could not find requested job with name: {name}")

    def _role(self, job: Job) -> Session:
        model = self._models.find(job.key.place, job.request["ModelName"])
        try:
            return model.session(self._context)
        except ApiError as error:
            raise validation(f"The role of model {model.key.name} cannot be assumed: {error.message}") from error

    def _changed(self, job: Job) -> None:
        tags = self._tags.known(job.arn)
        self._emit(job, "SageMaker Transform Job State Change", {**iso_times(described(job)), "Tags": tags})


def _served(model: Model) -> Served:
    container = model.container
    return Served(
        model_data_url=container.model_data_url,
        framework=container.framework,
        environment=container.environment,
        isolated=model.isolated,
    )


def _check(request: Mapping[str, Any]) -> None:
    given = request["TransformInput"]
    kind, split = given["DataSource"]["S3DataSource"]["S3DataType"], given.get("SplitType", "None")
    found = ["DataCaptureConfig"] if "DataCaptureConfig" in request else []
    if kind != "S3Prefix":
        found.append(f"S3DataType {kind}")
    if split not in {"None", "Line"}:
        found.append(f"SplitType {split}")
    if found:
        raise NotImplementedByTwin(f"CreateTransformJob with {', '.join(found)}")
    if request.get("BatchStrategy") == "MultiRecord" and split == "None":
        raise validation("BatchStrategy MultiRecord needs a SplitType other than None.")
    processing = request.get("DataProcessing", {})
    try:
        for name in ("InputFilter", "OutputFilter"):
            transform_data.check_path(processing.get(name, "$"))
    except JobError as error:
        raise validation(str(error).removeprefix("ClientError: ")) from error
