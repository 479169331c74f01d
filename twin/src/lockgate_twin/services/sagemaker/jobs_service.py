"""What the operations on processing jobs and training jobs share."""

from __future__ import annotations

import itertools
import shutil
import threading
from collections.abc import Callable
from typing import Any

from lockgate_twin.errors import ApiError
from lockgate_twin.jobs.running import Launcher
from lockgate_twin.jobs.work import Ticket, Work
from lockgate_twin.ports import Call, Context, Event, Session
from lockgate_twin.services.sagemaker.errors import in_use, validation
from lockgate_twin.services.sagemaker.job_record import FINAL, Job
from lockgate_twin.services.sagemaker.job_runner import Course, JobRunner, fresh_directory
from lockgate_twin.services.sagemaker.names import Named, place
from lockgate_twin.services.sagemaker.registry import Registry
from lockgate_twin.services.sagemaker.tags import TagRegistry

PRINCIPAL = "sagemaker.amazonaws.com"
CLOSE_GRACE_SECONDS = 1.0
# What AWS calls a failure of its own; the retry policies of pipelines know it as SageMaker.JOB_INTERNAL_ERROR.
TWIN_ENDED = "InternalServerError: The twin ended while the job ran; create the job again."


class Jobs:
    """The jobs of one kind. Subclasses hold the operations' names and shapes."""

    name = "sagemaker"
    kind: str
    course: Course

    def __init__(self, context: Context, launcher: Launcher, tags: TagRegistry) -> None:
        self._context = context
        self._runner = JobRunner(context, launcher)
        self._tags = tags
        self.jobs: Registry[Job] = Registry(context.table(f"sagemaker.{self.kind}s"))
        self._serials = itertools.count(1 + max((job.serial for job in self.jobs.all()), default=0))

    def wait(self, arn: str) -> None:
        """Wait until a job is over (for the executor of pipelines, in the same process)."""
        for job in self.jobs.all():
            if job.arn == arn:
                job.done.wait()

    def resume(self) -> None:
        """End the jobs that ran when the twin ended, with the reason; their programs ended with it."""
        for job in self.jobs.all():
            if job.status not in FINAL:
                shutil.rmtree(job.directory / "work", ignore_errors=True)
                end = "Stopped" if job.status == "Stopping" else "Failed"
                job.advance(end, end, TWIN_ENDED)
                self.course.changed(job)
            job.done.set()

    def close(self) -> None:
        """End every job that runs; `resume` of the next twin says how."""
        self.jobs.close()
        for job in self.jobs.all():
            if not job.done.is_set():
                job.run.stop(CLOSE_GRACE_SECONDS)

    def _start(self, call: Call, name: str, request: dict[str, Any], work: Callable[[Ticket, Job], Work]) -> Job:
        """Assume the job's role and start the job in the background."""
        key = Named(place(call), name)
        taken = in_use(f"Job names must be unique within an account and region; {self.kind} {name} already exists.")
        if self.jobs.get(key):
            raise taken
        job = self._new(key, request)
        session = self._role(job)
        self._tags.register_for(self._context.session(call), job.arn, request.get("Tags", []))
        self.jobs.add(key, job, taken)
        fresh_directory(job)
        ticket = Ticket(name=name, arn=job.arn, request=request, session=session)
        self.course.changed(job)
        todo = work(ticket, job)
        self._context.in_background(f"{self.kind} {name}", lambda: self._runner.run(job, todo, self.course))
        return job

    def _new(self, key: Named, request: dict[str, Any]) -> Job:
        directory = self._context.settings.state_dir / "sagemaker" / f"{self.kind}s" / key.name
        return Job(key=key, kind=self.kind, request=request, directory=directory, serial=next(self._serials))

    def _role(self, job: Job) -> Session:
        role, region = job.request["RoleArn"], job.key.place.region
        try:
            return self._context.assume_role(
                role, service=PRINCIPAL, session_name="SageMaker", region=region, source_arn=job.arn
            )
        except ApiError as error:
            raise validation(
                f"Could not assume role {role}. Please ensure that the role exists and allows principal "
                f"'{PRINCIPAL}' to assume the role. ({error.message})"
            ) from error

    def _find(self, call: Call, name: str, missing: str) -> Job:
        return self.jobs.find(Named(place(call), name), validation(missing))

    def _stop(self, job: Job) -> None:
        if not job.request_stop():
            raise validation(f"The request was rejected because the job is in status {job.status}.")
        self.course.changed(job)
        threading.Thread(target=job.run.stop, name=f"stop {job.name}", daemon=True).start()

    def _emit(self, job: Job, detail_type: str, detail: dict[str, Any]) -> None:
        """Keep a job that entered a status, and tell it."""
        self.jobs.keep(job.key, job)
        where = job.key.place
        event = Event(
            source="aws.sagemaker",
            detail_type=detail_type,
            detail=detail,
            account=where.account,
            region=where.region,
            resources=[job.arn],
        )
        self._context.emit(event)
