"""All report groups and reports of the twin, kept as they change."""

from __future__ import annotations

import threading
from dataclasses import replace

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Table, utc_now
from lockgate_twin.services.codebuild.report_record import Report, ReportGroup


class Reports:
    """Report groups and reports by their ARNs, the oldest first."""

    def __init__(self, groups: Table, reports: Table) -> None:
        self._lock = threading.RLock()
        self._group_table, self._report_table = groups, reports
        self._groups: dict[str, ReportGroup] = dict(groups.items())
        self._reports: dict[str, Report] = dict(reports.items())

    def create_group(self, group: ReportGroup) -> ReportGroup:
        """Add a group.

        Raises:
            ApiError: ResourceAlreadyExistsException.
        """
        with self._lock:
            if group.arn in self._groups:
                raise ApiError("ResourceAlreadyExistsException", f"Report group already exists: {group.arn}")
            self.keep_group(group)
        return group

    def keep_group(self, group: ReportGroup) -> None:
        """Keep what has become of a group."""
        with self._lock:
            self._group_table.put(group.arn, group)
            self._groups[group.arn] = group

    def group(self, arn: str) -> ReportGroup:
        """Return a group.

        Raises:
            ApiError: ResourceNotFoundException.
        """
        found = self.find_group(arn)
        if found is None:
            raise ApiError("ResourceNotFoundException", f"Report group cannot be found: {arn}")
        return found

    def find_group(self, arn: str) -> ReportGroup | None:
        """Return a group, or None."""
        with self._lock:
            return self._groups.get(arn)

    def groups(self) -> list[ReportGroup]:
        """Return every group."""
        with self._lock:
            return list(self._groups.values())

    def delete_group(self, arn: str, *, with_reports: bool) -> None:
        """Delete a group if it is there.

        Raises:
            ApiError: InvalidInputException: it has reports, and they are not to be deleted with it.
        """
        with self._lock:
            inside = [report.arn for report in self._reports.values() if report.group_arn == arn]
            if inside and not with_reports:
                message = f"Report group {arn} has {len(inside)} reports: delete them first, or set deleteReports."
                raise ApiError("InvalidInputException", message)
            for report in inside:
                self.delete(report)
            if self._groups.pop(arn, None) is not None:
                self._group_table.remove(arn)

    def keep(self, report: Report) -> None:
        """Keep what has become of a report."""
        with self._lock:
            self._report_table.put(report.arn, report)
            self._reports[report.arn] = report

    def find(self, arn: str) -> Report | None:
        """Return a report that has not expired, or None."""
        with self._lock:
            report = self._reports.get(arn)
            return report if report is not None and report.expires > utc_now() else None

    def all(self) -> list[Report]:
        """Return every report that has not expired."""
        with self._lock:
            now = utc_now()
            return [report for report in self._reports.values() if report.expires > now]

    def delete(self, arn: str) -> None:
        """Delete a report if it is there."""
        with self._lock:
            if self._reports.pop(arn, None) is not None:
                self._report_table.remove(arn)

    def give_up(self) -> None:
        """End the reports that an earlier twin was making."""
        for report in self.all():
            if report.status == "GENERATING":
                self.keep(replace(report, status="INCOMPLETE"))
