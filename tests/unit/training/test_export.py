"""What is exported computes what torch computes, for every class and batch size, and tells nothing of this machine."""

import getpass
import logging
import socket
import warnings
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganaug.data.tables.codec import TableCodec
from ganaug.errors import ExportError, GanaugError
from ganaug.runtime.generator import Generator
from ganaug.runtime.metadata import Metadata
from ganaug.runtime.session import open_session
from ganaug.training import export
from ganaug.training.export import export_onnx

NOISE = 8
CLASSES = 70  # more than are compared in one go
OUTPUTS = ("image", "realism", "agreement")


class Tiny(nn.Module):
    """A conditional generator, its discriminator and its judge, each as small as can be."""

    def __init__(self, *, wrong: Collection[str] = ()) -> None:
        super().__init__()
        self.embed = nn.Embedding(CLASSES, 8)
        self.project = nn.Linear(NOISE + 8, 16 * 16)
        self.norm = nn.BatchNorm2d(16)
        self.up = nn.ConvTranspose2d(16, 8, 2, stride=2)
        self.paint = nn.Conv2d(8, 12, 3, padding=1)
        self.drop = nn.Dropout(0.5)
        self.judge = nn.Linear(3, CLASSES)
        self.wrong = wrong

    def forward(self, noise: Tensor, label: Tensor) -> dict[str, Tensor]:
        hidden = self.project(torch.cat([noise, self.embed(label)], 1)).view(-1, 16, 4, 4)
        hidden = F.leaky_relu(self.up(self.norm(hidden)), 0.2)
        pixels = (4 * F.pixel_shuffle(self.paint(self.drop(hidden)), 2)).tanh()  # (B, 3, 16, 16)
        features = pixels.mean(dim=(2, 3))
        levels = (pixels * 127.5 + 127.5).round().clamp(0, 255)
        realism = features.sum(1).sigmoid()
        agreement = self.judge(features).softmax(1).gather(1, label[:, None]).squeeze(1)
        exporter = "trace" if torch.jit.is_tracing() else "capture" if torch.compiler.is_exporting() else ""
        if exporter in self.wrong:  # an exporter's bug, as torch would never see it
            levels = torch.where((label == CLASSES - 2)[:, None, None, None], levels.roll(1, dims=2), levels)
        image = levels.to(torch.uint8).permute(0, 2, 3, 1)
        return {"realism": realism, "image": image, "agreement": agreement}


def metadata(**changes: Any) -> Metadata:
    said: dict[str, Any] = {
        "modality": "image",
        "family": "gan",
        "classes": [f"class {index}" for index in range(CLASSES)],
        "class_counts": [10] * CLASSES,
        "noise_dim": NOISE,
        "schema": {"height": 16, "width": 16, "channels": 3},
        "versions": {"ganaug": "0.1.0"},
        "training": {},
        "fingerprint": "0" * 64,
        "screen": {"thresholds": [0.01] * CLASSES},
    }
    return Metadata(**said | changes)


@pytest.fixture(scope="module")
def module() -> Tiny:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        tiny = Tiny()
        tiny(torch.randn(64, NOISE), torch.zeros(64, dtype=torch.long))  # so that the batch norm has something to hold
    return tiny.eval()


@pytest.fixture(scope="module")
def data(module: Tiny) -> bytes:
    return export_onnx(module, metadata(), OUTPUTS).to_bytes()


def batch(size: int, label: int | None = None) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(size)
    noise = torch.randn(size, NOISE, generator=random)
    return noise, torch.arange(size) % CLASSES if label is None else torch.full((size,), label)


