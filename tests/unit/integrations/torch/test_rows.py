"""Datasets of rows filled up from a table's generator, and synthetic samples as a stream."""

import json
from collections import Counter, deque, namedtuple
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
import torch
from sklearn.datasets import load_wine
from torch.utils.data import DataLoader, Subset, TensorDataset

from ganaug import AugmentedDataset, Generator, SyntheticDataset, balanced_loader
from ganaug.data.tables.dataset import from_frame
from ganaug.errors import DataError
from ganaug.training import fit
from tests.paths import MODELS

CLASSES = [f"class_{value}" for value in range(3)]
FEW = np.r_[0:59, 59:80, 130:140]  # 59, 21 and 10 wines


@pytest.fixture(scope="module")
def wine() -> Generator:
    return Generator.load(MODELS / "wine.onnx")


@pytest.fixture(scope="module")
def table() -> tuple[pd.DataFrame, np.ndarray[Any, Any]]:
    frame, labels = load_wine(return_X_y=True, as_frame=True)
    return frame.iloc[FEW], labels.to_numpy()[FEW]


@pytest.fixture(scope="module")
def mixed() -> Generator:
    rng = np.random.default_rng(0)
    left = rng.permutation(["no"] * 40 + ["yes"] * 12)
    frame = pd.DataFrame({"age": rng.integers(18, 80, 52), "plan": rng.choice(["basic", "full"], 52)})
    # More often missing in the rare class, or the screen would leave out what is missing.
    frame["spent"] = np.where(rng.random(52) < np.where(left == "yes", 0.5, 0.1), np.nan, rng.lognormal(3, 1, 52))
    return fit(from_frame(frame, left), max_steps=3, random_state=0)


class Wines(TensorDataset):
    """Rows as a user might hold them; their names are known to the dataset alone."""

    classes = CLASSES

    def __init__(self, table: Any, form: Any = torch.from_numpy, **attributes: Any) -> None:
        super().__init__(torch.from_numpy(table[1]))
        self.rows, self.form = table[0].to_numpy(np.float32), form
        self.__dict__ |= attributes

    def __getitem__(self, index: Any) -> Any:
        row = self.form(self.rows[index])
        return getattr(self, "transform", lambda row: row)(row), int(self.tensors[0][index])


@pytest.mark.parametrize(
    "form",
    [
        torch.from_numpy,
        lambda row: torch.from_numpy(row).double(),
        np.asarray,
        list,
        tuple,
        lambda row: [float(value) for value in row],
        lambda row: dict(zip(load_wine().feature_names, row.tolist(), strict=True)),
    ],
)
def test_rows_look_like_the_real_ones(form: Any, table: Any, wine: Generator) -> None:
    data = Wines(table, form)
    augmented = AugmentedDataset(data, wine, synthetic_share=1.0)
    assert Counter(augmented.targets) == {0: 59, 1: 59, 2: 59}
    real, made = data[0][0], augmented[170]
    assert made[1] == 2
    assert type(made[0]) is type(real)
    values = list(made[0].values()) if isinstance(made[0], dict) else made[0]
    known = list(real.values()) if isinstance(real, dict) else real
    assert [type(value) for value in values] == [type(value) for value in known]
    assert getattr(made[0], "dtype", None) == getattr(real, "dtype", None)
    expected = wine.sample_each(["class_2"], [(0, 0, 2, 170 - 90 - 38)], screened=True)[0].to_numpy()[0]
    assert np.allclose([float(value) for value in values], expected, rtol=1e-6)
    batch, labels = next(iter(DataLoader(augmented, 177)))
    assert len(labels) == 177
    assert len(batch) in (13, 177)


@pytest.mark.slow
def test_a_tensor_dataset_whose_labels_are_the_classes(table: Any, wine: Generator) -> None:
    proto = onnx.load_model_from_string(wine.to_bytes())
    (claim,) = [prop for prop in proto.metadata_props if prop.key == "ganaug"]
    claim.value = json.dumps(json.loads(claim.value) | {"classes": [0, 1, 2]})
    generator = Generator(proto.SerializeToString())
    data = TensorDataset(torch.tensor(table[0].to_numpy(), dtype=torch.float32), torch.from_numpy(table[1]))

    def two_epochs(**settings: Any) -> list[Any]:
        loader = balanced_loader(Subset(data, range(85)), generator, 32, return_source=True, seed=2, **settings)
        return [[[part.tolist() for part in batch] for batch in loader] for _ in range(2)]

    found = two_epochs(num_workers=2)
    assert found == two_epochs()
    rows = [(label, tuple(row)) for batch in found[0] for row, label, made in zip(*batch, strict=True) if made]
    assert len(set(rows)) == 52 <= 0.3 * 177  # every class rounds its part down
    assert Counter(label for label, _ in rows) == {1: 21, 2: 31}


