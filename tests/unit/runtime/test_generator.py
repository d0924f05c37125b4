"""The exported model: seeds repeat samples, and a damaged or hostile file raises one clear error."""

import copy
import itertools
import json
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from ganaug.errors import DataError, FormatError, MissingFileError
from ganaug.runtime import generator as module
from ganaug.runtime import session as runtime
from ganaug.runtime.generator import Generator
from tests.paths import MODELS, ROOT

NOISE = 8
CLASSES = ["cat", "dog", "owl"]
FLOAT, INT64, UINT8 = TensorProto.FLOAT, TensorProto.INT64, TensorProto.UINT8
Change = Callable[[onnx.ModelProto], Any]


def metadata(**changes: Any) -> dict[str, Any]:
    base = {
        "format_version": 1,
        "modality": "image",
        "family": "gan",
        "classes": CLASSES,
        "class_counts": [100, 20, 5],
        "noise_dim": NOISE,
        "schema": {"height": 1, "width": 1, "channels": 3},
        "versions": {"ganaug": "0.1.0"},
        "training": {"steps": 10},
        "fingerprint": "0" * 64,
    }
    return base | changes


def assemble(
    nodes: list[Any], weights: dict[str, Any], shape: tuple[int, ...], outputs: tuple[str, ...], **said: Any
) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "tiny",
        [
            helper.make_tensor_value_info("noise", FLOAT, ["batch", NOISE]),
            helper.make_tensor_value_info("label", INT64, ["batch"]),
        ],
        [
            helper.make_tensor_value_info(
                name, UINT8 if name == "image" else FLOAT, ["batch", *(shape if name == "image" else ())]
            )
            for name in outputs
        ],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    model.metadata_props.add(key="ganaug", value=json.dumps(metadata(**said)))
    return model


def glass(
    outputs: tuple[str, ...] = ("image", "realism", "agreement"),
    shape: tuple[int, int, int] = (1, 1, 3),
    thresholds: list[float] | None = None,
    **said: Any,
) -> onnx.ModelProto:
    """Return a model whose images have three channels: the label, 255 x agreement and 255 x realism."""
    node = helper.make_node
    nodes = [
        node("Gather", ["noise", "zero"], ["first"], axis=1),
        node("Gather", ["noise", "one"], ["second"], axis=1),
        node("Sigmoid", ["first"], ["agreement"]),
        node("Sigmoid", ["second"], ["realism"]),
        node("Cast", ["label"], ["label_value"], to=FLOAT),
        node("Mul", ["agreement", "full"], ["agreement_value"]),
        node("Mul", ["realism", "full"], ["realism_value"]),
        *(
            node("Unsqueeze", [f"{name}_value", "axes"], [f"{name}_channel"])
            for name in ("label", "agreement", "realism")
        ),
        node("Concat", ["label_channel", "agreement_channel", "realism_channel"], ["channels"], axis=1),
        node("Round", ["channels"], ["levels"]),
        node("Cast", ["levels"], ["bytes"], to=UINT8),
        node("Reshape", ["bytes", "pixel"], ["dot"]),
        node("Expand", ["dot", "size"], ["image"]),
    ]
    height, width, channels = shape
    weights = {
        "zero": np.int64(0),
        "one": np.int64(1),
        "full": np.float32(255),
        "axes": np.array([1]),
        "pixel": np.array([0, 1, 1, 3]),
        "size": np.array([1, height, width, channels]),
    }
    said = {"schema": {"height": height, "width": width, "channels": channels}} | said
    if thresholds is not None:
        said["screen"] = {"thresholds": thresholds}
    return assemble(nodes, weights, shape, outputs, **said)


def convolutional() -> onnx.ModelProto:
    """Return a model in which every pixel depends on the order in which a convolution adds up."""
    node = helper.make_node
    random = np.random.default_rng(1)

    def weight(*shape: int) -> NDArray[np.float32]:
        return random.standard_normal(shape, np.float32) / np.float32(np.sqrt(shape[0]))

    nodes = [
        node("Gather", ["embedding", "label"], ["style"]),
        node("Concat", ["noise", "style"], ["input"], axis=1),
        node("MatMul", ["input", "project"], ["flat"]),
        node("Reshape", ["flat", "grid"], ["small"]),
        node("Relu", ["small"], ["active"]),
        node("ConvTranspose", ["active", "up"], ["large"], strides=[2, 2]),
        node("Relu", ["large"], ["busy"]),
        node("Conv", ["busy", "paint"], ["colours"], pads=[1, 1, 1, 1]),
        node("Tanh", ["colours"], ["bounded"]),
        node("Mul", ["bounded", "half"], ["centred"]),
        node("Add", ["centred", "half"], ["levels"]),
        node("Round", ["levels"], ["whole"]),
        node("Cast", ["whole"], ["bytes"], to=UINT8),
        node("Transpose", ["bytes"], ["image"], perm=[0, 2, 3, 1]),
        node("ReduceMean", ["busy", "all_axes"], ["mean"], keepdims=0),
        node("Sigmoid", ["mean"], ["agreement"]),
    ]
    weights = {
        "embedding": weight(3, 8),
        "project": weight(NOISE + 8, 32 * 16),
        "grid": np.array([0, 32, 4, 4]),
        "up": weight(32, 16, 2, 2),
        "paint": weight(3, 16, 3, 3),
        "half": np.float32(127.5),
        "all_axes": np.array([1, 2, 3]),
    }
    schema = {"height": 8, "width": 8, "channels": 3}
    said = {"schema": schema, "screen": {"thresholds": [0.55, 0.6, 0.7]}}
    return assemble(nodes, weights, (8, 8, 3), ("image", "agreement"), **said)