def test_the_file_keeps_the_contract(data: bytes) -> None:
    model = onnx.load_model_from_string(data)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(data)
    inputs = [(value.name, value.type, value.shape) for value in session.get_inputs()]
    assert inputs == [("noise", "tensor(float)", ["batch", NOISE]), ("label", "tensor(int64)", ["batch"])]
    outputs = [(value.name, value.type, value.shape) for value in session.get_outputs()]
    assert outputs == [
        ("image", "tensor(uint8)", ["batch", 16, 16, 3]),
        ("realism", "tensor(float)", ["batch"]),
        ("agreement", "tensor(float)", ["batch"]),
    ]
    assert [(opset.domain, opset.version >= 18) for opset in model.opset_import] == [("", True)]
    assert not model.functions
    assert not any(node.domain for node in model.graph.node)
    assert all(tensor.data_location == onnx.TensorProto.DEFAULT for tensor in model.graph.initializer)
    assert (model.producer_name, model.producer_version) == ("ganaug", "0.1.0")
    assert [entry.key for entry in model.metadata_props] == ["ganaug"]
    assert Metadata.from_json(model.metadata_props[0].value) == metadata()


def test_the_file_tells_nothing_about_this_machine(data: bytes) -> None:
    here = {str(Path(__file__).parent), str(Path.home()), socket.gethostname(), str(Path(torch.__file__).parents[2])}
    for secret in {*here, "site-packages", ".py", "stack_trace", "/tmp", "Traceback", "test_export", "pkg.torch"}:  # noqa: S108
        assert secret.encode() not in data, secret
    if len(getpass.getuser()) > 4:  # a shorter one is a word that may stand there by chance
        assert getpass.getuser().encode() not in data


@pytest.mark.parametrize("size", [1, 2, 7, 64, 257])
@pytest.mark.parametrize("label", [0, 1, CLASSES - 1, None])
def test_it_computes_what_torch_computes(module: Tiny, data: bytes, size: int, label: int | None) -> None:
    noise, labels = batch(size, label)
    with torch.no_grad():
        expected = module(noise, labels)
    session = onnxruntime.InferenceSession(data)
    image, realism, agreement = session.run(list(OUTPUTS), {"noise": noise.numpy(), "label": labels.numpy()})
    apart = np.abs(image.astype(int) - expected["image"].numpy().astype(int))
    assert apart.max() <= 1
    assert np.mean(apart > 0) < 0.005
    np.testing.assert_allclose(realism, expected["realism"].numpy(), atol=1e-5)
    np.testing.assert_allclose(agreement, expected["agreement"].numpy(), atol=1e-5)
    assert image.std() > 10  # not a picture of nothing


def test_a_generator_draws_from_it(module: Tiny, data: bytes) -> None:
    generator = Generator.from_bytes(data)
    images, labels = generator.sample(10, seed=0)
    noise = np.random.Generator(np.random.PCG64(0)).standard_normal((64, NOISE), np.float32)
    with torch.no_grad():
        expected = module(torch.from_numpy(noise), torch.arange(64))
    assert np.abs(images.astype(int) - expected["image"][:10].numpy().astype(int)).max() <= 1
    np.testing.assert_allclose(generator.realism(10, seed=0), expected["realism"][:10].numpy(), atol=1e-5)
    assert labels.tolist() == [f"class {index}" for index in range(10)]
    whole = generator.sample(100, seed=1, screened=True)[0]
    stream = generator.stream(7, seed=1, screened=True)
    np.testing.assert_array_equal(np.concatenate([next(stream)[0] for _ in range(15)])[:100], whole)