@pytest.mark.parametrize("takes", ["dict", "tensor", "array"])
def test_a_transform_makes_items_of_synthetic_rows_too(takes: str, table: Any, wine: Generator) -> None:
    names = NAMES

    def transform(row: Any) -> torch.Tensor:
        if takes == "dict":
            row = torch.tensor([row[name] for name in names])
        elif isinstance(row, torch.Tensor) != (takes == "tensor"):
            raise TypeError(type(row))
        return torch.as_tensor(row).float() / 1000 - 1

    forms = {"dict": lambda row: dict(zip(names, row.tolist(), strict=True)), "tensor": torch.from_numpy}
    data = Wines(table, forms.get(takes, np.asarray), transform=transform)
    augmented = AugmentedDataset(data, wine, synthetic_share=1.0)
    row = wine.sample_each(["class_1"], [(0, 0, 1, 0)], screened=True)[0].to_numpy()[0]
    assert torch.allclose(augmented[90][0], torch.tensor(row / 1000 - 1).float())


NAMES = load_wine().feature_names


@pytest.mark.parametrize(
    ("form", "transform"),
    [
        (lambda row: [float(value) for value in row], lambda row: [2 * value for value in row]),
        (lambda row: tuple(row.tolist()), lambda row: tuple(value + value for value in row)),
        (lambda row: row.astype(float).tolist(), np.asarray),
        (
            lambda row: dict(zip(NAMES, row.astype(float), strict=True)),  # of float64, and so is the tensor
            lambda row: torch.tensor([row[name] for name in NAMES]),
        ),
        (
            lambda row: dict(zip(NAMES, row.tolist(), strict=True)),
            pd.Series,
        ),
        (
            lambda row: dict(zip(NAMES, torch.from_numpy(row), strict=True)),
            lambda row: torch.stack([row[name] for name in NAMES]),
        ),
        (lambda row: dict(zip(NAMES, row.tolist(), strict=True)), lambda row: {k: 3 * row[k] for k in row}),
    ],
    ids=["list", "tuple", "array of a list", "dict of float64", "series of a dict", "dict of tensors", "dict"],
)
def test_a_transform_is_given_the_kind_of_row_that_it_takes(
    form: Any, transform: Any, table: Any, wine: Generator
) -> None:
    data = Wines(table, form, transform=transform)
    made, real = AugmentedDataset(data, wine, synthetic_share=1.0)[90][0], data[0][0]
    row = wine.sample_each(["class_1"], [(0, 0, 1, 0)], screened=True)[0].to_numpy()[0].astype(np.float32)
    wanted = transform(form(row))
    values, known = (list(one.values()) if isinstance(one, dict) else one for one in (made, wanted))
    assert (type(made), getattr(made, "dtype", None)) == (type(real), getattr(real, "dtype", None))
    assert np.allclose([float(value) for value in values], [float(value) for value in known], rtol=1e-6)
    assert list(getattr(made, "keys", list)()) == list(getattr(real, "keys", list)())


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        (lambda row: torch.from_numpy(row[:5]), r"13 columns, in the order \['alcohol'.*shape \(5,\)"),
        (lambda row: torch.from_numpy(row[None]), r"shape \(1, 13\)"),
        (lambda row: {"alcohol": 1.0}, "but one has"),
        (lambda row: "text", "but holds a str"),
        (lambda row: torch.from_numpy((row - row.mean()) / row.std()), "in the units that the generator learned"),
        (lambda row: row[::-1].copy(), "put the columns in its order"),
    ],
)
def test_rows_that_are_not_the_generators_are_refused(form: Any, reason: str, table: Any, wine: Generator) -> None:
    with pytest.raises(DataError, match=reason):
        AugmentedDataset(Wines(table, form), wine)


def test_a_transform_of_something_else_is_refused(table: Any, wine: Generator) -> None:
    data = Wines(table, lambda row: {"values": row}, transform=lambda row: row["values"])
    with pytest.raises(DataError, match=r"`transform` must turn a dict .* but gives KeyError"):
        AugmentedDataset(data, wine)


