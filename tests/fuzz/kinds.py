"""The kinds of hostile input: how each is made, and what a user does with it."""

import io
import json
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib.pyplot  # noqa: F401 - once, and not in each child
import numpy as np
import onnx
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from PIL import Image
from safetensors.torch import load, save

from ganaug.data.images.image_form import encoded, form_of
from ganaug.data.tables.dataset import from_frame
from ganaug.errors import GanaugError
from ganaug.evaluation.report import render
from ganaug.integrations.torch.folder import ImageFolder
from ganaug.networks.modality import Bounds
from ganaug.runtime.generator import Generator
from ganaug.training import Run
from ganaug.training.checkpoint_index import INDEX
from ganaug.training.checkpoints import load_checkpoint
from ganaug.training.initial import InitialWeights
from ganaug.training.loop import train
from tests import reports
from tests.checkpoints import write_signed
from tests.fuzz.harness import Fuzzer
from tests.fuzz.mutations import RARE, damaged, damaged_json, pick
from tests.paths import MODELS
from tests.unit.evaluation.report.test_page import Page
from tests.unit.runtime.test_generator import convolutional, glass

Rng = np.random.Generator


# ---- model files


@cache
def _models() -> list[bytes]:
    made = [glass(thresholds=[0.5] * 3), glass(), convolutional()]
    return [*(model.SerializeToString() for model in made), (MODELS / "wine.onnx").read_bytes()]


def make_model(rng: Rng, folder: Path) -> None:
    data = pick(rng, _models()[: 3 + (rng.random() < 0.3)])
    if rng.random() < 0.6:
        model = onnx.load_from_string(data)
        for _ in range(int(rng.integers(1, 4))):
            _change_model(rng, model)
        data = model.SerializeToString()
    if rng.random() < 0.5:
        data = damaged(rng, data)
    (folder / "model.onnx").write_bytes(data)


def _change_model(rng: Rng, model: Any) -> None:  # noqa: C901 - one case for each kind of damage
    graph, node = model.graph, pick(rng, model.graph.node)
    names = [*(one.name for one in graph.initializer), *(name for one in graph.node for name in one.output), "label"]
    operators = ["Range", "Expand", "Tile", "ConstantOfShape", "Div", "Mod", "MatMul", "Reshape", "Gather", "Slice"]
    operators += ["Pad", "Resize", "OneHot", "TopK", "Einsum", "Split", "Concat", "Conv", "MaxPool", "Where", "CumSum"]
    match int(rng.integers(9)):
        case 0:
            node.op_type = pick(rng, [*operators, *(one.op_type for one in graph.node)])
        case 1 if node.input:
            node.input[int(rng.integers(len(node.input)))] = pick(rng, [*names, ""])
        case 2 if node.attribute:
            attribute = pick(rng, node.attribute)
            attribute.i = pick(rng, RARE) if pick(rng, RARE) < 2**63 else 0
            if attribute.ints:
                attribute.ints[int(rng.integers(len(attribute.ints)))] = min(pick(rng, RARE), 2**63 - 1)
        case 3 if graph.initializer:
            tensor = pick(rng, graph.initializer)
            if tensor.dims:
                tensor.dims[int(rng.integers(len(tensor.dims)))] = pick(rng, RARE)
        case 4 if graph.initializer:
            tensor = pick(rng, graph.initializer)
            if tensor.data_type == 7 and tensor.raw_data:
                count = len(tensor.raw_data) // 8
                tensor.raw_data = b"".join(
                    int(pick(rng, RARE)).to_bytes(8, "little", signed=True) for _ in range(count)
                )
        case 5 if graph.initializer:
            pick(rng, graph.initializer).data_type = int(rng.integers(0, 24))
        case 6:
            text = json.loads(model.metadata_props[0].value) if model.metadata_props else {}
            model.metadata_props[0].value = json.dumps(damaged_json(rng, text))
        case 7:
            inputs = [pick(rng, names) for _ in range(int(rng.integers(1, 4)))]
            graph.node.append(onnx.helper.make_node(pick(rng, operators), inputs, [f"more{rng.integers(10**9)}"]))
        case _:
            graph.node.insert(int(rng.integers(len(graph.node) + 1)), pick(rng, graph.node))


def use_model(folder: Path) -> None:
    generator = Generator.load(folder / "model.onnx")
    json.dumps(generator.metadata)
    repr(generator)
    X, y = generator.sample(3, seed=0, screened=True)
    assert len(X) == len(y) == 3


# ---- images


@cache
def _pictures() -> list[tuple[str, bytes]]:
    rng, found = np.random.default_rng(0), []
    for mode, shape in (("L", (12, 9)), ("RGB", (9, 12, 3)), ("RGBA", (8, 8, 4))):
        image = Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8), mode)
        for form, ending in (("PNG", "png"), ("JPEG", "jpg"), ("BMP", "bmp"), ("WEBP", "webp"), ("TIFF", "tif")):
            if form != "JPEG" or mode != "RGBA":
                file = io.BytesIO()
                image.save(file, form, **({"compression": "tiff_lzw"} if form == "TIFF" else {}))
                found.append((ending, file.getvalue()))
    return found