def opened(model: onnx.ModelProto) -> Generator:
    return Generator.from_bytes(model.SerializeToString())


@pytest.fixture(scope="module")
def clear() -> Generator:
    return opened(glass())


@pytest.fixture(scope="module")
def conv() -> Generator:
    return opened(convolutional())


class Counted:
    """A session that records every run."""

    def __init__(self, session: Any) -> None:
        self.session = session
        self.runs: list[tuple[NDArray[np.int64], list[NDArray[Any]]]] = []

    def run(self, outputs: Any, feeds: dict[str, NDArray[Any]]) -> list[NDArray[Any]]:
        results: list[NDArray[Any]] = self.session.run(outputs, feeds)
        self.runs.append((feeds["label"], results))
        return results

    def labels(self) -> NDArray[np.int64]:
        return np.concatenate([labels for labels, _ in self.runs])


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Callable[[Generator], Counted]:
    """Let the next session of a generator be a counted one."""

    def watch(generator: Generator) -> Counted:
        watched = Counted(None)

        def open_counted(data: bytes, providers: Any) -> Counted:
            watched.session = original(data, providers)
            return watched

        generator._runtime._sessions.clear()
        monkeypatch.setattr(runtime, "_threads", lambda: 1)  # so that runs come in order
        monkeypatch.setattr(runtime, "open_session", open_counted)
        return watched

    original = runtime.open_session
    return watch


def test_what_it_says_about_itself(clear: Generator) -> None:
    assert clear.classes == ("cat", "dog", "owl")
    assert clear.modality == "image"
    assert clear.image_shape == (1, 1, 3)
    assert clear.metadata == metadata()
    clear.metadata["classes"].append("cuckoo")
    assert clear.metadata == metadata()
    assert repr(clear) == "<Generator: gan, 3 classes, images 1x1x3>"
    with pytest.raises(AttributeError, match=r"^the model makes images, which have no codec"):
        _ = clear.codec
    with pytest.raises(AttributeError, match=r"^the model makes rows of a table, which have no image_shape"):
        _ = Generator.load(MODELS / "wine.onnx").image_shape


def test_what_is_known_of_samples_of_each_kind(clear: Generator) -> None:
    table = Generator.load(MODELS / "wine.onnx")
    assert (clear.format.side, clear.format.column_names) == (1, ())
    assert (table.format.side, list(table.format.column_names)) == (None, table.codec.names)


def test_it_is_saved_and_loaded_whole(tmp_path: Path, conv: Generator) -> None:
    path = tmp_path / "model.onnx"
    conv.save(path)
    loaded = Generator.load(path)
    assert loaded.to_bytes() == conv.to_bytes() == path.read_bytes()
    np.testing.assert_array_equal(loaded.sample(7, seed=3)[0], conv.sample(7, seed=3)[0])
    assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"]


def test_a_number_of_samples_is_spread_over_the_classes(clear: Generator) -> None:
    images, labels = clear.sample(200, seed=0)
    assert images.shape == (200, 1, 1, 3)
    assert images.dtype == np.uint8
    assert Counter(labels.tolist()) == {"cat": 67, "dog": 67, "owl": 66}
    assert [CLASSES[index] for index in images[:, 0, 0, 0]] == labels.tolist()
    assert len(np.unique(images[:, 0, 0, 1:], axis=0)) > 190  # the noise differs


def test_counts_are_kept_to_the_letter(clear: Generator) -> None:
    images, labels = clear.sample({"owl": 70, "cat": 3, "dog": 0}, seed=0)
    assert labels.tolist() == ["owl"] * 70 + ["cat"] * 3
    assert images[:, 0, 0, 0].tolist() == [2] * 70 + [0] * 3
    assert clear.sample({np.str_("dog"): 2}, seed=0)[1].tolist() == ["dog", "dog"]


@pytest.mark.parametrize("nothing", [0, {}, {"cat": 0}])
@pytest.mark.parametrize("screened", [False, True])
def test_no_samples_are_empty_arrays(conv: Generator, nothing: Any, screened: bool) -> None:
    images, labels = conv.sample(nothing, screened=screened)
    assert images.shape == (0, 8, 8, 3)
    assert images.dtype == np.uint8
    assert labels.shape == (0,)
    assert labels.dtype.kind == "U"


@pytest.mark.parametrize(
    ("classes", "kind"),
    [(["a", "b", "c"], "U"), ([3, 1, -2], "i"), ([1, "1", "x"], "O"), ([True, 0, "x"], "O"), ([2**62, 0, 5], "i")],
)
def test_labels_come_back_as_the_type_they_were(classes: list[Any], kind: str) -> None:
    _, labels = opened(glass(classes=classes)).sample(6, seed=0)
    assert labels.dtype.kind == kind
    assert labels.tolist() == classes * 2
    assert [type(label) for label in labels.tolist()] == [type(label) for label in classes * 2]


