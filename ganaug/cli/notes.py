"""Notes about a model, printed when samples are drawn from it."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from ganaug.cli.text import listing, printable, sentence

if TYPE_CHECKING:
    from ganaug.runtime.generator import Generator


def note_alarms(generator: "Generator", labels: Iterable[Any]) -> None:
    """Print the alarms of the training if they concern a class in `labels`.

    The model file is untrusted: values of an unexpected form are ignored.
    """
    training = generator.metadata["training"]
    alarms, alarmed = training.get("alarms"), training.get("alarmed")
    names = [str(label) for label in labels]
    if isinstance(alarmed, list):  # otherwise the alarms may concern any class
        names = [name for name in names if name in alarmed]
    texts = [sentence(alarm) for alarm in alarms if isinstance(alarm, str)] if isinstance(alarms, list) else []
    if texts and names:
        about = printable(listing(names, limit=5))
        click.echo(f"Note: the training of this model ended with an alarm about {about}. {' '.join(texts)}", err=True)
