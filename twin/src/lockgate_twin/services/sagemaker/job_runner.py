"""Carry a job through its course: stage, run, upload, tell."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from lockgate_twin.errors import ApiError
from lockgate_twin.jobs.errors import JobError
from lockgate_twin.jobs.running import Ending, Launcher, why
from lockgate_twin.jobs.sandbox import Program
from lockgate_twin.jobs.work import Work
from lockgate_twin.jobs.workspace import Host, Workspace
from lockgate_twin.ports import Context, Process
from lockgate_twin.services.sagemaker import job_logs
from lockgate_twin.services.sagemaker.job_record import Job

# Leaves room for the log's path in a FailureReason of 1024 characters.
MAX_CAUSE = 700


@dataclass(frozen=True, kw_only=True)
class Course:
    """What differs between kinds of jobs: the names of their phases, their log group, what to tell of them."""

    running: str
    log_group: str
    keeps_partial_output: bool
    changed: Callable[[Job], None]
    finished: Callable[[Job], None] = lambda _: None


class JobRunner:
    """Runs jobs; one thread each."""

    def __init__(self, context: Context, launcher: Launcher) -> None:
        self._context = context
        self._launcher = launcher

    def run(self, job: Job, work: Work, course: Course) -> None:
        """Run a job to its end. The job is done once its status is final and its event is out."""
        count = work.ticket.instances
        hosts = [Host(index, count) for index in range(count)]
        workspaces = [Workspace(job.directory / "work" / host.name, work.directories, host) for host in hosts]
        try:
            self._course(job, work, course, workspaces)
        except (JobError, ApiError) as error:
            self._end(job, course, "Failed", f"{str(error)[:MAX_CAUSE]} Log: {job.log}")
        except Exception as error:
            cause = f"InternalServerError: {type(error).__name__}: {error}"[:MAX_CAUSE]
            self._end(job, course, "Failed", f"{cause}. Log: {job.log}")
            raise
        finally:
            job.done.set()
            shutil.rmtree(job.directory / "work", ignore_errors=True)
        for host in hosts:
            job_logs.deliver(work.ticket.session, course.log_group, _stream(job, host), job.log_of(host.index))

    def _course(self, job: Job, work: Work, course: Course, workspaces: list[Workspace]) -> None:
        job.advance("Downloading")
        job.log.touch()
        programs = [(workspace, work.prepare(workspace)) for workspace in workspaces]
        job.advance(course.running)
        job.started = job.modified
        starts = [partial(self._start, job, workspace, program) for workspace, program in programs]
        ending = job.run.to_end(starts, work.ticket.max_seconds)
        job.exit_message = workspaces[0].message("message")
        whole = ending.exit_code == 0 and not ending.stopped and not ending.timed_out
        if whole or (course.keeps_partial_output and (ending.stopped or ending.timed_out)):
            job.advance("Uploading")
            work.collect(workspaces)
        course.finished(job)
        self._conclude(job, course, ending, workspaces[ending.instance].message(work.message_file))

    def _start(self, job: Job, workspace: Workspace, program: Program) -> Process:
        name = f"{job.kind} {job.name}" + (f" {workspace.host.name}" if workspace.host.count > 1 else "")
        return self._launcher.run(name, workspace.box, program, job.log_of(workspace.host.index))

    def _conclude(self, job: Job, course: Course, ending: Ending, message: str | None) -> None:
        """End the job as its program ended.

        A training job past its limit is Stopped (StoppingCondition). Assumption: a processing job is too
        (ProcessingStoppingCondition: "the processing job is stopped"); both get a FailureReason here that says so.
        """
        if ending.timed_out:
            seconds = (job.request.get("StoppingCondition") or {}).get("MaxRuntimeInSeconds")
            reason = f"Job exceeded its MaxRuntimeInSeconds of {seconds} and was ended. Log: {job.log}"
            self._end(job, course, "Stopped", reason, "MaxRuntimeExceeded")
        elif ending.stopped:
            self._end(job, course, "Stopped", None)
        elif ending.exit_code:
            self._end(job, course, "Failed", why(message, job.log_of(ending.instance), ending.exit_code))
        else:
            self._end(job, course, "Completed", None)

    def _end(self, job: Job, course: Course, status: str, reason: str | None, secondary: str | None = None) -> None:
        job.advance(secondary or status, status, reason)
        course.changed(job)


def fresh_directory(job: Job) -> None:
    """Make the job's directory; one left by an earlier twin of the same state folder is replaced."""
    shutil.rmtree(job.directory, ignore_errors=True)
    job.directory.mkdir(parents=True)


def _stream(job: Job, host: Host) -> str:
    return f"{job.name}/{host.name}-{int(job.created.timestamp())}"
