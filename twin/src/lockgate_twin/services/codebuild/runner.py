"""Running a build from its submission to its end.

Source: "Build phase transitions" (CodeBuild User Guide) for the phases and their order: UPLOAD_ARTIFACTS is attempted
even after a failed BUILD; a failed phase before INSTALL, a failed install and a failed pre_build lead to FINALIZING.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lockgate_twin.ports import Command, Context, Session, utc_now
from lockgate_twin.services.codebuild import log as build_log
from lockgate_twin.services.codebuild.build import Build, Outcome, PhaseRecord
from lockgate_twin.services.codebuild.buildspec import Buildspec, BuildspecError, parse_buildspec
from lockgate_twin.services.codebuild.environment import (
    Workspace,
    custom_variables,
    exported_variables,
    own_variables,
)
from lockgate_twin.services.codebuild.errors import PhaseError, failing_as
from lockgate_twin.services.codebuild.events import phase_change, state_change
from lockgate_twin.services.codebuild.image import BuildImage
from lockgate_twin.services.codebuild.locations import S3Location
from lockgate_twin.services.codebuild.masking import mask, secret_values
from lockgate_twin.services.codebuild.report_upload import ReportMaker
from lockgate_twin.services.codebuild.reports import Reports
from lockgate_twin.services.codebuild.script import Script, write_script
from lockgate_twin.services.codebuild.sources import unpack
from lockgate_twin.services.codebuild.uploads import upload, upload_secondary

_STAND_IN = (
    "The twin has no build images: {image} is stood in for by Python {python} of this machine. "
    "Runtime versions asked for are noted, not installed: {versions}."
)


@dataclass
class _Progress:
    """What one phase leaves to the next."""

    succeeded: bool = True
    exported: dict[str, str] = field(default_factory=dict)
    artifacts: dict[str, Any] = field(default_factory=dict)
    secondary: tuple[dict[str, Any], ...] = ()
    reports: tuple[str, ...] = ()
    announced: int = 0


class BuildRunner:
    """Runs builds; one call of `run` is one build."""

    def __init__(self, context: Context, image: BuildImage, reports: Reports) -> None:
        self._context = context
        self._image = image
        self._reports = reports

    def run(self, build: Build) -> None:
        """Run a build to its end, whatever happens, and announce its states."""
        order, log = build.order, build_log.BuildLog(build.log)
        self._context.emit(state_change(build, "IN_PROGRESS"))
        timer = threading.Timer(order.timeout_minutes * 60, build.interrupt, ["TIMED_OUT"])
        timer.daemon = True
        timer.start()
        progress, scratch = _Progress(succeeded=False), build.log.parent / "work"
        status = "FAULT"
        try:
            progress = self._phases(build, log, scratch)
            status = build.interruption or ("SUCCEEDED" if progress.succeeded else "FAILED")
        finally:
            timer.cancel()
            shutil.rmtree(scratch, ignore_errors=True)
            self._announce(build, progress)
            build.end(_outcome(status, progress))
            self._context.emit(state_change(build, status))

    def give_up(self, build: Build) -> None:
        """End a build that an earlier twin ran."""
        build.give_up()
        shutil.rmtree(build.log.parent / "work", ignore_errors=True)
        self._context.emit(state_change(build, "FAULT"))

    def _phases(self, build: Build, log: build_log.BuildLog, scratch: Path) -> _Progress:
        progress = _Progress()
        session: Session | None = None
        try:
            for name in ("SUBMITTED", "QUEUED"):
                with _phase(build, log, name, quiet=True):
                    pass
            with _phase(build, log, "PROVISIONING"):
                session = self._session(build)
                build_log.open_stream(build.order, session)
            self._announce(build, progress)
            self._build(build, log, session, scratch, progress)
        except PhaseError:
            progress.succeeded = False
        self._finalize(build, log, session, progress)
        return progress

    def _announce(self, build: Build, progress: _Progress) -> None:
        """Tell the phases that have ended since the last time."""
        records = build.phases
        for record in records[progress.announced :]:
            if record.status is None or record.end is None:
                break
            self._context.emit(phase_change(build, record))
            progress.announced += 1

    def _session(self, build: Build) -> Session:
        order = build.order
        with failing_as("ACCESS_DENIED", f"CodeBuild cannot assume the service role {order.service_role}"):
            return self._context.assume_role(
                order.service_role,
                service="codebuild.amazonaws.com",
                session_name=f"AWSCodeBuild-{order.uuid}",
                region=order.region,
                source_arn=order.project_arn,
            )

    def _build(
        self, build: Build, log: build_log.BuildLog, session: Session, scratch: Path, progress: _Progress
    ) -> None:
        order = build.order
        with _phase(build, log, "DOWNLOAD_SOURCE"):
            workspace = _workspace(build, session, scratch)
            buildspec = _buildspec(build, session, workspace.primary)
            own, overlay = own_variables(order, workspace), self._image.overlay(scratch / "python")
            overlay["PATH"] = f"{overlay['PATH']}:{own['PATH']}"
            custom = custom_variables(order, buildspec.variables, session)
            secrets = secret_values(order, buildspec.variables, custom)
            environment = {**session.environment(), **own, **overlay, **custom}
            script = write_script(buildspec.phases, scratch / "state")
            self._note(build, log, buildspec, workspace)
        self._announce(build, progress)
        try:
            progress.succeeded = self._run_script(build, script, environment, workspace.primary)
        finally:
            mask(build.log, secrets)
        final = script.final_environment()
        progress.exported = exported_variables(order, buildspec.variables, final)
        if build.interruption or not final:
            return
        with _phase(build, log, "UPLOAD_ARTIFACTS"):
            maker = ReportMaker(
                reports=self._reports, order=order, session=session, source=workspace.primary, variables=final
            )
            progress.reports, problems = maker.make(buildspec.reports)
            for problem in problems:
                log.say(f"Report failed: {problem}")
            progress.artifacts = upload(order, buildspec, workspace.primary, final, session)
            progress.secondary = upload_secondary(order, buildspec, workspace.primary, final, session)
            if problems:
                raise PhaseError("CLIENT_ERROR", f"Error in UPLOAD_ARTIFACTS phase: {', '.join(problems)}")

    def _note(self, build: Build, log: build_log.BuildLog, buildspec: Buildspec, workspace: Workspace) -> None:
        versions = ", ".join(f"{name} {version}" for name, version in buildspec.runtime_versions.items())
        image = build.order.environment["image"]
        log.say(_STAND_IN.format(image=image, python=self._image.version(), versions=versions or "none"))
        log.say(f"CODEBUILD_SRC_DIR={workspace.primary}")
        for phase in buildspec.phases:
            if phase.commands:
                log.say(f" {phase.name.upper()}: {len(phase.commands)} commands")

    def _run_script(self, build: Build, script: Script, environment: dict[str, str], source: Path) -> bool:
        command = Command(
            name=f"codebuild {build.order.build_id}",
            argv=script.argv(build.log),
            env=environment,
            cwd=source,
            log=build.log,
        )
        process = self._context.start_process(command)
        build.follow(process, script.journal)
        status = process.wait()
        records = build.unfollow()
        if build.interruption:
            raise PhaseError(f"BUILD_{build.interruption}", "The build was ended early.")
        if _aborted(records):
            raise PhaseError("COMMAND_EXECUTION_ERROR", "A phase failed that ends the build.")
        return status == 0

    def _finalize(self, build: Build, log: build_log.BuildLog, session: Session | None, progress: _Progress) -> None:
        try:
            with _phase(build, log, "FINALIZING", interruptible=False):
                if session is not None:
                    build_log.ship(build.order, log, session)
        except PhaseError:
            progress.succeeded = False


@contextmanager
def _phase(
    build: Build, log: build_log.BuildLog, name: str, *, quiet: bool = False, interruptible: bool = True
) -> Iterator[None]:
    """Record a phase; what fails in it is told in its context, which names the log file."""
    build.begin(name)
    try:
        if interruptible and build.interruption:
            raise PhaseError(f"BUILD_{build.interruption}", "The build was ended early.")
        yield
    except PhaseError as error:
        status = build.interruption if interruptible and build.interruption else "FAILED"
        context = (error.code, f"{error.message}. Log: {log.path}")
        build.finish(status, context)
        log.end_phase(name, status, context)
        raise
    except BaseException:
        build.finish("FAULT", ("INTERNAL_SERVICE_ERROR", f"A defect of the twin. Log: {log.path}"))
        raise
    build.finish("SUCCEEDED")
    if not quiet:
        log.end_phase(name, "SUCCEEDED", ("", ""))


def _workspace(build: Build, session: Session, scratch: Path) -> Workspace:
    """Fetch the sources as the service role and unpack each into a folder of its own."""
    order = build.order
    home = scratch / "home"
    home.mkdir(parents=True)
    folders = {}
    for index, (name, location) in enumerate(order.inputs.items()):
        folders[name] = scratch / f"src{index:02}"
        with failing_as("CLIENT_ERROR", f"the source {location.arn} cannot be downloaded"):
            archive = session.read_object(location.bucket, location.key)
        unpack(archive, folders[name])
    primary = folders.get(order.primary)
    if primary is None:
        primary = scratch / "src"
        primary.mkdir()
    return Workspace(sources=folders, primary=primary, home=home)


def _buildspec(build: Build, session: Session, source: Path) -> Buildspec:
    """Read the buildspec: inline, an S3 object, or a file of the source ("buildspec.yml" unless named)."""
    named = build.order.source.get("buildspec") or "buildspec.yml"
    if "\n" in named or named.lstrip().startswith("{"):
        text = named
    elif named.startswith("arn:aws:s3:::"):
        location = S3Location.parse(named)
        with failing_as("YAML_FILE_ERROR", f"the buildspec {named} cannot be read"):
            text = session.read_object(location.bucket, location.key).decode()
    else:
        path = source / named
        if not path.is_file() or not path.resolve().is_relative_to(source.resolve()):
            raise PhaseError("YAML_FILE_ERROR", f"stat {path}: no such file or directory")
        text = path.read_text(encoding="utf-8")
    try:
        buildspec = parse_buildspec(text)
    except BuildspecError as error:
        raise PhaseError("YAML_FILE_ERROR", str(error)) from error
    kind = build.order.environment["type"]
    if "LAMBDA" in kind and any(phase.on_failure.retries for phase in buildspec.phases):
        raise PhaseError("YAML_FILE_ERROR", f"on-failure: RETRY is not supported by environments of type {kind}")
    return buildspec


def _outcome(status: str, progress: _Progress) -> Outcome:
    return Outcome(
        status=status,
        end=utc_now(),
        exported=progress.exported,
        artifacts=progress.artifacts,
        secondary=progress.secondary,
        reports=progress.reports,
    )


def _aborted(records: list[PhaseRecord]) -> bool:
    """Tell whether the script ended before its last phase."""
    return not records or records[-1].name != "POST_BUILD"