def test_a_transform_that_takes_the_keys_for_values_is_refused(table: Any, wine: Generator) -> None:
    def doubled(row: Any) -> list[Any]:
        if not isinstance(row, deque | dict):
            raise TypeError(type(row))
        return [2 * one for one in row]

    data = Wines(table, lambda row: deque(row.tolist()), transform=doubled)
    with pytest.raises(DataError, match=r"items hold, a list of 13 values, \[28.*alcoholalcohol.*let it take the row"):
        AugmentedDataset(data, wine)


@pytest.mark.parametrize("kind", [list, tuple, dict])
def test_a_transform_of_text_and_numbers(kind: Any, mixed: Generator) -> None:
    names = ["age", "plan", "spent"]
    row = dict(zip(names, [30, "full", 2.5], strict=True))
    transform = (lambda row: [row[name] for name in names]) if kind is dict else (lambda row: [one * 2 for one in row])
    data = Mixed([transform(row if kind is dict else kind(row.values()))] * 9)
    data.transform = transform  # type: ignore[attr-defined]
    made = AugmentedDataset(data, mixed, synthetic_share=1.0)[10][0]
    assert [type(value) for value in made] == [int, str, float]
    assert made[1] in ({"basic", "full"} if kind is dict else {"basicbasic", "fullfull"})


class Mixed(TensorDataset):
    def __init__(self, rows: list[Any]) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Any) -> Any:
        return self.rows[index], "yes" if index < 2 else "no"


def test_text_and_missing_values(mixed: Generator) -> None:
    rows: list[Any] = [{"age": 30, "plan": "full", "spent": float("nan")}] * 9
    augmented = AugmentedDataset(Mixed(rows), mixed, synthetic_share=1.0, strategy={"yes": 60})
    made = [augmented[index][0] for index in augmented.synthetic_indices]
    assert {type(row["age"]) for row in made} == {int}
    assert {row["plan"] for row in made} == {"basic", "full"}
    assert any(np.isnan(row["spent"]) for row in made)
    for wrong, reason in (({"plan": 1}, "text in the column 'plan'.*holds 1:"), ({"age": "x"}, "numbers in .*'age'")):
        with pytest.raises(DataError, match=reason):
            AugmentedDataset(Mixed([rows[0] | wrong] * 9), mixed)
    with pytest.raises(DataError, match="'plan' holds text"):
        AugmentedDataset(Mixed([torch.zeros(3)] * 9), mixed)
    with pytest.raises(DataError, match="'plan' holds text"):
        SyntheticDataset(mixed)
    with pytest.raises(DataError, match="cache must be None for a generator of rows of a table, which"):
        AugmentedDataset(Mixed(rows), mixed, cache="anywhere")
    with pytest.raises(DataError, match="for images, but the generator makes rows of a table: leave it out"):
        AugmentedDataset(Mixed(rows), mixed, synthetic_transform=list)


# Streams.


def test_a_stream_of_images() -> None:
    digits = Generator.load(MODELS / "digits.onnx")
    stream = SyntheticDataset(digits, ["3", "7", "7"], seed=5)
    items = [item for item, _ in zip(stream, range(70), strict=False)]
    assert [label for _, label in items[:4]] == [3, 7, 7, 3]
    assert stream.classes == list("0123456789")
    assert items[0][0].shape == (1, 8, 8)
    assert items[0][0].dtype == torch.float32
    assert 0.5 < float(torch.stack([x for x, _ in items]).max()) <= 1
    assert len({str(x.tolist()) for x, _ in items}) == 70
    expected, _ = digits.sample_each(["3"], [(5, 0, 69)], screened=True)
    assert torch.equal(items[69][0], torch.from_numpy(expected[0, :, :, 0] / np.float32(255))[None])
    shapes = SyntheticDataset(digits, size=3, transform=lambda image: (image.shape, image.dtype))
    assert list(shapes) == [(((8, 8, 1), np.uint8), label) for label in range(3)]
    with pytest.raises(TypeError, match="has no length"):
        len(stream)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 1, 2, 3])
