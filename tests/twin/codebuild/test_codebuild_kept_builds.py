from __future__ import annotations

import pickle
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from lockgate_twin.ports import utc_now
from lockgate_twin.services.codebuild.build import Build, BuildState, Outcome
from lockgate_twin.services.codebuild.description import describe
from lockgate_twin.services.codebuild.order import BuildOrder
from lockgate_twin.services.codebuild.script import write_script


def _order() -> BuildOrder:
    return BuildOrder(
        account="111122223333",
        region="us-east-1",
        project="shop",
        number=1,
        build_id="shop:1",
        started=utc_now(),
        initiator="me",
        service_role="arn:aws:iam::111122223333:role/build",
        environment={"image": "x:1"},
        source={"type": "NO_SOURCE"},
        artifacts={"type": "NO_ARTIFACTS"},
        timeout_minutes=60,
        queued_timeout_minutes=480,
        encryption_key="k",
        log_group=None,
        log_stream="1",
    )


def _without(record: Any, *names: str) -> Any:
    """Return a record as a version of the twin that did not have some of its fields has kept it."""
    assert set(names) <= {f.name for f in fields(record)}
    for name in names:
        record.__dict__.pop(name, None)
    return pickle.loads(pickle.dumps(record))  # noqa: S301 - its own bytes


def test_a_build_of_an_earlier_twin_is_described(tmp_path: Path) -> None:
    """A build that was kept before there were reports and secondary artifacts is read and has none."""
    order = _without(_order(), "secondary_sources", "secondary_artifacts")
    outcome = _without(Outcome(status="SUCCEEDED", end=utc_now()), "reports", "secondary")
    build = Build(BuildState(order=order, log=tmp_path / "log", outcome=outcome), save=lambda _: None)

    described = describe(build)

    assert described["buildStatus"] == "SUCCEEDED"
    assert not {"reportArns", "secondarySources", "secondaryArtifacts"} & set(described)


@pytest.mark.parametrize(
    ("journal", "phases"),
    [
        ("", [("INSTALL", "TIMED_OUT")]),
        (
            "1.0 start INSTALL\n2.0 end INSTALL SUCCEEDED\n",
            [("INSTALL", "SUCCEEDED"), ("PRE_BUILD", "TIMED_OUT")],
        ),
        ("1.0 start INSTALL\n", [("INSTALL", "TIMED_OUT")]),
    ],
)
def test_an_interrupted_build_tells_in_which_phase(tmp_path: Path, journal: str, phases: list[tuple[str, str]]) -> None:
    """A build that is ended before or between its phases tells why in the phase that was to come."""
    script = write_script((), tmp_path / "state")
    script.journal.write_text(journal)
    build = Build(BuildState(order=_order(), log=tmp_path / "log", journal=script.journal), save=lambda _: None)
    build.interrupt("TIMED_OUT")

    records = build.unfollow()

    assert [(record.name, record.status) for record in records] == phases
    assert records[-1].context[0] == "BUILD_TIMED_OUT"
