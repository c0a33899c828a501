"""Measures and findings of a run as one HTML file that opens anywhere, offline, in English and Chinese."""

from sim.report.model import Assumption, Estimate, MeasureInfo, ReportInput, Row, RuleLine, RunRecord
from sim.report.page import render, write_report

__all__ = [
    "Assumption",
    "Estimate",
    "MeasureInfo",
    "ReportInput",
    "Row",
    "RuleLine",
    "RunRecord",
    "render",
    "write_report",
]
