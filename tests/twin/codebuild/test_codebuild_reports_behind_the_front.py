from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from lockgate_twin.core import Core
from lockgate_twin.services.codebuild import CodeBuild

from tests.support.twin_server import client_of, running_core

_AWS = "arn:aws:{service}:us-east-1:111122223333:{name}"
_GROUP = _AWS.format(service="codebuild", name="report-group/shop-tests")
_SPEC = """
version: 0.2
phases:
  build:
    commands:
      - echo '<testsuite name="s"><testcase classname="c" name="n" time="1"/></testsuite>' >a.xml
reports:
  tests:
    files: [a.xml]
"""
_STEPS = ("CreateReportGroup", "CreateReport", "UpdateReport", "BatchPutTestCases")


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    """A front with enforcement, served over HTTP."""
    with running_core(tmp_path / "state") as made:
        yield made


def _role(core: Core, actions: list[str]) -> str:
    # Moto keeps its roles for the whole process.
    iam, name = client_of(core, "iam"), f"build-{uuid.uuid4()}"
    trust = {"Effect": "Allow", "Principal": {"Service": "codebuild.amazonaws.com"}, "Action": "sts:AssumeRole"}
    logs = _AWS.format(service="logs", name="log-group:/aws/codebuild/shop*")
    allowed = [
        {"Effect": "Allow", "Action": "logs:*", "Resource": logs},
        {"Effect": "Allow", "Action": [f"codebuild:{action}" for action in actions], "Resource": _GROUP},
    ]
    document: dict[str, Any] = {"Version": "2012-10-17", "Statement": [trust]}
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document))["Role"]["Arn"]
    policy = json.dumps({"Version": "2012-10-17", "Statement": allowed})
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=policy)
    return str(arn)


def _build(core: Core, actions: list[str]) -> dict[str, Any]:
    codebuild = CodeBuild(core)
    core.front.register(codebuild)
    client = client_of(core, "codebuild")
    client.create_project(
        name="shop",
        source={"type": "NO_SOURCE", "buildspec": _SPEC},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={"type": "LINUX_CONTAINER", "image": "x:1", "computeType": "BUILD_GENERAL1_SMALL"},
        serviceRole=_role(core, actions),
    )
    build_id = client.start_build(projectName="shop")["build"]["id"]
    codebuild.pipeline_builds.wait(build_id)
    return dict(client.batch_get_builds(ids=[build_id])["builds"][0])


def test_ordinary_clients_read_a_report_that_a_least_privileged_role_has_made(core: Core) -> None:
    """The four documented actions on the group suffice for the build, and every read operation answers over HTTP.

    Source: "Permissions required to create test reports" (CodeBuild User Guide).
    """
    build = _build(core, list(_STEPS))
    client = client_of(core, "codebuild")

    assert build["buildStatus"] == "SUCCEEDED", build["phases"]
    (arn,) = build["reportArns"]
    assert client.batch_get_reports(reportArns=[arn])["reports"][0]["status"] == "SUCCEEDED"
    (case,) = client.describe_test_cases(reportArn=arn)["testCases"]
    assert (case["name"], case["durationInNanoSeconds"]) == ("n", 1_000_000_000)
    assert client.list_reports()["reports"] == [arn]
    assert client.list_reports_for_report_group(reportGroupArn=_GROUP)["reports"] == [arn]
    assert client.list_report_groups()["reportGroups"] == [_GROUP]
    assert client.batch_get_report_groups(reportGroupArns=[_GROUP])["reportGroups"][0]["name"] == "shop-tests"
    with pytest.raises(ClientError, match="has 1 reports"):
        client.delete_report_group(arn=_GROUP)
    client.delete_report(arn=arn)
    client.delete_report_group(arn=_GROUP)
    assert client.list_report_groups()["reportGroups"] == []


@pytest.mark.parametrize("missing", _STEPS)
def test_a_role_that_lacks_an_action_fails_the_build(core: Core, missing: str) -> None:
    """Without one of the four actions the build fails in UPLOAD_ARTIFACTS, and the message names the action."""
    build = _build(core, [step for step in _STEPS if step != missing])

    failed = next(p for p in build["phases"] if p.get("phaseStatus") == "FAILED")
    assert failed["phaseType"] == "UPLOAD_ARTIFACTS"
    assert f"not authorized to perform: codebuild:{missing} on resource: {_GROUP}" in failed["contexts"][0]["message"]
