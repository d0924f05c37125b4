"""Large jobs by arithmetic: the tables of the guide's page "Plan a large job", from measured rates.

Every result is computed from the rates as they are shown, so that a reader can repeat it.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

from runs import Record, markdown_table

__all__ = ["as_markdown", "page_with", "rounded", "tables", "write_page"]

ROWS, IMAGES, CLASSES = 10**10, 10**8, 10**4
PART = 200_000  # images of a folder that a fit needs at most
SHARD_ROWS = 10**6
CORES = (1, 16, 64, 1_000)
NETWORK = 2e8  # bytes a second of a shared network of 2 gigabits
MAX_PER_CLASS = 10**9  # samples of one command
VALIDATIONS = 15  # of a fit: one at every twentieth of it, from three tenths on
DEFAULT_MINUTES = 3  # of a fit to images
SIDE = 64  # pixels
MANY = 100  # classes


def rounded(value: float, digits: int = 2) -> float:
    """Return a number with so many significant digits.

    Examples
    --------
    >>> rounded(108_700), rounded(0.00738)
    (110000.0, 0.0074)
    """
    return round(value, digits - 1 - math.floor(math.log10(abs(value)))) if value else 0.0


def tables(rates: Record) -> dict[str, str]:
    """Return the tables of the page by the names of their places."""
    return {
        "rates": _rates(rates),
        "classes": _classes(rates["classes"]),
        "classes-fit": _fit_of_classes(rates["classes"]),
        "rows": _arithmetic(_rows(rates["rows"])),
        "images": _images(rates["images"]),
        "folder": _arithmetic(_folder(rates)),
    }


def page_with(page: str, blocks: dict[str, str]) -> str:
    """Return a page with each block between its marks, ``<!-- name -->`` and ``<!-- end -->``."""

    def placed(found: re.Match[str]) -> str:
        return f"{found[1]}\n\n{blocks[found[2]]}\n\n<!-- end -->"

    return re.sub(r"(<!-- ([a-z-]+) -->)\n.*?<!-- end -->", placed, page, flags=re.DOTALL)


def as_markdown(results: Record) -> str:
    """Return the measured rates and all tables in Markdown; only the rates, if some were not measured yet."""
    machine, rates = results["machine"], results["rates"]
    loads = ", ".join(f"{name} {found['load']:g}" for name, found in rates.items())
    head = (
        f"# Planning\n\n{machine['processor']}, {machine['cores']} cores, torch {machine['torch']}; rates of one core, "
        f"in CPU seconds, fastest of {results['rounds']}. Load when each ended: {loads}. Made by `python "
        "benchmarks/planning.py`.\n"
    )
    needed = {"rows", "images", "reading", "listing", "training", "classes", "disk"}
    if needed - rates.keys():
        return head
    return head + "".join(f"\n## {name}\n\n{table}\n" for name, table in tables(rates).items())


def write_page(path: Path, blocks: dict[str, str]) -> None:
    """Write the blocks of a page."""
    path.write_text(page_with(path.read_text(encoding="utf-8"), blocks), encoding="utf-8")


def _rates(rates: Record) -> str:
    rows, training, listing = rates["rows"], rates["training"], rates["listing"]
    reading, small = rates["reading"]["500 x 375"], rates["reading"]["64 x 64"]
    shown = [
        ["rows drawn and written as Parquet", f"{_n(rows['rows_per_second'])} rows/s", "rows"],
        ["... the first 1,000 of each class in a file", f"{_n(rows['seeded_rows_per_second'])} rows/s", "rows"],
        ["size of a row of 11 columns", f"{_n(rows['bytes_per_row'])} bytes", "rows"],
        ["memory of `ganaug sample`", f"{_n(rows['sample_mb'])} MB", "rows"],
        ["start of `ganaug sample`", f"{_n(rows['start_seconds'])} s", "rows"],
        *(
            [f"images of {name}, drawn and written as PNG", f"{_n(one['images_per_second'])} images/s", "images"]
            for name, one in rates["images"].items()
            if name != "load"
        ),
        ["JPEG files of 64 x 64 pixels, read by `fit`", f"{_n(small['read_per_second'])} images/s", "reading"],
        ["JPEG files of 500 x 375 pixels, read by `fit`", f"{_n(reading['read_per_second'])} images/s", "reading"],
        ["... read and copied by `balance`", f"{_n(reading['balanced_per_second'])} images/s", "reading"],
        ["files listed", f"{_n(listing['seconds_per_million'])} s per million", "listing"],
        ["memory while files are listed", f"{_n(listing['peak_bytes_per_file'])} bytes per file", "listing"],
        *(
            [f"training step, {name}", f"{_n(1_000 * training[name])} ms", "training"]
            for name in training
            if name not in ("load", "draw_seconds_per_million")
        ),
        [
            "... what each million of images adds",
            f"{_n(1_000 * training['draw_seconds_per_million'])} ms",
            "training",
        ],
        ["written to this disk", f"{_n(rates['disk']['bytes_per_second'] / 1e6)} MB/s", "disk"],
    ]
    return markdown_table(["what", "rate of one core", "`--only`"], shown)


def _classes(rates: Record) -> str:
    shown = []
    for kind, title in (("images", "images of 8 px, 3 of each"), ("rows", "rows of 10 columns, 10 of each")):
        for count, one in rates[kind].items():
            shown.append(
                [
                    title,
                    f"{int(count):,}",
                    *(_n(one[name]) for name in ("screen_and_two_steps", "validation", "export", "load")),
                    _n(one["sample_one_of_each"]),
                    *(_n(one[name] / 1e6) for name in ("model_bytes", "metadata_bytes")),
                    _n(one["peak_mb"]),
                ]
            )
    titles = ["data", "classes", "screen and two steps, s", "a validation, s", "export, s", "load, s"]
    titles += ["one sample of each, s", "model, MB", "metadata, MB", "memory, MB"]
    return markdown_table(titles, shown)


def _fit_of_classes(rates: Record) -> str:
    shown = []
    for kind in ("images", "rows"):
        count, one = list(rates[kind].items())[-1]
        first, validation, export = (rounded(one[name]) for name in ("screen_and_two_steps", "validation", "export"))
        minutes = (first + VALIDATIONS * validation + export) / 60
        arithmetic = f"({_n(first)} + {VALIDATIONS} x {_n(validation)} + {_n(export)}) s / 60"
        shown.append(
            [f"{kind}, {int(count):,} classes: what a fit takes besides its steps", arithmetic, f"{_n(minutes)} min"]
        )
    hours = DEFAULT_MINUTES * CLASSES / 10 / 60
    arithmetic = f"{DEFAULT_MINUTES} min x {CLASSES:,} / 10"
    shown.append(["as many images of each class as 10 classes have by default, on one core", arithmetic, _time(hours)])
    return _arithmetic(shown)


def _rows(rates: Record) -> list[list[str]]:
    rate, size, slow = (rounded(rates[name]) for name in ("rows_per_second", "bytes_per_row", "seeded_rows_per_second"))
    hours = ROWS / rate / 3600
    return [
        ["time on one core", f"10^10 rows / {_n(rate)} rows/s", _time(hours)],
        *([f"time on {cores:,} cores", f"{_n(hours)} h / {cores:,}", _time(hours / cores)] for cores in CORES[1:]),
        ["disk", f"10^10 rows x {_n(size)} bytes", _bytes(ROWS * size)],
        [
            "... through a network of 2 gigabits",
            f"{_bytes(ROWS * size)} / 200 MB/s",
            _time(ROWS * size / NETWORK / 3600),
        ],
        ["files of a million rows", f"10^10 / 10^6; {_n(SHARD_ROWS / rate)} s each", f"{ROWS // SHARD_ROWS:,}"],
        [
            "cores that fill a network of 2 gigabits",
            f"200 MB/s / ({_n(rate)} x {_n(size)} bytes/s)",
            _n(NETWORK / rate / size),
        ],
        [
            f"in a file, the first 1,000 rows of each of {MANY} classes",
            f"{MANY} x 1,000 / {_n(slow)} rows/s",
            f"{_n(MANY * 1_000 / slow)} s",
        ],
        ["commands for a table of 2 classes", f"10^10 / (2 x {MAX_PER_CLASS:,})", _n(ROWS / 2 / MAX_PER_CLASS)],
    ]


def _images(rates: Record) -> str:
    shown = []
    for name, one in rates.items():
        if name == "load":
            continue
        rate, size = rounded(one["images_per_second"]), rounded(one["bytes_per_image"])
        hours = 1e6 / rate / 3600
        shown.append(
            [
                name,
                f"10^6 / {_n(rate)} images/s",
                _time(hours),
                _bytes(1e6 * size),
                *(_time(hours * count / cores) for count, cores in ((10, 16), (100, 64), (100, 1_000))),
                _time(IMAGES * size / NETWORK / 3600),
            ]
        )
    titles = ["images", "arithmetic", "a million, one core", "their disk"]
    titles += ["10 million, 16 cores", "100 million, 64 cores", "100 million, 1,000 cores"]
    titles += ["... through 2 gigabits"]
    return markdown_table(titles, shown)


def _folder(rates: Record) -> list[list[str]]:
    reading, listing = rates["reading"]["500 x 375"], rates["listing"]
    read, copied = (rounded(reading[name]) for name in ("read_per_second", "balanced_per_second"))
    seconds, peak = rounded(listing["seconds_per_million"]), rounded(listing["peak_bytes_per_file"])
    held, drawn = rounded(reading["bytes_per_file"]), rounded(rates["training"]["draw_seconds_per_million"])
    step = rounded(rates["training"]["64 px"])
    return [
        ["list the files", f"100 x {_n(seconds)} s", f"{_n(100 * seconds / 60)} min"],
        ["memory for the list", f"10^8 files x {_n(peak)} bytes", _bytes(IMAGES * peak)],
        ["memory afterwards", f"10^8 files x {_n(held)} bytes", _bytes(IMAGES * held)],
        ["`fit` reads all images, on one core", f"10^8 / {_n(read)} images/s", _time(IMAGES / read / 3600)],
        ["temporary files, two at once", f"2 x 10^8 x {SIDE} x {SIDE} x 3 bytes", _bytes(2 * IMAGES * SIDE**2 * 3)],
        ["to choose the images of a step", f"100 x {_n(1_000 * drawn)} ms", f"{_n(100 * drawn)} s"],
        ["... beside the step itself", "measured", f"{_n(step)} s"],
        ["`balance` reads and copies, on one core", f"10^8 / {_n(copied)} images/s", _time(IMAGES / copied / 3600)],
        [f"instead: `fit` reads {PART:,} images", f"{PART:,} / {_n(read)} images/s", f"{_n(PART / read / 60)} min"],
        ["... their temporary files", f"2 x {PART:,} x {SIDE} x {SIDE} x 3 bytes", _bytes(2 * PART * SIDE**2 * 3)],
    ]


def _arithmetic(rows: list[list[str]]) -> str:
    return markdown_table(["what", "arithmetic", "result"], rows)


def _n(value: float) -> str:
    """Return a number with two significant digits."""
    value = rounded(value)
    if abs(value) >= 10:
        return f"{value:,.0f}"
    return f"{value:.10f}".rstrip("0").rstrip(".") or "0"


def _time(hours: float) -> str:
    if hours < 1:
        return f"{_n(60 * hours)} min"
    return f"{_n(hours)} h" if hours < 48 else f"{_n(hours)} h, or {_n(hours / 24)} days"


def _bytes(count: float) -> str:
    for unit, size in (("TB", 1e12), ("GB", 1e9)):
        if count >= size:
            return f"{_n(count / size)} {unit}"
    return f"{_n(count / 1e6)} MB"
