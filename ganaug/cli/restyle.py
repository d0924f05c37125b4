"""``ganaug restyle``: images in the colours and the texture of other images."""

from typing import TYPE_CHECKING

import click

from ganaug.cli.memory import check_memory
from ganaug.cli.options import path, seed_option
from ganaug.cli.streams import tell
from ganaug.cli.text import counted

if TYPE_CHECKING:
    from pathlib import Path


@click.command(
    "restyle",
    short_help="Show images in the style of other images.",
    help="""Show the content of CONTENT in the colours and the texture of STYLE.

    Each of them is an image file or a folder of images, with or without subfolders. Each image of a folder CONTENT gets
    the style of an image that is drawn from STYLE, and is written under the same name into the same subfolder: the
    classes of a labelled folder stay. The ending of its name decides the format of an image.
    """,
)
@click.argument("content", type=path)
@click.argument("style", type=path)
@click.option(
    "--output",
    type=path,
    required=True,
    metavar="DIR_OR_FILE",
    help="For a folder CONTENT a folder, which must be new or empty; for a file an image file, which is replaced.",
)
@click.option(
    "--strength",
    type=click.FloatRange(0, 1),
    default=1.0,
    show_default=True,
    metavar="S",
    help="From 0, the content as it is, to 1, the whole style.",
)
@seed_option("The same seed chooses the same styles.")
def command(content: "Path", style: "Path", output: "Path", strength: float, seed: int) -> None:
    """Run the command."""
    check_memory()
    from ganaug.cli.restyled_files import check_places, restyle_file, restyle_folder
    from ganaug.networks.restyle import checked_strength

    check_places(content, style, output)
    checked_strength(strength)  # click lets NaN pass
    if not content.is_dir():
        restyle_file(content, style, output, strength, seed)
        tell(f"Wrote {output}.")
        return
    number = restyle_folder(content, style, output, strength, seed)
    tell(f"Wrote {counted(number, 'image')} to {output}.")
