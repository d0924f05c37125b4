"""Tables from end to end: what is learned, exported and drawn again is a table like the one that was given."""

import json
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import pytest
import torch

from ganaug.compute.modes import alone
from ganaug.data.tables.codec import TableCodec
from ganaug.data.tables.dataset import from_frame
from ganaug.data.tables.layout import RowLayout
from ganaug.errors import DataError, GanaugWarning
from ganaug.networks.modality import Bounds
from ganaug.networks.perceptron import RowGenerator
from ganaug.networks.table_decoder import TableDecoder
from ganaug.runtime.generator import Generator
from ganaug.training import Run, export, fit
from tests.paths import ROOT


def mixed_table(counts: dict[str, int], seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Make a table of many kinds of columns, whose class shows in most of them."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(list(counts), list(counts.values()))
    rare = labels != next(iter(counts))
    n = len(labels)
    income = np.round(np.exp(rng.normal(3 + rare, 0.5, n)), 2)
    income[rng.random(n) < 0.2] = 0.0
    score = rng.normal(2.0 * rare, 1.0, n)
    score[rng.random(n) < 0.15] = np.nan
    return pd.DataFrame(
        {
            "income": income,
            "score": score,
            "age": rng.integers(18, 90, n),
            "member": rng.random(n) < 0.2 + 0.6 * rare,
            "city": pd.Categorical(
                rng.choice(["Bern", "Oslo", "Rome"], n), categories=["Bern", "Oslo", "Rome", "Wien"]
            ),
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n), unit="D"),
            "constant": 7,
        }
    ), labels


@pytest.fixture(scope="module")
def generator() -> Generator:
    frame, labels = mixed_table({"no": 200, "yes": 40})
    return fit(from_frame(frame, labels), max_steps=400, random_state=0)


@pytest.mark.slow
def test_a_trace_is_enough_for_columns_of_all_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    frame, labels = mixed_table({"no": 60, "yes": 20})
    frame["many"] = [f"town {number // 2}" for number in range(len(frame))]  # a tail of rare categories
    monkeypatch.setattr(export, "_captured", lambda *_: pytest.fail("a trace was not enough"))
    rows, _ = fit(from_frame(frame, labels), max_steps=2, random_state=0).sample(5, seed=0)
    assert list(rows.columns) == list(frame.columns)


@pytest.mark.slow
def test_rows_come_back_in_the_columns_own_form(generator: Generator) -> None:
    frame, _ = mixed_table({"no": 200, "yes": 40})
    rows, labels = generator.sample({"yes": 30, "no": 70}, seed=0)
    assert rows.dtypes.to_dict() == frame.dtypes.to_dict()
    assert list(rows.columns) == list(frame.columns)
    assert labels.tolist() == ["yes"] * 30 + ["no"] * 70
    assert rows["age"].between(18, 89).all()
    assert rows["income"].between(0, frame["income"].max()).all()
    assert (rows["income"].round(2) == rows["income"]).all()
    assert (rows["constant"] == 7).all()
    assert (rows["since"] == rows["since"].dt.normalize()).all()


@pytest.mark.slow
def test_what_was_learned_shows(generator: Generator) -> None:
    rows, labels = generator.sample({"no": 500, "yes": 500}, seed=1)
    by_class = rows.groupby(labels)
    assert by_class["score"].mean()["yes"] > by_class["score"].mean()["no"] + 0.7
    assert by_class["member"].mean()["yes"] > by_class["member"].mean()["no"] + 0.2
    assert 0.05 < rows["score"].isna().mean() < 0.3
    assert 0.08 < (rows["income"] == 0).mean() < 0.4
    assert set(rows["city"].unique()) == {"Bern", "Oslo", "Rome"}


