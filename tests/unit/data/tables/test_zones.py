"""The time zone of columns whose times state their offsets from UTC alone: wall clock, steps and spelling."""

import datetime
import zoneinfo
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ganaug.data.tables import table_file
from ganaug.data.tables.codec import TableCodec
from ganaug.data.tables.csv_format import CsvFormat
from ganaug.data.tables.dataset import from_frame
from ganaug.data.tables.table_file import open_table, read_table
from ganaug.data.tables.text_format import TextFormat
from ganaug.data.tables.zones import SeenOffsets, constant_zone, offset_seconds, offset_text
from ganaug.errors import GanaugWarning


def seen(zone: str, freq: str = "11h", start: str = "2020-01-01", periods: int = 2_000) -> SeenOffsets:
    times = pd.date_range(start, periods=periods, freq=freq, tz=zone, unit="s")
    instants = times.asi8
    found = SeenOffsets()
    for part in np.array_split(np.arange(periods), 3):
        found.add(instants[part], times.tz_localize(None).asi8[part] - instants[part])
    return found


@pytest.mark.parametrize(
    ("zone", "found"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ("Europe/Rome", "Europe/Berlin"),
        ("America/New_York", "America/New_York"),
        ("Australia/Melbourne", "Australia/Sydney"),
        ("Pacific/Chatham", "Pacific/Chatham"),
        ("Asia/Kolkata", "UTC+05:30"),
        ("America/Caracas", "UTC-04:00"),
        ("UTC", "UTC"),
    ],
)
def test_the_zone_is_found_by_its_rule(zone: str, found: str) -> None:
    assert seen(zone).zone() == found


def test_a_zone_whose_summer_begins_on_another_day_is_another_zone() -> None:
    days = seen("America/New_York", "1D", "2024-03-01", 60)
    assert not days.match("America/Havana")
    assert days.match("America/Toronto")


def test_offsets_of_two_places_are_no_zone() -> None:
    both = seen("Europe/Berlin")
    both.add(np.array([0]), np.array([5 * 3600]))
    assert both.zone() is None


@pytest.mark.parametrize(
    ("text", "seconds"), [("Z", 0), ("+01", 3600), ("+0530", 19800), ("-03:30", -12600), ("+00:00", 0)]
)
def test_offsets_are_read_and_written(text: str, seconds: int) -> None:
    assert offset_seconds(text) == seconds
    assert offset_seconds(offset_text(seconds)) == seconds
    assert pd.Timestamp(0, tz=constant_zone(seconds)).utcoffset() == datetime.timedelta(seconds=seconds)


