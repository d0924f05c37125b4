"""The HTML report: one file that shows an evaluation on any screen and loads nothing."""

from ganaug.evaluation.report.page import render

__all__ = ["render"]
