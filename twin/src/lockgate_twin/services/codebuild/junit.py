"""Reading JUnit XML: the test cases of one file.

Source: "Specify test files" and "View test reports" (CodeBuild User Guide) for the statuses SUCCEEDED, FAILED, ERROR,
SKIPPED; the format is what JUnit's Ant task, Surefire and pytest write.
Assumption: a case's prefix is its `classname`, its message the `message` of its failure followed by the text.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass

from lockgate_twin.errors import TwinError

_STATUSES = {"failure": "FAILED", "error": "ERROR", "skipped": "SKIPPED"}
_NANOSECONDS = 1_000_000_000


class ReportFormatError(TwinError):
    """A file is not JUnit XML; the message says why."""


@dataclass(frozen=True, kw_only=True)
class TestCase:
    """One test's result. `duration` is in nanoseconds, `path` the file it was read from."""

    __test__ = False  # pytest would otherwise collect it by its name

    path: str
    prefix: str
    suite: str
    name: str
    status: str
    duration: int
    message: str = ""


def read_junit(text: bytes, path: str) -> list[TestCase]:
    """Return the cases in the order of the file.

    Raises:
        ReportFormatError: it is not XML, declares entities, or its root is neither `testsuites` nor `testsuite`.
    """
    # Entities are what makes parsing XML of others dangerous, and JUnit XML has none.
    if b"<!ENTITY" in text or b"<!DOCTYPE" in text:
        raise ReportFormatError(f"{path} declares a document type, which JUnit XML does not have")
    try:
        root = ET.fromstring(text)  # noqa: S314 - without a document type there are no entities to expand
    except ET.ParseError as error:
        raise ReportFormatError(f"{path} is not XML: {error}") from None
    if root.tag not in {"testsuites", "testsuite"}:
        raise ReportFormatError(f"{path} is not JUnit XML: its root is {root.tag}, not testsuites or testsuite")
    return [_case(element, suite, path) for suite, element in _cases(root, root.get("name", ""))]


def _cases(element: ET.Element, suite: str) -> Iterator[tuple[str, ET.Element]]:
    for child in element:
        if child.tag == "testcase":
            yield suite, child
        elif child.tag == "testsuite":
            yield from _cases(child, child.get("name", suite))


def _case(element: ET.Element, suite: str, path: str) -> TestCase:
    status, message = "SUCCEEDED", ""
    for child in element:
        if child.tag in _STATUSES:
            status = _STATUSES[child.tag]
            message = "\n".join(part for part in (child.get("message", ""), (child.text or "").strip()) if part)
            break
    return TestCase(
        path=path,
        prefix=element.get("classname", suite),
        suite=suite,
        name=element.get("name", ""),
        status=status,
        duration=_nanoseconds(element.get("time", "0"), path),
        message=message,
    )


def _nanoseconds(seconds: str, path: str) -> int:
    try:
        return round(float(seconds.replace(",", "") or 0) * _NANOSECONDS)
    except (ValueError, OverflowError):
        raise ReportFormatError(f"{path} has a test case whose time is '{seconds}', not a number of seconds") from None
