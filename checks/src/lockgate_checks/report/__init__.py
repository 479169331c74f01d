"""The report: one self-contained HTML page for each decision, for the person who answers for the model."""

from lockgate_checks.report.page import render

__all__ = ["render"]
