"""What never occurs together in a table is never drawn together: of encoded categories, and by rules of columns."""

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray
from sklearn.compose import make_column_transformer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from ganaug import GANSampler
from ganaug.data.tables.codec import TableCodec
from ganaug.data.tables.constraints.constraints import Constraints
from ganaug.data.tables.constraints.joint_choices import MAX_COMPARED, MAX_OPTIONS, JointChoices
from ganaug.data.tables.layout import RowLayout
from ganaug.networks.decisions import Decisions
from ganaug.networks.perceptron import RowGenerator
from ganaug.techniques.marginal_matching import Marginals

Integers = NDArray[np.int64]


def seeded(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def dummies(category: Integers, first: int = 0) -> Integers:
    return np.eye(category.max() + 1, dtype=np.int64)[category][:, first:]


def together(*columns: Integers) -> list[tuple[int, ...]]:
    """Return which of these columns of choices are made together."""
    choices = np.column_stack(columns).astype(np.int64)
    counts = [len(np.unique(column)) for column in choices.T]
    found = JointChoices.detect(choices, counts, [1 if count == 2 else -1 for count in counts])
    assert sorted(choice for joint in found.decisions for choice in joint.choices) == list(range(len(counts)))
    for joint in found.decisions:  # every combination of the table is an option, and nothing else
        own = np.unique(choices[:, joint.choices], axis=0)
        np.testing.assert_array_equal(own, np.unique(joint.options, axis=0))
        assert len(own) == len(joint.options)
    return [joint.choices for joint in found.decisions if len(joint.choices) > 1]


@pytest.mark.parametrize("levels", [2, 3, 10, 40])
def test_an_encoded_category_is_one_decision(levels: int) -> None:
    rng = seeded()
    category = np.concatenate([np.arange(levels), rng.integers(levels, size=400)])
    other = rng.integers(3, size=len(category))
    assert together(other, dummies(category), other[::-1]) == [tuple(range(1, levels + 1))]


@pytest.mark.parametrize("levels", [3, 10])
def test_a_category_encoded_without_its_first_level_is_one_decision_too(levels: int) -> None:
    category = seeded().integers(levels, size=400)
    assert together(dummies(category, first=1)) == [tuple(range(levels - 1))]


def test_encoded_categories_side_by_side_are_told_apart() -> None:
    rng = seeded()
    one, other = rng.integers(4, size=300), rng.integers(5, size=300)
    assert together(dummies(one), dummies(other)) == [(0, 1, 2, 3), (4, 5, 6, 7, 8)]
    assert together(dummies(one, 1), dummies(other, 1)) == [(0, 1, 2), (3, 4, 5, 6)]


def test_a_rare_flag_beside_an_encoded_category_does_not_break_it() -> None:
    """It overlaps with some levels and by chance not with the first ones."""
    levels = np.arange(300) % 10
    flag = np.isin(np.arange(300), [5, 17, 29]).astype(np.int64)
    assert together(flag, dummies(levels, 1)) == [tuple(range(1, 10))]


def test_an_encoded_ordinal_is_one_decision() -> None:
    level = seeded().integers(5, size=200)
    assert together(*(level > step for step in range(4))) == [(0, 1, 2, 3)]


def test_what_follows_from_another_column_is_decided_with_it() -> None:
    rng = seeded()
    city = rng.integers(12, size=400)
    country, colour = city % 4, rng.integers(4, size=400)
    assert together(city, colour, country, country < 2) == [(0, 2, 3)]


def test_a_rule_with_one_open_end_is_one() -> None:
    """Nobody of sex 0 is ever pregnant; of sex 1 some are."""
    rng = seeded()
    sex, colour = rng.integers(2, size=400), rng.integers(4, size=400)
    assert together(sex, colour, sex * rng.integers(4, size=400)) == [(0, 2)]


def leads(*columns: Integers) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Return which choices lead which others."""
    choices = np.column_stack(columns).astype(np.int64)
    joints = JointChoices.detect(choices, choices.max(axis=0) + 1, [-1] * choices.shape[1]).decisions
    for joint in joints:
        if joint.leader is not None:
            leader = joints[joint.leader]
            assert leader.leader is None
            assert len(joint.forced) == len(leader.options)
            assert len(joint.free) == len(joint.options)
            for row in choices:  # what is forced is so in every row, and nothing else is barred
                [of_leader], [own] = (
                    np.flatnonzero((one.options == row[list(one.choices)]).all(axis=1)) for one in (leader, joint)
                )
                assert joint.forced[of_leader] == own if joint.forced[of_leader] >= 0 else joint.free[own]
    return [(joints[joint.leader].choices, joint.choices) for joint in joints if joint.leader is not None]


def test_questions_that_are_skipped_together_follow_one_after_another() -> None:
    """To join them would make an option of every combination of answers."""
    rng = seeded()
    smokes = rng.integers(2, size=1000)
    answers = [smokes * (1 + rng.integers(5, size=1000)) for _ in range(6)]
    found = leads(smokes, *answers, rng.integers(3, size=1000))
    assert len(found) == 5
    assert len({leader for leader, _ in found}) == 1
    assert {choice for pair in found for choices in pair for choice in choices} == set(range(7))


@pytest.mark.slow
@pytest.mark.parametrize("skipped", [None, "not asked"])
def test_text_questions_are_skipped_as_in_the_table(skipped: str | None) -> None:
    rng = seeded()
    drives = rng.random(300) < 0.6
    questions = ("fuel", "brand", "colour", "use")
    answers = {name: pd.Series(rng.choice(list("abcde"), size=300)).where(drives, skipped) for name in questions}
    table = pd.DataFrame({"has_car": np.where(drives, "yes", "no"), **answers, "x": rng.normal(size=300)})
    y = np.arange(300) % 3 == 0
    generator = GANSampler(max_steps=60, random_state=0).fit(table, y).generator_
    drawn, labels = generator.sample({True: 1_500, False: 1_500}, seed=0)
    assert 0.3 < (drawn["has_car"] == "yes").mean() < 0.8
    for name in questions:
        asked = drawn[name].notna() if skipped is None else drawn[name] != skipped
        np.testing.assert_array_equal(asked, drawn["has_car"] == "yes")
        for label in (True, False):  # answers have their shares among those who were asked
            own = drawn[name][asked & (labels == label)].value_counts(normalize=True)
            real = table[name][drives & (y == label)].value_counts(normalize=True)
            assert (own - real).abs().max() < 0.06
    assert all("has_car" in rule for rule in generator.metadata["schema"]["rules"]["joint"])


@pytest.mark.slow
def test_what_is_led_may_be_free_to_take_what_is_forced_elsewhere() -> None:
    """Those who do not smoke smoke nothing, and so did some of the others today."""
    rng = seeded()
    smokes = rng.random(800) < 0.5
    today, month = (np.where(smokes, rng.choice(4, size=800, p=[0.2, 0.4, 0.3, 0.1]), 0) for _ in range(2))
    table = pd.DataFrame({"smokes": smokes, "today": today, "month": month})
    y = np.arange(800) % 2 == 0
    drawn, _ = GANSampler(max_steps=60, random_state=0).fit(table, y).generator_.sample(4_000, seed=0)
    for column in ("today", "month"):
        assert (drawn[column][~drawn["smokes"]] == 0).all()
        assert abs((drawn[column][drawn["smokes"]] == 0).mean() - (table[column][smokes] == 0).mean()) < 0.05


def test_a_rule_about_few_rows_is_found_if_they_are_alike_in_what_is_rare() -> None:
    """Five of a hundred are unmarried, and just those have no spouse; that five all have one would say nothing."""
    single = np.zeros(100, np.int64)
    single[[3, 20, 41, 57, 88]] = 1
    other = seeded().integers(3, size=100)
    assert together(single, single, other) == [(0, 1)]
    rare = np.zeros(100, np.int64)
    rare[[0, 50]] = 1
    assert together(single, rare, other) == []


def test_a_country_follows_from_one_of_sixty_cities() -> None:
    city = np.minimum(seeded().integers(60, size=400), 49)  # the last option is for all rare cities together
    country = np.where(city == 49, seeded(1).integers(4, size=400), city % 4)
    assert leads(city, country) == [((0,), (1,))]


@pytest.mark.slow
def test_where_there_are_too_many_flags_categories_are_compared_all_the_same() -> None:
    rng = seeded()
    city = rng.integers(6, size=400)
    flags = rng.integers(2, size=(400, MAX_COMPARED // 2))
    assert together(flags, city, city % 3) == [(MAX_COMPARED // 2, MAX_COMPARED // 2 + 1)]


def test_one_exception_is_no_rule() -> None:
    rng = seeded()
    city = rng.integers(12, size=400)
    country = city % 4
    exceptions = rng.permutation(400)[:20]
    country[exceptions] = rng.integers(4, size=20)
    assert together(city, country) == []


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5])
def test_chance_is_no_rule(share: float) -> None:
    """Neither is what hardly ever occurs: two flags of which each is on in a fiftieth of the rows."""
    found = [together(*(seeded(seed).random((12, 200)) < share).astype(np.int64) | first_rows()) for seed in range(20)]
    assert found == [[]] * 20


def first_rows() -> Integers:
    """So that every flag is on somewhere."""
    return np.eye(12, 200, dtype=np.int64)


def test_few_rows_say_nothing() -> None:
    one = np.array([0, 1, 2, 0, 1])
    assert together(one, one) == []


def test_categories_of_many_levels_are_cut() -> None:
    category = np.repeat(np.arange(MAX_OPTIONS + 50), 10)
    assert list(map(len, together(dummies(category)))) == [MAX_OPTIONS - 1, 51]


@pytest.mark.slow
def test_wide_tables_are_searched_for_encoded_categories_alone() -> None:
    rng = seeded()
    flags = rng.integers(2, size=(300, MAX_COMPARED // 2))
    category = rng.integers(5, size=300)
    assert together(flags, dummies(category), category > 2) == [tuple(range(MAX_COMPARED // 2, MAX_COMPARED // 2 + 5))]


def test_no_choices_at_all() -> None:
    assert JointChoices.detect(np.zeros((10, 0), np.int64), (), ()) == JointChoices.independent(())


def encoded_table(n: int = 240) -> tuple[pd.DataFrame, Integers]:
    """Two categories and a number, of which the second category hangs on the class."""
    rng = seeded()
    y = (np.arange(n) % 8 == 0).astype(np.int64)
    colour = rng.choice(["red", "green", "blue", "violet"], size=n)
    shape = np.where(rng.random(n) < 0.2, "star", np.where(y, "round", "square"))
    return pd.DataFrame({"colour": colour, "shape": shape, "size": rng.normal(size=n) + y}), y


@pytest.mark.slow
@pytest.mark.parametrize("scaled", [False, True])
def test_rows_of_a_pipeline_are_rows_that_its_encoder_writes(*, scaled: bool) -> None:
    """What scikit-learn's encoder has written can be read by it, scaled or not."""
    X, y = encoded_table()
    encoder = OneHotEncoder(sparse_output=False)
    numbers = make_column_transformer((encoder, ["colour", "shape"]), remainder="passthrough").fit_transform(X)
    scaler = StandardScaler().fit(numbers)
    given = scaler.transform(numbers) if scaled else numbers
    drawn, _ = GANSampler(max_steps=30, random_state=0).fit_resample(given, y)
    drawn = (scaler.inverse_transform(drawn) if scaled else drawn)[len(X) :]
    assert len(drawn) == 180
    for columns in (slice(0, 4), slice(4, 7)):
        np.testing.assert_allclose(drawn[:, columns].max(axis=1), 1)
        np.testing.assert_allclose(drawn[:, columns].sum(axis=1), 1, atol=1e-9)


@pytest.mark.slow
def test_dummies_of_pandas_keep_to_one_as_well() -> None:
    X, y = encoded_table()
    table = pd.get_dummies(X)
    drawn, _ = GANSampler(max_steps=30, random_state=0).fit(table, y).sample(400)
    assert drawn.dtypes.equals(table.dtypes)
    for prefix in ("colour_", "shape_"):
        assert (drawn.filter(like=prefix).sum(axis=1) == 1).all()


@pytest.mark.slow
def test_values_are_missing_where_they_are_in_the_table() -> None:
    """A number may be missing by rule: its quantile is silent then, and it is there everywhere else."""
    rng = seeded()
    y = (np.arange(300) % 10 == 0).astype(np.int64)
    married = rng.random(300) < np.where(y, 0.3, 0.6)
    table = pd.DataFrame({"married": married, "age of spouse": np.where(married, rng.normal(50, 10, 300), np.nan)})
    drawn, _ = GANSampler(max_steps=60, random_state=0).fit(table, y).sample(500)
    assert 0 < drawn["married"].sum() < 500
    np.testing.assert_array_equal(drawn["age of spouse"].isna(), ~drawn["married"])


def network() -> tuple[RowGenerator, JointChoices, torch.Tensor]:
    """A generator with some of its choices made together, whose classes differ; and rows of the table."""
    rng = seeded()
    city = rng.integers(6, size=400)
    table = pd.DataFrame(
        {
            "city": pd.Categorical.from_codes(city, list("abcdef")),
            "income": np.where(city < 2, np.nan, rng.normal(size=400)),
            "free": pd.Categorical.from_codes(rng.integers(3, size=400), list("xyz")),
            "north": city % 2 == 0,
        }
    )
    codec = TableCodec.fit(table)
    joint = Constraints.detect(codec, table).joint
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = RowGenerator(2, RowLayout.of(codec), joint=joint)
        for parameter in made.parameters():
            parameter.data += 0.05 * torch.randn_like(parameter)
    return made, joint, torch.from_numpy(RowLayout.of(codec).rows(codec.encode(table)))


def test_only_combinations_of_the_table_are_drawn() -> None:
    generator, joint, _ = network()
    assert [one.choices for one in joint.decisions] == [(0, 1, 3), (2,)]
    noise, label = torch.randn(2_000, generator.noise_dim), torch.arange(2_000) % 2
    quantiles, choices, uniform = generator.draw(noise, label)
    assert generator.noise_dim == generator.code_dim + 2
    assert choices.shape == uniform.shape == (2_000, 4)
    for one in joint.decisions:
        allowed = {tuple(option) for option in one.options.tolist()}
        assert {tuple(row) for row in choices[:, list(one.choices)].tolist()} == allowed
    rows = generator(noise, label)
    torch.testing.assert_close(rows, generator.join(quantiles, choices))
    relaxed = generator.relaxed(noise, label, torch.Generator().manual_seed(0)).detach()[:, 1:]
    torch.testing.assert_close(relaxed, relaxed.round())
    decisions = generator.decisions
    torch.testing.assert_close(decisions.choices_of(decisions.flat(decisions.decisions_of(relaxed))), relaxed)


def test_decisions_are_read_from_choices_and_the_other_way_round() -> None:
    generator, _, rows = network()
    decisions, taken = generator.decisions, rows[:, 1:]
    [decided] = decisions.decisions_of(taken)
    assert decided.shape == (400, 6, 2)
    torch.testing.assert_close(decided.sum(dim=1), torch.ones(400, 2))
    torch.testing.assert_close(decisions.choices_of(decisions.flat([decided])), taken)
    odd = taken[:1].clone()
    odd[0, -2:] = odd[0, -2:].flip(0)  # a city of the other half of the country
    [decided] = decisions.decisions_of(odd)
    torch.testing.assert_close(decided.sum(dim=1), torch.ones(1, 2))
    assert float((decisions.choices_of(decisions.flat([decided])) * odd).sum()) == 3


@pytest.mark.slow
def test_decisions_of_unlike_sizes_are_drawn_as_those_of_like_sizes_are() -> None:
    """In pieces, so that a decision between a hundred options does not make a hundred of every flag's two."""
    options = (2, 100, 2, 30, 3, *[2] * 40)
    decisions = Decisions(JointChoices.independent(options), options)
    assert sorted(decisions.shapes) == [(3, 43), (30, 1), (100, 1)]
    torch.manual_seed(0)
    logits = torch.randn(1, sum(options))
    taken, fallen = decisions.draw(logits.expand(20_000, -1), torch.randn(20_000, len(options)))
    assert taken.shape == fallen.shape == (20_000, len(options))
    assert 0 <= float(fallen.min()) < float(fallen.max()) <= 1
    side_by_side = decisions.side_by_side(taken).float()
    wanted = torch.cat([one.softmax(dim=1) for one in logits.split(options, dim=1)], dim=1)[0]
    torch.testing.assert_close(side_by_side.mean(0), wanted, atol=0.012, rtol=0)
    torch.testing.assert_close(decisions.flat(decisions.pieces(logits)), logits)
    torch.testing.assert_close(decisions.flat(decisions.decisions_of(side_by_side)), side_by_side)
    relaxed = decisions.relax(logits.expand(20_000, -1), torch.Generator().manual_seed(0))
    torch.testing.assert_close(relaxed.mean(0), wanted, atol=0.012, rtol=0)


def test_shares_of_decisions_become_those_of_the_rows() -> None:
    generator, _, rows = network()
    label = (rows[:, -1] == 1).long()  # the south is one class, the north the other
    matched = Marginals.of(rows, label, generator).matched(generator, torch.Generator().manual_seed(0))
    for value in (0, 1):
        with torch.no_grad():
            drawn = matched(torch.randn(20_000, generator.noise_dim), torch.full((20_000,), value))
        torch.testing.assert_close(drawn[:, 1:].mean(0), rows[label == value, 1:].mean(0), atol=0.02, rtol=0)


@pytest.mark.slow
def test_the_model_says_what_rules_it_keeps() -> None:
    rng = seeded()
    table = pd.get_dummies(pd.DataFrame({"colour": rng.choice(["red", "green"], size=200)}))
    table["low"] = rng.exponential(size=200)
    table["high"], table["low again"] = table["low"] + rng.exponential(size=200), -2 * table["low"]
    generator = GANSampler(max_steps=5, random_state=0).fit(table, np.arange(200) % 8 == 0).generator_
    assert generator.metadata["schema"]["rules"] == {
        "joint": [["colour_green", "colour_red"]],
        "orders": [["low", "high"]],
        "lines": [["low", "low again"]],
        "formulas": [],
    }


def ruled_table(seed: int) -> Integers:
    """Return choices of columns that follow from others, are skipped by others, or encode them, in any order."""
    rng = seeded(seed)
    n = int(rng.choice([60, 200, 800]))
    columns = [rng.integers(rng.integers(2, 7), size=n) for _ in range(rng.integers(2, 5))]
    for _ in range(rng.integers(1, 8)):
        other = columns[rng.integers(len(columns))]
        kind = rng.integers(4)
        if kind == 0:
            columns.append(rng.integers(5, size=other.max() + 1)[other])
        elif kind == 3:
            columns += list(dummies(other).T)
        else:
            columns.append(np.where(other == other.max(), (kind == 1) + rng.integers(4, size=n), 0))
    columns = [np.unique(column, return_inverse=True)[1] for column in columns if len(np.unique(column)) > 1]
    return np.column_stack([columns[place] for place in rng.permutation(len(columns))])


@pytest.mark.parametrize("seed", range(40))
def test_all_rules_that_are_said_to_hold_do(seed: int) -> None:
    choices = ruled_table(seed)
    options = (choices.max(axis=0) + 1).tolist()
    joint = JointChoices.detect(choices, options, [1 if count == 2 else -1 for count in options])
    decisions = Decisions(joint, options)
    real = torch.cat([torch.nn.functional.one_hot(one) for one in torch.from_numpy(choices).T], dim=1).float()
    torch.testing.assert_close(decisions.choices_of(decisions.flat(decisions.decisions_of(real))), real)

    torch.manual_seed(seed)
    logits = 2 * torch.randn(1_000, sum(joint.options))
    drawn, _ = decisions.draw(logits, torch.randn(1_000, len(joint.options)))
    relaxed = decisions.relax(logits, torch.Generator().manual_seed(0)).split(options, dim=1)
    torch.testing.assert_close(torch.stack([one.sum(dim=1) for one in relaxed], dim=1), torch.ones(1_000, len(options)))
    for rows in (drawn.numpy(), torch.stack([one.argmax(dim=1) for one in relaxed], dim=1).numpy()):
        for rule in joint.dependent:
            for one in rule:
                for other in set(rule) - {one}:
                    goes_with = [np.unique(choices[choices[:, one] == value, other]) for value in range(options[one])]
                    if sum(len(values) > 1 for values in goes_with) > 1:
                        continue
                    for value, values in enumerate(goes_with):
                        if len(values) == 1:
                            assert (rows[rows[:, one] == value, other] == values[0]).all()
