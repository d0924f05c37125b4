"""Text for a terminal. Names come from untrusted folders and files, and are printed escaped."""

from collections.abc import Sequence

MAX_WIDTH = 100
"""Characters of a text that `shortened` keeps."""


def printable(text: object) -> str:
    """Return the text with every unprintable character escaped, so that it cannot control a terminal."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in str(text))


def sentence(message: str) -> str:
    """Return a message as one printable line that begins with a capital and ends with a full stop."""
    line = printable(" ".join(message.split()))
    is_path = not set("./\\").isdisjoint(line.split(" ")[0].rstrip(".:,"))
    return (line if is_path else line[:1].upper() + line[1:]) + ("" if line.endswith((".", "!", "?")) else ".")


def listing(names: Sequence[object], limit: int = 20) -> str:
    """Return the first names, with quotes around text, and the number of the others: 'cat', 'dog' and 1 more."""
    more = f" and {len(names) - limit:,} more" if len(names) > limit else ""
    return ", ".join(map(repr, names[:limit])) + more


def shortened(text: str) -> str:
    """Return a text, cut to at most `MAX_WIDTH` characters."""
    return text if len(text) <= MAX_WIDTH else text[: MAX_WIDTH - 3] + "..."


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number and the noun in its singular or plural: 1 class, 1,200 rows."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
