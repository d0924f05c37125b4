"""What is noted of a model when samples are drawn from it."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from ganaug.cli.text import listing, printable, sentence

if TYPE_CHECKING:
    from ganaug.runtime.generator import Generator

__all__ = ["note_alarms"]


def note_alarms(generator: "Generator", labels: Iterable[Any]) -> None:
    """Remind of the alarms that the training ended with, if they are about a class that samples are drawn of.

    The model's file is not to be trusted, and what has another form in it is left out.
    """
    training = generator.metadata["training"]
    alarms, alarmed = training.get("alarms"), training.get("alarmed")
    names = [str(label) for label in labels]
    if isinstance(alarmed, list):  # else it is not known which classes they are about
        names = [name for name in names if name in alarmed]
    told = [sentence(alarm) for alarm in alarms if isinstance(alarm, str)] if isinstance(alarms, list) else []
    if told and names:
        about = printable(listing(names, most=5))
        click.echo(f"Note: the training of this model ended with an alarm about {about}. {' '.join(told)}", err=True)
