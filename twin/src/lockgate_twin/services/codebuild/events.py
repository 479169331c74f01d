"""`CodeBuild Build State Change` and `CodeBuild Build Phase Change` events.

Source: "Build notifications input format reference" (CodeBuild User Guide).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from lockgate_twin.ports import Event
from lockgate_twin.services.codebuild.build import Build, PhaseRecord
from lockgate_twin.services.codebuild.description import deep_link


def state_change(build: Build, status: str) -> Event:
    """Return the event that tells a build's new status."""
    order = build.order
    detail: dict[str, Any] = {
        "build-status": status,
        "project-name": order.project,
        "build-id": order.arn,
        "additional-information": _information(build),
        "current-phase": "SUBMITTED" if status == "IN_PROGRESS" else "COMPLETED",
        "current-phase-context": "[]",
        "version": "1",
    }
    return Event(
        source="aws.codebuild",
        detail_type="CodeBuild Build State Change",
        detail=detail,
        account=order.account,
        region=order.region,
        resources=(order.arn,),
    )


def phase_change(build: Build, record: PhaseRecord) -> Event:
    """Return the event that tells the end of a phase; those of the buildspec are told when its script has ended."""
    order, phase = build.order, _phase(record)
    detail: dict[str, Any] = {
        "completed-phase": record.name,
        "project-name": order.project,
        "build-id": order.arn,
        "completed-phase-context": f"[{', '.join(phase['phase-context'])}]",
        "additional-information": _information(build),
        "completed-phase-status": record.status,
        "completed-phase-duration-seconds": phase["duration-in-seconds"],
        "version": "1",
        "completed-phase-start": phase["start-time"],
        "completed-phase-end": phase["end-time"],
    }
    return Event(
        source="aws.codebuild",
        detail_type="CodeBuild Build Phase Change",
        detail=detail,
        account=order.account,
        region=order.region,
        resources=(order.arn,),
    )


def _information(build: Build) -> dict[str, Any]:
    order, environment = build.order, build.order.environment
    information: dict[str, Any] = {
        "environment": {
            "image": environment["image"],
            "privileged-mode": environment.get("privilegedMode", False),
            "compute-type": environment["computeType"],
            "type": environment["type"],
            "environment-variables": [
                {"name": v["name"], "value": v["value"], "type": v.get("type", "PLAINTEXT")} for v in order.variables
            ],
        },
        "timeout-in-minutes": order.timeout_minutes,
        "build-complete": build.outcome is not None,
        "initiator": order.initiator,
        "build-start-time": _text(order.started),
        "source": {"type": order.source["type"]},
        "phases": [_phase(record) for record in build.phases],
    }
    if location := order.source.get("location"):
        information["source"]["location"] = location
    if build.outcome is not None and build.outcome.artifacts:
        information["artifact"] = dict(build.outcome.artifacts)
    if order.log_group is not None:
        names = {"group-name": order.log_group, "stream-name": order.log_stream}
        information["logs"] = {**names, "deep-link": deep_link(order)}
    return information


def _phase(record: PhaseRecord) -> dict[str, Any]:
    described: dict[str, Any] = {"phase-type": record.name, "start-time": _text(record.start)}
    if record.end is None or record.status is None:
        return described
    code, message = record.context
    return {
        **described,
        "end-time": _text(record.end),
        "duration-in-seconds": round((record.end - record.start).total_seconds()),
        "phase-status": record.status,
        "phase-context": [f"{code}: {message}"] if code else [],
    }


def _text(moment: datetime) -> str:
    """Write a time as these events do: "Sep 1, 2017 4:12:29 PM"."""
    return f"{moment:%b} {moment.day}, {moment:%Y} {moment.hour % 12 or 12}:{moment:%M:%S} {moment:%p}"
