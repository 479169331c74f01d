from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.twin.codebuild.conftest import Builds, failure, phases
from tests.twin.codecommit.fake_world import REGION, FakeWorld

ALL_PHASES = [
    "SUBMITTED",
    "QUEUED",
    "PROVISIONING",
    "DOWNLOAD_SOURCE",
    "INSTALL",
    "PRE_BUILD",
    "BUILD",
    "POST_BUILD",
    "UPLOAD_ARTIFACTS",
    "FINALIZING",
    "COMPLETED",
]


def _spec(**phases_: list[str]) -> dict[str, str]:
    named = {name: {"commands": commands} for name, commands in phases_.items()}
    return {"buildspec.yml": json.dumps({"version": "0.2", "phases": named}, indent=1)}


def test_a_passing_build_goes_through_all_phases(builds: Builds) -> None:
    """All phases of AWS are recorded with their times, and the build succeeds."""
    builds.project()

    build = builds.commands("echo hello")

    assert build["buildStatus"] == "SUCCEEDED"
    assert list(phases(build)) == ALL_PHASES
    assert set(phases(build).values()) == {"SUCCEEDED", ""}
    assert all("durationInSeconds" in p for p in build["phases"][:-1])
    assert (build["buildNumber"], build["buildComplete"]) == (1, True)
    assert build["initiator"] == "codepipeline/shop"
    assert builds.commands("echo again")["buildNumber"] == 2


def test_commands_share_folder_and_variables(builds: Builds) -> None:
    """A folder and a variable, exported or not, carry over to later commands and phases."""
    builds.project()

    build = builds.run(
        _spec(
            install=["mkdir deep && cd deep", "PLAIN='a b'", "export QUOTED='x\"y$z'"],
            build=['echo "[$(basename "$PWD")] [$PLAIN] [$QUOTED]"', "cd ..", "exit 0"],
            post_build=["echo now in $(ls)"],
        )
    )

    assert build["buildStatus"] == "SUCCEEDED"
    log = builds.log(build)
    assert '[deep] [a b] [x"y$z]' in log
    assert "now in buildspec.yml deep" in log


def test_the_log_names_commands_and_their_output(builds: Builds, world: FakeWorld) -> None:
    """The log file and CloudWatch Logs hold the agent's lines and what the commands print."""
    builds.project()

    build = builds.run(_spec(build=["echo out", "echo err >&2"]))

    log = builds.log(build)
    for line in ("Entering phase BUILD", "Running command echo out", "\nout\n", "\nerr\n", "State: SUCCEEDED"):
        assert line in log
    uuid = build["id"].partition(":")[2]
    assert (world.settings.state_dir / "codebuild" / "shop" / uuid / "build.log").read_text().startswith("[Container]")
    assert build["logs"]["groupName"] == "/aws/codebuild/shop"


def test_a_failing_command_is_named_with_the_log_file(builds: Builds) -> None:
    """A failed phase names the command, its exit status and the log file; later commands are not run."""
    builds.project()

    build = builds.run(_spec(build=["echo before", "(exit 7)", "echo never"]))

    assert build["buildStatus"] == "FAILED"
    phase, code, message = failure(build)
    assert (phase, code) == ("BUILD", "COMMAND_EXECUTION_ERROR")
    assert message.startswith("Error while executing command: (exit 7). Reason: exit status 7. Log: ")
    path = Path(message.rpartition("Log: ")[2])
    assert "before" in path.read_text()
    assert "Running command echo never" not in path.read_text()


def test_post_build_runs_after_a_failed_build(builds: Builds) -> None:
    """After a failed build phase post_build runs and knows of the failure; the build fails all the same."""
    builds.project()

    build = builds.run(
        _spec(
            pre_build=["echo ok=$CODEBUILD_BUILD_SUCCEEDING"],
            build=["exit 3"],
            post_build=["echo bad=$CODEBUILD_BUILD_SUCCEEDING"],
        )
    )

    assert build["buildStatus"] == "FAILED"
    assert phases(build)["POST_BUILD"] == "SUCCEEDED"
    assert phases(build)["UPLOAD_ARTIFACTS"] == "SUCCEEDED"
    assert "ok=1" in builds.log(build)
    assert "bad=0" in builds.log(build)