def test_a_stream_is_split_over_workers(workers: int) -> None:
    digits = Generator.load(MODELS / "digits.onnx")
    epochs = []
    for batch_size in (10, 16):  # dealt out as the loader batches, or otherwise
        stream = SyntheticDataset(digits, seed=1, size=45, batch_size=10)
        loader = DataLoader(stream, batch_size, num_workers=workers)
        for _ in range(2):
            batches = list(loader)
            epochs.append([str(image.tolist()) for x, _ in batches for image in x])
    whole = SyntheticDataset(digits, seed=1, size=45)
    one, two = ([str(x.tolist()) for x, _ in whole] for _ in range(2))
    assert epochs[:2] == [one, two]
    assert [sorted(epoch) for epoch in epochs[2:]] == [sorted(one), sorted(two)]
    assert len({*one, *two}) == 90


@pytest.mark.parametrize(
    ("size", "batch_size", "processes"), [(200, 16, 2), (45, 10, 2), (44, 10, 4), (7, 64, 3), (2, 4, 5), (0, 4, 2)]
)
def test_processes_share_a_stream(size: int, batch_size: int, processes: int) -> None:
    digits, each = Generator.load(MODELS / "digits.onnx"), -(-size // processes)

    def stream(rank: int) -> SyntheticDataset:
        return SyntheticDataset(digits, size=size, batch_size=batch_size, num_replicas=processes, rank=rank)

    parts = [[str(x.tolist()) for x, _ in stream(rank)] for rank in range(processes)]
    assert [len(stream(rank)) for rank in range(processes)] == [each] * processes  # or their last steps would hang
    assert [len(part) for part in parts] == [each] * processes
    whole = [str(x.tolist()) for x, _ in SyntheticDataset(digits, size=each * processes)]
    assert sorted(one for part in parts for one in part) == sorted(whole)


@pytest.mark.slow
def test_processes_and_their_workers_share_a_stream() -> None:
    digits = Generator.load(MODELS / "digits.onnx")
    counts = []
    for rank in range(2):
        stream = SyntheticDataset(digits, size=90, batch_size=16, num_replicas=2, rank=rank)
        alone = [str(image.tolist()) for x, _ in DataLoader(stream, 16) for image in x]
        stream.set_epoch(0)
        batches = [x for x, _ in DataLoader(stream, 16, num_workers=2)]
        assert [str(image.tolist()) for x in batches for image in x] == alone
        counts.append([len(x) for x in batches])
    assert counts == [[16, 16, 13]] * 2


def test_the_epoch_of_a_stream_can_be_chosen() -> None:
    stream = SyntheticDataset(Generator.load(MODELS / "digits.onnx"), size=4)
    first, second = ([x.tolist() for x, _ in stream] for _ in range(2))
    stream.set_epoch(0)
    assert [x.tolist() for x, _ in stream] == [x.tolist() for x, _ in stream] == first != second


def test_a_stream_of_rows(wine: Generator, mixed: Generator) -> None:
    x, y = next(iter(DataLoader(SyntheticDataset(wine, seed=3), 6, num_workers=1)))
    assert x.shape == (6, 13)
    assert x.dtype == torch.float32
    assert y.tolist() == [0, 1, 2, 0, 1, 2]
    expected, _ = wine.sample_each(["class_1"], [(3, 0, 1)], screened=True)
    assert np.allclose(x[1], expected.to_numpy()[0])
    row, label = next(iter(SyntheticDataset(mixed, ["yes"], transform=lambda row: row)))
    assert list(row) == ["age", "plan", "spent"]
    assert label == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"labels": ["x"]}, "labels must name"),
        ({"labels": []}, "labels must name"),
        ({"labels": 3}, "labels must be a list, but is 3: give a list of classes"),
        ({"seed": -1}, "seed must be"),
        ({"size": 1.5}, "size must be"),
        ({"batch_size": 0}, "batch_size must be"),
        ({"generator": "model.onnx"}, r"Generator\.load"),
        ({"num_replicas": 2, "rank": 5}, "rank must be below"),
    ],
)
def test_wrong_arguments_of_a_stream(change: dict[str, Any], reason: str, wine: Generator) -> None:
    with pytest.raises(DataError, match=reason):
        SyntheticDataset(**({"generator": wine} | change))


def test_named_tuples_stay_such(table: Any) -> None:
    names = [f"n{i}" for i in range(table[0].shape[1])]
    kind = namedtuple("Wine", names)
    generator = fit(from_frame(table[0], np.array(CLASSES)[table[1]]), max_steps=3, random_state=0)
    augmented = AugmentedDataset(Wines(table, lambda row: kind(*row.tolist())), generator)
    row, _ = augmented[augmented.synthetic_indices[0]]
    assert isinstance(row, kind)
