"""Training jobs: Create, Describe, List, Stop."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from lockgate_twin.errors import NotImplementedByTwin
from lockgate_twin.jobs import toolkit, training
from lockgate_twin.jobs.errors import JobError
from lockgate_twin.jobs.running import Launcher
from lockgate_twin.jobs.training import TrainingWork
from lockgate_twin.ports import Call, Context, Handler
from lockgate_twin.services.sagemaker.errors import validation
from lockgate_twin.services.sagemaker.event_json import milliseconds
from lockgate_twin.services.sagemaker.job_limits import check_training
from lockgate_twin.services.sagemaker.job_record import Job
from lockgate_twin.services.sagemaker.job_runner import Course
from lockgate_twin.services.sagemaker.jobs_service import Jobs
from lockgate_twin.services.sagemaker.listing import Facts, Lister
from lockgate_twin.services.sagemaker.names import place
from lockgate_twin.services.sagemaker.tags import TagRegistry

NOT_DESCRIBED = frozenset({"TrainingJobName", "Tags"})


def described(job: Job) -> dict[str, Any]:
    """Return DescribeTrainingJob's members."""
    request = {name: value for name, value in job.request.items() if name not in NOT_DESCRIBED}
    seconds = int((job.ended - job.started).total_seconds()) if job.ended and job.started else None
    members = {
        "EnableNetworkIsolation": False,
        "EnableInterContainerTrafficEncryption": False,
        "EnableManagedSpotTraining": False,
        **request,
        **summary(job),
        "ModelArtifacts": {"S3ModelArtifacts": str(training.model_uri(job.request, job.name))},
        "StoppingCondition": {"MaxRuntimeInSeconds": 86_400, **job.request.get("StoppingCondition", {})},
        "FailureReason": job.reason,
        "TrainingStartTime": job.started,
        "TrainingTimeInSeconds": seconds,
        "BillableTimeInSeconds": seconds,
        "SecondaryStatusTransitions": [dict(transition) for transition in job.transitions],
        "FinalMetricDataList": job.metrics or None,
    }
    return {name: value for name, value in members.items() if value is not None}


def summary(job: Job) -> dict[str, Any]:
    """Return ListTrainingJobs' members."""
    members = {
        "TrainingJobName": job.name,
        "TrainingJobArn": job.arn,
        "CreationTime": job.created,
        "TrainingEndTime": job.ended,
        "LastModifiedTime": job.modified,
        "TrainingJobStatus": job.status,
        "SecondaryStatus": job.secondary,
    }
    return {name: value for name, value in members.items() if value is not None}


LISTER: Lister[Job] = Lister(
    "TrainingJobSummaries",
    facts=lambda job: Facts(
        name=job.name, created=job.created, serial=job.serial, modified=job.modified, status=job.status
    ),
    summary=summary,
    sort_order="Ascending",
)


class TrainingJobs(Jobs):
    """The operations on training jobs."""

    kind = "training-job"

    def __init__(self, context: Context, launcher: Launcher, tags: TagRegistry) -> None:
        super().__init__(context, launcher, tags)
        self.course = Course(
            running="Training",
            log_group="/aws/sagemaker/TrainingJobs",
            keeps_partial_output=True,
            changed=self._changed,
            finished=_collect_metrics,
        )

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by operation name."""
        return {
            "CreateTrainingJob": self.create,
            "DescribeTrainingJob": self.describe,
            "ListTrainingJobs": self.list_all,
            "StopTrainingJob": self.stop,
        }

    def create(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Start a training job.

        Raises:
            ApiError: ResourceInUse, ValidationException, or what the twin does not do.
        """
        check_training(parameters)
        training.check_image(parameters)
        _check_request(parameters)
        name = parameters["TrainingJobName"]
        job = self._start(call, name, parameters, lambda ticket, job: TrainingWork(ticket, job.log))
        return {"TrainingJobArn": job.arn}

    def describe(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Describe a training job."""
        return described(self._one(parameters, call))

    def list_all(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """List training jobs, oldest first unless asked otherwise."""
        for name in ("WarmPoolStatusEquals", "TrainingPlanArnEquals"):
            if name in parameters:
                raise NotImplementedByTwin(f"ListTrainingJobs with {name}")
        return LISTER.page(self.jobs.here(place(call)), parameters)

    def stop(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Stop a training job: SIGTERM, after 120 s SIGKILL; what it saved so far is uploaded."""
        self._stop(self._one(parameters, call))
        return {}

    def _one(self, parameters: Mapping[str, Any], call: Call) -> Job:
        return self._find(call, parameters["TrainingJobName"], "Requested resource not found.")

    def _changed(self, job: Job) -> None:
        """Tell a job's status; the documented example has the job's own times as text, and always a VpcConfig."""
        members = described(job)
        texts = {name: str(milliseconds(value)) for name, value in members.items() if isinstance(value, datetime)}
        detail = {"VpcConfig": {}, **milliseconds(members), **texts, "Tags": self._tags.known(job.arn)}
        self._emit(job, "SageMaker Training Job State Change", json.loads(json.dumps(detail)))


def _collect_metrics(job: Job) -> None:
    found = training.final_metrics(job.request, job.log)
    job.metrics = [{**metric, "Timestamp": job.modified} for metric in found]


def _check_request(request: Mapping[str, Any]) -> None:
    channels = [channel["ChannelName"] for channel in request.get("InputDataConfig", [])]
    if len(channels) != len(set(channels)):
        raise validation("InputDataConfig holds a ChannelName twice; each channel needs its own name.")
    for definition in request["AlgorithmSpecification"].get("MetricDefinitions", []):
        try:
            re.compile(definition["Regex"])
        except re.error as error:
            raise validation(f"The Regex of metric {definition['Name']!r} is not valid: {error}.") from error
    try:
        toolkit.script_mode(request.get("HyperParameters", {}))
    except JobError as error:
        raise validation(str(error)) from error