def make_images(rng: Rng, folder: Path) -> None:
    ending, data = pick(rng, _pictures())
    (folder / "in" / "a").mkdir(parents=True)
    ending = pick(rng, ["png", "jpg", "bmp", "webp", "tif"]) if rng.random() < 0.1 else ending
    (folder / "in" / "a" / f"bad.{ending}").write_bytes(damaged(rng, data))
    (folder / "in" / "b").mkdir()
    (folder / "in" / "b" / "good.png").write_bytes(_pictures()[0][1])


def use_images(folder: Path) -> None:
    items = ImageFolder(folder / "in")
    for index in range(len(items)):
        items[index]
    for path in (folder / "in" / "a").iterdir():
        pixels = np.zeros((8, 8, 3), np.uint8)
        encoded(pixels, form_of(path, pixels.shape))
    ImageFolder(folder / "in", size=8)[0]


# ---- tables


def _column(rng: Rng, rows: int) -> list[Any]:
    def number() -> Any:
        return pick(rng, [rng.normal(), float(rng.integers(9)), int(rng.integers(-9, 9)), pick(rng, RARE), 1e300])

    words = [
        "a",
        "b",
        "",
        "NA",
        "nan",
        "1,5",
        "1.5",
        "2024-01-31",
        "31.12.2024",
        "é\u202e",
        "'",
        "=1",
        "\x00",
        "\n",
        '"',
    ]
    make: Callable[[], Any] = pick(rng, [number, lambda: pick(rng, words), lambda: pick(rng, [True, False])])
    return [None if rng.random() < 0.05 else make() for _ in range(rows)]


def make_csv(rng: Rng, folder: Path) -> None:
    rows = int(rng.integers(0, 40))
    frame = pd.DataFrame({name: _column(rng, rows) for name in ("a", "b", pick(rng, ["a ", "c", "", "x\n"]))})
    frame["kind"] = [pick(rng, ["p", "q"]) for _ in range(rows)]
    text = frame.to_csv(index=False, sep=pick(rng, [",", ";", "\t", "|"])).encode(errors="replace")
    if rng.random() < 0.2:
        text = text.decode().encode(pick(rng, ["utf-16", "utf-8-sig", "utf-7"]), errors="replace")
    (folder / "table.csv").write_bytes(damaged(rng, text) if rng.random() < 0.8 else text)


def make_parquet(rng: Rng, folder: Path) -> None:
    data = b""
    while not data:
        rows, file = int(rng.integers(0, 30)), io.BytesIO()
        columns = {name: _arrow(rng, rows) for name in ("a", "b")}
        columns["kind"] = _arrow(rng, rows) if rng.random() < 0.3 else pa.array([pick(rng, "pq") for _ in range(rows)])
        with suppress(pa.ArrowException):  # Parquet does not have all types
            pq.write_table(pa.table(columns), file, compression=pick(rng, ["none", "snappy", "gzip", "zstd"]))
            data = file.getvalue()
    (folder / "table.parquet").write_bytes(damaged(rng, data) if rng.random() < 0.5 else data)


def _arrow(rng: Rng, rows: int, depth: int = 0) -> Any:  # noqa: PLR0911 - one for each kind of type
    flat = [pa.int8(), pa.uint64(), pa.float32(), pa.float64(), pa.bool_(), pa.string(), pa.binary(), pa.date32()]
    flat += [pa.timestamp("us"), pa.time64("us"), pa.duration("s"), pa.decimal128(21, 2), pa.null(), pa.binary(3)]
    match int(rng.integers(6)) if depth < 3 else 0:
        case 1:
            inner = _arrow(rng, 2 * rows, depth + 1)
            return pa.ListArray.from_arrays(pa.array(range(0, 2 * rows + 1, 2), pa.int32()), inner)
        case 2:
            return pa.StructArray.from_arrays([_arrow(rng, rows, depth + 1) for _ in "ab"], ["x", "y"])
        case 3:
            keys, items = pa.array([str(row) for row in range(rows)]), _arrow(rng, rows, depth + 1)
            return pa.MapArray.from_arrays(pa.array(range(rows + 1), pa.int32()), keys, items)
        case 4:
            return pa.array([pick(rng, ["u", "v", "w"]) for _ in range(rows)]).dictionary_encode()
    kind = pick(rng, flat)
    if kind == pa.null():
        return pa.nulls(rows)
    values = [None if rng.random() < 0.1 else int(rng.integers(0, 99)) for _ in range(rows)]
    if kind in (pa.string(), pa.binary()):
        return pa.array([None if value is None else str(value) for value in values]).cast(kind)
    if kind == pa.binary(3):
        return pa.array([None if value is None else b"%3d" % value for value in values], kind)
    if kind == pa.bool_():
        return pa.array([None if value is None else value > 50 for value in values])
    return pa.array(values, pa.int32() if kind == pa.date32() else pa.int64()).cast(kind)


