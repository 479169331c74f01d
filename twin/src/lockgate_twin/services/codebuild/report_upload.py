"""Making a build's test reports, as the build's service role.

Source: "Create test reports", "Report group naming", "Permissions required to create test reports" (CodeBuild User
Guide): a name stands for the group `<project>-<name>`, which is made if it does not exist; an ARN for that group. A
build whose report has no files fails in UPLOAD_ARTIFACTS; one whose tests failed does not.
Assumption: CreateReportGroup is asked for only when there is no such group yet.
"""

from __future__ import annotations

import string
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Session, utc_now
from lockgate_twin.services.codebuild.artifacts import collect
from lockgate_twin.services.codebuild.buildspec import ArtifactRule
from lockgate_twin.services.codebuild.errors import PhaseError, said
from lockgate_twin.services.codebuild.junit import ReportFormatError, TestCase, read_junit
from lockgate_twin.services.codebuild.order import BuildOrder
from lockgate_twin.services.codebuild.report_record import Report, ReportGroup, status_of
from lockgate_twin.services.codebuild.report_rules import ReportRule
from lockgate_twin.services.codebuild.reports import Reports


@dataclass(frozen=True, kw_only=True)
class ReportMaker:
    """Makes the reports of one build; `variables` are the environment variables at its end."""

    reports: Reports
    order: BuildOrder
    session: Session
    source: Path
    variables: Mapping[str, str]

    def make(self, rules: tuple[ReportRule, ...]) -> tuple[tuple[str, ...], list[str]]:
        """Make every report that can be made; return their ARNs, and what is wrong with the others."""
        made, problems = [], []
        for rule in rules:
            try:
                report = self._begin(rule)
                made.append(report.arn)
                self._fill(report, rule)
            except (ApiError, PhaseError, ReportFormatError) as error:
                problem = error.message if isinstance(error, PhaseError) else said(error)
                problems.append(f"[{rule.group}: [{problem}]]")
        return tuple(made), problems

    def _begin(self, rule: ReportRule) -> Report:
        group = self._group(string.Template(rule.group).safe_substitute(self.variables))
        self.session.require("codebuild:CreateReport", group.arn)
        arn = f"{group.arn.replace(':report-group/', ':report/')}:{uuid.uuid4()}"
        report = Report(arn=arn, group_arn=group.arn, execution=self.order.arn, created=utc_now())
        self.reports.keep(report)
        return report

    def _group(self, named: str) -> ReportGroup:
        if named.startswith("arn:"):
            return self.reports.group(named)
        name = f"{self.order.project}-{named}"
        arn = group_arn(self.order.account, self.order.region, name)
        found = self.reports.find_group(arn)
        if found is not None:
            return found
        self.session.require("codebuild:CreateReportGroup", arn)
        now = utc_now()
        return self.reports.create_group(ReportGroup(arn=arn, name=name, created=now, last_modified=now))

    def _fill(self, report: Report, rule: ReportRule) -> None:
        ended = "INCOMPLETE"
        cases: tuple[TestCase, ...] = ()
        try:
            cases = tuple(self._cases(rule))
            self.session.require("codebuild:BatchPutTestCases", report.group_arn)
            self.session.require("codebuild:UpdateReport", report.group_arn)
            ended = status_of(cases)
        finally:
            self.reports.keep(replace(report, status=ended, cases=cases))

    def _cases(self, rule: ReportRule) -> list[TestCase]:
        chosen = ArtifactRule(files=rule.files, base_directory=rule.base_directory)
        try:
            files = collect(chosen, self.source)
        except PhaseError as error:
            message = f"report files not found in build: {error.message}"
            raise PhaseError(error.code, message) from error
        return [case for file in files for case in read_junit(file.path.read_bytes(), file.name)]


def group_arn(account: str, region: str, name: str) -> str:
    """Return the ARN of a report group by its name."""
    return f"arn:aws:codebuild:{region}:{account}:report-group/{name}"
