from __future__ import annotations

import json
import re
from typing import Any

from tests.twin.codebuild.conftest import Builds, archive_of
from tests.twin.codecommit.fake_world import FakeWorld
from tests.twin.eventbridge.event_shapes import differences

_TIME = re.compile(r"[A-Z][a-z]{2} \d{1,2}, \d{4} \d{1,2}:\d\d:\d\d [AP]M")
_ARN = r"arn:aws:codebuild:us-east-1:111122223333:build/shop:[0-9a-f-]{36}"
_PHASE = {
    "phase-type": str,
    "start-time": _TIME,
    # The phase under way, which is COMPLETED at the end, has none of these.
    "phase-context?": [str],
    "end-time?": _TIME,
    "duration-in-seconds?": int,
    "phase-status?": str,
}
_INFORMATION = {
    "artifact": {"md5sum": re.compile("[0-9a-f]{32}"), "sha256sum": re.compile("[0-9a-f]{64}"), "location": str},
    "environment": {
        "image": str,
        "privileged-mode": bool,
        "compute-type": str,
        "type": str,
        "environment-variables": [{"name": str, "value": str, "type": str}],
    },
    "timeout-in-minutes": int,
    "build-complete": bool,
    "initiator": str,
    "build-start-time": _TIME,
    "source": {"location": str, "type": str},
    "logs": {"group-name": str, "stream-name": str, "deep-link": re.compile("https://console.aws.amazon.com/.+")},
    "phases": [_PHASE],
}
# What is not known yet is absent while the build runs.
_RUNNING = {**{k: v for k, v in _INFORMATION.items() if k != "artifact"}, "artifact?": _INFORMATION["artifact"]}


def _detail(**own: Any) -> dict[str, Any]:
    return {"project-name": str, "build-id": re.compile(_ARN), "version": re.compile("1"), **own}


def _build(builds: Builds, s3: Any) -> None:
    spec = {"version": "0.2", "phases": {"build": {"commands": ["echo x >x"]}}, "artifacts": {"files": ["x"]}}
    s3.put_object(Bucket="artifacts", Key="source.zip", Body=archive_of({"buildspec.yml": json.dumps(spec)}))
    artifacts = {"type": "S3", "location": "artifacts", "packaging": "ZIP"}
    builds.project(source={"type": "S3", "location": "artifacts/source.zip"}, artifacts=artifacts)
    build_id = builds.api("StartBuild", projectName="shop")["build"]["id"]
    builds.codebuild.pipeline_builds.wait(build_id)


def test_a_builds_state_has_the_published_shape(builds: Builds, s3: Any, world: FakeWorld) -> None:
    """The end of a build is told with its artifact, logs, environment and every phase as documented.

    Source: "Build notifications input format reference" (CodeBuild User Guide).
    """
    _build(builds, s3)
    name = "CodeBuild Build State Change"
    world.await_event(lambda e: e.detail_type == name and e.detail["build-status"] == "SUCCEEDED")
    begun, ended = (event for event in world.events if event.detail_type == name)

    own = {"build-status": str, "current-phase": str, "current-phase-context": re.compile(r"\[.*\]")}
    assert differences(ended, name, [_ARN], _detail(**own, **{"additional-information": _INFORMATION})) == []
    assert differences(begun, name, [_ARN], _detail(**own, **{"additional-information": _RUNNING})) == []


def test_a_builds_phase_has_the_published_shape(builds: Builds, s3: Any, world: FakeWorld) -> None:
    """The end of each phase is told with its status, times and duration as documented.

    Source: "Build notifications input format reference" (CodeBuild User Guide).
    """
    _build(builds, s3)
    name = "CodeBuild Build Phase Change"
    told = [event for event in world.events if event.detail_type == name]
    shape = _detail(
        **{
            "completed-phase": str,
            "completed-phase-context": re.compile(r"\[.*\]"),
            "completed-phase-status": str,
            "completed-phase-duration-seconds": int,
            "completed-phase-start": _TIME,
            "completed-phase-end": _TIME,
            "additional-information": _RUNNING,
        }
    )

    assert len(told) == 10
    assert [found for event in told for found in differences(event, name, [_ARN], shape)] == []
