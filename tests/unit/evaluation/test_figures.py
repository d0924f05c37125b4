"""The figures of an evaluation."""

from ganaug.evaluation.figures import sentence_of
from ganaug.evaluation.statistics import Estimate
from ganaug.evaluation.verdict import Comparison


def test_no_finished_split_is_said() -> None:
    nothing = Comparison("no difference", None, None, Estimate(), 0, {}, {}, {}, [], [])
    assert sentence_of(nothing, 5) == ("Whether synthetic samples help could not be measured: no split was finished.")
