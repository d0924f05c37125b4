"""Measures and searches against worlds whose truth is known."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ganaug.data.dataset import Dataset
from ganaug.data.tables.dataset import from_frame
from ganaug.errors import DataError
from ganaug.evaluation.arms import IMAGE_ARMS, TABLE_ARMS, Arm
from ganaug.evaluation.copying import class_copies, pooled_copies, search_for_copies
from ganaug.evaluation.fidelity import measure_fidelity, pooled_fidelity
from ganaug.evaluation.findings import findings
from ganaug.evaluation.gallery import exhibits_of
from ganaug.evaluation.metrics.copies import NOMINAL
from ganaug.evaluation.metrics.distances import (
    floored,
    frechet_distance,
    inception_score,
    kernel_distance,
    typical_distance,
)
from ganaug.evaluation.metrics.manifold import manifold_overlap
from ganaug.evaluation.metrics.two_sample import two_sample_auc
from ganaug.evaluation.plan import plan_for
from ganaug.evaluation.report import measures
from ganaug.evaluation.samples import draw
from ganaug.evaluation.scores import METRICS, Score, score
from ganaug.evaluation.splits import cut, fewest_for_a_verdict
from ganaug.evaluation.statistics import corrected_estimate
from ganaug.evaluation.trials.tables import TableTrial
from ganaug.evaluation.verdict import compare
from tests.fakes import copier, noise, repeater, shells, truth

COUNTS = {"inner": 240, "outer": 160}


@pytest.fixture(scope="module")
def sides() -> tuple[Dataset, Dataset]:
    """A training part and held-out rows of the shells."""
    table = from_frame(*shells({name: 2 * n for name, n in COUNTS.items()}, np.random.default_rng(0)))
    order = np.random.default_rng(1).permutation(len(table.labels))
    return table.part(np.sort(order[:400])), table.part(np.sort(order[400:]))


def judged(train: Dataset, held_out: Dataset, trainer: Callable[..., Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    synthetic = draw(trainer(train), train, np.bincount(held_out.labels), 3)
    codec = train.codec if trainer is not truth else None  # type: ignore[union-attr]
    fidelity = measure_fidelity(held_out, synthetic, lambda data: data.points(train), codec=codec)
    return pooled_fidelity([fidelity], "rows"), pooled_copies([search_for_copies(synthetic, train, held_out)])


def test_other_real_rows_pass_for_real(sides: tuple[Dataset, Dataset]) -> None:
    fidelity, copies = judged(*sides, truth)
    assert fidelity["two_sample_auc"]["low"] <= 0.5 <= fidelity["two_sample_auc"]["high"]
    assert fidelity["kernel_distance"]["value"] <= fidelity["kernel_distance"]["floor"]
    assert fidelity["frechet_distance"]["value"] <= fidelity["frechet_distance"]["floor"]
    assert fidelity["coverage"] > 0.9
    assert all(column["distance"] <= 1.5 * column["floor"] for column in fidelity["columns"])
    assert copies["share"] < 2 * NOMINAL
    assert copies["membership_auc"]["low"] <= 0.5 <= copies["membership_auc"]["high"]
    assert not findings(fidelity, copies, [], seen="not applicable", repeated=0, grouped=False)


@pytest.mark.parametrize("trainer", [noise, repeater])
def test_noise_and_one_row_repeated_do_not(sides: tuple[Dataset, Dataset], trainer: Callable[..., Any]) -> None:
    fidelity, copies = judged(*sides, trainer)
    assert fidelity["two_sample_auc"]["low"] > 0.95
    assert fidelity["kernel_distance"]["value"] > 3 * fidelity["kernel_distance"]["floor"]
    assert fidelity["coverage"] < 0.1
    found = findings(fidelity, copies, [], seen="not applicable", repeated=0, grouped=False)
    assert found[0]["level"] == "alarm"
    assert "collapse" in found[0]["text"]


def test_jittered_training_rows_are_found(sides: tuple[Dataset, Dataset]) -> None:
    fidelity, copies = judged(*sides, copier)
    assert copies["share"] >= 0.95
    assert copies["calibration"]["false_alarms"] < 0.05
    assert copies["calibration"]["planted_exact_found"] == 1.0
    assert copies["calibration"]["planted_altered_found"] >= 0.95
    assert copies["membership_auc"]["low"] > 0.55
    texts = [one["text"] for one in findings(fidelity, copies, [], seen="none", repeated=0, grouped=False)]
    assert any("nearer to a training sample" in text for text in texts)
    assert fidelity["constraints"]["violated"] == 0


@pytest.mark.parametrize(
    ("share", "false_alarms", "level"),
    [(1.0, 4 / 11, "alarm"), (0.8, 4 / 11, "alarm"), (0.6, 4 / 11, None), (1.0, 1.0, None), (0.2, 0.03, "warning")],
)
def test_copies_raise_the_alarm_where_few_real_samples_calibrate(
    share: float, false_alarms: float, level: str | None
) -> None:
    copies = {"share": share, "expected_share": NOMINAL, "calibration": {"false_alarms": false_alarms}, "n": 60}
    found = findings({}, copies, [], seen="not applicable", repeated=0, grouped=False)
    assert [one["level"] for one in found] == [level] * (level is not None)
    assert f"{max(NOMINAL, false_alarms):.1%} by chance" in measures.copies({"copies": copies})[0].reference.replace(
        "\u202f", ""
    )


def of_class(name: str, share: float, n_real: int, *, n: int = 60, false_alarms: float = 0.0) -> dict[str, Any]:
    copies = {"share": share, "n": n, "n_real": n_real, "false_alarms": false_alarms}
    return {"name": name, "count": 50, "fidelity": {}, "copies": copies}


@pytest.mark.parametrize(
    ("share", "classes", "said"),
    [
        (
            0.04,
            [of_class("common", 0.03, 500, n=900), of_class("rare", 0.5, 12)],
            [("alarm", "Of the samples of 'rare'")],
        ),
        (0.04, [of_class("common", 0.03, 500), of_class("rare", 0.5, 12, false_alarms=0.3)], []),
        (0.04, [of_class("common", 0.03, 500), of_class("rare", 0.15, 12)], []),  # nine of sixty may be luck
        (
            0.04,
            [of_class("common", 0.03, 500), of_class("rare", 0.5, 2, false_alarms=1.0)],
            [("warning", "Of the samples of 'rare'"), ("note", "Too few real samples of 'rare'")],
        ),
        (
            0.3,
            [of_class("common", 0.03, 500), of_class("rare", 0.6, 2)],
            [("alarm", "above all those of 'rare'."), ("note", "Too few real samples of 'rare'")],
        ),
        (
            0.5,
            [of_class("common", 0.5, 500), of_class("rare", 0.5, 20)],
            [("alarm", "than all but 3% of real ones are.")],
        ),
    ],
)
def test_a_class_neither_hides_nor_dominates_the_share_of_copies(
    share: float, classes: list[dict[str, Any]], said: list[tuple[str, str]]
) -> None:
    copies = {"share": share, "expected_share": NOMINAL, "calibration": {"false_alarms": 0.02}, "n": 120}
    found = findings({}, copies, classes, seen="not applicable", repeated=0, grouped=False)
    assert [one["level"] for one in found] == [level for level, _ in said]
    assert all(words in one["text"] for one, (_, words) in zip(found, said, strict=True))


def test_copies_of_a_class_tell_how_many_real_ones_there_were(sides: tuple[Dataset, Dataset]) -> None:
    train, held_out = sides
    folds = [search_for_copies(draw(copier(train), train, np.array([30, 50]), 3), train, held_out)]
    inner, outer = (class_copies(folds, label) for label in range(2))
    assert (inner["n"], outer["n"]) == (30, 50)
    assert [inner["n_real"], outer["n_real"]] == np.bincount(held_out.labels).tolist()
    alarms = [one["false_alarms"] * one["n_real"] for one in (inner, outer)]
    assert sum(alarms) == pytest.approx(pooled_copies(folds)["calibration"]["false_alarms"] * 400, abs=0.01)
    assert class_copies([], 0) == {"share": None, "n": 0, "false_alarms": None, "n_real": 0}


@pytest.mark.parametrize(("low", "said"), [(0.5019, False), (0.5051, True), (None, False)])
def test_what_a_classifier_tells_is_said_only_where_the_sentence_shows_it(low: float | None, said: bool) -> None:
    fidelity = {"two_sample_auc": {"low": low}}
    found = findings(fidelity, {}, [], seen="not applicable", repeated=0, grouped=False)
    assert ["at least 0.51" in one["text"] for one in found] == [True] * said


def test_copies_of_data_that_repeats_itself_cannot_be_told() -> None:
    frame = pd.DataFrame({"a": np.tile([0, 1, 2, 3], 60), "b": np.tile([0, 1], 120)})
    table = from_frame(frame, np.tile(["x", "y", "y"], 80))
    train, held_out = table.part(np.arange(160)), table.part(np.arange(160, 240))
    copies = pooled_copies([search_for_copies(held_out, train, held_out)])
    assert copies["share"] < 0.05
    found = findings({}, copies, [], seen="none", repeated=0, grouped=False)
    assert any("cannot be told" in one["text"] for one in found)


def test_the_two_sample_interval_holds_its_promise() -> None:
    """Of tests on two samples of one distribution, nearly all intervals hold one half."""
    hits = 0
    for seed in range(6):
        one, other = np.random.default_rng(seed).normal(size=(2, 60, 4))
        estimate = two_sample_auc(one, other, seed=seed).estimate()
        hits += estimate.low <= 0.5 <= estimate.high  # type: ignore[operator]
    assert hits >= 5


def test_distances_agree_with_torchmetrics() -> None:
    pytest.importorskip("torchmetrics")
    import torch
    from torchmetrics.image.fid import FrechetInceptionDistance
    from torchmetrics.image.inception import InceptionScore
    from torchmetrics.image.kid import KernelInceptionDistance

    class Flat(torch.nn.Module):
        num_features = 12

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images.flatten(1).float() / 255

    rng = np.random.default_rng(0)
    one, other = rng.integers(0, 256, (2, 40, 3, 2, 2), dtype=np.uint8)
    other = other // 2
    frechet = FrechetInceptionDistance(feature=Flat(), normalize=False, input_img_size=(3, 2, 2))
    frechet.set_dtype(torch.float64)
    kernel = KernelInceptionDistance(feature=Flat(), subsets=1, subset_size=40)
    for metric in (frechet, kernel):
        metric.update(torch.from_numpy(one), real=True)
        metric.update(torch.from_numpy(other), real=False)
    flat = [side.reshape(40, -1) / 255.0 for side in (one, other)]
    assert frechet_distance(*flat) == pytest.approx(float(frechet.compute()), rel=1e-3)
    assert kernel_distance(*flat) == pytest.approx(float(kernel.compute()[0]), rel=1e-3)

    class Softened(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images.flatten(1).float() / 32

    score = InceptionScore(feature=Softened(), splits=1)
    score.update(torch.from_numpy(one))
    probabilities = torch.from_numpy(one).flatten(1).float().div(32).softmax(dim=1).numpy()
    assert inception_score(probabilities) == pytest.approx(float(score.compute()[0]), rel=1e-4)


def test_the_frechet_distance_has_closed_forms_to_agree_with() -> None:
    wide, narrow = np.random.default_rng(0).normal(size=(2, 4000, 3))
    assert frechet_distance(2 * wide, narrow) == pytest.approx(3.0, rel=0.1)  # d * (2 - 1) ** 2
    many = np.random.default_rng(0).normal(size=(20, 50))  # fewer rows than columns
    assert frechet_distance(many, many + 1) == pytest.approx(50.0)


def test_few_rows_have_no_distance() -> None:
    assert np.isnan(floored(kernel_distance, np.zeros((3, 2)), np.zeros((9, 2))).value)
    assert np.isnan(two_sample_auc(np.zeros((3, 2)), np.zeros((9, 2))).value)


def test_splits_that_agree_to_the_last_digit_are_still_not_certain() -> None:
    """Three splits, each better by the same one row of ten: no variance, and no certainty either."""
    estimate = corrected_estimate([0.05, 0.05, 0.05], 0.5, chosen_low=4, resolution=1 / 20)
    assert estimate.low is not None
    assert estimate.low < 0 < estimate.high  # type: ignore[operator]


def test_no_figure_is_certain_where_splits_agree_to_the_last_digit() -> None:
    def of(value: float) -> Score:
        one = Score(dict.fromkeys(METRICS, value))
        one.recall = np.array([value, 1.0])
        return one

    arms = [Arm("nothing", "nothing"), Arm("GAN", "gan")]
    found = compare([{"nothing": of(0.75), "GAN": of(0.75)}] * 2, arms, np.array([8, 40]), test_per_train=0.25)
    figures = [*found.metrics["GAN"].values(), *found.recall["GAN"], found.difference, *found.class_difference]
    for one in figures:
        assert one.low is not None
        assert one.low < one.high  # type: ignore[operator]
    rare, common = found.recall["GAN"]
    assert rare.low < 0.6 < 0.9 < rare.high  # type: ignore[operator]
    assert common.low > 0.8  # type: ignore[operator]
    assert common.high == 1.0
    brier, balanced = found.metrics["GAN"]["brier"], found.metrics["GAN"]["balanced_accuracy"]
    assert brier.high - brier.low < balanced.high - balanced.low  # type: ignore[operator]


def test_the_same_test_rows_again_and_again_are_no_more_certain_for_it() -> None:
    """Classifiers that guess, and say the same whatever their seed: which of them is the better one is luck."""
    labels = np.repeat([0, 1], 30)
    arms = [Arm("nothing", "nothing"), Arm("GAN", "gan")]
    outcomes = {True: 0, False: 0}
    for seed in range(200):
        rng, scores = np.random.default_rng(seed), {}
        for arm in arms:
            guess = rng.random((60, 2))
            scores[arm.name] = score(guess, labels, decide_by=guess)
        for known in outcomes:
            found = compare(
                [scores] * 5,
                arms,
                np.array([30, 30]),
                test_per_train=0.25,
                test_labels=labels if known else None,
            )
            outcomes[known] += found.verdict != "no difference"
            assert found.difference.low < found.difference.mean < found.difference.high  # type: ignore[operator]
    assert outcomes[True] <= 10  # one in twenty
    assert outcomes[False] > 100


@pytest.mark.parametrize("alone", [1, 2, 3])
def test_classes_of_one_group_do_not_make_a_verdict_impossible(alone: int) -> None:
    labels = np.repeat([0, 1, *range(2, 2 + alone)], [100, 60, *[5] * alone])
    groups = np.arange(len(labels)) // 5
    for seed in range(10):
        splits = cut(labels, groups, seed=seed)
        assert len(splits) >= fewest_for_a_verdict(sum(split.repeat == splits[0].repeat for split in splits))


def test_groups_never_part_and_rare_classes_are_always_learned_from() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(30), 6)
    labels = (groups % 3 == 0).astype(np.int64)
    for split in cut(labels, groups, seed=1):
        assert not set(groups[split.train]) & set(groups[split.test])
        assert len(set(labels[split.train])) == len(set(labels[split.test])) == 2
    labels = np.array([0] * 50 + [1] * 20 + [2] * 2)
    for split in cut(rng.permutation(labels), None):
        assert not set(split.train) & set(split.test)
    for split in cut(labels, None):
        assert {70, 71} <= set(split.train)
    with pytest.raises(DataError, match="three samples or more"):
        cut(np.array([0] * 50 + [1, 1]), None)
    with pytest.raises(DataError, match="three groups or more"):
        cut(np.repeat([0, 1], 20), np.repeat([0, 1], 20))


@pytest.mark.parametrize("budget", [12.0, 20.0, 35.0, 60.0, 120.0])
@pytest.mark.parametrize("classifier", [1.0, 3.0, 9.0, 12.0])
def test_one_split_fits_into_any_budget(budget: float, classifier: float) -> None:
    """Also where altering images doubles what two arms take, and the judge takes as long as an arm."""
    settings = {"splits": 10, "folds": 5, "training": classifier, "steps": 300, "seconds": 180.0}
    plan = plan_for(budget, IMAGE_ARMS, **settings)
    fits = sum(1 + (arm.filled == "altered") for arm in plan.arms) + 1
    assert plan.classifier == pytest.approx(classifier * plan.steps / 300)
    assert plan.seconds is not None
    assert plan.splits * (plan.seconds + fits * plan.classifier) < budget
    assert plan.seconds >= min(15.0, 0.2 * budget / plan.splits)
    assert plan.steps >= 20


def test_no_arm_gives_way_to_a_training_that_is_not_to_be() -> None:
    settings = {"splits": 5, "folds": 1, "training": 0.5, "steps": 1}
    assert len(plan_for(90.0, TABLE_ARMS, seconds=60.0, **settings).arms) < len(TABLE_ARMS)
    plan = plan_for(90.0, TABLE_ARMS, seconds=0.0, **settings)
    assert (plan.splits, len(plan.arms), plan.seconds, plan.left_out) == (5, len(TABLE_ARMS), 0.0, ())


def test_a_table_of_all_sorts_goes_through_every_arm() -> None:
    """Missing numbers, dates, text, truth values; the test part has a category that the training part has not."""
    from sklearn.linear_model import LogisticRegression

    rng, n = np.random.default_rng(0), 60
    frame = pd.DataFrame(
        {
            "number": rng.normal(size=n),
            "day": pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 99, n), "D"),
            "town": rng.choice(["A", "B"], n),
            "member": rng.random(n) < 0.5,
        }
    )
    frame.loc[::7, "number"] = np.nan
    frame.loc[59, "town"] = "C"
    table = from_frame(frame, ["no"] * 40 + ["yes"] * 20)
    train, test = table.part(np.arange(0, 58)), table.part(np.array([5, 58, 59]))
    trial = TableTrial(train, test, copier(train), seed=0, estimator=LogisticRegression(max_iter=2000))
    for arm in TABLE_ARMS:
        opinion = trial.predict(arm)
        assert opinion.probability.shape == (3, 2)
        assert np.allclose(opinion.probability.sum(axis=1), 1)


def test_wide_gaps_of_tables_are_filled_in_every_arm() -> None:
    """A generator's rows are not capped where SMOTE's are not."""
    from sklearn.naive_bayes import GaussianNB

    labels = ["no"] * 12_000 + ["yes"] * 40
    table = from_frame(pd.DataFrame({"x": np.random.default_rng(0).normal(size=len(labels))}), labels)
    trial = TableTrial(table, table.part(np.array([0, 12_000])), copier(table), seed=0, estimator=GaussianNB())
    sizes = {arm.name: len(trial._treated(arm)[1]) for arm in TABLE_ARMS if arm.share or arm.filled}
    assert sizes["GAN, the whole gap"] == sizes["SMOTE"] == 24_000
    assert sizes["GAN, half the gap"] == 12_040 + 5_980


def test_overlap_is_of_rows_from_all_over() -> None:
    rng = np.random.default_rng(0)
    low, high = rng.normal(0, 1, (4, 2_000, 3))[:2], rng.normal(9, 1, (2, 2_000, 3))
    real, synthetic = np.concatenate([low[0], high[0]]), np.concatenate([high[1], low[1]])  # sorted, each its own way
    assert min(manifold_overlap(real, synthetic).values()) > 0.85
    assert typical_distance(np.sort(real, axis=0)) == pytest.approx(typical_distance(real), rel=0.2)


def test_distributions_are_of_the_same_classes_and_dates_are_dates() -> None:
    frame = pd.DataFrame({"x": np.r_[np.zeros(90), np.full(10, 9.0)], "when": pd.date_range("2020-01-01", periods=100)})
    real = from_frame(frame, ["a"] * 90 + ["b"] * 10)
    even = real.part(np.r_[80:90, 90:100])
    x, when = exhibits_of(real, even, real, None, walk={}).distributions
    assert [float(np.mean(np.asarray(x[side]) == 9)) for side in ("real", "synthetic")] == [0.1, 0.1]
    assert {np.asarray(when[side]).dtype.kind for side in ("real", "synthetic")} == {"M"}