@pytest.mark.parametrize("screened", [False, True])
@pytest.mark.parametrize("size", [1, 3, 64, 65, 200])
def test_a_seed_gives_the_same_samples_whatever_the_batch_size(conv: Generator, size: int, screened: bool) -> None:
    images, labels = conv.sample(200, seed=5, screened=screened)
    batches = list(islice(conv.stream(size, seed=5, screened=screened), -(-200 // size)))
    assert all(len(batch) == len(names) == size for batch, names in batches)
    np.testing.assert_array_equal(np.concatenate([batch for batch, _ in batches])[:200], images)
    np.testing.assert_array_equal(np.concatenate([names for _, names in batches])[:200], labels)
    np.testing.assert_array_equal(conv.sample(77, seed=5, screened=screened)[0], images[:77])


def test_other_seeds_give_other_samples(conv: Generator) -> None:
    same = conv.sample(5, seed=1)[0]
    np.testing.assert_array_equal(conv.sample(5, seed=1)[0], same)
    np.testing.assert_array_equal(conv.sample(5, seed=[1])[0], same)
    for other in (0, 2, [1, 1], 10**30):
        assert (conv.sample(5, seed=other)[0] != same).any()
    assert (conv.sample(5)[0] != conv.sample(5)[0]).any()


def test_global_random_state_is_left_as_found(conv: Generator) -> None:
    before = np.random.get_state()[1].tolist()  # type: ignore[index]  # noqa: NPY002
    conv.sample(5)
    assert np.random.get_state()[1].tolist() == before  # type: ignore[index]  # noqa: NPY002


def test_a_stream_goes_through_its_labels_over_and_over(clear: Generator) -> None:
    stream = clear.stream(4, labels=np.array(["owl", "owl", "cat"]), seed=0)
    labels = np.concatenate([next(stream)[1] for _ in range(30)])
    assert labels.tolist() == ["owl", "owl", "cat"] * 40


def test_a_stream_draws_no_more_than_it_needs(conv: Generator, counted: Any) -> None:
    watched = counted(conv)
    stream = conv.stream(10, seed=0)
    assert not watched.runs
    for _ in range(13):
        next(stream)
    assert [len(labels) for labels, _ in watched.runs] == [16] * 12  # four at once, three times


def test_batches_of_a_stream_do_not_share_memory(conv: Generator) -> None:
    stream = conv.stream(3, seed=0)
    first, second = next(stream)[0], next(stream)[0]
    kept = second.copy()
    first[:] = 0
    np.testing.assert_array_equal(second, kept)


def test_large_images_run_in_narrower_batches(counted: Any) -> None:
    large = opened(glass(shape=(128, 128, 3)))
    watched = counted(large)
    assert large.sample(20, seed=0)[0].shape == (20, 128, 128, 3)
    assert [len(labels) for labels, _ in watched.runs] == [4] * 5


@pytest.mark.parametrize("count", [0, 1, 16, 17, 64, 256, 257, 300, 1_000])
def test_little_is_drawn_in_vain(conv: Generator, counted: Any, count: int) -> None:
    watched = counted(conv)
    conv.sample(count, seed=0)
    assert count <= sum(len(labels) for labels, _ in watched.runs) <= 1.1 * count + 15


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Set the number of threads, whatever this machine has."""
    return lambda count: monkeypatch.setattr(runtime, "_threads", lambda: count)


def drawn(generator: Generator, seed: int) -> list[NDArray[Any]]:
    """Draw samples with every method."""
    label = generator.classes[0]
    samples = [
        generator.sample(1_100, seed=seed)[0],
        generator.sample(100, seed=seed, screened=True)[0],
        generator.sample_each([label] * 70, list(range(seed, seed + 70)), screened=True)[0],
        generator.walk(label, 300, seed=seed),
    ]
    return [np.asarray(several) for several in samples]


def assert_equal(some: list[NDArray[Any]], others: list[NDArray[Any]]) -> None:
    for one, other in zip(some, others, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["digits", "wine"])
def test_samples_do_not_depend_on_the_number_of_threads(model: str, threads: Callable[[int], None]) -> None:
    generator = Generator.load(ROOT / "onnx_models" / f"{model}.onnx")
    threads(1)
    alone = drawn(generator, seed=0)
    for count in (2, 3):
        threads(count)
        assert_equal(drawn(generator, seed=0), alone)


def test_threads_of_the_user_may_draw_at_the_same_time(conv: Generator, threads: Callable[[int], None]) -> None:
    threads(2)
    with ThreadPoolExecutor(4) as users:
        found = list(users.map(lambda seed: drawn(conv, seed), range(8)))
    for seed, arrays in enumerate(found):
        assert_equal(arrays, drawn(conv, seed))


class Meeting:
    """A session in which a run waits for a second run."""

    def __init__(self, session: Any) -> None:
        self.session, self.barrier = session, threading.Barrier(2)

    def run(self, *args: Any) -> Any:
        self.barrier.wait(timeout=30)
        return self.session.run(*args)


def test_two_batches_run_at_once(
    conv: Generator, monkeypatch: pytest.MonkeyPatch, threads: Callable[[int], None]
) -> None:
    fresh, original = Generator(conv.to_bytes()), runtime.open_session
    threads(2)
    monkeypatch.setattr(runtime, "open_session", lambda *args: Meeting(original(*args)))
    assert fresh.sample(320, seed=0)[0].shape[0] == 320
    assert fresh.walk(CLASSES[0], 64, seed=0).shape[0] == 64
    assert fresh.sample_each([CLASSES[0]] * 16, list(range(16)))[0].shape[0] == 16


def test_where_no_thread_can_be_had_its_own_will_do(
    conv: Generator, monkeypatch: pytest.MonkeyPatch, threads: Callable[[int], None]
) -> None:
    expected = drawn(conv, seed=0)

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    threads(4)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert_equal(drawn(conv, seed=0), expected)


def test_no_thread_is_left_behind(conv: Generator, threads: Callable[[int], None]) -> None:
    before = threading.active_count()
    threads(3)
    conv.sample(300, seed=0)
    next(conv.stream(100, seed=0))
    assert threading.active_count() == before


LATE = """
import atexit, sys, threading, time
from ganaug.runtime import session as runtime
from ganaug.runtime.generator import Generator
runtime._threads = lambda: 2
model = Generator.load(sys.argv[1])
expected = model.sample(200, seed=0)[0]

def draw():
    print((model.sample(200, seed=0)[0] == expected).all(), flush=True)

atexit.register(draw)
threading.Thread(target=lambda: (threading.main_thread().join(), draw())).start()
"""


def test_it_draws_when_the_interpreter_has_begun_to_end(tmp_path: Path, conv: Generator) -> None:
    conv.save(tmp_path / "model.onnx")
    command = [sys.executable, "-c", LATE, str(tmp_path / "model.onnx")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, ["True"] * 2, "")


class Failing:
    """A session that fails at its third run."""

    def __init__(self, session: Any) -> None:
        self.session, self.runs = session, itertools.count()

    def run(self, *args: Any) -> Any:
        if next(self.runs) == 2:
            raise RuntimeError("out of paper\nand more")
        return self.session.run(*args)


@pytest.mark.parametrize("count", [1, 2])
def test_a_batch_that_fails_is_one_sentence_and_the_next_ones_come(
    conv: Generator, monkeypatch: pytest.MonkeyPatch, threads: Callable[[int], None], count: int
) -> None:
    fresh, original = Generator(conv.to_bytes()), runtime.open_session
    threads(count)
    monkeypatch.setattr(runtime, "open_session", lambda *args: Failing(original(*args)))
    with pytest.raises(FormatError, match=r"^The model fails when it is run: out of paper\.$"):
        fresh.sample(300, seed=0)
    np.testing.assert_array_equal(fresh.sample(300, seed=0)[0], conv.sample(300, seed=0)[0])


@pytest.mark.parametrize("count", [-1, 1.0, float("nan"), "3", None, True, np.float32(2), 2**31 + 1, 10**30, [3]])
def test_a_count_must_be_a_whole_number(clear: Generator, count: Any) -> None:
    for call in (clear.sample, clear.realism, clear.stream, lambda n: clear.sample({"cat": n})):
        with pytest.raises(DataError, match=r"must be a whole number from [01] to") as caught:
            call(count)
        assert isinstance(caught.value, ValueError)


def test_a_batch_of_nothing_is_refused(clear: Generator) -> None:
    with pytest.raises(DataError, match="batch_size must be a whole number from 1"):
        clear.stream(0)
    with pytest.raises(DataError, match="labels must name at least one class"):
        clear.stream(1, labels=[])


@pytest.mark.parametrize("label", ["cow", 0, None, "Cat", ("cat",), float("nan")])
def test_an_unknown_class_is_answered_with_the_known_ones(clear: Generator, label: Any) -> None:
    for call in (lambda: clear.sample({label: 1}), lambda: clear.stream(1, labels=["cat", label])):
        with pytest.raises(DataError, match=r"knows no class .*: it knows 'cat', 'dog', 'owl'\."):
            call()
    with pytest.raises(DataError, match="knows no class"):
        clear.stream(1, labels=[["cat"]])  # not even hashable


@pytest.mark.parametrize("seed", [-1, 1.5, "x", [-1]])
def test_a_seed_must_be_one(clear: Generator, seed: Any) -> None:
    for call in (clear.sample, clear.stream):
        with pytest.raises(DataError, match="seed must be"):
            call(1, seed=seed)


def test_more_than_fits_in_memory_is_refused_at_once() -> None:
    vast = opened(glass(shape=(4096, 4096, 3)))
    with pytest.raises(DataError, match=r"do not fit in memory: draw them in batches with stream\(\)"):
        vast.sample(2**31)


@pytest.mark.parametrize(
    ("array", "draw"),
    [("empty", lambda model: model.realism(2**31)), ("linspace", lambda model: model.walk("cat", 2**31))],
)
def test_fewer_are_advised_where_there_are_no_batches(
    clear: Generator, monkeypatch: pytest.MonkeyPatch, array: str, draw: Any
) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise MemoryError("Unable to allocate 16.0 GiB")

    monkeypatch.setattr(np, array, refuse)  # however much this machine has
    with pytest.raises(DataError, match=r"^2,147,483,648 samples do not fit in memory: ask for fewer\.$"):
        draw(clear)


def test_realism_judges_the_samples_of_the_same_seed(clear: Generator) -> None:
    for request in (100, {"dog": 5, "owl": 70}):
        images, _ = clear.sample(request, seed=4)
        realism = clear.realism(request, seed=4)
        assert realism.dtype == np.float32
        np.testing.assert_allclose(realism * 255, images[:, 0, 0, 2], atol=0.501)
    assert clear.realism(0).shape == (0,)
    with pytest.raises(DataError, match="no discriminator"):
        opened(glass(outputs=("image",), family="vae")).realism(3)


def test_nobody_pays_for_outputs_they_do_not_ask_for() -> None:
    model = glass(outputs=("image", "agreement"))
    model.graph.output.append(helper.make_tensor_value_info("realism", FLOAT, ["batch"]))
    for node in model.graph.node:  # realism now fails if it is computed, and the image does not need it
        if "realism" in node.output:
            node.output[0] = "judged"
        if "realism" in node.input:
            node.input[0] = "judged"
    model.graph.initializer.append(numpy_helper.from_array(np.array([10**6]), "beyond"))
    model.graph.node.extend(
        [
            helper.make_node("Shape", ["noise"], ["size_now"]),
            helper.make_node("Gather", ["size_now", "label"], ["row"]),
            helper.make_node("Add", ["row", "beyond"], ["nowhere"]),
            helper.make_node("Gather", ["judged", "nowhere"], ["realism"]),
        ]
    )
    generator = opened(model)
    generator.sample({"cat": 3, "dog": 1}, seed=0)
    with pytest.raises(FormatError, match="fails when it is run"):
        generator.realism({"cat": 3}, seed=0)


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5])
def test_screened_samples_reach_their_threshold_in_the_order_drawn(counted: Any, threshold: float) -> None:
    generator = opened(glass(thresholds=[threshold] * 3))
    watched = counted(generator)
    images, labels = generator.sample(64, seed=2, screened=True)
    assert labels.tolist() == (CLASSES * 22)[:64]
    assert [CLASSES[index] for index in images[:, 0, 0, 0]] == labels.tolist()
    assert (images[:, 0, 0, 1] >= np.floor(threshold * 255)).all()
    drawn = watched.labels()
    scores = np.concatenate([agreement for _, (_, agreement) in watched.runs])
    for index, name in enumerate(CLASSES):
        passed = scores[(drawn == index) & (scores >= threshold)]
        kept = images[labels == name, 0, 0, 1]
        np.testing.assert_array_equal(kept, np.round(passed[: len(kept)] * 255))
    if threshold == 0:
        assert len(drawn) == 64  # nothing is drawn twice without need


@pytest.mark.parametrize("threshold", [1.0, 0.97])
def test_screening_gives_up_after_a_bounded_number_of_draws_and_keeps_the_best(counted: Any, threshold: float) -> None:
    generator = opened(glass(thresholds=[threshold, 0.0, threshold]))
    watched = counted(generator)
    images, labels = generator.sample(64, seed=2, screened=True)
    need, drawn = Counter((CLASSES * 22)[:64]), Counter(CLASSES[index] for index in watched.labels())
    assert drawn == {"cat": 4 * need["cat"], "dog": need["dog"], "owl": 4 * need["owl"]}
    scores = np.concatenate([agreement for _, (_, agreement) in watched.runs])
    for name in ("cat", "owl"):
        best = np.sort(scores[watched.labels() == CLASSES.index(name)])[::-1][: need[name]]
        np.testing.assert_array_equal(np.sort(images[labels == name, 0, 0, 1])[::-1], np.round(best * 255))


def test_screening_draws_at_most_four_times_as_many(counted: Any) -> None:
    generator = opened(glass(thresholds=[0.2, 0.6, 0.9]))
    watched = counted(generator)
    stream = generator.stream(32, seed=0, screened=True)
    for _ in range(2 * 10):
        next(stream)
    drawn = Counter(CLASSES[index] for index in watched.labels())
    wanted = Counter((CLASSES * 640)[:640])
    assert all(wanted[name] <= drawn[name] <= 4 * wanted[name] for name in CLASSES)
    assert drawn["cat"] < drawn["dog"] < drawn["owl"]


def test_damaged_weights_do_not_sample() -> None:
    model = glass(thresholds=[0.5] * 3)
    for node in model.graph.node:
        if "agreement" in node.output:
            node.op_type = "Sqrt"  # of normal noise: half of it NaN
    with pytest.raises(FormatError, match=r"'agreement' must be finite, but is not finite"):
        opened(model).sample(50, seed=0, screened=True)


def test_without_a_judge_screened_is_the_same_as_not() -> None:
    for model in (glass(outputs=("image", "realism")), glass()):
        generator = opened(model)
        screened = generator.sample(20, seed=1, screened=True)
        np.testing.assert_array_equal(screened[0], generator.sample(20, seed=1)[0])


def test_a_pickle_carries_the_model_and_no_session(conv: Generator) -> None:
    images, labels = conv.sample(10, seed=0)
    for again in (pickle.loads(pickle.dumps(conv)), copy.deepcopy(conv)):  # noqa: S301
        assert not again._runtime._sessions
        np.testing.assert_array_equal(again.sample(10, seed=0)[0], images)
        np.testing.assert_array_equal(again.sample(10, seed=0)[1], labels)


FORKED = """
import gc, os, sys
from ganaug.runtime.generator import Generator
from ganaug.runtime import session as runtime
runtime._threads = lambda: 2  # on any machine, because threads are what would hang
model = Generator.load(sys.argv[1])
stream = model.stream(5, seed=0)
next(stream)
expected = model.sample(90, seed=0)[0]
idle = Generator.load(sys.argv[1])
idle.sample(100)
pid = os.fork()
if pid:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
same = (model.sample(90, seed=0)[0] == expected).all()
next(stream)
del model, stream, idle
gc.collect()
os._exit(0 if same else 3)  # as multiprocessing does: with onnxruntime imported, sys.exit() hangs in any forked child
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_draws_forgets_and_exits(tmp_path: Path, conv: Generator) -> None:
    """Threads of the parent do not exist in the child, which must not wait for them."""
    conv.save(tmp_path / "model.onnx")
    command = [sys.executable, "-c", FORKED, str(tmp_path / "model.onnx")]
    assert subprocess.run(command, cwd=ROOT, timeout=30, check=False).returncode == 0  # noqa: S603


@pytest.mark.parametrize(
    "method", [name for name in ("fork", "spawn") if name in multiprocessing.get_all_start_methods()]
)
def test_worker_processes_draw_the_same(conv: Generator, method: str) -> None:
    images, _ = conv.sample(70, seed=9, screened=True)
    with multiprocessing.get_context(method).Pool(1) as pool:
        job = pool.apply_async(Generator.sample, (conv, 70, 9), {"screened": True})
        np.testing.assert_array_equal(job.get(timeout=60)[0], images)


def test_it_needs_neither_torch_nor_onnx_nor_pandas(tmp_path: Path, conv: Generator) -> None:
    conv.save(tmp_path / "model.onnx")
    code = (
        "import sys; from ganaug.runtime.generator import Generator\n"
        "assert 'onnxruntime' not in sys.modules\n"
        "Generator.load(sys.argv[1]).sample(3, screened=True)\n"
        "print({'torch', 'onnx', 'pandas', 'sklearn', 'PIL', 'cv2'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "model.onnx")]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603
    assert result.stdout.strip() == "set()"
    assert result.stderr == ""


def external(location: str) -> TensorProto:
    tensor = TensorProto(name="stolen", data_type=UINT8, dims=[16], data_location=TensorProto.EXTERNAL)
    for key, value in {"location": location, "offset": "0", "length": "16"}.items():
        tensor.external_data.add(key=key, value=value)
    return tensor


def constant(tensor: TensorProto) -> Any:
    return helper.make_node("Constant", [], ["constant"], value=tensor)


def sparse(tensor: TensorProto) -> onnx.SparseTensorProto:
    return onnx.SparseTensorProto(values=tensor, indices=numpy_helper.from_array(np.arange(16)), dims=[16])


@pytest.mark.parametrize("location", ["/etc/passwd", "weights.bin", "../weights.bin", "", "https://example.org/x"])
@pytest.mark.parametrize(
    "hide",
    [
        lambda model, tensor: model.graph.initializer.append(tensor),
        lambda model, tensor: model.graph.node.append(constant(tensor)),
        lambda model, tensor: model.graph.sparse_initializer.append(sparse(tensor)),
        lambda model, tensor: model.graph.node[0].attribute.add(name="many", tensors=[tensor]),
        lambda model, tensor: model.graph.node[0].attribute.add(name="thin", sparse_tensor=sparse(tensor)),
    ],
    ids=["initializer", "constant", "sparse", "tensors", "sparse_attribute"],
)
def test_external_data_are_refused_before_the_runtime_sees_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, location: str, hide: Any
) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "weights.bin").write_bytes(bytes(16))
    (tmp_path / "inner" / "weights.bin").write_bytes(bytes(16))
    monkeypatch.chdir(tmp_path / "inner")
    monkeypatch.setattr(runtime, "open_session", lambda *_: pytest.fail("a session was opened"))
    model = glass()
    hide(model, external(location))
    (tmp_path / "inner" / "model.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(FormatError, match=r"weights in other files|sparse weights"):
        Generator.load(tmp_path / "inner" / "model.onnx")


def add_node(op: str, domain: str = "", **attributes: Any) -> Change:
    return lambda model: model.graph.node.append(
        helper.make_node(op, ["noise"], ["extra"], domain=domain, **attributes)
    )


def add_function(model: onnx.ModelProto) -> None:
    node = helper.make_node("Identity", ["x"], ["y"])
    model.functions.append(helper.make_function("mine", "F", ["x"], ["y"], [node], [helper.make_opsetid("", 18)]))


def add_loop(model: onnx.ModelProto) -> None:
    body = helper.make_graph([], "body", [], [])
    model.graph.node.append(helper.make_node("Loop", ["", ""], ["extra"], body=body))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (add_node("Evil", "evil.corp"), r"custom operators \('evil.corp'\)"),
        (add_node("EPContext", "com.microsoft"), "custom operators"),
        (lambda model: model.opset_import.add(domain="com.microsoft", version=1), "custom operators"),
        (add_function, "functions of its own"),
        (add_loop, "control flow"),
        (lambda model: model.training_info.add(), "training graphs"),
        (add_node("NoSuchOperator"), "operator 'NoSuchOperator', whose work ganaug cannot bound"),
        (lambda model: model.graph.node.pop(0), "no node before it makes"),
        (lambda model: model.graph.initializer.pop(0), "no node before it makes"),
        (lambda model: model.ClearField("opset_import"), "operators of ONNX 18 or later"),
        (lambda model: setattr(model, "ir_version", 999), "ONNX Runtime cannot open"),
    ],
)
def test_what_ganaug_never_writes_is_not_run(change: Change, match: str) -> None:
    model = glass()
    change(model)
    with pytest.raises(FormatError, match=match):
        opened(model)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda model: model.ClearField("metadata_props"), "not written by ganaug"),
        (lambda model: setattr(model.metadata_props[0], "key", "other"), "not written by ganaug"),
        (lambda model: model.metadata_props.append(model.metadata_props[0]), "not written by ganaug"),
        (lambda model: model.metadata_props[0].ClearField("value"), "not valid JSON"),
        (lambda model: setattr(model.metadata_props[0], "value", "{"), "not valid JSON"),
        (lambda model: setattr(model.metadata_props[0], "value", '{"format_version": 9}'), "upgrade ganaug"),
    ],
)
def test_metadata_are_needed_once_and_whole(change: Change, match: str) -> None:
    model = glass()
    change(model)
    with pytest.raises(FormatError, match=match):
        opened(model)


