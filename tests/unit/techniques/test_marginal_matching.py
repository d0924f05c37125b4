"""What is drawn of a class has the means, spreads and shares of its real rows, as far as these are known."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from ganaug.data.tables.dataset import from_frame
from ganaug.data.tables.layout import RowLayout
from ganaug.networks.perceptron import RowGenerator
from ganaug.techniques.marginal_matching import MAX_GAIN, Marginals
from ganaug.training import Run
from tests.unit.training.test_tables import mixed_table

LAYOUT = RowLayout(2, (3, 2), (1, -1))
"""Two quantiles, the first of which counts under the first option of the second choice; choices of three and two."""


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def network(n_classes: int = 2) -> RowGenerator:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = RowGenerator(n_classes, LAYOUT)
        for parameter in made.parameters():  # as after training: nothing is zero, and classes differ
            parameter.data += 0.05 * torch.randn_like(parameter)
    return made


def real_rows(n: int, shares: list[float], open_share: float, mean: float, spread: float, seed: int) -> Tensor:
    random = seeded(seed)
    choice = torch.multinomial(torch.tensor(shares), n, replacement=True, generator=random)
    is_open = torch.rand(n, generator=random) < open_share
    quantiles = mean + spread * torch.randn(n, 2, generator=random)
    quantiles[:, 0] *= is_open
    one_hot = [torch.nn.functional.one_hot(value, count) for value, count in ((choice, 3), ((~is_open).long(), 2))]
    return torch.cat([quantiles, *one_hot], dim=1).float()


def matched(generator: RowGenerator, rows: Tensor, label: Tensor) -> RowGenerator:
    return Marginals.of(rows, label, generator).matched(generator, seeded())


def drawn_rows(generator: RowGenerator, value: int) -> Tensor:
    noise = torch.randn(20_000, generator.noise_dim, generator=seeded(5))
    return generator(noise, torch.full((20_000,), value)).detach()


def test_marginals_become_those_of_the_real_rows() -> None:
    generator = network()
    rows = [real_rows(4_000, [0.7, 0.1, 0.2], 0.3, -1.0, 0.4, 1), real_rows(4_000, [0.0, 0.5, 0.5], 0.9, 0.8, 0.2, 2)]
    generator = matched(generator, torch.cat(rows), torch.arange(2).repeat_interleave(4_000))
    for value, real in enumerate(rows):
        drawn = drawn_rows(generator, value)
        torch.testing.assert_close(drawn[:, 2:].mean(0), real[:, 2:].mean(0), atol=0.02, rtol=0)
        for quantile, speaks in ((0, 5), (1, None)):  # column 5 says whether the first quantile counts
            ours, theirs = (x[x[:, speaks] == 1] if speaks else x for x in (drawn, real))
            assert float(ours[:, quantile].mean()) == pytest.approx(float(theirs[:, quantile].mean()), abs=0.03)
            assert float(ours[:, quantile].std()) == pytest.approx(float(theirs[:, quantile].std()), rel=0.06)


def test_few_rows_say_little_and_none_say_nothing() -> None:
    before, generator = network(3), network(3)
    real = torch.tensor([[3.0, -3.0, 1.0, 0.0, 0.0, 1.0, 0.0]])  # one row of class 1; none of class 2
    generator = matched(generator, real, torch.tensor([1]))
    moved, stayed = drawn_rows(generator, 1), drawn_rows(before, 1)
    speaks, spoke = moved[:, 5] == 1, stayed[:, 5] == 1
    assert float(moved[speaks, 0].mean()) == pytest.approx((3 + float(stayed[spoke, 0].mean())) / 2, abs=0.05)
    assert float(moved[:, 1].mean()) == pytest.approx((-3 + float(stayed[:, 1].mean())) / 2, abs=0.05)
    assert float(moved[:, 1].std()) == pytest.approx(float(stayed[:, 1].std()), rel=0.03)
    torch.testing.assert_close(moved[:, 2:5].mean(0), (real[0, 2:5] + stayed[:, 2:5].mean(0)) / 2, atol=0.02, rtol=0)
    torch.testing.assert_close(drawn_rows(generator, 2), drawn_rows(before, 2))


def test_a_class_drawn_as_one_point_is_not_blown_up() -> None:
    generator = network()
    generator.network.head.weight.data[:2] *= 0.01
    narrow = float(drawn_rows(generator, 0)[:, 1].std())
    generator = matched(generator, real_rows(500, [0.4, 0.3, 0.3], 0.5, 0.0, 1.0, 3), torch.zeros(500).long())
    assert float(drawn_rows(generator, 0)[:, 1].std()) == pytest.approx(MAX_GAIN * narrow, rel=0.05)


@pytest.mark.parametrize("layout", [RowLayout(2, (), (-1, -1)), RowLayout(0, (4, 2), ())], ids=["numbers", "choices"])
def test_tables_of_one_kind_of_column(layout: RowLayout) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        generator = RowGenerator(1, layout)
    rows = torch.full((50, layout.width), 0.5)
    if layout.options:
        rows = torch.tensor([[0.0, 1.0, 0.0, 0.0, 0.0, 1.0]]).expand(50, -1)
    generator = matched(generator, rows, torch.zeros(50).long())
    torch.testing.assert_close(drawn_rows(generator, 0).mean(0), rows.mean(0), atol=0.03, rtol=0)


def test_many_classes_are_matched_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    generator, rows = network(5), real_rows(500, [0.4, 0.3, 0.3], 0.5, 0.0, 1.0, 3)
    label = torch.arange(500) % 5
    whole = matched(generator, rows, label)
    monkeypatch.setattr("ganaug.techniques.marginal_matching.MIN_DRAWN", 1024)
    monkeypatch.setattr(
        "ganaug.techniques.marginal_matching.NUMBERS", 2 * 1024 * (256 + 2 + 6)
    )  # two classes at a time
    parts = matched(generator, rows, label)
    torch.testing.assert_close(parts.gain, whole.gain, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(parts.shift, whole.shift, rtol=1e-4, atol=1e-4)
    assert generator.gain is None


def test_what_is_not_finite_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "ganaug.techniques.marginal_matching.NUMBERS", 1
    )  # a class at a time: the first of them is finite
    generator, rows = network(), real_rows(20, [0.4, 0.3, 0.3], 0.5, 0.0, 1.0, 3)
    generator.network.head_by_class.weight.data[1, 0] = torch.nan
    copy = matched(generator, rows, torch.arange(20) % 2)
    assert copy.gain is None
    torch.testing.assert_close(copy.state_dict(), generator.state_dict(), equal_nan=True, rtol=0, atol=0)


@pytest.mark.slow
def test_a_fit_draws_the_rare_class_about_where_its_rows_are() -> None:
    frame, labels = mixed_table({"no": 200, "yes": 9})  # of nine rows none is held out
    run = Run(from_frame(frame, labels), max_steps=60, random_state=0)
    for _ in run.steps():
        pass
    average = {name: value.clone() for name, value in run.state.family.average.state_dict().items()}
    run._validate(run.state.family.average)
    for name, value in run.state.family.average.state_dict().items():  # judging changes nothing
        torch.testing.assert_close(value, average[name], rtol=0, atol=0)
    rows, _ = run.trained().export().sample({"yes": 4_000}, seed=0)
    again, _ = run.trained().export().sample({"yes": 4_000}, seed=0)  # nor does finishing
    pd.testing.assert_frame_equal(again, rows)
    own = frame[labels == "yes"]
    # A tenth of the weight is the generator's own opinion, which after so few steps is that of the common class.
    shares = 0.9 * own["city"].value_counts(normalize=True) + 0.1 * frame["city"].value_counts(normalize=True)
    np.testing.assert_allclose(rows["city"].value_counts(normalize=True)[shares.index], shares, atol=0.06)
    assert rows["member"].mean() == pytest.approx(0.9 * own["member"].mean() + 0.1 * frame["member"].mean(), abs=0.06)
    assert rows["score"].mean() == pytest.approx(own["score"].mean(), abs=0.35 * own["score"].std())
