"""Report groups, and the reports that builds leave in them.

Source: "Report groups" and "View test reports" (CodeBuild User Guide), botocore's ReportGroup, Report and TestCase.
A report expires 30 days after it was made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from lockgate_twin.services.codebuild.junit import TestCase
from lockgate_twin.services.kept import Kept

_LIFETIME = timedelta(days=30)
_STATUSES = ("ERROR", "FAILED", "SKIPPED", "SUCCEEDED", "UNKNOWN")
_NO_EXPORT: Mapping[str, str] = {"exportConfigType": "NO_EXPORT"}


@dataclass(frozen=True, kw_only=True)
class ReportGroup(Kept):
    """A group of test reports. `tags` are botocore's tags."""

    arn: str
    name: str
    created: datetime
    last_modified: datetime
    tags: tuple[Mapping[str, str], ...] = ()

    def describe(self) -> dict[str, Any]:
        """Return botocore's ReportGroup."""
        return {
            "arn": self.arn,
            "name": self.name,
            "type": "TEST",
            "exportConfig": dict(_NO_EXPORT),
            "created": self.created,
            "lastModified": self.last_modified,
            "tags": [dict(tag) for tag in self.tags],
            "status": "ACTIVE",
        }


@dataclass(frozen=True, kw_only=True)
class Report(Kept):
    """What one build told to one group; `execution` is the build's ARN."""

    arn: str
    group_arn: str
    execution: str
    created: datetime
    status: str = "GENERATING"
    cases: tuple[TestCase, ...] = field(default=(), repr=False)

    @property
    def expires(self) -> datetime:
        """Return when AWS deletes it."""
        return self.created + _LIFETIME

    def describe(self) -> dict[str, Any]:
        """Return botocore's Report."""
        counts = Counter(case.status for case in self.cases)
        return {
            "arn": self.arn,
            "type": "TEST",
            "name": self.group_arn.partition("/")[2],
            "reportGroupArn": self.group_arn,
            "executionId": self.execution,
            "status": self.status,
            "created": self.created,
            "expired": self.expires,
            "exportConfig": dict(_NO_EXPORT),
            "truncated": False,
            "testSummary": {
                "total": len(self.cases),
                "statusCounts": {status: counts[status] for status in _STATUSES},
                "durationInNanoSeconds": sum(case.duration for case in self.cases),
            },
        }

    def describe_case(self, case: TestCase) -> dict[str, Any]:
        """Return botocore's TestCase."""
        return {
            "reportArn": self.arn,
            "testRawDataPath": case.path,
            "prefix": case.prefix,
            "name": case.name,
            "status": case.status,
            "durationInNanoSeconds": case.duration,
            "message": case.message,
            "expired": self.expires,
            "testSuiteName": case.suite,
        }


def status_of(cases: tuple[TestCase, ...]) -> str:
    """Return a finished report's status: FAILED as soon as one case failed or could not run."""
    return "FAILED" if any(case.status in {"FAILED", "ERROR", "UNKNOWN"} for case in cases) else "SUCCEEDED"