SPELLINGS = {
    "colon": "{:%Y-%m-%dT%H:%M:%S}+0{}:00",
    "digits": "{:%Y-%m-%d %H:%M:%S}+0{}00",
    "hours": "{:%Y-%m-%d %H:%M:%S}+0{}",
}


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_local_mondays_stay_local_mondays_with_the_offset_of_their_date(spelling: str, tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    days = pd.date_range("2023-01-02", periods=100, freq="7D")
    offsets = [int(day.tz_localize("Europe/Berlin").utcoffset().total_seconds()) // 3600 for day in days]
    texts = [spelling.format(day, offset) for day, offset in zip(days, offsets, strict=True)]
    file.write_text("when\n" + "\n".join(texts) + "\n")
    frame = read_table(file)
    codec = TableCodec.fit(frame)
    (column,) = codec.numeric_columns
    assert column.unit == 7 * 86400
    assert column.dtype == "datetime64[us, Europe/Berlin]"
    spelled = TextFormat({"when": ""})
    spelled.learn(pd.DataFrame({"when": texts}))
    assert spelled.apply(frame)["when"].tolist() == texts
    drawn = codec.frame(codec.exact(codec.values(frame).numbers + 6.6 * 86400), None)
    assert spelled.apply(drawn)["when"].tolist() == [*texts[1:], texts[-1]]  # The last stays within the bounds.


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_file, "PIECE_ROWS", 30)


def test_words_for_missing_values_stand_among_times_whose_offsets_change(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    texts = ["2024-01-15T00:00:00+01:00", "NA", "2024-07-15T00:00:00+02:00", "?"]
    file.write_text("when,word\n" + "".join(f"{text},NA\n" for text in texts))
    table = open_table(file, CsvFormat(missing=("NA", "?")))
    frame = read_table(table)
    assert str(frame["when"].dtype) == "datetime64[us, Europe/Berlin]"
    assert frame["when"].isna().tolist() == [False, True, False, True]
    assert frame["word"].isna().all()
    fields = table.format.columns or {}
    spelled = TextFormat({"when": fields["when"].example}, fields).apply(frame)
    assert spelled["when"].tolist() == [*texts[:3], "NA"]


@pytest.mark.parametrize("winter", ["2024-01-15T09:00:00Z", "2024-01-15T09:00:00+00:00"])
def test_winter_times_of_london_are_written_as_the_file_writes_them(winter: str, tmp_path: Path) -> None:
    file, texts = tmp_path / "t.csv", [winter, "2024-07-15T09:00:00+01:00"]
    file.write_text("when\n" + "\n".join(texts) + "\n")
    frame = read_table(file)
    assert frame["when"].dt.hour.tolist() == [9, 9]
    fields = CsvFormat.from_state(open_table(file).format.to_state()).columns or {}
    assert TextFormat({"when": fields["when"].example}, fields).apply(frame)["when"].tolist() == texts


def test_a_constant_offset_is_a_zone_of_its_own_unless_another_column_has_a_wider_one(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    winter, summer = "2024-01-15T00:00:00+01:00", "2024-07-15T00:00:00+02:00"
    file.write_text(
        f"a,b,c\n{winter},2024-01-15T00:00:00+05:30,{winter}\n{summer},2024-01-16T00:00:00+05:30,{winter}\n"
    )
    dtypes = read_table(file).dtypes.astype(str).tolist()
    assert dtypes == ["datetime64[us, Europe/Berlin]", "datetime64[us, UTC+05:30]", "datetime64[us, Europe/Berlin]"]


def test_the_hour_that_comes_twice_is_read_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    texts = ["2024-10-27T02:30:00+02:00", "2024-10-27T02:30:00+01:00"]
    file.write_text("when\n" + "\n".join(texts) + "\n")
    frame = read_table(file)
    assert frame["when"].dt.tz_localize(None).nunique() == 1
    assert frame["when"].nunique() == 2


def objects(zone: Any) -> list[datetime.datetime]:
    days = pd.date_range("2024-01-01", periods=366, freq="D", tz="Europe/Berlin")
    return [day.to_pydatetime().astimezone(zone or datetime.timezone(day.utcoffset())) for day in days]


class _Unnamed(datetime.tzinfo):
    """A zone such as that of pytz or of the machine, which has no name that pandas reads."""

    def utcoffset(self, when: datetime.datetime | None) -> datetime.timedelta:
        return datetime.timedelta(minutes=330)

    def dst(self, when: datetime.datetime | None) -> datetime.timedelta:
        return datetime.timedelta(0)

    def tzname(self, when: datetime.datetime | None) -> str:
        return "x"

    def __str__(self) -> str:
        return "x.FixedOffset(330)"


@pytest.mark.parametrize(
    ("values", "zone"),
    [
        (pd.Series(objects(None), dtype=object), "Europe/Berlin"),
        (pd.Series([*objects(None), None], dtype=object), "Europe/Berlin"),
        (pd.Series(objects(zoneinfo.ZoneInfo("Europe/Paris")), dtype=object), "Europe/Paris"),
        (pd.date_range("2024-01-01", periods=366, tz="dateutil/Europe/Berlin"), "Europe/Berlin"),
        (pd.Series(objects(_Unnamed())), "UTC+05:30"),
        (pd.Series(objects(_Unnamed()), dtype=object), "UTC+05:30"),
    ],
    ids=["offsets", "missing", "named", "dateutil", "unnamed", "unnamed-objects"],
)
def test_times_of_python_and_of_other_libraries_get_a_zone_by_name(values: Any, zone: str) -> None:
    frame = pd.DataFrame({"when": values, "y": 1})
    table = from_frame(frame, ["a", "b"] * (len(frame) // 2) + ["a"] * (len(frame) % 2))
    assert str(table.frame["when"].dtype) == f"datetime64[us, {zone}]"
    assert table.frame["when"].dropna().tolist() == frame["when"].dropna().tolist()
    assert table.codec.columns[0].has_days_only is (zone != "UTC+05:30")  # type: ignore[union-attr]
    pd.testing.assert_series_equal(
        pd.Series(table.codec.values(frame).numbers[:, 0]), pd.Series(table.codec.values(table.frame).numbers[:, 0])
    )


def test_other_times_without_a_zone_are_told(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("when\n2024-01-15T00:00:00-08:00\n2024-01-15T00:00:00+01:00\n")
    with pytest.warns(GanaugWarning, match="change as in no time zone: .* in UTC, .* write them without the offsets"):
        assert str(read_table(file)["when"].dtype) == "datetime64[us, UTC]"
