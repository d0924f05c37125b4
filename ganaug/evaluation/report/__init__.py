"""The HTML report: one file that shows an evaluation to people, on any screen, with nothing fetched."""

from ganaug.evaluation.report.page import render

__all__ = ["render"]
