"""The portrait report: one HTML page for people, JSON and CSV for programs."""

from ghostcat.report.write import ReportFiles, write_report

__all__ = ["ReportFiles", "write_report"]