def test_a_table_needs_columns() -> None:
    with pytest.raises(FormatError, match="there must be columns"):
        opened(glass(modality="table", schema={"columns": []}))


def retype(value: Any, kind: int) -> None:
    value.type.tensor_type.elem_type = kind


def reshape(value: Any, *sizes: int | str) -> None:
    value.CopyFrom(helper.make_tensor_value_info(value.name, value.type.tensor_type.elem_type, sizes))


def rename(model: onnx.ModelProto, old: str, new: str) -> None:
    for value in [*model.graph.input, *model.graph.output]:
        value.name = new if value.name == old else value.name
    for node in model.graph.node:
        for names in (node.input, node.output):
            names[:] = [new if name == old else name for name in names]


def cast_last(model: onnx.ModelProto, kind: int) -> None:
    rename(model, "image", "uncast")
    model.graph.node.append(helper.make_node("Cast", ["uncast"], ["image"], to=kind))
    model.graph.output[0].name = "image"
    retype(model.graph.output[0], kind)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda m: rename(m, "noise", "z"), "'z' no node before it makes"),
        (lambda m: rename(m, "label", "y"), "'y' no node before it makes"),
        (lambda m: m.graph.input.append(helper.make_tensor_value_info("more", FLOAT, [1])), "inputs are"),
        (lambda m: rename(m, "image", "picture"), "lacks an output"),
        (lambda m: m.graph.output.pop(0), "lacks an output"),
        (lambda m: reshape(m.graph.input[0], "batch", NOISE + 1), "input 'noise' is"),
        (lambda m: reshape(m.graph.input[0], "batch", "wide"), "input 'noise' is"),
        (lambda m: reshape(m.graph.input[0], "batch"), "cannot open|input 'noise' is"),
        (lambda m: reshape(m.graph.input[0], 1, NOISE), "input 'noise' is"),
        (lambda m: reshape(m.graph.input[1], 64), "input 'label' is"),
        (lambda m: retype(m.graph.input[1], TensorProto.INT32), "input 'label' is"),
        (lambda m: retype(m.graph.input[0], TensorProto.DOUBLE), "cannot open|input 'noise' is"),
        (lambda m: cast_last(m, FLOAT), r"output 'image' is tensor\(float\)"),
        (lambda m: retype(m.graph.output[0], FLOAT), "cannot open"),
        (lambda m: reshape(m.graph.output[0], "batch", 2, 2, 3), "cannot open|output 'image' is"),
        (lambda m: reshape(m.graph.output[0], "batch", 1, 3), "cannot open|output 'image' is"),
    ],
)
def test_inputs_and_outputs_must_be_what_was_promised(change: Change, match: str) -> None:
    model = glass()
    change(model)
    with pytest.raises(FormatError, match=match):
        opened(model)


