"""Text for a terminal: names come from folders and files that nobody vouches for."""

from collections.abc import Sequence

__all__ = ["clock", "counted", "listing", "printable", "sentence"]


def printable(text: object) -> str:
    r"""Return the text with every character that does not print escaped, so that none can steer a terminal.

    Examples
    --------
    >>> printable("Straße \x1b[2J")
    'Straße \\x1b[2J'
    """
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in str(text))


def sentence(message: str) -> str:
    """Return a message as one printable line with a capital at its start and a stop at its end.

    Examples
    --------
    >>> sentence("no steps  are left"), sentence("digits.onnx must be a file")
    ('No steps are left.', 'digits.onnx must be a file.')
    """
    line = printable(" ".join(message.split()))
    is_path = not set("./\\").isdisjoint(line.split(" ")[0].rstrip(".:,"))
    return (line if is_path else line[:1].upper() + line[1:]) + ("" if line.endswith((".", "!", "?")) else ".")


def listing(names: Sequence[object], most: int = 20) -> str:
    """Return the first few names, quoted where they are text, and how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(map(repr, names[:most])) + more


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number of things.

    Examples
    --------
    >>> counted(1, "class", "classes"), counted(1200, "row")
    ('1 class', '1,200 rows')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def clock(seconds: float) -> str:
    """Return seconds as a clock shows them.

    Examples
    --------
    >>> clock(75), clock(3600)
    ('1:15', '1:00:00')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