@pytest.mark.slow
def test_seeds_batches_and_processes_do_not_matter(generator: Generator, tmp_path: Path) -> None:
    rows, labels = generator.sample(1500, seed=3)
    stream = generator.stream(500, seed=3)
    pd.testing.assert_frame_equal(pd.concat([next(stream)[0] for _ in range(3)], ignore_index=True), rows)
    again = pickle.loads(pickle.dumps(generator))  # noqa: S301
    pd.testing.assert_frame_equal(again.sample(1500, seed=3)[0], rows)
    generator.save(tmp_path / "table.onnx")
    loaded, same = Generator.load(tmp_path / "table.onnx").sample(1500, seed=3)
    pd.testing.assert_frame_equal(loaded, rows)
    np.testing.assert_array_equal(same, labels)


@pytest.mark.slow
def test_a_bare_runtime_makes_finished_values(generator: Generator) -> None:
    session = onnxruntime.InferenceSession(generator.to_bytes())
    about = json.loads(session.get_modelmeta().custom_metadata_map["ganaug"])
    noise = np.random.default_rng(0).standard_normal((7, about["noise_dim"]), np.float32)
    numeric, category, realism, agreement = session.run(
        ["numeric", "category", "realism", "agreement"], {"noise": noise, "label": np.ones(7, np.int64)}
    )
    assert numeric.dtype == np.float64
    assert numeric.shape == (7, 5)
    assert category.shape == (7, 2)
    assert ((numeric[:, 2] == numeric[:, 2].round()) & (numeric[:, 2] >= 18)).all()
    for opinion in (realism, agreement):
        assert ((opinion > 0) & (opinion < 1)).all()


@pytest.mark.slow
def test_same_seed_and_steps_repeat_exactly_and_leave_torch_alone() -> None:
    frame, labels = mixed_table({"no": 40, "yes": 10})
    state = torch.get_rng_state()
    first, second = (fit(from_frame(frame, labels), max_steps=5, random_state=7) for _ in range(2))
    pd.testing.assert_frame_equal(first.sample(20, seed=0)[0], second.sample(20, seed=0)[0])
    torch.testing.assert_close(torch.get_rng_state(), state)


@pytest.mark.slow
@pytest.mark.parametrize(("rows", "steps"), [(100, 700), (2_000, 1_302), (20_000, 2_000)])
def test_larger_tables_train_longer(rows: int, steps: int) -> None:
    frame, labels = mixed_table({"no": rows // 2, "yes": rows // 2})
    assert frame.shape[1] == 7
    assert Run(from_frame(frame, labels)).bounds == Bounds(None, steps)
    assert Run(from_frame(frame, labels), max_steps=5).bounds == Bounds(None, 5)
    assert Run(from_frame(frame, labels), time_budget=5.0).bounds == Bounds(5.0, None)


def test_training_takes_one_thread_and_gives_the_others_back(monkeypatch: pytest.MonkeyPatch) -> None:
    set_to = [2]
    monkeypatch.setattr(torch, "get_num_threads", lambda: set_to[-1])
    monkeypatch.setattr(torch, "set_num_threads", set_to.append)
    frame, labels = mixed_table({"no": 40, "yes": 10})
    run = Run(from_frame(frame, labels), max_steps=2, random_state=0)
    assert [set_to[-1] for _ in run.steps()] == [1, 1]
    assert set_to[-1] == 2


@pytest.mark.slow
def test_threads_of_the_user_may_fit_at_the_same_time() -> None:
    frame, labels = mixed_table({"no": 40, "yes": 10})

    def rows(_: int) -> pd.DataFrame:
        return fit(from_frame(frame, labels), max_steps=10, random_state=7).sample(20, seed=0)[0]

    expected = rows(0)
    before, n_threads = torch.get_rng_state(), torch.get_num_threads()
    with ThreadPoolExecutor(4) as users:
        for found in users.map(rows, range(4)):
            pd.testing.assert_frame_equal(found, expected)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == n_threads


@pytest.mark.slow
def test_waiting_for_another_thread_takes_nothing_of_a_budget() -> None:
    frame, labels = mixed_table({"no": 40, "yes": 10})
    run = Run(from_frame(frame, labels), time_budget=3.0, max_steps=5, random_state=7)
    started, other = run.started, threading.Thread(target=run.run)
    with alone():
        other.start()
        time.sleep(0.2)
        assert run.started == started
    other.join()
    assert run.started >= started + 0.1


def take_turn() -> None:
    with alone():
        pass


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_fork_does_not_wait_for_a_thread_that_it_does_not_have() -> None:
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with alone():
            held.set()
            done.wait(60)

    other = threading.Thread(target=hold)
    other.start()
    held.wait(60)
    child = multiprocessing.get_context("fork").Process(target=take_turn)
    child.start()
    child.join(30)
    ended = child.exitcode
    child.kill()
    done.set()
    other.join()
    assert ended == 0


@pytest.mark.slow
def test_a_run_goes_on_where_it_was_broken_off(tmp_path: Path) -> None:
    frame, labels = mixed_table({"no": 40, "yes": 10})
    data = from_frame(frame, labels)
    whole = fit(from_frame(frame, labels), max_steps=12, random_state=7)
    broken = Run(data, max_steps=12, random_state=7, checkpoint=tmp_path / "run")
    for step in broken.steps():
        if step.number == 5:
            broken.save_checkpoint()
            break
    resumed = Run(data, max_steps=12, random_state=7, checkpoint=tmp_path / "run", resume=True)
    assert [step.number for step in resumed.steps()] == list(range(6, 13))
    pd.testing.assert_frame_equal(resumed.trained().export().sample(20, seed=0)[0], whole.sample(20, seed=0)[0])


@pytest.mark.slow
@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"a": np.linspace(0, 1, 12)}),
        pd.DataFrame({"a": list("xyzxyzxyzxyz")}),
        pd.DataFrame({"a": [0, 1] * 6, "b": [None] * 12}),
    ],
    ids=["numbers", "categories", "indicator-and-nothing"],
)
def test_tables_of_one_kind_of_column(frame: pd.DataFrame) -> None:
    rows, _ = fit(from_frame(frame, [0] * 8 + [1] * 4), max_steps=3, random_state=0).sample(9, seed=0)
    assert rows.shape == (9, frame.shape[1])
    assert rows.dtypes.to_dict() == frame.dtypes.to_dict()