@pytest.mark.parametrize("phase", ["install", "pre_build"])
def test_a_failed_preparation_ends_the_build(builds: Builds, phase: str) -> None:
    """After a failed install or pre_build only FINALIZING follows."""
    builds.project()

    build = builds.run(_spec(**{phase: ["false"], "build": ["echo never"]}))

    assert build["buildStatus"] == "FAILED"
    assert list(phases(build))[-3:] == [phase.upper(), "FINALIZING", "COMPLETED"]


def test_on_failure_decides_what_follows(builds: Builds) -> None:
    """ABORT ends the build after a failed build phase, CONTINUE goes on after a failed install; both fail."""
    builds.project()
    spec = "version: 0.2\nphases:\n  {phase}:\n    on-failure: {rule}\n    commands: ['false']\n"

    aborted = builds.run({"buildspec.yml": spec.format(phase="build", rule="ABORT")})
    continued = builds.run({"buildspec.yml": spec.format(phase="install", rule="CONTINUE")})

    assert "POST_BUILD" not in phases(aborted)
    assert phases(continued)["BUILD"] == "SUCCEEDED"
    assert (aborted["buildStatus"], continued["buildStatus"]) == ("FAILED", "FAILED")


def test_finally_runs_whatever_happens(builds: Builds) -> None:
    """Commands under finally run after a failed command, and fail the phase if they fail."""
    builds.project()
    spec = "version: 0.2\nphases:\n  build:\n    commands: ['{first}']\n    finally: ['echo tidy', '{last}']\n"

    failed = builds.run({"buildspec.yml": spec.format(first="exit 4", last="true")})
    failed_last = builds.run({"buildspec.yml": spec.format(first="true", last="exit 5")})

    assert "\ntidy\n" in builds.log(failed)
    assert "exit status 4" in failure(failed)[2]
    assert "exit status 5" in failure(failed_last)[2]


def test_a_build_knows_itself(builds: Builds) -> None:
    """CodeBuild's own variables, the region and the service role's credentials are in the environment."""
    project = builds.project()

    build = builds.run(_spec(build=["env | sort"]), revision="c0ffee")

    environment = dict(line.split("=", 1) for line in builds.log(build).splitlines() if "=" in line)
    assert environment["CODEBUILD_BUILD_ID"] == build["id"]
    assert environment["CODEBUILD_BUILD_ARN"] == build["arn"]
    assert environment["CODEBUILD_BUILD_NUMBER"] == "1"
    assert environment["CODEBUILD_INITIATOR"] == "codepipeline/shop"
    assert environment["CODEBUILD_RESOLVED_SOURCE_VERSION"] == "c0ffee"
    assert environment["CODEBUILD_SOURCE_VERSION"] == "arn:aws:s3:::artifacts/source.zip"
    assert environment["CODEBUILD_SRC_DIR"] == environment["PWD"]
    assert environment["CODEBUILD_LOG_PATH"] == build["logs"]["streamName"]
    assert environment["AWS_REGION"] == environment["AWS_DEFAULT_REGION"] == "us-east-1"
    assert environment["AWS_SESSION_TOKEN"] == "token"
    assert "CI" not in environment
    assert build["resolvedSourceVersion"] == "c0ffee"
    assert project["arn"] == "arn:aws:codebuild:us-east-1:111122223333:project/shop"


def test_the_build_acts_as_its_service_role(builds: Builds, world: FakeWorld) -> None:
    """The service role is assumed for the project's ARN and reads the source."""
    project = builds.project()
    builds.commands("true")

    assert (project["serviceRole"], "codebuild.amazonaws.com", project["arn"]) in world.assumed
    assert any(
        "assumed-role/build/AWSCodeBuild-" in who and action == "s3:GetObject" for who, action, _ in world.required
    )


def test_variables_come_from_request_project_and_buildspec(builds: Builds) -> None:
    """The request's variable wins over the project's, and that over the buildspec's."""
    declared = [{"name": "A", "value": "project"}, {"name": "B", "value": "project"}]
    builds.project(environment={**builds_environment(), "environmentVariables": declared})
    spec = {
        "version": "0.2",
        "env": {"variables": {"A": "spec", "B": "spec", "C": "spec"}},
        "phases": {"build": {"commands": ["echo $A $B $C"]}},
    }

    build = builds.run(
        {"buildspec.yml": json.dumps(spec, indent=1)},
        variables=[{"name": "A", "value": "request", "type": "PLAINTEXT"}],
    )

    assert "\nrequest project spec\n" in builds.log(build)


