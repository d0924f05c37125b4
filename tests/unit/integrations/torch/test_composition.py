"""What a filled dataset consists of."""

from ganaug.integrations.torch.composition import Composition, wanted


def test_real_items_then_synthetic_ones_then_repeats() -> None:
    items = Composition(["common"] * 3 + ["rare"], added={"rare": 2}, n_synthetic={"rare": 1}, seed=0)
    assert items.targets == ["common", "common", "common", "rare", "rare", "rare"]
    assert items.synthetic_positions == range(4, 5)
    assert (items.row(3), items.row(5)) == (3, 3)
    assert items.synthetic == [("rare", 0)]


def test_a_strategy_says_how_many_items_a_class_gains() -> None:
    labels = ["common"] * 9 + ["rare"] * 2
    assert wanted("auto", labels) == {"common": 0, "rare": 7}
    assert wanted(2 / 3, labels) == {"common": 0, "rare": 4}
    assert wanted({"rare": 5}, labels) == {"common": 0, "rare": 3}