@pytest.mark.parametrize(
    ("said", "match"),
    [
        ({"noise_dim": NOISE + 1}, "input 'noise' is"),
        ({"schema": {"height": 1, "width": 2, "channels": 3}}, "output 'image' is"),
        ({"schema": {"height": 4096, "width": 4096, "channels": 4}}, "output 'image' is"),
    ],
)
def test_sizes_must_agree_with_the_metadata(said: dict[str, Any], match: str) -> None:
    with pytest.raises(FormatError, match=match):
        opened(glass(**said))


def test_a_screen_needs_its_judge() -> None:
    with pytest.raises(FormatError, match="lacks an output"):
        opened(glass(outputs=("image",), thresholds=[0.5] * 3))


def test_more_classes_than_the_network_knows_fail_in_one_sentence() -> None:
    model = convolutional()
    model.metadata_props[0].value = json.dumps(
        metadata(classes=list(range(9)), class_counts=[1] * 9, schema={"height": 8, "width": 8, "channels": 3})
    )
    with pytest.raises(FormatError, match="fails when it is run"):
        opened(model).sample(9)


def test_every_cut_is_noticed(conv: Generator) -> None:
    data = conv.to_bytes()
    for end in [*range(0, 200, 7), *range(200, len(data), len(data) // 50), *range(len(data) - 500, len(data), 13)]:
        with pytest.raises(FormatError):
            Generator.from_bytes(data[:end])


def test_noise_is_not_a_model() -> None:
    random = np.random.default_rng(0)
    for size in (1, 10, 1000, 100_000):
        for _ in range(20):
            with pytest.raises(FormatError):
                Generator.from_bytes(random.bytes(size))


@pytest.mark.slow
def test_a_damaged_model_runs_or_is_refused_in_silence(capfd: pytest.CaptureFixture[str]) -> None:
    random = np.random.default_rng(0)
    outcomes = Counter[str]()
    for whole in [glass(thresholds=[0.5] * 3).SerializeToString(), convolutional().SerializeToString()] * 150:
        data = bytearray(whole)
        data[random.integers(len(data))] = random.integers(256)
        try:
            images, labels = Generator.from_bytes(bytes(data)).sample(3, seed=0, screened=True)
        except FormatError:
            outcomes["refused"] += 1
        else:
            assert len(images) == len(labels) == 3
            outcomes["runs"] += 1
    assert min(outcomes["refused"], outcomes["runs"]) > 10
    assert capfd.readouterr() == ("", "")


def test_files_that_are_no_models(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for name, content in {"empty": b"", "text": b"hello\n" * 9, "png": b"\x89PNG\r\n\x1a\n" + bytes(50)}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(FormatError, match=f"Cannot use .*{name}: .*") as caught:
            Generator.load(tmp_path / name)
        assert "\n" not in str(caught.value)
    with pytest.raises(FormatError, match="must be a file, but is a folder: name the file itself"):
        Generator.load(tmp_path)
    with pytest.raises(FormatError, match="null"):
        Generator.load("nul\0")
    with pytest.raises(FormatError, match="Not a directory"):
        Generator.load(tmp_path / "text" / "model.onnx")
    with pytest.raises(MissingFileError, match=r"There is no model file .*nowhere\.onnx: check the name\.") as missing:
        Generator.load(tmp_path / "nowhere.onnx")
    assert isinstance(missing.value, FileNotFoundError)
    assert isinstance(missing.value, ValueError)
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FormatError, match="must be a file, but is a named pipe"):
        Generator.load(tmp_path / "pipe")


def test_a_vast_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "vast.onnx").open("wb") as file:
        file.truncate(2**40)  # sparse: it takes no space
    with pytest.raises(FormatError, match="must have at most 1,073,741,824 bytes: ganaug wrote no larger file"):
        Generator.load(tmp_path / "vast.onnx")
    monkeypatch.setattr(module, "_MAX_FILE_BYTES", 100)
    with pytest.raises(FormatError, match="must have at most 1,073,741,824 bytes: ganaug wrote no larger file"):
        Generator.from_bytes(bytes(101))


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, *_: object) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    (tmp_path / "model.onnx").write_bytes(b"x")
    monkeypatch.setattr(Path, "open", refuse)  # not by chmod, because root may read anything
    with pytest.raises(FormatError, match=r"model\.onnx: Permission denied\."):
        Generator.load(tmp_path / "model.onnx")


