"""``ganaug inspect``: what a model file says about itself."""

import json
from typing import TYPE_CHECKING, Any

import click

from ganaug.cli.options import path
from ganaug.cli.text import printable

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["command"]

LONGEST = 100
MOST_RULES = 20


@click.command("inspect", short_help="Print what a model file says about itself.")
@click.argument("model", type=path, metavar="MODEL.onnx")
@click.option("--json", "as_json", is_flag=True, help="Print the whole metadata as JSON.")
def command(model: "Path", as_json: bool) -> None:
    """Print what a model file says about itself: its classes, how it was trained, and on what."""
    from ganaug.runtime.generator import Generator

    metadata = Generator.load(model).metadata
    if as_json:
        click.echo(json.dumps(metadata, indent=2))  # ASCII, which also escapes control characters
        return
    schema, counts = metadata["schema"], metadata["class_counts"]
    _table(
        [
            ("model", model),
            ("file size", f"{model.stat().st_size / 1e6:.2f} MB"),
            ("modality", metadata["modality"]),
            ("family", metadata["family"]),
            _form(metadata["modality"], schema),
            ("noise", f"{metadata['noise_dim']} numbers"),
            ("fingerprint", metadata["fingerprint"]),
        ]
    )
    if rules := _rules(schema.get("rules")):
        click.echo("\nrules that hold in all of the training data, and are kept")
        _table(rules, indent="  ")
    for title in ("training", "versions"):
        click.echo(f"\n{title}")
        lines = [(name, _brief(value)) for name, value in metadata[title].items() if name != "history"]
        _table(lines, indent="  ")
    click.echo(f"\nclasses ({len(counts):,}) and their training samples ({sum(counts):,})")
    _table([(label, f"{count:,}") for label, count in zip(metadata["classes"], counts, strict=True)], indent="  ")


def _form(modality: str, schema: dict[str, Any]) -> tuple[str, str]:
    if modality == "image":
        return "image size", f"{schema['width']} x {schema['height']}, {schema['channels']} channels"
    names = [str(column["name"]) for column in schema["columns"]]
    return "columns", _brief(f"{len(names):,}: {', '.join(names)}")


def _rules(found: Any) -> list[tuple[str, str]]:
    """Return rules in words; a file from elsewhere may say anything where they stand."""
    words = {"joint": ("decided together", ", "), "orders": ("in order", " <= "), "lines": ("on a line", ", from it ")}
    words["formulas"] = ("made up", "")
    rows = []
    for name, (title, between) in words.items():
        every = found.get(name) if isinstance(found, dict) else None
        every = [_words(one) for one in every] if isinstance(every, list) else []
        every = [one for one in every if one]
        rows += [(title, _brief(between.join(map(str, one)))) for one in every[:MOST_RULES]]
        rows += [(title, f"{len(every) - MOST_RULES:,} more: --json lists them")] * (len(every) > MOST_RULES)
    return rows


def _words(rule: Any) -> list[Any]:
    if isinstance(rule, dict):
        return [rule["text"]] if isinstance(rule.get("text"), str) else []
    return rule if isinstance(rule, list) else []


def _table(rows: list[tuple[Any, Any]], indent: str = "") -> None:
    """Print two columns; whatever they hold, it cannot steer the terminal."""
    lines = [(printable(name), printable(value)) for name, value in rows]
    width = min(max((len(name) for name, _ in lines), default=0), 40)
    for name, value in lines:
        click.echo(f"{indent}{name:<{width}}  {value}")


def _brief(value: Any) -> str:
    """Return any JSON in a line: numbers by class as their range, the rest cut where it is long."""
    if value in (None, "", [], {}):
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, dict) and all(type(number) in (int, float) for number in value.values()):
        numbers = list(value.values())
        return f"{min(numbers):.2f} to {max(numbers):.2f}, mean {sum(numbers) / len(numbers):.2f}"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."
