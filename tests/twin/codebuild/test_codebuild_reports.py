from __future__ import annotations

import json
from typing import Any

import pytest
from lockgate_twin.authorization.special_cases import RESOURCES, Asked
from lockgate_twin.errors import ApiError, NotImplementedByTwin
from lockgate_twin.services.codebuild import CodeBuild
from lockgate_twin.services.codebuild.buildspec import BuildspecError, parse_buildspec

from tests.twin.codebuild.conftest import ROLE, Builds, failure
from tests.twin.codecommit.fake_world import ACCOUNT, REGION, FakeWorld

_GROUP = f"arn:aws:codebuild:{REGION}:{ACCOUNT}:report-group/shop-tests"
_GOOD = '<testsuite name="s"><testcase classname="c" name="one" time="0.5"/></testsuite>'
_BAD = '<testsuite name="s"><testcase classname="c" name="two"><failure message="no"/></testcase></testsuite>'
_EXPORT = {"exportConfigType": "NO_EXPORT"}


def _spec(reports: dict[str, Any], *commands: str) -> dict[str, str]:
    phases = {"build": {"commands": list(commands) or ["true"]}}
    return {"buildspec.yml": json.dumps({"version": "0.2", "phases": phases, "reports": reports}, indent=1)}


def _files(*names: str) -> dict[str, Any]:
    return {"tests": {"files": list(names), "base-directory": "out"}}


def test_a_build_leaves_a_report_in_a_group_of_its_projects(builds: Builds, world: FakeWorld) -> None:
    """The group <project>-<name> is made and gets a report with every case; the build's role is asked for each step.

    Source: "Report group naming" and "Permissions required to create test reports" (CodeBuild User Guide).
    """
    builds.project()

    build = builds.run({**_spec(_files("*.xml")), "out/a.xml": _GOOD, "out/b.xml": _BAD})

    (arn,) = build["reportArns"]
    report = builds.api("BatchGetReports", reportArns=[arn, f"{arn}0"])
    assert report["reportsNotFound"] == [f"{arn}0"]
    described = report["reports"][0]
    assert (described["reportGroupArn"], described["executionId"]) == (_GROUP, build["arn"])
    assert (described["status"], described["type"], described["name"]) == ("FAILED", "TEST", "shop-tests")
    assert described["testSummary"] == {
        "total": 2,
        "statusCounts": {"ERROR": 0, "FAILED": 1, "SKIPPED": 0, "SUCCEEDED": 1, "UNKNOWN": 0},
        "durationInNanoSeconds": 500_000_000,
    }
    assert (described["expired"] - described["created"]).days == 30
    asked = [(action, *on) for who, action, on in world.required if "report" in on[0]]
    steps = ("CreateReportGroup", "CreateReport", "BatchPutTestCases", "UpdateReport")
    assert asked == [(f"codebuild:{step}", _GROUP) for step in steps]


def test_failed_tests_do_not_fail_the_build(builds: Builds) -> None:
    """A report with failures has status FAILED, the build that made it SUCCEEDED; a second build adds a report."""
    builds.project()
    source = {**_spec(_files("*.xml")), "out/b.xml": _BAD}

    first, second = builds.run(source), builds.run(source)

    assert [first["buildStatus"], second["buildStatus"]] == ["SUCCEEDED", "SUCCEEDED"]
    newest_first = [second["reportArns"][0], first["reportArns"][0]]
    assert builds.api("ListReportsForReportGroup", reportGroupArn=_GROUP)["reports"] == newest_first
    assert builds.api("ListReports", sortOrder="ASCENDING")["reports"] == newest_first[::-1]
    assert builds.api("ListReports", filter={"status": "SUCCEEDED"})["reports"] == []
    assert builds.api("ListReportGroups")["reportGroups"] == [_GROUP]


def test_test_cases_are_described_page_by_page(builds: Builds) -> None:
    """Cases come with file, prefix, suite and message; by status, by a keyword in the name, or a page at a time."""
    builds.project()
    arn = builds.run({**_spec(_files("*.xml")), "out/a.xml": _GOOD, "out/b.xml": _BAD})["reportArns"][0]

    failed = builds.api("DescribeTestCases", reportArn=arn, filter={"status": "FAILED"})["testCases"]
    named = builds.api("DescribeTestCases", reportArn=arn, filter={"keyword": "on"})["testCases"]
    page = builds.api("DescribeTestCases", reportArn=arn, maxResults=1)
    rest = builds.api("DescribeTestCases", reportArn=arn, maxResults=1, nextToken=page["nextToken"])

    assert {key: failed[0][key] for key in ("testRawDataPath", "prefix", "testSuiteName", "name", "message")} == {
        "testRawDataPath": "b.xml",
        "prefix": "c",
        "testSuiteName": "s",
        "name": "two",
        "message": "no",
    }
    assert [case["name"] for case in named] == ["one"]
    assert [case["name"] for case in (*page["testCases"], *rest["testCases"])] == ["one", "two"]
    with pytest.raises(ApiError, match="Report cannot be found"):
        builds.api("DescribeTestCases", reportArn=f"{arn}0")


def test_a_group_may_be_named_by_its_arn_or_a_variable(builds: Builds) -> None:
    """An ARN stands for a group that exists, a variable for a name.

    Source: "Create a report group (buildspec)" (CodeBuild User Guide).
    """
    builds.project()
    own = builds.api("CreateReportGroup", name="own", type="TEST", exportConfig=_EXPORT)["reportGroup"]["arn"]
    reports = {own: {"files": ["a.xml"]}, "$NAME": {"files": ["a.xml"]}}

    build = builds.run({**_spec(reports, "export NAME=chosen"), "a.xml": _GOOD})

    reports_of = builds.api("BatchGetReports", reportArns=build["reportArns"])["reports"]
    assert [report["name"] for report in reports_of] == ["own", "shop-chosen"]