def use_table(folder: Path) -> None:
    from ganaug.cli.data_files import Reading, files_of_source
    from ganaug.data.tables.left_out import LeftOut

    (source,) = folder.glob("table.*")
    data = files_of_source(source).read(source, Reading(LeftOut(), target="kind"))
    data.fingerprint  # noqa: B018 - is computed
    data.codec.encode(data.frame)


# ---- checkpoints


@cache
def _kept() -> tuple[Run, dict[str, Any], bytes]:
    """Return a run that stands where it began, and its checkpoint."""
    import tempfile

    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=60), "c": rng.choice(["u", "v"], 60)})
    with tempfile.TemporaryDirectory() as folder:
        run = Run(
            from_frame(frame, rng.choice(["p", "q"], 60)), max_steps=3, random_state=0, checkpoint=Path(folder) / "run"
        )
        list(run.steps())
        run.save_checkpoint()
        index = json.loads((Path(folder) / "run" / INDEX).read_text())
        return run, index, (Path(folder) / "run" / index["tensors"]).read_bytes()


def make_checkpoint(rng: Rng, folder: Path) -> None:
    _, index, content = _kept()
    if rng.random() < 0.4:
        tensors = load(content)
        for _ in range(int(rng.integers(1, 3))):
            _change_tensors(rng, tensors)
        content = save(tensors)
    elif rng.random() < 0.6:
        content = damaged(rng, content) if rng.random() < 0.5 else damaged(rng, content[:9000]) + content[9000:]
    if rng.random() < 0.4:
        index = damaged_json(rng, index)
    if isinstance(index, dict) and "tensors" in index and "/" not in str(index["tensors"]) and rng.random() < 0.8:
        try:
            return write_signed(folder, index, content)
        except (OSError, ValueError):  # a name that cannot be
            pass
    (folder / INDEX).write_bytes(damaged(rng, json.dumps(index).encode()))
    return (folder / "step-000000003.safetensors").write_bytes(content)


def _change_tensors(rng: Rng, tensors: dict[str, torch.Tensor]) -> None:
    first, second = (pick(rng, sorted(tensors)) for _ in range(2))
    match int(rng.integers(7)):
        case 0:
            tensors[first], tensors[second] = tensors[second].clone(), tensors[first].clone()
        case 1:
            tensors[first] = tensors[first].flatten()[: int(rng.integers(9))].clone()
        case 2:
            kind = pick(rng, [torch.float64, torch.int64, torch.bool, torch.uint8, torch.float16, torch.bfloat16])
            tensors[first] = tensors[first].to(kind)
        case 3:
            tensors[f"{first}{rng.integers(9)}"] = tensors.pop(first)
        case 4:
            tensors[first] = torch.full_like(tensors[first], pick(rng, [0, 1, -1, 100]))
        case 5 if tensors[first].is_floating_point():
            tensors[first] = torch.full_like(tensors[first], pick(rng, [float("nan"), float("inf"), 1e38, -1e38]))
        case _:
            tensors[first] = tensors[first][None].clone()


def use_checkpoint(folder: Path) -> None:
    run, _, _ = _kept()
    state = run._new_state("gan", run.joint)
    with suppress(GanaugError):
        InitialWeights.read(folder).load_into(state.family, run.data.classes)
    load_checkpoint(folder, state, run.settings(), run._extra(run.agreement))
    state.progress, state.stopped = 0.0, ""  # so that the moments are used
    next(train(state, run.learnable, run.modality, Bounds(None, 2**62), validate=None))
    repr(state.kept_validation)


# ---- reports

PARTS = (*reports.HOSTILE[:-1], "<", ">", "&", '"', "'", "`", "</title>", "</style>", "<base href=//x>", "\ufeff")


def make_page(rng: Rng, folder: Path) -> None:
    names = ["".join(pick(rng, PARTS) for _ in range(rng.integers(1, 5))) + str(index) for index in range(12)]
    (folder / "names.json").write_text(json.dumps(names))


def use_page(folder: Path) -> None:
    reports.HOSTILE = tuple(json.loads((folder / "names.json").read_text()))
    made = pick(np.random.default_rng(len(reports.HOSTILE[0])), (reports.hostile_table, reports.hostile_images))
    page = Page(render(*made()))
    assert len(page.attributes("script")) == 2, "another script"
    assert len(page.attributes("style")) == 1, "another style"
    for tag, attributes, _ in page.elements:
        assert tag not in {"iframe", "object", "embed", "base", "form"}, tag
        assert not any(name.startswith("on") for name in attributes), "a handler of events"
        for place in (attributes.get("src") or "", attributes.get("href") or ""):
            assert place.startswith(("data:", "#")) or not place, f"{tag} leads to {place:.80}"


KINDS = {
    "onnx": Fuzzer(make_model, use_model),
    "images": Fuzzer(make_images, use_images),
    "csv": Fuzzer(make_csv, use_table),
    "parquet": Fuzzer(make_parquet, use_table),
    "checkpoints": Fuzzer(make_checkpoint, use_checkpoint),
    "report": Fuzzer(make_page, use_page, seconds=30.0),
}
