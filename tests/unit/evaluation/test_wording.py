"""Numbers as text."""

from typing import Any

import pytest

from ganaug.evaluation.wording import hundredths


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.1234, "12.3"), (1, "100.0"), (0.0, "0.0"), (-0.05, "\u22125.0"), (None, "–"), (float("nan"), "–"), (True, "–")],
)
def test_hundredths_are_a_share_in_per_cent_without_the_sign(share: Any, text: str) -> None:
    assert hundredths(share) == text