@pytest.mark.parametrize(
    ("files", "status", "said"),
    [
        ({}, "INCOMPLETE", "[tests: [report files not found in build: no matching base directory"),
        ({"out/a.xml": "nothing"}, "INCOMPLETE", "[tests: [a.xml is not XML"),
    ],
)
def test_a_report_that_cannot_be_made_fails_the_build(
    builds: Builds, files: dict[str, str], status: str, said: str
) -> None:
    """A report without files, or with others than JUnit XML, stays INCOMPLETE and fails UPLOAD_ARTIFACTS."""
    builds.project()

    build = builds.run({**_spec(_files("*.xml")), **files})

    assert failure(build)[:2] == ("UPLOAD_ARTIFACTS", "CLIENT_ERROR")
    assert said in failure(build)[2]
    assert builds.api("BatchGetReports", reportArns=build["reportArns"])["reports"][0]["status"] == status


@pytest.mark.parametrize("action", ["CreateReportGroup", "CreateReport", "BatchPutTestCases", "UpdateReport"])
def test_each_permission_is_needed(builds: Builds, world: FakeWorld, action: str) -> None:
    """A role that lacks one of the actions fails the build with its name, whose tests had all passed."""
    builds.project()
    world.denied.add(f"codebuild:{action}")

    build = builds.run({**_spec(_files("*.xml")), "out/a.xml": _GOOD})

    assert failure(build)[0] == "UPLOAD_ARTIFACTS"
    assert f"{ROLE}" not in failure(build)[1]
    assert f"is not authorized to perform: codebuild:{action} on {_GROUP}" in failure(build)[2]


def test_reports_outlive_the_twin(builds: Builds, world: FakeWorld) -> None:
    """Groups and reports with their cases are there after a restart, and what was being made becomes INCOMPLETE."""
    builds.project()
    arn = builds.run({**_spec(_files("*.xml")), "out/a.xml": _GOOD})["reportArns"][0]

    again = Builds(CodeBuild(world), builds.s3)
    again.codebuild.resume()

    assert again.api("BatchGetReports", reportArns=[arn]) == builds.api("BatchGetReports", reportArns=[arn])
    assert len(again.api("DescribeTestCases", reportArn=arn)["testCases"]) == 1
    assert again.api("ListReportGroups") == builds.api("ListReportGroups")


def test_a_group_is_described_changed_and_deleted(builds: Builds) -> None:
    """A group can be made once, its tags change, and with reports in it, it goes only together with them."""
    builds.project()
    made = builds.api("CreateReportGroup", name="shop-tests", type="TEST", exportConfig=_EXPORT)["reportGroup"]
    assert (made["arn"], made["status"], made["exportConfig"]) == (_GROUP, "ACTIVE", _EXPORT)
    with pytest.raises(ApiError, match="already exists"):
        builds.api("CreateReportGroup", name="shop-tests", type="TEST", exportConfig=_EXPORT)
    tags = [{"key": "a", "value": "b"}]
    assert builds.api("UpdateReportGroup", arn=_GROUP, tags=tags)["reportGroup"]["tags"] == tags
    builds.run({**_spec(_files("*.xml")), "out/a.xml": _GOOD})

    with pytest.raises(ApiError, match="has 1 reports"):
        builds.api("DeleteReportGroup", arn=_GROUP)
    builds.api("DeleteReportGroup", arn=_GROUP, deleteReports=True)

    assert builds.api("BatchGetReportGroups", reportGroupArns=[_GROUP])["reportGroupsNotFound"] == [_GROUP]
    assert builds.api("ListReports")["reports"] == []


def test_what_the_twin_cannot_do_is_refused_by_name(builds: Builds) -> None:
    """Coverage groups and export to S3 are refused, as are the other formats and a sixth group in a buildspec."""
    with pytest.raises(NotImplementedByTwin, match="CODE_COVERAGE"):
        builds.api("CreateReportGroup", name="x", type="CODE_COVERAGE", exportConfig=_EXPORT)
    with pytest.raises(NotImplementedByTwin, match="exportConfigType S3"):
        builds.api("CreateReportGroup", name="x", type="TEST", exportConfig={"exportConfigType": "S3"})
    rule: dict[str, Any] = {"files": ["a"]}
    for given, said in [
        ({"g": {**rule, "file-format": "CUCUMBERJSON"}}, "CUCUMBERJSON is not implemented by the twin"),
        ({"g": {**rule, "file-format": "JSON"}}, "'JSON' is not a report format"),
        ({"g": {"file-format": "JUNITXML"}}, "reports.g.files is required"),
        ({f"g{index}": rule for index in range(6)}, "at most 5"),
    ]:
        with pytest.raises(BuildspecError, match=said):
            parse_buildspec(_spec(given)["buildspec.yml"])


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("BatchGetReports", {"reportArns": [f"{_GROUP}:1".replace("report-group", "report")]}),
        ("DescribeTestCases", {"reportArn": f"{_GROUP}:1".replace("report-group", "report")}),
        ("ListReportsForReportGroup", {"reportGroupArn": _GROUP}),
        ("DeleteReportGroup", {"arn": _GROUP}),
        ("CreateReportGroup", {"name": "shop-tests"}),
    ],
)
def test_permissions_are_those_on_the_group(operation: str, parameters: dict[str, Any]) -> None:
    """Every call about a group or its reports is decided on the group's ARN.

    Source: "Actions, resources, and condition keys for AWS CodeBuild" (Service Authorization Reference).
    """
    asked = Asked("codebuild", operation, parameters, REGION, ACCOUNT, role_arn=lambda _: None)

    assert RESOURCES["codebuild", operation](asked) == [_GROUP]
