"""``ganaug inspect``: print the metadata of a model file."""

import json
from typing import TYPE_CHECKING, Any

import click

from ganaug.cli.data_files import files_of_model
from ganaug.cli.options import path
from ganaug.cli.text import printable, sentence, shortened

if TYPE_CHECKING:
    from pathlib import Path

MAX_TITLE = 40
"""Characters of the first column; longer titles push the second column to the right."""


@click.command(
    "inspect",
    short_help="Print what a model file says about itself.",
    help="Print the metadata of a model file: its classes, its training, and the data that it was trained on.",
)
@click.argument("model", type=path, metavar="MODEL.onnx")
@click.option("--json", "as_json", is_flag=True, help="Print the whole metadata as JSON.")
def command(model: "Path", as_json: bool) -> None:
    """Run the command."""
    from ganaug.runtime.generator import Generator

    generator = Generator.load(model)
    metadata = generator.metadata
    if as_json:
        click.echo(json.dumps(metadata, indent=2))  # ASCII, which also escapes control characters
        return
    doses = generator.dose
    files, schema, counts = files_of_model(generator), metadata["schema"], metadata["class_counts"]
    _print_columns(
        [
            ("model", model),
            ("file size", f"{model.stat().st_size / 1e6:.2f} MB"),
            ("modality", metadata["modality"]),
            ("family", metadata["family"]),
            *([("space", metadata["space"])] if "space" in metadata else []),
            *files.schema_lines(schema),
            ("noise", f"{metadata['noise_dim']} numbers"),
            ("fingerprint", metadata["fingerprint"]),
        ]
    )
    if constraints := files.constraint_lines(schema):
        click.echo("\nconstraints that hold in all training samples, and in all synthetic samples")
        _print_columns(constraints, indent="  ")
    for title in ("training", "versions"):
        click.echo(f"\n{title}")
        lines = [(name, _in_a_line(value)) for name, value in metadata[title].items() if name != "history"]
        _print_columns(lines, indent="  ")
    if dose := metadata.get("dose"):
        click.echo(f"\ndose\n  {sentence(dose['sentence'])}")
    title = f"classes ({len(counts):,}) and their training samples ({sum(counts):,})"
    click.echo(f"\n{title}" if doses is None else f"\n{title}, and the share that is best synthetic")
    classes = zip(metadata["classes"], counts, strict=True)
    _print_columns([(label, f"{count:,}" + _dose_of(label, doses)) for label, count in classes], indent="  ")


def _dose_of(label: Any, doses: dict[Any, float] | None) -> str:
    return "" if doses is None else f"  {doses[label]:.0%}"


def _print_columns(rows: list[tuple[Any, Any]], indent: str = "") -> None:
    """Print two columns of untrusted values, escaped."""
    lines = [(printable(title), printable(value)) for title, value in rows]
    width = min(max((len(title) for title, _ in lines), default=0), MAX_TITLE)
    for title, value in lines:
        click.echo(f"{indent}{title:<{width}}  {value}")


def _in_a_line(value: Any) -> str:
    """Return any JSON as a line: numbers by class as their range and mean, other values shortened."""
    if value in (None, "", [], {}):
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, dict) and all(type(number) in (int, float) for number in value.values()):
        numbers = list(value.values())
        return f"{min(numbers):.2f} to {max(numbers):.2f}, mean {sum(numbers) / len(numbers):.2f}"
    return shortened(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
