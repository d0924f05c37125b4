"""What imports load and what the package offers, each in a fresh interpreter."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

import ganaug
from tests.paths import MODELS, ROOT

HEAVY = {"torch", "sklearn", "pandas", "albumentations", "onnxruntime", "onnx", "onnxscript", "matplotlib", "jinja2"}


def modules_after(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*{{name.partition('.')[0] for name in sys.modules}}, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)  # noqa: S603
    return set(done.stderr.split())


def test_import_loads_nothing_heavy() -> None:
    assert not modules_after("import ganaug") & HEAVY


def test_help_loads_nothing_heavy() -> None:
    code = "import ganaug.cli as c\ntry: c.main(['--help'])\nexcept SystemExit: pass"
    assert not modules_after(code) & (HEAVY | {"numpy", "PIL", "rich"})


def test_the_command_line_is_a_module_too() -> None:
    command = [sys.executable, "-m", "ganaug", "--version"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1] == ganaug.__version__  # noqa: S603
    command[3:] = ["inspect", "missing.onnx"]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    assert refused.returncode == 2
    assert refused.stderr.startswith("Error: There is no model file missing.onnx")


def test_generator_runs_without_torch_and_pandas() -> None:
    assert not modules_after("from ganaug import Generator") & (HEAVY - {"onnxruntime"})


ALONE = """
import sys
from importlib.machinery import BuiltinImporter, FrozenImporter, PathFinder

class Only:
    def find_spec(name, path=None, target=None):
        top = name.partition(".")[0]
        known = top in {allowed} or top in sys.stdlib_module_names or top.startswith("_")
        return PathFinder.find_spec(name, path, target) if known else None

sys.meta_path[:] = [BuiltinImporter, FrozenImporter, Only]

from ganaug import Generator

generator = Generator.load({path!r})
samples, labels = generator.sample({{label: 2 for label in generator.classes}}, seed=0)
batch, _ = next(iter(generator.stream(3, seed=0)))
print(len(samples) - 2 * len(generator.classes), len(batch), bool(generator.metadata))
"""
"""Draws where only some packages are installed."""
RUNTIME = {"ganaug", "numpy", "onnxruntime", "google", "flatbuffers", "packaging"}
"""numpy, ONNX Runtime, and what ONNX Runtime itself needs."""


def drawn_alone(path: Path, *more: str) -> "subprocess.CompletedProcess[str]":
    code = ALONE.format(allowed=RUNTIME.union(more), path=str(path))
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603


@pytest.mark.slow
@pytest.mark.parametrize("fixture", ["stripes_generator", "waves_generator", "squares_generator"])
def test_samples_need_numpy_and_onnx_runtime_alone(
    fixture: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue(fixture).save(tmp_path / "model.onnx")
    done = drawn_alone(tmp_path / "model.onnx")
    assert done.stdout == "0 3 True\n", done.stderr


@pytest.mark.slow
def test_rows_need_pandas_besides() -> None:
    done = drawn_alone(MODELS / "wine.onnx", "pandas", "dateutil", "six", "pytz", "tzdata")
    assert done.stdout == "0 3 True\n", done.stderr
    assert "pandas must be installed" in drawn_alone(MODELS / "wine.onnx").stderr


PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
BY_DATE = {"pillow", "pyarrow", "rich"}
"""A new number of these is a matter of time, and seldom breaks anything."""


def name_of(requirement: str) -> str:
    """Return the name of a requirement, as package indexes compare names."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", requirement)[0]).lower()


def packages(*folders: str) -> set[str]:
    """Return the packages that modules of these folders import, by the names of their distributions."""
    found, homes, tops = set(), packages_distributions(), set()
    for file in (file for folder in folders for file in (ROOT / folder).rglob("*.py")):
        tops.add(file.stem)
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    found -= {*sys.stdlib_module_names, "ganaug", "tests", *tops}
    # Of several distributions that bring one module, the one of its name counts.
    of_name = {top: [home for home in homes.get(top, []) if name_of(home) == name_of(top)] for top in found}
    return {name_of(home) for top in found for home in of_name[top] or homes.get(top, [top])}


def test_every_package_that_is_imported_is_declared() -> None:
    needed = {name_of(requirement) for requirement in PROJECT["project"]["dependencies"]}
    extras = PROJECT["project"]["optional-dependencies"]
    more = {name_of(requirement) for group in extras.values() for requirement in group}
    only_if_there = {"ipython"}  # for the bar in notebooks
    assert packages("ganaug") - needed <= more | only_if_there
    assert packages("examples", "tools") <= needed | more
    assert {"opencv-python-headless", "torch", "scikit-learn"} <= packages("ganaug") & needed


def test_dependencies_have_bounds_and_a_tested_version() -> None:
    tested = {name_of(line) for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line}
    for requirement in PROJECT["project"]["dependencies"]:
        assert ">=" in requirement
        assert ("<" in requirement) != (name_of(requirement) in BY_DATE), requirement
        assert name_of(requirement) in tested


def test_the_source_distribution_holds_what_its_readme_and_makefile_use() -> None:
    included = set(PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"])
    used = {"/constraints.txt", "/Makefile", *(f"/{folder}" for folder in PROJECT["tool"]["vulture"]["paths"])}
    assert used <= included
    assert all((ROOT / name[1:]).exists() for name in included)


def test_report_loads_what_it_draws_with_when_it_draws() -> None:
    assert not modules_after("import ganaug.evaluation.report") & HEAVY


def test_names_are_there_and_others_are_not() -> None:
    assert {name for name in ganaug.__all__ if getattr(ganaug, name) is None} == set()
    assert set(ganaug.__all__) <= set(dir(ganaug))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        ganaug.nothing  # noqa: B018
