"""The API of report groups and test reports.

Source: CodeBuild API Reference. Reports are made by builds; nobody else may put test cases into them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lockgate_twin.errors import ApiError, NotImplementedByTwin
from lockgate_twin.ports import Call, Handler, utc_now
from lockgate_twin.services.codebuild.report_record import Report, ReportGroup
from lockgate_twin.services.codebuild.report_upload import group_arn
from lockgate_twin.services.codebuild.reports import Reports
from lockgate_twin.services.paging import limit, page

_PAGE, _CASES_PAGE = 100, 500
_SORT = {"NAME": "name", "CREATED_TIME": "created", "LAST_MODIFIED_TIME": "last_modified"}


class ReportOperations:
    """Handlers over the reports of the twin."""

    def __init__(self, reports: Reports) -> None:
        self._reports = reports

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by operation name."""
        return {
            "CreateReportGroup": self.create_group,
            "UpdateReportGroup": self.update_group,
            "DeleteReportGroup": self.delete_group,
            "BatchGetReportGroups": self.batch_get_groups,
            "ListReportGroups": self.list_groups,
            "BatchGetReports": self.batch_get_reports,
            "ListReports": self.list_reports,
            "ListReportsForReportGroup": self.list_reports_for_group,
            "DescribeTestCases": self.describe_test_cases,
            "DeleteReport": self.delete_report,
        }

    def create_group(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Make a group of test reports."""
        _refuse(parameters)
        now, name = utc_now(), parameters["name"]
        group = ReportGroup(
            arn=group_arn(call.account, call.region, name),
            name=name,
            created=now,
            last_modified=now,
            tags=tuple(parameters.get("tags", ())),
        )
        return {"reportGroup": self._reports.create_group(group).describe()}

    def update_group(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Change a group's tags."""
        _refuse(parameters)
        group = self._own_group(parameters["arn"], call)
        changed = replace(group, last_modified=utc_now(), tags=tuple(parameters.get("tags", group.tags)))
        self._reports.keep_group(changed)
        return {"reportGroup": changed.describe()}

    def delete_group(self, parameters: dict[str, Any], call: Call) -> None:
        """Delete a group; with reports in it only if they are to be deleted, too."""
        if _is_own(parameters["arn"], call):
            self._reports.delete_group(parameters["arn"], with_reports=parameters.get("deleteReports", False))

    def batch_get_groups(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Describe groups and name those that do not exist."""
        arns = parameters["reportGroupArns"]
        found = {arn: self._reports.find_group(arn) if _is_own(arn, call) else None for arn in arns}
        return {
            "reportGroups": [group.describe() for group in found.values() if group is not None],
            "reportGroupsNotFound": [arn for arn, group in found.items() if group is None],
        }

    def list_groups(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Name the groups, sorted as asked."""
        key = _SORT[parameters.get("sortBy", "NAME")]
        groups = [group for group in self._reports.groups() if _is_own(group.arn, call)]
        groups.sort(key=lambda group: getattr(group, key), reverse=parameters.get("sortOrder") == "DESCENDING")
        return _paged("reportGroups", [group.arn for group in groups], parameters)

    def batch_get_reports(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Describe reports and name those that do not exist."""
        found = {arn: self._reports.find(arn) if _is_own(arn, call) else None for arn in parameters["reportArns"]}
        return {
            "reports": [report.describe() for report in found.values() if report is not None],
            "reportsNotFound": [arn for arn, report in found.items() if report is None],
        }

    def list_reports(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Name all reports, the newest first unless asked otherwise."""
        return self._listed([report for report in self._reports.all() if _is_own(report.arn, call)], parameters)

    def list_reports_for_group(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Name the reports of one group, the newest first unless asked otherwise."""
        group = self._own_group(parameters["reportGroupArn"], call)
        return self._listed([report for report in self._reports.all() if report.group_arn == group.arn], parameters)

    def describe_test_cases(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Describe a report's test cases, those of one status or whose name has a keyword, if asked for."""
        arn = parameters["reportArn"]
        report = self._reports.find(arn) if _is_own(arn, call) else None
        if report is None:
            raise ApiError("ResourceNotFoundException", f"Report cannot be found: {arn}")
        wanted = parameters.get("filter", {})
        cases = [
            report.describe_case(case)
            for case in report.cases
            if wanted.get("status", case.status) == case.status and wanted.get("keyword", "") in case.name
        ]
        return _paged("testCases", cases, parameters, most=_CASES_PAGE)

    def delete_report(self, parameters: dict[str, Any], call: Call) -> None:
        """Delete a report."""
        if _is_own(parameters["arn"], call):
            self._reports.delete(parameters["arn"])

    def _own_group(self, arn: str, call: Call) -> ReportGroup:
        return self._reports.group(arn if _is_own(arn, call) else group_arn(call.account, call.region, arn))

    def _listed(self, reports: list[Report], parameters: Mapping[str, Any]) -> dict[str, Any]:
        status = parameters.get("filter", {}).get("status")
        arns = [report.arn for report in reports if status in {None, report.status}]
        if parameters.get("sortOrder", "DESCENDING") == "DESCENDING":
            arns.reverse()
        return _paged("reports", arns, parameters)


def _is_own(arn: str, call: Call) -> bool:
    return arn.split(":")[3:5] == [call.region, call.account]


def _paged(member: str, items: list[Any], parameters: Mapping[str, Any], most: int = _PAGE) -> dict[str, Any]:
    size = limit(parameters, "maxResults", most)
    shown, more = page(items, parameters.get("nextToken"), size=size, error="InvalidInputException")
    return {member: shown, **more}


def _refuse(parameters: Mapping[str, Any]) -> None:
    if parameters.get("type", "TEST") != "TEST":
        raise NotImplementedByTwin(f"CodeBuild's report group type {parameters['type']}")
    kind = parameters.get("exportConfig", {}).get("exportConfigType", "NO_EXPORT")
    if kind != "NO_EXPORT":
        raise NotImplementedByTwin(f"CodeBuild's report exportConfigType {kind}")