@pytest.mark.slow
@pytest.mark.parametrize("labels", [["a", "b"], [0, 1], [False, True], [3, -2]], ids=str)
def test_a_class_of_one_row_and_labels_of_every_kind(labels: list[object]) -> None:
    frame, _ = mixed_table({"no": 20})
    y = [labels[0]] * 19 + [labels[1]]
    with pytest.warns(GanaugWarning, match=f"one row alone of class {labels[1]!r}"):
        generator = fit(from_frame(frame, y), max_steps=3, random_state=0)
    rows, drawn = generator.sample({labels[1]: 4}, seed=0, screened=True)
    assert drawn.tolist() == [labels[1]] * 4
    assert len(rows) == 4


@pytest.mark.parametrize(
    ("labels", "match"),
    [
        ([1.5, 0.5, 1.5], r"must hold classes, but holds numbers such as 1\.5"),
        (["a", None, "b"], "one is None"),
        (["a", 1, "b"], "one kind, but there are int, str"),
        (["a", "a", "a"], r"two classes, but there is only \['a'\]"),
        (["a", "b"], "3 rows and 2 labels"),
    ],
)
def test_labels_that_cannot_be_learned(labels: list[object], match: str) -> None:
    with pytest.raises(DataError, match=match):
        from_frame(pd.DataFrame({"a": [1.0, 2.0, 3.0]}), labels)


def test_a_table_that_never_varies_teaches_nothing() -> None:
    with pytest.raises(DataError, match="At least one column must vary"):
        from_frame(pd.DataFrame({"a": [1, 1, 1, 1], "b": [None] * 4}), [0, 1, 0, 1])


def test_the_fingerprint_follows_every_value_and_label() -> None:
    frame, labels = mixed_table({"no": 20, "yes": 5})
    prints = {from_frame(frame, labels).fingerprint, from_frame(frame.copy(), labels.copy()).fingerprint}
    assert len(prints) == 1
    changed = frame.copy()
    changed.loc[3, "age"] += 1
    prints |= {from_frame(changed, labels).fingerprint, from_frame(frame, labels[::-1]).fingerprint}
    assert len(prints) == 3


