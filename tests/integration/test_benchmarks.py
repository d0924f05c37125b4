"""The benchmarks: every program starts; the one of tables reads, computes and stores, on small KEEL files made here."""

import importlib
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score

from tests.paths import ROOT

BENCHMARKS = ROOT / "benchmarks"
HEADER = """@relation made
@attribute Size real [0.0, 9.0]
@attribute Count integer[1,9]
@attribute Kind {a, b,c}
@attribute Class{positive,negative}
@inputs Size, Count, Kind
@data
"""


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return `benchmarks/tables.py` as a module; the modules that it imports lie beside it."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import tables

    return tables


@pytest.fixture
def threads_for_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take back the number of threads that a program sets for its processes."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(name, "1")


PROGRAMS = [
    "against",
    "clips",
    "clusters",
    "combinations",
    "derived",
    "devices",
    "dose",
    "image_speed",
    "images",
    "likeness",
    "loader",
    "planning",
    "queues",
    "signals",
    "tables",
    "threads",
    "verdict",
]


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_program_starts(
    benchmark: ModuleType, program: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = importlib.import_module(program)
    monkeypatch.setattr(sys, "argv", [f"{program}.py", "--help"])
    with pytest.raises(SystemExit) as ended:
        module.main()
    assert ended.value.code == 0
    assert "--quick" in capsys.readouterr().out


@pytest.fixture
def keel_folder(tmp_path: Path) -> Path:
    """Return a folder of two sets; one has a missing value, a copy, and an underscore for the hyphen in its file."""
    random = np.random.default_rng(0)
    for name, file, rows in (("made-1_vs_2", "made_1_vs_2.dat", 60), ("other0", "other0.dat", 40)):
        lines = [
            f"{random.normal(3 * (row < 12)):.3f}, {random.integers(1, 9)}, {random.choice(list('abc'))}, "
            + ("positive" if row < 12 else "negative")
            for row in range(rows)
        ]
        if rows == 60:
            lines[0] = "?, " + lines[0].split(", ", 1)[1]
        (tmp_path / "keel" / name).mkdir(parents=True)
        (tmp_path / "keel" / name / file).write_text(HEADER + "\n".join(lines) + "\n")
    (tmp_path / "keel" / "made-1_vs_2" / "test.dat").write_text("a copy")
    return tmp_path / "keel"


def test_sets_are_read_by_their_headers(benchmark: ModuleType, keel_folder: Path) -> None:
    table = benchmark.keel.read(keel_folder, "made-1_vs_2")
    assert [str(dtype) for dtype in table.X.dtypes] == ["float64", "int64", "category"]
    assert list(table.X) == ["Size", "Count", "Kind"]
    assert list(table.X["Kind"].cat.categories) == ["a", "b", "c"]
    assert table.X["Size"].isna().sum() == 1
    assert (table.rare, len(table.y)) == (12, 60)
    assert benchmark.keel.names(keel_folder) == ["other0", "made-1_vs_2"]
    assert benchmark.keel.quick_names(keel_folder) == ["made-1_vs_2", "other0"]
    with pytest.raises(FileNotFoundError, match=r"\.dat"):
        benchmark.keel.read(keel_folder, "nothing")


def test_thresholds_are_the_best_there_are(benchmark: ModuleType) -> None:
    from learners import best_thresholds

    random = np.random.default_rng(0)
    for digits in (1, 2, 6):
        y = np.append(random.integers(0, 2, 30), [0, 1])
        p = random.random(32).round(digits)
        found = best_thresholds(y, p)
        for name, score in (
            ("balanced_accuracy", balanced_accuracy_score),
            ("macro_f1", lambda y, predicted: f1_score(y, predicted, average="macro")),
        ):
            assert score(y, p > found[name]) == pytest.approx(max(score(y, p > t) for t in [-1, *p[p < p.max()]]))


def test_every_method_fills_the_gap(benchmark: ModuleType, keel_folder: Path) -> None:
    from cell import _fold
    from oversampling import METHODS, TRAINED, Rows, not_installed

    X, y, _, _ = _fold(keel_folder, "made-1_vs_2", 0)
    rows = Rows.of(X, y)
    assert not X.isna().any(axis=None)
    for name in sorted(METHODS.keys() - set(TRAINED) - not_installed(METHODS).keys()):
        (arm,) = METHODS[name](rows, 0)
        assert not arm.note
        assert arm.X.shape == (len(arm.y), rows.numbers.shape[1])
        assert np.isfinite(arm.X).all()
        np.testing.assert_allclose(arm.X[: len(y)], rows.numbers)
        if name in ("nothing", "class-weights"):
            assert len(arm.y) == len(y)
        else:
            assert abs((arm.y == 0).sum() - (arm.y == 1).sum()) <= 0.1 * len(y)


def test_probabilities_are_mapped_back_to_the_shares_before_resampling(benchmark: ModuleType) -> None:
    from learners import fit

    y = np.repeat([0, 1], [90, 10])
    balanced, X = np.repeat([0, 1], 90), np.zeros((180, 1))
    fitted = fit("logistic", X, balanced, None, 0)
    p = fitted.probabilities(X[:3])
    assert p == pytest.approx(0.5, abs=1e-6)
    assert fitted.corrected(p, y) == pytest.approx(0.1, abs=1e-6)
    weights = np.where(y == 1, 9.0, 1.0)
    weighted = fit("logistic", X[:100], y, weights, 0)
    assert weighted.corrected(weighted.probabilities(X[:3]), y) == pytest.approx(0.1, abs=1e-4)
    ignored = fit("knn", X[:100], y, weights, 0)  # without sample weights, it has learned the shares of the rows
    np.testing.assert_array_equal(ignored.corrected(np.array([0.3]), y), [0.3])


def test_the_calibration_error_is_that_of_its_bins(benchmark: ModuleType) -> None:
    from learners import calibration_error, scores

    random = np.random.default_rng(0)
    p = random.random(20_000)
    assert calibration_error((random.random(20_000) < p).astype(int), p) < 0.015
    assert calibration_error(np.zeros(50, int), np.full(50, 0.3)) == pytest.approx(0.3)
    y, p = np.array([0, 0, 1, 1, 1]), np.array([0.0, 0.0, 0.0, 0.4, 0.4])  # equal probabilities share a bin
    assert calibration_error(y, p) == pytest.approx((3 * (1 / 3) + 2 * 0.6) / 5)
    assert calibration_error(y[::-1], p[::-1]) == pytest.approx(calibration_error(y, p))
    found = scores(y, p, p / 2)
    assert found["brier_corrected"] == pytest.approx(np.mean((p / 2 - y) ** 2))
    assert found["roc_auc"] == pytest.approx(5 / 6)


def test_gaussian_smote_draws_from_the_normal_distribution_of_the_neighbours(benchmark: ModuleType) -> None:
    from gaussian_smote import gaussian_smote

    random = np.random.default_rng(0)
    numbers = random.normal(size=(6, 2)) @ [[1.0, 0.8], [0.0, 0.5]]  # six rows are all neighbours of each other
    kinds = np.eye(3)[[0, 1, 1, 1, 2, 2]]
    drawn = gaussian_smote(np.hstack([numbers, kinds]), [3], 40_000, np.random.default_rng(1))
    np.testing.assert_allclose(drawn[:, :2].mean(axis=0), numbers.mean(axis=0), atol=0.02)
    np.testing.assert_allclose(np.cov(drawn[:, :2].T), np.cov(numbers.T, bias=True), atol=0.03)
    assert drawn[:, 2:].tolist() == [[0, 1, 0]] * 40_000
    two = np.vstack([numbers, numbers + 100])  # neighbours are those of the same cloud
    drawn = gaussian_smote(two, [], 1_000, np.random.default_rng(1))
    assert 0.4 < (drawn[:, 0] > 50).mean() < 0.6
    assert np.abs(drawn[:, 0] - 50).min() > 40


def test_an_adversarial_forest_draws_rows_of_the_class(benchmark: ModuleType) -> None:
    import pandas as pd
    from adversarial_forest import _bounds, _fit, _pruned_leaves, rows_of_class

    random = np.random.default_rng(0)
    y = np.repeat([0, 1], [160, 40])
    cause = random.normal(6 * y)
    X = pd.DataFrame({"a": cause, "b": cause + random.normal(0, 0.3, 200), "n": random.poisson(3 + 20 * y)})
    X["kind"] = pd.Categorical(np.where(y == 1, "rare", random.choice(["x", "y"], 200)), categories=["x", "rare", "y"])
    drawn = rows_of_class(X, y, 500, seed=0)
    assert drawn.dtypes.to_dict() == X.dtypes.to_dict()
    assert (drawn["kind"] == "rare").mean() > 0.95
    np.testing.assert_allclose(drawn[["a", "b", "n"]].mean(), X[y == 1][["a", "b", "n"]].mean(), rtol=0.1)
    assert np.corrcoef(drawn["a"], drawn["b"])[0, 1] > 0.4  # columns drawn alone would have none
    pd.testing.assert_frame_equal(drawn, rows_of_class(X, y, 500, seed=0))

    rows = X[["a", "b"]].to_numpy()
    forest = _fit(rows, random)
    leaves = _pruned_leaves(forest, rows)
    assert min(np.bincount(own)[np.unique(own)].min() for own in leaves.T) >= 5
    low, high = _bounds(forest.estimators_[0].tree_, 2)
    own = leaves[:, 0]
    assert ((rows.astype(np.float32) <= high[own] + 1e-5) & (rows.astype(np.float32) >= low[own] - 1e-5)).all()


@pytest.mark.parametrize("name", ["lightgbm", "catboost"])
def test_other_boosters_learn(
    benchmark: ModuleType, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from learners import fit

    pytest.importorskip(name)
    monkeypatch.chdir(tmp_path)
    y = np.repeat([0, 1], 50)
    X = y[:, None] + np.random.default_rng(0).normal(0, 0.1, (100, 2))
    p = fit(name, X, y, None, 0).probabilities(X)
    assert ((p > 0.5) == y).all()
    assert list(tmp_path.iterdir()) == []


def test_other_sets_are_read(benchmark: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import other_sets

    made = {
        "plain/plain.data.txt": "a, 1, 0.5, yes\na, 2, ?, no\nb, 3, 1.5, no\n",
        "arff/arff.arff": "% a comment\n@relation r\n@attribute a numeric\n@data\n1,true\n2,false\n3,false\n",
        "apart/apart.data": "1 2 \n3 4 \n",
        "apart/apart.labels": "-1\n1\n",
    }
    for name, text in made.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(other_sets.Source, "folder", tmp_path)
    plain = other_sets.Source(("plain/plain.data.txt",), -1, ("yes",))
    sets = {
        "plain": plain,
        "arff": other_sets.Source(("arff/arff.arff",), -1, ("true",)),
        "apart": other_sets.Source(("apart/apart.data",), -1, ("1",), None, labels="apart/apart.labels"),
    }
    monkeypatch.setattr(other_sets, "SETS", sets)
    table = other_sets.read("plain")
    assert [str(dtype) for dtype in table.X.dtypes] == ["category", "int64", "float64"]
    assert table.X.isna().sum().tolist() == [0, 0, 1]
    assert table.y.tolist() == [1, 0, 0]
    assert other_sets.read("arff").y.tolist() == [1, 0, 0]
    assert other_sets.read("apart").X.to_numpy().tolist() == [[1, 2], [3, 4]]
    assert other_sets.read("apart").y.tolist() == [0, 1]
    monkeypatch.setattr(other_sets.Source, "folder", None)
    with pytest.raises(FileNotFoundError, match="pip install"):
        other_sets.read("plain")


@pytest.mark.slow
@pytest.mark.usefixtures("threads_for_processes")
def test_a_run_is_resumed_and_one_method_can_be_measured_again(
    benchmark: ModuleType, keel_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchmark, "ProcessPoolExecutor", lambda jobs, **_: ThreadPoolExecutor(jobs))
    common = ["--data", str(keel_folder), "--output", str(tmp_path), "--no-speed", "--inner-folds", "2", "--folds", "2"]

    def run(*options: str) -> dict:
        monkeypatch.setattr(sys, "argv", ["tables.py", *common, "--learners", "logistic", *options])
        benchmark.main()
        return json.loads((tmp_path / "tables.json").read_text())

    results = run("--methods", "nothing,smote")
    cells = sorted((tmp_path / "table-cells").rglob("*.json"))
    assert len(cells) == 8
    summary = results["summary"]
    assert summary["arms"] == ["nothing", "SMOTE"]
    assert len(summary["sets"]) == 2
    assert len(summary["metrics"]) == 12
    for metric in ("brier", "calibration_error", "macro_f1"):
        own, corrected = (summary["metrics"][f"{metric}{suffix}"]["mean"] for suffix in ("", "_corrected"))
        assert own["nothing"] == corrected["nothing"]
        assert own["SMOTE"] != corrected["SMOTE"]
    assert summary["worse_than_nothing"]["brier"].keys() == {"SMOTE"}
    ranks = summary["metrics"]["roc_auc"]["mean_rank"]
    assert sum(ranks.values()) == pytest.approx(3)
    by_set = summary["metrics"]["roc_auc"]["by_set"]["SMOTE"]
    assert len(by_set) == 2
    assert np.mean(by_set) == pytest.approx(summary["metrics"]["roc_auc"]["mean"]["SMOTE"], abs=1e-4)
    assert "| SMOTE |" in (tmp_path / "tables.md").read_text()

    before = {path: path.stat().st_mtime_ns for path in cells}
    assert run("--methods", "nothing,smote")["summary"] == summary
    assert {path: path.stat().st_mtime_ns for path in cells} == before
    run("--methods", "smote", "--force")
    changed = [path for path in cells if path.stat().st_mtime_ns != before[path]]
    assert {path.name for path in changed} == {"smote-0.json", "smote-1.json"}
    assert len(changed) == 4
    more = run("--methods", "smote", "--learners", "logistic,knn", "--compare", "smote")["summary"]
    assert more["learners"] == ["logistic", "knn"]
    logistic = summary["metrics"]["roc_auc"]["mean_by_learner"]["logistic"]["SMOTE"]
    assert more["metrics"]["roc_auc"]["mean_by_learner"]["logistic"] == {"SMOTE": logistic}


def test_own_arms_are_ranked_one_at_a_time(benchmark: ModuleType) -> None:
    from table_report import _ranks

    values = np.array([[0.5, 0.9, 0.8], [0.5, 0.9, 0.4]])
    assert _ranks(values, ["nothing", "ganaug full", "ganaug half"]).tolist() == [2.0, 1.0, 1.5]


def test_a_set_is_worse_beyond_its_standard_error(benchmark: ModuleType) -> None:
    from table_report import _worse_sets

    nothing = np.full(4, 0.8)
    folds = {
        "clearly": nothing - [0.1, 0.2, 0.1, 0.2],
        "by chance": nothing - [0.3, -0.2, -0.2, 0.2],
        "better": nothing + 0.1,
    }
    scored = {
        "macro_f1": np.array([[[nothing], [own]] for own in folds.values()])
    }  # (n_sets, n_arms, n_learners, n_folds)
    scored["brier"] = scored["macro_f1"]
    found = _worse_sets(scored, ["macro_f1", "brier"], list(folds), ["nothing", "ganaug full"])
    assert found == {"macro_f1": {"ganaug full": ["clearly"]}, "brier": {"ganaug full": ["better"]}}


def test_unknown_names_are_refused(benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch, keel_folder: Path) -> None:
    for options in (["--methods", "magic"], ["--learners", "oracle"], ["--inner-folds", "1"], ["--sets", "none"]):
        monkeypatch.setattr(sys, "argv", ["tables.py", "--data", str(keel_folder), *options])
        with pytest.raises(SystemExit):
            benchmark.main()


def test_real_rows_keep_the_rules_of_the_simulated_table(benchmark: ModuleType) -> None:
    import derived

    table = derived._table(0)
    y = table.pop("rare").to_numpy()
    facts = derived._facts(table[y == 1])
    rules = {name: share for name, share in facts.items() if name not in {"mean stay", "sale at full price"}}
    assert rules == dict.fromkeys(rules, 1.0)
    assert len(rules) == 6


def test_energy_distance_is_zero_between_samples_of_one_distribution(benchmark: ModuleType) -> None:
    from likeness import energy_distance

    random = np.random.default_rng(0)
    one, other = random.normal(size=(2, 2_000, 3))
    assert energy_distance(one, other) == pytest.approx(0, abs=0.01)
    assert energy_distance(one, other + 1) > 0.5


def test_ratio_of_two_checkouts_is_a_geometric_mean_with_an_interval(benchmark: ModuleType) -> None:
    from against import _ratio

    assert _ratio([1.0, 2.0, 4.0], [1.1, 2.2, 4.4]) == "1.100 (1.100 to 1.100)"
    assert _ratio([1.0, 1.0], [2.0, 0.5]).startswith("1.000 (")


@pytest.mark.slow
def test_a_checkout_is_compared_with_itself(tmp_path: Path) -> None:
    options = ["--tasks", "sample-table", "--quick", "--output", str(tmp_path / "times.json")]
    command = [sys.executable, BENCHMARKS / "against.py", ROOT, ROOT, *options]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603
    assert shown.splitlines()[2].endswith("| yes |")
    (times,) = json.loads((tmp_path / "times.json").read_text())["tasks"].values()
    assert len(times) == 2


@pytest.mark.parametrize("tail", [20, 100])
def test_training_images_of_a_tail_share_no_group_with_unseen_ones(benchmark: ModuleType, tail: int) -> None:
    from image_sets import load

    data, again = load("digits", 1, tail), load("digits", 1, tail)
    np.testing.assert_array_equal(data.train_images, again.train_images)
    counts = np.sort(np.bincount(data.train_labels))
    assert counts[0] == {20: 5, 100: 2}[tail]
    assert counts[-1] >= 100
    train = {image.tobytes() for image in data.train_images}
    assert not train & {image.tobytes() for image in data.unseen_images}
    assert {image.tobytes() for image in data.test_images} <= {image.tobytes() for image in data.unseen_images}
    assert not np.array_equal(np.bincount(data.train_labels), np.bincount(load("digits", 2, tail).train_labels))


def test_tiles_of_different_blocks_share_no_pixel(benchmark: ModuleType) -> None:
    from image_sources import Cut, _tiled

    photograph = np.arange(48 * 48 * 3, dtype=np.uint32).view(np.uint8).reshape(48, 48, 12)[..., :4]
    data = _tiled({"only": [photograph]}, Cut(tile=16, block=24, stride=4))
    assert np.bincount(data.groups)[1:].tolist() == [9] * 4
    numbers = np.ascontiguousarray(data.images).view(np.uint32).reshape(len(data.images), -1)
    seen = [set(numbers[data.groups == group].ravel().tolist()) for group in np.unique(data.groups)]
    assert sum(map(len, seen)) == len(set.union(*seen))


def test_a_missing_package_is_named_with_its_remedy(
    benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from image_sources import STAMPS, find

    monkeypatch.setenv(STAMPS.variable, str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"must lie in .*tuxpaint-stamps-default"):
        find(STAMPS)


def test_altered_and_mixed_images_keep_their_form(benchmark: ModuleType) -> None:
    import torch
    from image_altering import cut_mix, mixup, rand_augment

    random = np.random.default_rng(0)
    for channels in (1, 3):
        images = random.integers(0, 256, (30, 16, 16, channels), dtype=np.uint8)
        altered = rand_augment(0)(images)
        assert (altered.dtype, altered.shape) == (images.dtype, images.shape)
        assert not np.array_equal(altered, images)
        np.testing.assert_array_equal(altered, rand_augment(0)(images))
    zeros_and_ones = torch.arange(2.0).repeat(20)[:, None, None, None].expand(-1, 1, 16, 16)
    target = torch.eye(2).repeat(20, 1)
    for mix in (mixup, cut_mix):
        mixed, shares = mix(zeros_and_ones, target, np.random.default_rng(1))
        assert not torch.equal(mixed, zeros_and_ones)
        torch.testing.assert_close(mixed.mean(dim=(1, 2, 3)), shares[:, 1])  # a label is mixed as its image is
        torch.testing.assert_close(shares.sum(dim=1), torch.ones(40))


def test_a_dose_replaces_its_share_of_its_classes(benchmark: ModuleType) -> None:
    from image_classifiers import ARMS, BATCH, Dose, _batches
    from image_sets import load

    data = load("digits", 0)
    marked = tuple(np.full((3, 8, 8, 1), 255, np.uint8) for _ in data.classes)
    shares = np.where(np.arange(10) < 5, 0.5, 0.0)
    batches = _batches(data, ARMS["balanced + dose"], Dose(marked, shares), seed=0)
    found, seen = np.zeros(10), np.zeros(10)
    for _ in range(40):
        images, target = next(batches)
        labels = target.argmax(dim=1).numpy()
        seen += np.bincount(labels, minlength=10)
        found += np.bincount(labels[(images == 1).all(dim=(1, 2, 3)).numpy()], minlength=10)
    assert seen.sum() == 40 * BATCH
    np.testing.assert_allclose(found / seen, shares, atol=0.1)


def test_a_dose_of_zero_leaves_the_batches_as_they_are(benchmark: ModuleType) -> None:
    from image_classifiers import ARMS, Dose, _batches
    from image_sets import load

    data = load("digits", 0)
    zero = Dose(tuple(np.zeros((1, 8, 8, 1), np.uint8) for _ in data.classes), np.zeros(len(data.classes)))
    plain, dosed = (_batches(data, ARMS["albumentations"], dose, 0) for dose in (None, zero))
    for _ in range(3):
        for one, other in zip(next(plain), next(dosed), strict=True):
            np.testing.assert_array_equal(one.numpy(), other.numpy())


@pytest.mark.slow
def test_a_style_changes_half_of_the_images(benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    import image_classifiers
    from image_sets import load

    monkeypatch.setattr(image_classifiers, "RESTYLED", 4)
    data, arms = load("digits", 0), image_classifiers.ARMS
    real = {image.tobytes() for image in data.train_images.transpose(0, 3, 1, 2)}
    changed = 0
    for _, (images, target) in zip(range(5), image_classifiers._batches(data, arms["style"], None, 0), strict=False):
        pixels = ((images + 1) * 127.5).round().byte().numpy()
        changed += sum(image.tobytes() not in real for image in pixels)
        assert target.sum() == len(images)
    assert 0.4 < changed / (5 * image_classifiers.BATCH) < 0.6
    of_class = image_classifiers._restyled_images(data, arms["style of the class"], 0)
    assert [images.shape for images in of_class] == [(4, 8, 8, 1)] * 10


@pytest.mark.slow
@pytest.mark.usefixtures("threads_for_processes")
def test_some_arms_are_measured_without_a_generator(
    benchmark: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import images

    monkeypatch.setattr(images, "ProcessPoolExecutor", lambda *_, **__: ThreadPoolExecutor(1))
    monkeypatch.setattr(sys, "argv", ["images.py", "--quick", "--arms", "natural,balanced", "--output", str(tmp_path)])
    images.main()
    found = json.loads((tmp_path / "quick/images-arms.json").read_text())
    assert list(found["accuracy"][0]["arms"]) == ["natural", "balanced"]
    assert found["samples"] == []
    text = (tmp_path / "quick/images-arms.md").read_text()
    assert "No generator, 40 steps a classifier" in text
    assert "CutMix" not in text


def test_the_measured_dose_is_used_where_a_file_has_one(benchmark: ModuleType) -> None:
    from types import SimpleNamespace

    from images import dose_of

    counts = np.array([100, 39])
    measured = SimpleNamespace(dose={"a": 0.0, "b": 0.2}, metadata={"classes": ["a", "b"]})
    assert dose_of(measured, counts).tolist() == [0, 0.2]
    assert dose_of(measured, counts, "fixed").tolist() == [0, 0.3]
    assert dose_of(SimpleNamespace(), counts).tolist() == [0, 0.3]


def test_best_arms_are_chosen_on_other_splits(benchmark: ModuleType) -> None:
    from image_classifiers import ARMS
    from image_report import dose_gains

    accuracies = {arm: {split: {0: 0.5} for split in range(3)} for arm in ARMS}
    accuracies["mixup"][0][0] = 0.9  # lucky on one split: the others do not choose it
    accuracies["CutMix"] = {split: {0: 0.6} for split in range(3)}
    accuracies["CutMix + dose"] = {0: {0: 0.7}, 1: {0: 0.7}, 2: {0: 0.7, 1: 0.0}}  # the others lack seed 1
    gains = dose_gains(accuracies)
    assert gains[0] == pytest.approx(0.1)
    assert dose_gains({arm: found for arm, found in accuracies.items() if arm != "natural"}) == {}


def test_gains_are_averaged_over_sets_as_clusters(benchmark: ModuleType) -> None:
    from image_report import _gains_of_sets

    gain = _gains_of_sets(
        {("mnist", 20): {0: 0.0, 1: 0.02}, ("mnist", 100): {0: 0.02, 1: 0.04}, ("scenes", 20): {0: 0.04}}
    )
    assert gain["sets"]["mnist"]["mean"] == pytest.approx(0.02)
    assert gain["mean"]["all sets"]["mean"] == pytest.approx(0.03)
    assert gain["mean"]["all sets"]["n"] == 2
    assert gain["mean"]["held aside"]["mean"] == pytest.approx(0.04)
    assert gain["mean"]["all sets"]["low"] < 0.02  # two sets say little


@pytest.mark.parametrize("side", [32, 64])
def test_the_dcgan_draws_and_judges_images_of_a_side(benchmark: ModuleType, side: int) -> None:
    import torch
    from dcgan import NOISE, discriminator, generator, training

    assert generator(side, 3, 4)(torch.randn(2, NOISE + 4, 1, 1)).shape == (2, 3, side, side)
    assert discriminator(side, 3, 4)(torch.randn(2, 7, side, side)).shape == (2, 1, 1, 1)
    steps = training(torch.randn(4, 3, side, side), torch.arange(4), 4, batch_size=4)
    assert [next(steps), next(steps)] == [1, 2]
