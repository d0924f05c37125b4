"""What imports load and what the package offers, each in a fresh interpreter."""

import subprocess
import sys

import pytest

import ganaug

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


def test_report_loads_what_it_draws_with_when_it_draws() -> None:
    assert not modules_after("import ganaug.evaluation.report") & HEAVY


def test_names_are_there_and_others_are_not() -> None:
    assert {name for name in ganaug.__all__ if getattr(ganaug, name) is None} == set()
    assert set(ganaug.__all__) <= set(dir(ganaug))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        ganaug.nothing  # noqa: B018
