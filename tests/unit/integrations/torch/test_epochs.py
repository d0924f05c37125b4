"""Which epoch it is, and which samples it draws anew."""

from ganaug.integrations.torch.epochs import EpochCounter, RedrawSchedule


def test_an_epoch_is_counted_until_it_is_set() -> None:
    epochs = EpochCounter(2)
    assert [epochs.read(0), epochs.read(0), epochs.read(1)] == [0, 1, 0]
    epochs.set(7)
    assert [epochs.read(0), epochs.read(0)] == [7, 7]


def test_half_of_the_samples_take_turns() -> None:
    schedule = RedrawSchedule({"rare": 4}, share=0.5)
    drawn = [[schedule.last_drawn("rare", number, epoch) for number in range(4)] for epoch in range(3)]
    assert drawn == [[0, 0, 0, 0], [0, 1, 0, 1], [2, 1, 2, 1]]