@pytest.mark.slow
def test_choices_come_with_the_probabilities_of_their_logits() -> None:
    torch.manual_seed(0)
    layout = RowLayout(1, (3, 2), (1,))
    network = RowGenerator(1, layout)
    latent = torch.randn(1, 32).expand(20_000, 32)
    noise = torch.cat([latent, torch.randn(20_000, 2)], dim=1)
    label = torch.zeros(20_000, dtype=torch.int64)
    _, logits = network.draft(noise[:1], label[:1])
    quantiles, choices, uniform = network.draw(noise, label)
    for choice, count in enumerate(layout.options):
        shares = torch.bincount(choices[:, choice], minlength=3) / 20_000
        own = torch.nn.functional.pad(logits[0].split(layout.options)[choice].softmax(0), (0, 3 - count))
        torch.testing.assert_close(shares, own, atol=0.02, rtol=0)
        assert int(choices[:, choice].max()) < count
    # Where in its option a draw fell says nothing about which it is.
    assert abs(float(uniform.detach().mean()) - 0.5) < 0.02
    assert abs(float(torch.corrcoef(torch.stack([uniform[:, 0].detach(), choices[:, 0].float()]))[0, 1])) < 0.03
    # A quantile counts only under the first option of its choice.
    rows = network(noise, label)
    torch.testing.assert_close(rows[:, 0], quantiles[:, 0] * (choices[:, 1] == 0))


def test_relaxed_rows_are_hard_and_pass_gradients() -> None:
    torch.manual_seed(0)
    network = RowGenerator(2, RowLayout(2, (3, 2), (-1, 0)))
    rows = network.relaxed(torch.randn(50, 34), torch.arange(50) % 2, torch.Generator().manual_seed(0))
    taken = rows[:, 2:].detach()
    torch.testing.assert_close(taken, taken.round())
    torch.testing.assert_close(taken[:, :3].sum(1), torch.ones(50))
    torch.testing.assert_close(taken[:, 3:].sum(1), torch.ones(50))
    (rows * torch.randn_like(rows)).sum().backward()
    assert network.network.head.weight.grad is not None
    assert (network.network.head.weight.grad.abs().sum(1) > 0).all()


def test_the_layout_writes_what_the_codec_says() -> None:
    frame, _ = mixed_table({"no": 30, "yes": 10})
    codec = TableCodec.fit(frame)
    encoded, layout = codec.encode(frame), RowLayout.of(codec)
    rows = layout.rows(encoded)
    assert rows.shape == (40, layout.width)
    np.testing.assert_array_equal(rows[:, : layout.n_quantiles], encoded.quantiles)
    for choice, (start, count) in enumerate(zip(layout.starts, layout.options, strict=True)):
        block = rows[:, layout.n_quantiles + start : layout.n_quantiles + start + count]
        np.testing.assert_array_equal(block.argmax(1), encoded.choices[:, choice])
        np.testing.assert_array_equal(block.sum(1), 1)
    # A quantile is silent exactly where its gate's first option is not taken.
    for place, choice in enumerate(layout.gates):
        if choice >= 0:
            np.testing.assert_array_equal(encoded.quantiles[encoded.choices[:, choice] != 0, place], 0)
    decoded = TableDecoder(codec)(
        torch.from_numpy(encoded.quantiles), torch.from_numpy(encoded.choices), torch.full(encoded.choices.shape, 0.5)
    )
    np.testing.assert_array_equal(decoded[0][:, 2], frame["age"])


@pytest.mark.slow
def test_drawing_tables_needs_no_torch(generator: Generator, tmp_path: Path) -> None:
    generator.save(tmp_path / "table.onnx")
    code = (
        "import sys; from ganaug.runtime.generator import Generator\n"
        "Generator.load(sys.argv[1]).sample(3, screened=True)\n"
        "print({'torch', 'onnx', 'sklearn', 'PIL'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "table.onnx")]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603
    assert result.stdout.strip() == "set()"
