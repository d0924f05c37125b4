"""The registry: a metric is one module and one line, and the report can word it without what measures it."""

import subprocess
import sys
from types import ModuleType

import pytest

from ganaug.data.dataset import Dataset
from ganaug.evaluation import metrics
from ganaug.evaluation.exhibits import Exhibits
from ganaug.evaluation.fidelity import measure_fidelity, pooled_class_fidelity, pooled_fidelity
from ganaug.evaluation.metrics.base import Metric, MetricLine, mean
from ganaug.evaluation.report import render


def test_a_new_metric_is_one_module_and_one_line(
    sides: tuple[Dataset, Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    toy = ModuleType("ganaug.evaluation.metrics.toy")
    toy.METRIC = Metric(  # type: ignore[attr-defined]
        lambda results: {"relative_number": mean(results)},
        lambda fold: len(fold.synthetic) / len(fold.real),
        lambda real, synthetic: len(synthetic) / len(real),
        lambda figures: [MetricLine("Relative number", str(figures.get("relative_number")), "", "ideal 1", "A toy.")],
    )
    monkeypatch.setitem(sys.modules, toy.__name__, toy)
    monkeypatch.setitem(metrics.METRICS, "fidelity", [*metrics.METRICS["fidelity"], "toy"])

    real, synthetic = sides
    folds = [measure_fidelity(real, synthetic, lambda data: data.points(real)) for _ in range(2)]
    figures = pooled_fidelity(folds, "rows")
    assert figures["relative_number"] == 1.0
    assert pooled_class_fidelity(folds, 0)["relative_number"] == pytest.approx(
        (synthetic.labels == 0).sum() / (real.labels == 0).sum(), abs=1e-6
    )
    page = render({"fidelity": figures}, Exhibits())
    assert '>Relative number</th><td role="cell" class="number">1.0</td>' in page


def test_every_metric_of_no_fold_has_its_json_and_nothing_to_show() -> None:
    for section in metrics.METRICS:
        figures = metrics.pooled(section, [])
        assert figures
        assert metrics.lines(section, figures) == metrics.lines(section, {}) == []


def test_the_page_words_metrics_without_what_measures_them() -> None:
    code = """
import sys
from ganaug.evaluation.exhibits import Exhibits
from ganaug.evaluation.report import render
fidelity = {"two_sample_auc": {"mean": 0.7, "low": 0.6, "high": 0.8}, "columns": [], "coverage": 0.5}
assert "Coverage" in render({"fidelity": fidelity, "copies": {"share": 0.1}}, Exhibits())
print({"torch", "sklearn", "scipy", "pandas"} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.strip() == "set()"