def test_a_walk_refuses_what_is_no_seed(conv: Generator) -> None:
    with pytest.raises(DataError, match="seed must be None or a whole number"):
        conv.walk(conv.classes[0], 3, seed="x")


def test_a_walk_of_no_frames(conv: Generator) -> None:
    digits = Generator.load(ROOT / "onnx_models" / "digits.onnx")  # its graph cannot be run on nothing
    for generator in (conv, digits):
        assert generator.walk(generator.classes[0], 0).shape == (0, *generator.image_shape)


def test_a_walk_goes_round_by_small_steps(stripes_generator: Generator) -> None:
    frames = stripes_generator.walk("lying", 24, seed=0)
    assert frames.shape == (24, 8, 8, 1)
    assert np.array_equal(frames, stripes_generator.walk("lying", 24, seed=0))
    steps = np.abs(np.diff(frames.astype(float), axis=0, append=frames[:1])).mean(
        axis=(1, 2, 3)
    )  # and back to the first
    apart = np.abs(frames[:12].astype(float) - frames[12:]).mean()
    assert steps.max() < apart
    assert stripes_generator.walk("upright", 0, seed=0).shape == (0, 8, 8, 1)
    with pytest.raises(DataError, match="no class"):
        stripes_generator.walk("sitting", 3)


@pytest.mark.parametrize("data", ["model.onnx", None, 3])
def test_what_is_no_content_of_a_file_is_refused(data: Any) -> None:
    with pytest.raises(FormatError, match="must be the content of its file, as bytes, but this is"):
        Generator.from_bytes(data)


def test_a_model_is_read_as_onnx_whatever_else_its_bytes_could_be() -> None:
    data = (MODELS / "digits.onnx").read_bytes()
    settings = runtime.open_session(data, ["CPUExecutionProvider"]).get_session_options()
    assert settings.get_session_config_entry("session.load_model_format") == "ONNX"