def builds_environment() -> dict[str, Any]:
    """Return the environment of a project."""
    return {"type": "LINUX_CONTAINER", "image": "x:1", "computeType": "BUILD_GENERAL1_SMALL"}


def test_parameters_and_secrets_are_read(builds: Builds) -> None:
    """SSM parameters and fields of secrets become variables; a missing one fails the build and is named."""
    boto3.client("ssm", region_name=REGION).put_parameter(Name="/shop/p", Value="one", Type="SecureString")
    secret = boto3.client("secretsmanager", region_name=REGION).create_secret(
        Name="shop", SecretString=json.dumps({"key": "two"})
    )
    builds.project()
    env = {"parameter-store": {"P": "/shop/p"}, "secrets-manager": {"S": f"{secret['ARN']}:key", "T": "shop:key"}}
    spec = {"version": "0.2", "env": env, "phases": {"build": {"commands": ["echo $P $S $T"]}}}

    good = builds.run({"buildspec.yml": json.dumps(spec, indent=1)})
    env["parameter-store"]["P"] = "/shop/none"
    bad = builds.run({"buildspec.yml": json.dumps(spec, indent=1)})

    assert "\none two two\n" in builds.log(good)
    assert failure(bad)[0] == "DOWNLOAD_SOURCE"
    assert "parameter does not exist: /shop/none" in failure(bad)[2]


def test_secrets_do_not_stay_in_the_log(builds: Builds) -> None:
    """Values of parameters and secrets are *** in the log, even if the build fails; plain variables are not.

    Source: CodeBuild User Guide, "Build specification reference for CodeBuild" (parameter-store, secrets-manager).
    """
    boto3.client("ssm", region_name=REGION).put_parameter(Name="/shop/token", Value="t0ken-9", Type="SecureString")
    builds.project()
    env = {"parameter-store": {"TOKEN": "/shop/token"}, "variables": {"PLAIN": "plain-9"}}
    commands = ["echo use $TOKEN and $PLAIN", "exit 1"]
    spec = {"version": "0.2", "env": env, "phases": {"build": {"commands": commands}}}
    build = builds.run({"buildspec.yml": json.dumps(spec, indent=1)})
    text = builds.log(build)
    assert "\nuse *** and plain-9\n" in text
    assert "t0ken-9" not in text


def test_exported_variables_are_told(builds: Builds) -> None:
    """The variables a buildspec exports have the values of the build's end."""
    builds.project()
    spec = {
        "version": "0.2",
        "env": {"exported-variables": ["OUT", "NEVER_SET"]},
        "phases": {"build": {"commands": ["OUT=first", "export OUT='last one'"]}},
    }

    build = builds.run({"buildspec.yml": json.dumps(spec, indent=1)})

    assert build["exportedEnvironmentVariables"] == [{"name": "OUT", "value": "last one"}]


def test_a_wrong_buildspec_fails_before_any_command(builds: Builds) -> None:
    """A missing or wrong buildspec fails DOWNLOAD_SOURCE with YAML_FILE_ERROR."""
    builds.project()

    missing = builds.run({"readme": ""})
    wrong = builds.run({"buildspec.yml": "version: 0.2\nphases: {build: {comands: [x]}}"})

    assert failure(missing)[:2] == ("DOWNLOAD_SOURCE", "YAML_FILE_ERROR")
    assert "buildspec.yml: no such file or directory" in failure(missing)[2]
    assert "unknown key 'comands'" in failure(wrong)[2]
    assert list(phases(wrong))[-2:] == ["FINALIZING", "COMPLETED"]


def test_another_buildspec_can_be_named_or_given(builds: Builds) -> None:
    """A project's buildspec is a file of the source or inline text."""
    builds.project(source={"type": "CODEPIPELINE", "buildspec": "ci/other.yml"})
    named = builds.run({"ci/other.yml": "version: 0.2\nphases:\n  build:\n    commands: [echo other]\n"})
    inline = "version: 0.2\nphases:\n  build:\n    commands: [echo inline]\n"
    builds.api("UpdateProject", name="shop", source={"type": "CODEPIPELINE", "buildspec": inline})
    given = builds.run({"readme": ""})

    assert "\nother\n" in builds.log(named)
    assert "\ninline\n" in builds.log(given)


