"""One build and what is known of it while it runs and afterwards."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from lockgate_twin.ports import Process, utc_now
from lockgate_twin.services.codebuild.order import BuildOrder
from lockgate_twin.services.codebuild.script import PhaseRun, read_journal

_SCRIPTED = ("INSTALL", "PRE_BUILD", "BUILD", "POST_BUILD")


@dataclass(frozen=True, kw_only=True)
class PhaseRecord:
    """One entry of a build's phases; `context` is (status code, message)."""

    name: str
    start: datetime
    status: str | None = None
    end: datetime | None = None
    context: tuple[str, str] = ("", "")

    def describe(self) -> dict[str, Any]:
        """Return botocore's BuildPhase."""
        described: dict[str, Any] = {"phaseType": self.name, "startTime": self.start}
        if self.end is None or self.status is None:
            return described
        code, message = self.context
        ended = {"endTime": self.end, "durationInSeconds": round((self.end - self.start).total_seconds())}
        contexts = [{"statusCode": code, "message": message}]
        return {**described, **ended, "phaseStatus": self.status, "contexts": contexts}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a build ended.

    `exported` are its exported variables, `artifacts` botocore's BuildArtifacts, `secondary` those of its secondary
    artifacts, `reports` the ARNs of its test reports.
    """

    status: str
    end: datetime
    exported: Mapping[str, str] = field(default_factory=dict)
    artifacts: Mapping[str, Any] = field(default_factory=dict)
    # A plain default, which outcomes that were kept before there were reports have, too.
    secondary: tuple[Mapping[str, Any], ...] = ()
    reports: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class BuildState:
    """What is kept of a build. `journal` is that of the script that runs; `token` the request's idempotency token."""

    order: BuildOrder
    log: Path
    token: str = ""
    phases: tuple[PhaseRecord, ...] = ()
    outcome: Outcome | None = None
    journal: Path | None = None


class Build:
    """A build's life. Every method may be called from any thread; `save` is given every state it enters."""

    def __init__(self, state: BuildState, save: Callable[[BuildState], None]) -> None:
        self.order = state.order
        self.log = state.log
        self.token = state.token
        self._save = save
        self._changed = threading.Condition()
        self._phases = list(state.phases)
        self._outcome = state.outcome
        self._journal = state.journal
        self._process: Process | None = None
        self._interruption: str | None = None

    @property
    def phases(self) -> list[PhaseRecord]:
        """Return the phases so far, those of the running script included."""
        with self._changed:
            running = read_journal(self._journal) if self._journal else []
            return [*self._phases, *(phase_record(run, self.log) for run in running)]

    @property
    def outcome(self) -> Outcome | None:
        """Return how the build ended, or None while it runs."""
        with self._changed:
            return self._outcome

    @property
    def interruption(self) -> str | None:
        """Return the status that the build was told to end with: STOPPED or TIMED_OUT."""
        with self._changed:
            return self._interruption

    def begin(self, name: str) -> None:
        """Enter a phase."""
        with self._changed:
            self._phases.append(PhaseRecord(name=name, start=utc_now()))
            self._keep()

    def finish(self, status: str, context: tuple[str, str] = ("", "")) -> None:
        """Leave the phase entered last."""
        with self._changed:
            self._phases[-1] = replace(self._phases[-1], status=status, end=utc_now(), context=context)
            self._keep()

    def follow(self, process: Process, journal: Path) -> None:
        """Take the phases from a running script's journal; end it at once if the build is interrupted already."""
        with self._changed:
            self._process, self._journal = process, journal
            self._keep()
            interrupted = self._interruption is not None
        if interrupted:
            process.stop()

    def unfollow(self) -> list[PhaseRecord]:
        """Keep the phases of the script, which has ended, and return them."""
        with self._changed:
            runs = read_journal(self._journal) if self._journal else []
            records = [phase_record(run, self.log) for run in runs]
            if records and records[-1].status is None:
                status = self._interruption or "FAULT"
                records[-1] = replace(records[-1], status=status, end=utc_now(), context=_interrupted(status))
            elif self._interruption and len(records) < len(_SCRIPTED):
                records.append(_never_begun(_SCRIPTED[len(records)], self._interruption))
            self._phases += records
            self._process = self._journal = None
            self._keep()
            return records

    def interrupt(self, status: str) -> None:
        """End the build early with a status. Does nothing if it has ended."""
        with self._changed:
            if self._outcome is not None or self._interruption is not None:
                return
            self._interruption = status
            process = self._process
        if process is not None:
            process.stop()

    def end(self, outcome: Outcome) -> None:
        """Record the end and wake those who wait for it."""
        with self._changed:
            self._phases.append(PhaseRecord(name="COMPLETED", start=outcome.end))
            self._outcome = outcome
            self._keep()
            self._changed.notify_all()

    def leave(self) -> None:
        """Keep the phases of a script that the end of the twin ends: its journal goes with it."""
        with self._changed:
            if self._outcome is None:
                self._keep(*self.phases)

    def give_up(self) -> None:
        """End a build whose twin has ended while it ran."""
        with self._changed:
            self.unfollow()
            # The script's phase that was under way has just become one with status FAULT.
            if not self._phases or self._phases[-1].status not in {None, "FAULT"}:
                self.begin("FINALIZING" if self._phases else "SUBMITTED")
            last = replace(self._phases[-1], status="FAULT", end=utc_now(), context=_ended(self.log))
            self._phases[-1] = last
            self.end(Outcome(status="FAULT", end=utc_now()))

    def _keep(self, *all_phases: PhaseRecord) -> None:
        state = BuildState(
            order=self.order,
            log=self.log,
            token=self.token,
            phases=all_phases or tuple(self._phases),
            outcome=self._outcome,
            journal=None if all_phases else self._journal,
        )
        self._save(state)

    def wait(self) -> Outcome:
        """Wait for the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._outcome is not None)
            if self._outcome is None:  # pragma: no cover - wait_for has no timeout
                raise RuntimeError("A build ended without an outcome.")
            return self._outcome


def _never_begun(name: str, status: str) -> PhaseRecord:
    """Return the record of a phase that was to come when the build was ended, so that one of them tells why."""
    now = utc_now()
    return PhaseRecord(name=name, start=now, status=status, end=now, context=_interrupted(status))


def _ended(log: Path) -> tuple[str, str]:
    return "INTERNAL_SERVICE_ERROR", f"The twin ended while the build ran; start it again. Log: {log}"


def phase_record(run: PhaseRun, log: Path) -> PhaseRecord:
    """Return the record of a phase that a script ran; a failure names the command, its status and the log file."""
    if run.end is None:
        return PhaseRecord(name=run.name, start=run.start)
    context = ("", "")
    if run.failure is not None:
        command, status = run.failure
        message = f"Error while executing command: {command}. Reason: exit status {status}. Log: {log}"
        context = ("COMMAND_EXECUTION_ERROR", message)
    status_name = "SUCCEEDED" if run.succeeded else "FAILED"
    return PhaseRecord(name=run.name, start=run.start, status=status_name, end=run.end, context=context)


def _interrupted(status: str) -> tuple[str, str]:
    texts = {
        "STOPPED": ("BUILD_STOPPED", "Build was stopped."),
        "TIMED_OUT": ("BUILD_TIMED_OUT", "Build has timed out."),
    }
    return texts.get(status, ("INTERNAL_SERVICE_ERROR", "The build's process ended before its phases did."))
