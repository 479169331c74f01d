from __future__ import annotations

import pytest
from lockgate_twin.services.codebuild.on_failure import OnFailure, parse_on_failure

from tests.twin.codebuild.conftest import PROJECT, Builds, failure, phases

_SPEC = "version: 0.2\nphases:\n  {phase}:\n    on-failure: {rule}\n    commands:\n      - |\n        {command}\n{more}"
# Fails until it has run so many times.
_COUNT = 'echo run >>runs; echo "run number $(wc -l <runs)"; [ "$(wc -l <runs)" -ge {times} ]'


def _source(rule: str, command: str, phase: str = "build", more: str = "") -> dict[str, str]:
    return {"buildspec.yml": _SPEC.format(phase=phase, rule=rule, command=command, more=more)}


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("", OnFailure()),
        ("ABORT", OnFailure(rule="ABORT")),
        ("CONTINUE", OnFailure(rule="CONTINUE")),
        ("RETRY", OnFailure(retries=3)),
        ("RETRY-0", OnFailure(retries=0)),
        ("RETRY-100", OnFailure(retries=100)),
        ("RETRY-.*timed out.*", OnFailure(retries=3, matching=".*timed out.*")),
        ("RETRY-5-a-b+", OnFailure(retries=5, matching="a-b+")),
    ],
)
def test_each_documented_form_is_read(text: str, read: OnFailure) -> None:
    """RETRY takes a count, an expression, or both in this order; alone it means three retries of whatever failed.

    Source: "phases/*/on-failure" in "Build specification reference for CodeBuild".
    """
    assert parse_on_failure(text) == read


@pytest.mark.parametrize(
    ("text", "said"), [("RETRY-101", "at most 100"), ("RETRY-(", "no valid regular"), ("retry", "must be ABORT")]
)
def test_other_forms_are_refused(text: str, said: str) -> None:
    """More than a hundred retries, a broken expression and another word are mistakes."""
    with pytest.raises(ValueError, match=said):
        parse_on_failure(text)


def test_a_phase_is_run_again_until_it_succeeds(builds: Builds) -> None:
    """A phase that fails twice and then succeeds leaves a build that succeeded, without a failure in its context."""
    builds.project()

    build = builds.run(_source("RETRY-4", _COUNT.format(times=3)))

    assert build["buildStatus"] == "SUCCEEDED"
    assert "run number 3" in builds.log(build)
    assert "Retrying phase BUILD: retry 2 of 4" in builds.log(build)
    assert next(p for p in build["phases"] if p["phaseType"] == "BUILD")["contexts"][0]["statusCode"] == ""
    assert next(p for p in build["phases"] if p["phaseType"] == "POST_BUILD")["phaseStatus"] == "SUCCEEDED"


@pytest.mark.parametrize(("rule", "runs"), [("RETRY-1", 2), ("RETRY-0", 1), ("RETRY", 4), ("ABORT", 1)])
def test_retries_come_to_an_end(builds: Builds, rule: str, runs: int) -> None:
    """A phase that never succeeds is run once and then as often as its rule says, and fails with its last failure."""
    builds.project()

    build = builds.run(_source(rule, _COUNT.format(times=99)))

    assert build["buildStatus"] == "FAILED"
    assert f"run number {runs}\n" in builds.log(build)
    assert f"run number {runs + 1}" not in builds.log(build)
    assert failure(build)[:2] == ("BUILD", "COMMAND_EXECUTION_ERROR")


@pytest.mark.parametrize(
    ("rule", "status"), [("RETRY-2-number [0-9]+", "SUCCEEDED"), ("RETRY-2-connection lost", "FAILED")]
)
def test_only_matching_output_is_a_reason_to_try_again(builds: Builds, rule: str, status: str) -> None:
    """The expression is looked for in what the failed attempt printed, not in what was printed before it."""
    builds.project()
    noise = "  install:\n    commands: ['echo connection lost']\n"

    build = builds.run(_source(f"'{rule}'", _COUNT.format(times=2), more=noise))

    assert build["buildStatus"] == status


def test_a_phase_without_retries_left_goes_the_phases_own_way(builds: Builds) -> None:
    """After the last retry a failed pre_build ends the build, and finally has run with every attempt."""
    builds.project()

    build = builds.run(_source("RETRY-1", "false", "pre_build", "    finally: ['echo tidied']\n"))

    assert "BUILD" not in phases(build)
    assert builds.log(build).count("\ntidied\n") == 2


def test_lambda_compute_has_no_retries(builds: Builds) -> None:
    """A retry asked for in an environment of Lambda compute is a mistake of the buildspec.

    Source: "phases/*/on-failure": not supported with Lambda compute.
    """
    builds.project(environment={**PROJECT["environment"], "type": "LINUX_LAMBDA_CONTAINER"})

    build = builds.run(_source("RETRY", "true"))

    assert failure(build)[:2] == ("DOWNLOAD_SOURCE", "YAML_FILE_ERROR")