def test_a_stopped_build_ends(builds: Builds, world: FakeWorld) -> None:
    """StopBuild ends the running command; the build and its phase have status STOPPED."""
    builds.project()
    build_id = builds.start(_spec(build=["touch /dev/null; sleep 600"], post_build=["echo never"]))
    log = world.settings.state_dir / "codebuild" / "shop" / build_id.partition(":")[2] / "build.log"
    # The script's first line can be in the log before the build follows the script's phases.
    _until(lambda: log.exists() and "sleep 600" in log.read_text())
    _until(lambda: builds.describe(build_id)["currentPhase"] == "BUILD")

    builds.api("StopBuild", id=build_id)
    result = builds.codebuild.pipeline_builds.wait(build_id)

    assert result.status == "STOPPED"
    build = builds.describe(build_id)
    assert phases(build)["BUILD"] == "STOPPED"
    assert list(phases(build))[-2:] == ["FINALIZING", "COMPLETED"]
    assert not world.processes.running()


def test_a_build_that_takes_too_long_times_out(builds: Builds) -> None:
    """A build that its timer interrupts has status TIMED_OUT and says so."""
    builds.project(timeoutInMinutes=0.005)

    build = builds.run(_spec(build=["sleep 600"]))

    assert build["buildStatus"] == "TIMED_OUT"
    assert failure(build)[1] == "BUILD_TIMED_OUT"


def test_state_changes_are_announced(builds: Builds, world: FakeWorld) -> None:
    """A build gives two state changes of the documented shape, IN_PROGRESS and its end, and a change for each phase.

    Source: CodeBuild User Guide, "Build notifications input format reference".
    """
    builds.project()
    build = builds.run(_spec(build=["exit 1"]))

    changes = [event for event in world.events if event.detail_type == "CodeBuild Build Phase Change"]
    first, last = (dict(event.detail) for event in world.events if event not in changes)
    told = {event.detail["completed-phase"]: event.detail["completed-phase-status"] for event in changes}
    ended = {p["phaseType"]: p["phaseStatus"] for p in build["phases"] if "phaseStatus" in p}
    assert told == ended
    broken = next(event.detail for event in changes if event.detail["completed-phase"] == "BUILD")
    assert broken["completed-phase-context"].startswith(
        "[COMMAND_EXECUTION_ERROR: Error while executing command: exit 1"
    )
    assert set(broken) == {
        "additional-information",
        "build-id",
        "completed-phase",
        "completed-phase-context",
        "completed-phase-duration-seconds",
        "completed-phase-end",
        "completed-phase-start",
        "completed-phase-status",
        "project-name",
        "version",
    }
    assert (first["build-status"], last["build-status"]) == ("IN_PROGRESS", "FAILED")
    assert last["build-id"] == build["arn"]
    assert last["project-name"] == "shop"
    information = last["additional-information"]
    assert (information["build-complete"], information["initiator"]) == (True, "codepipeline/shop")
    assert information["logs"]["group-name"] == "/aws/codebuild/shop"
    failed = next(p for p in information["phases"] if p.get("phase-status") == "FAILED")
    assert failed["phase-context"][0].startswith("COMMAND_EXECUTION_ERROR: Error while executing command: exit 1")
    assert world.events[0].detail_type == "CodeBuild Build State Change"


def test_a_role_without_rights_fails_the_build(builds: Builds, world: FakeWorld) -> None:
    """A service role that may not read the source fails DOWNLOAD_SOURCE and is named."""
    builds.project()
    world.denied.add("s3:GetObject")

    build = builds.commands("true")

    assert failure(build)[0] == "DOWNLOAD_SOURCE"
    assert "is not authorized to perform: s3:GetObject" in failure(build)[2]


def _until(condition: Any) -> None:
    import threading

    for _ in range(600):
        if condition():
            return
        threading.Event().wait(0.02)
    raise AssertionError("it did not happen")
