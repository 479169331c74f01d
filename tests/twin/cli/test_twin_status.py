"""What `lockgate status` shows."""

from __future__ import annotations

from typing import Any

from lockgate_twin.status import rows


def status(**changes: Any) -> dict[str, Any]:
    """Return the status of a twin."""
    return {"state_dir": "/s", "endpoint_url": "http://x", "running_processes": [], "finished_processes": [], **changes}


def test_an_idle_twin_says_that_nothing_runs() -> None:
    """Nothing is shown as nothing."""
    assert rows(status()) == [
        ("logs", "/s"),
        ("running", "nothing"),
        ("has run", "0 builds, jobs and endpoints, 0 s"),
    ]


def test_what_runs_is_named_and_what_has_run_is_counted() -> None:
    """Each running process has a line."""
    busy = status(
        running_processes=["codebuild a", "endpoint b"], finished_processes=[["codebuild c", 1.4], ["x", 2.2]]
    )
    assert dict(rows(busy))["running"] == "codebuild a\nendpoint b"
    assert dict(rows(busy))["has run"] == "2 builds, jobs and endpoints, 4 s"
