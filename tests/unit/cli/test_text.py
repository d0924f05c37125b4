"""Text for a terminal."""

from ganaug.cli.options import duration
from ganaug.cli.text import counted, listing, printable, sentence
from ganaug.integrations.progress import clock


def test_no_text_controls_a_terminal() -> None:
    assert printable("Straße \x1b[2J") == "Straße \\x1b[2J"


def test_words_are_put_as_a_reader_expects() -> None:
    assert sentence("no steps  are left") == "No steps are left."
    assert sentence("digits.onnx must be a file") == "digits.onnx must be a file."
    assert listing(["cat", "dog", "owl"], limit=2) == "'cat', 'dog' and 1 more"
    assert (counted(1, "class", "classes"), counted(1200, "row")) == ("1 class", "1,200 rows")


def test_times_are_read_and_written() -> None:
    assert (duration("2m30s"), duration("1.5h")) == (150.0, 5400.0)
    assert (clock(75), clock(3600)) == ("1:15", "1:00:00")
