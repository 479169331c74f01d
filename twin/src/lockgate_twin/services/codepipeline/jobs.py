"""Jobs that a function does for a pipeline, and the operations by which it answers.

Source: CodePipeline API Reference, PutJobSuccessResult and PutJobFailureResult.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lockgate_twin.errors import ApiError, NotImplementedByTwin
from lockgate_twin.ports import Call, Handler


@dataclass(frozen=True, kw_only=True)
class JobResult:
    """How a job ended: `failure` is (type, message), None for a success."""

    variables: Mapping[str, str] = field(default_factory=dict)
    summary: str = ""
    external_id: str = ""
    failure: tuple[str, str] | None = None


@dataclass(kw_only=True)
class Job:
    """One job, which belongs to an account and region."""

    account: str
    region: str
    job_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    result: JobResult | None = None


class Jobs:
    """The jobs under way. A job that an earlier twin had given out is not known any more: its action has failed."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._jobs: dict[str, Job] = {}

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by operation name."""
        return {"PutJobSuccessResult": self.succeed, "PutJobFailureResult": self.fail}

    def open(self, account: str, region: str) -> Job:
        """Give out a new job."""
        job = Job(account=account, region=region)
        with self._changed:
            self._jobs[job.job_id] = job
        return job

    def wait(self, job: Job, seconds: float) -> JobResult | None:
        """Wait for a job's result; None if its time is over."""
        with self._changed:
            self._changed.wait_for(lambda: job.result is not None, seconds)
            self._jobs.pop(job.job_id, None)
            return job.result

    def succeed(self, parameters: dict[str, Any], call: Call) -> None:
        """Take a job's success.

        Raises:
            ApiError: JobNotFoundException, InvalidJobStateException.
            NotImplementedByTwin: a continuation token, which would have the function called again.
        """
        if parameters.get("continuationToken"):
            raise NotImplementedByTwin("codepipeline:PutJobSuccessResult with a continuationToken")
        details = parameters.get("executionDetails") or {}
        result = JobResult(
            variables=dict(parameters.get("outputVariables") or {}),
            summary=details.get("summary", ""),
            external_id=details.get("externalExecutionId", ""),
        )
        self._end(parameters["jobId"], call, result)

    def fail(self, parameters: dict[str, Any], call: Call) -> None:
        """Take a job's failure.

        Raises:
            ApiError: JobNotFoundException, InvalidJobStateException.
        """
        details = parameters["failureDetails"]
        failure = (details["type"], details["message"])
        result = JobResult(failure=failure, external_id=details.get("externalExecutionId", ""))
        self._end(parameters["jobId"], call, result)

    def _end(self, job_id: str, call: Call, result: JobResult) -> None:
        with self._changed:
            job = self._jobs.get(job_id)
            if job is None or (job.account, job.region) != (call.account, call.region):
                raise ApiError("JobNotFoundException", f"There is no job {job_id} under way.")
            if job.result is not None:
                raise ApiError("InvalidJobStateException", f"The job {job_id} has been answered already.")
            job.result = result
            self._changed.notify_all()