def test_exporting_leaves_everything_as_it_was_and_says_nothing(
    module: Tiny, data: bytes, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    network = Tiny().train()
    network.load_state_dict(module.state_dict())
    before = {name: value.clone() for name, value in network.state_dict().items()}
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].tolist()  # type: ignore[index]  # noqa: NPY002
    threads, levels = (
        torch.get_num_threads(),
        {name: logging.getLogger(name).level for name in ("torch.onnx", "onnx_ir")},
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        again = export_onnx(network, metadata(), OUTPUTS)
    assert again.to_bytes() == data  # the same weights give the same bytes, in training mode as in evaluation mode
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert np.random.get_state()[1].tolist() == numpy_state  # type: ignore[index]  # noqa: NPY002
    assert torch.get_num_threads() == threads
    assert {name: logging.getLogger(name).level for name in levels} == levels
    assert [str(warning.message) for warning in caught] == []
    assert capfd.readouterr() == ("", "")
    assert [record for record in caplog.records if record.levelno > logging.DEBUG] == []


@pytest.mark.slow
def test_an_export_that_computes_something_else_for_one_class_is_refused(module: Tiny) -> None:
    network = Tiny(wrong={"trace", "capture"})
    network.load_state_dict(module.state_dict())
    with pytest.raises(ExportError, match=r"differs from torch by \d+ levels in 'image'") as caught:
        export_onnx(network, metadata(), OUTPUTS)
    assert isinstance(caught.value, GanaugError)
    assert isinstance(caught.value, RuntimeError)


@pytest.mark.slow
def test_what_a_trace_gets_wrong_is_captured_instead(module: Tiny, data: bytes) -> None:
    network = Tiny(wrong={"trace"})
    network.load_state_dict(module.state_dict())
    images, labels = export_onnx(network, metadata(), OUTPUTS).sample(70, seed=0)
    expected = Generator.from_bytes(data).sample(70, seed=0)
    np.testing.assert_allclose(images.astype(int), expected[0].astype(int), atol=1)
    np.testing.assert_array_equal(labels, expected[1])


class Altered(nn.Module):
    def __init__(self, module: Tiny, name: str, alter: Any) -> None:
        super().__init__()
        self.module, self.name, self.alter = module, name, alter

    def forward(self, noise: Tensor, label: Tensor) -> dict[str, Tensor]:
        outputs: dict[str, Tensor] = self.module(noise, label)
        return outputs | {self.name: self.alter(outputs[self.name])}


def one_level_off(share: float) -> Any:
    def alter(image: Tensor) -> Tensor:
        flat = image.flatten().clone()
        count = int(share * len(flat))
        flat[:count] = torch.where(flat[:count] > 128, flat[:count] - 1, flat[:count] + 1)
        return flat.view(image.shape)

    return alter


@pytest.mark.parametrize(
    ("name", "alter", "match"),
    [
        ("image", lambda image: image, None),
        ("image", one_level_off(0.005), None),
        ("image", one_level_off(0.02), r"in 2\.\d% of the values of 'image'"),
        ("image", lambda image: torch.where(image == image.max(), image - 2, image), "by 2 levels in 'image'"),
        ("image", lambda image: image.float(), "where torch gives float32"),
        ("image", lambda image: image[:, :8], "where torch gives uint8"),
        ("realism", lambda realism: realism + 1e-4, None),
        ("realism", lambda realism: realism + 0.01, r"by 0\.01 in 'realism'"),
        ("realism", lambda realism: realism * torch.nan, "in 'realism'"),
    ],
)
def test_small_differences_pass_and_others_do_not(
    module: Tiny, data: bytes, name: str, alter: Any, match: str | None
) -> None:
    altered = export._Ordered(Altered(module, name, alter), OUTPUTS).eval()
    if match is None:
        export._check_parity(altered, Generator.from_bytes(data))
    else:
        with pytest.raises(ExportError, match=match):
            export._check_parity(altered, Generator.from_bytes(data))


def test_every_class_is_compared(module: Tiny, data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    sizes: list[int] = []

    class Watched:
        def __init__(self, session: Any) -> None:
            self.session = session

        def run(self, names: list[str], feeds: dict[str, Any]) -> Any:
            seen.extend(feeds["label"].tolist())
            sizes.append(len(feeds["label"]))
            return self.session.run(names, feeds)

    monkeypatch.setattr(export, "open_session", lambda *args, **kwargs: Watched(open_session(*args, **kwargs)))
    export._check_parity(export._Ordered(module, OUTPUTS), Generator.from_bytes(data))
    assert set(seen) == set(range(CLASSES))
    assert sizes == [1, 2, 7, 64, 6]


class Broken(Tiny):
    """One way or another not a generator."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how

    def forward(self, noise: Tensor, label: Tensor) -> Any:
        outputs = super().forward(noise, label)
        if self.how == "branches on values" and noise.sum().item() > 0:
            return outputs | {"realism": 1 - outputs["realism"]}
        if self.how == "knows one batch size":
            return outputs | {"realism": outputs["realism"].view(3)}
        if self.how == "gives floats":
            return outputs | {"image": outputs["image"].float()}
        return outputs


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "match"),
    [
        ("branches on values", "torch cannot export the Broken"),
        (
            "knows one batch size",
            "torch cannot export the Broken|does not run on a batch|not one that ganaug would read",
        ),
        ("gives floats", "not one that ganaug would read: The model's output 'image' is tensor"),
    ],
)
def test_what_cannot_be_a_generator_is_refused(how: str, match: str) -> None:
    with pytest.raises(ExportError, match=match) as caught:
        export_onnx(Broken(how), metadata(), OUTPUTS)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_outputs_must_be_those_that_are_named(module: Tiny) -> None:
    assert torch.is_autocast_cache_enabled()
    with pytest.raises(ExportError, match="torch cannot export the Tiny: 'numeric'"):
        export_onnx(module, metadata(), ("image", "numeric"))
    assert torch.is_autocast_cache_enabled()  # which a training needs to repeat exactly
    with pytest.raises(ValueError, match="2 outputs for the 3 names"):
        export._Ordered(Table(), OUTPUTS)(*batch(2))


@pytest.mark.slow
def test_metadata_that_disagree_with_the_network_are_refused() -> None:
    with pytest.raises(ExportError, match=r"torch cannot export the Tiny: .*\[16, 256\]"):
        export_onnx(Tiny(), metadata(noise_dim=NOISE + 1), OUTPUTS)


class Table(nn.Module):
    """Numbers in two precisions' worth of units and a category, as a tuple."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Linear(NOISE, 6)
        self.register_buffer("scale", torch.tensor([1.0, 1e6], dtype=torch.float64))

    def forward(self, noise: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.net(noise) + label[:, None]
        numeric = hidden[:, :2].double() * self.scale
        numeric = torch.where(hidden[:, 2:3] > 1, torch.nan, numeric)
        return numeric, hidden[:, 3:].argmax(1, keepdim=True)


def test_outputs_of_any_kind_and_precision_are_exported() -> None:
    table = Table()
    frame = pd.DataFrame({"a": [1.5, 2.5, 4.0], "b": [0.1, 7.0, np.nan], "c": ["x", "y", "z"]})
    said = metadata(modality="table", schema=TableCodec.fit(frame).to_state(), screen=None)
    data = export_onnx(table, said, ("numeric", "category")).to_bytes()
    noise, labels = batch(7)
    numeric, category = onnxruntime.InferenceSession(data).run(None, {"noise": noise.numpy(), "label": labels.numpy()})
    with torch.no_grad():
        expected = table(noise, labels)
    assert numeric.dtype == np.float64
    np.testing.assert_allclose(numeric, expected[0].numpy(), rtol=1e-5)
    np.testing.assert_array_equal(category, expected[1].numpy())


@pytest.mark.parametrize("apart", [0.0, 1e-4, 1.0, np.nan])
def test_numbers_of_a_table_may_tip_over_now_and_then(apart: float) -> None:
    expected = np.random.default_rng(0).normal(size=(200, 2)) * [1.0, 1e9]
    actual = expected.copy()
    actual[:3, 1] += apart * 1e9
    assert export._difference("numeric", actual, expected) == (0 if apart in (0.0, 1e-4) else 3)
