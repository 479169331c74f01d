from __future__ import annotations

import pytest
from lockgate_twin.services.codebuild.junit import ReportFormatError, read_junit

_PYTEST = b"""<?xml version="1.0" encoding="utf-8"?>
<testsuites><testsuite name="pytest" tests="4" time="1.5">
  <testcase classname="tests.test_a" name="test_good" time="0.250" />
  <testcase classname="tests.test_a" name="test_bad" time="1">
    <failure message="assert 1 == 2">line 7</failure></testcase>
  <testcase classname="tests.test_a" name="test_broken" time="0"><error message="no fixture" /></testcase>
  <testcase classname="tests.test_a" name="test_left" time="0.0"><skipped message="later" /></testcase>
</testsuite></testsuites>"""


def test_cases_are_read_with_status_time_and_message() -> None:
    """A file of pytest yields each case with its status, its time in nanoseconds and what went wrong."""
    cases = read_junit(_PYTEST, "out/junit.xml")

    assert [(case.name, case.status, case.duration) for case in cases] == [
        ("test_good", "SUCCEEDED", 250_000_000),
        ("test_bad", "FAILED", 1_000_000_000),
        ("test_broken", "ERROR", 0),
        ("test_left", "SKIPPED", 0),
    ]
    assert cases[1].message == "assert 1 == 2\nline 7"
    assert {(case.prefix, case.suite, case.path) for case in cases} == {("tests.test_a", "pytest", "out/junit.xml")}


def test_suites_may_lie_in_suites() -> None:
    """A root `testsuite` and suites inside suites are read, each case with the innermost suite's name."""
    text = b'<testsuite name="a"><testcase name="x"/><testsuite name="b"><testcase name="y"/></testsuite></testsuite>'

    assert [(case.suite, case.name) for case in read_junit(text, "r.xml")] == [("a", "x"), ("b", "y")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"no xml", "is not XML"),
        (b"<report/>", "its root is report"),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><testsuite/>", "declares a document type"),
        (b"<testsuite><testcase name='x' time='soon'/></testsuite>", "'soon', not a number"),
        (b"<testsuite><testcase name='x' time='inf'/></testsuite>", "'inf', not a number"),
        (b"<testsuite><testcase name='x' time='nan'/></testsuite>", "'nan', not a number"),
    ],
)
def test_other_files_are_refused(text: bytes, said: str) -> None:
    """What is not JUnit XML, or could do harm when parsed, is refused with the reason and the file's name."""
    with pytest.raises(ReportFormatError, match=said):
        read_junit(text, "r.xml")
