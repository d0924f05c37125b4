"""``ganaug sample --shards``: whole files of one request, whoever writes them and however often that is interrupted."""

import tarfile
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from ganaug.cli.shards import write_shards
from ganaug.data.tables.table_file import read_table
from ganaug.runtime.generator import Generator
from tests.integration.cli.test_images import contents, refused, run
from tests.paths import ROOT

DIGITS, WINE = ROOT / "onnx_models" / "digits.onnx", ROOT / "onnx_models" / "wine.onnx"


def test_shards_of_a_table_hold_all_rows_and_can_be_completed(tmp_path: Path) -> None:
    request = ["sample", WINE, "--shards", 3, "--per-class", 10, "--seed", 5]
    done = run(*request, "--output", tmp_path / "a")
    assert done.exit_code == 0, done.output
    assert "Wrote 3 shards of 3" in done.output
    whole = contents(tmp_path / "a")
    assert sorted(whole) == ["_shards.json", "part-00000.parquet", "part-00001.parquet", "part-00002.parquet"]
    rows = pd.concat([pq.read_table(tmp_path / "a" / f"part-0000{number}.parquet").to_pandas() for number in range(3)])
    assert rows.iloc[:, -1].value_counts().to_dict() == dict.fromkeys(Generator.load(WINE).classes, 10)
    assert len(rows.drop_duplicates()) == 30

    (tmp_path / "a" / "part-00001.parquet").unlink()
    assert "Wrote 1 shard of 3" in run(*request, "--output", tmp_path / "a").output
    assert contents(tmp_path / "a") == whole
    assert len(read_table(tmp_path / "a")) == 30


def test_processes_write_shards_in_orders_of_their_own(tmp_path: Path) -> None:
    orders: list[list[Path]] = []

    def write_samples(generator: Any, labels: Any, count: int, shard: Path, seed: int, where: Any) -> None:
        orders[-1].append(shard)
        shard.touch()

    files = SimpleNamespace(shard_ending=".parquet", write_samples=write_samples)
    for name in "ab":
        orders.append([])
        output = tmp_path / name
        assert write_shards(files, None, ["x"], 50, output, 0, None, {"shards": 50}) == (50, 50)
    one, other = ([shard.name for shard in order] for order in orders)
    assert sorted(one) == sorted(other) == [f"part-{number:05}.parquet" for number in range(50)]
    at = {name: place for place, name in enumerate(one)}
    followed = sum(at[b] == at[a] + 1 for a, b in pairwise(other))
    assert followed < 10  # a process that meets another does not go on behind it, drawing what the other draws


def test_shards_of_images_are_archives_with_a_folder_for_each_class(tmp_path: Path) -> None:
    output = tmp_path / "shards"
    done = run("sample", DIGITS, "--shards", 2, "--per-class", 3, "--class", "4", "--class", "7", "--output", output)
    assert done.exit_code == 0, done.output
    names = []
    for number in range(2):
        with tarfile.open(output / f"part-0000{number}.tar") as archive:
            names += [member.name for member in archive]
    folders = [Path(name).parent.name for name in names]
    assert sorted(folders) == ["4"] * 3 + ["7"] * 3
    assert all(name.endswith(".png") for name in names)


def test_a_folder_of_another_request_is_refused(tmp_path: Path) -> None:
    request = ["sample", WINE, "--shards", 2, "--output", tmp_path / "a"]
    assert run(*request, "--per-class", 4).exit_code == 0
    before = contents(tmp_path / "a")
    refused(
        *request, "--per-class", 5, saying="shards of another request, which differs in per_class: repeat that request"
    )
    refused(*request, "--per-class", 4, "--seed", 1, saying="which differs in seed")
    for damaged in ("[1]", "{"):
        (tmp_path / "a" / "_shards.json").write_text(damaged)
        refused(*request, "--per-class", 4, saying="must say what the shards are, but is damaged: name another folder")
    (tmp_path / "a" / "_shards.json").write_bytes(before["_shards.json"])
    (tmp_path / "a" / "part-00001.parquet").write_bytes(b"")
    assert run(*request, "--per-class", 4).exit_code == 0
    assert contents(tmp_path / "a") == before
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "notes.txt").touch()
    refused("sample", WINE, "--shards", 2, "--output", tmp_path / "b", saying="is not empty, and has no _shards.json")


@pytest.mark.parametrize(
    ("options", "saying"),
    [
        (["--shards", 9, "--per-class", 4], "--shards must be at most --per-class, 4, but is 9"),
        (["--shards", 2, "--walk"], "leave one of them out"),
        (["--shards", 0], "--shards"),
    ],
)
def test_shards_that_make_no_sense_are_refused(options: list[object], saying: str, tmp_path: Path) -> None:
    refused("sample", WINE, "--output", tmp_path / "a", *options, saying=saying)
    assert not (tmp_path / "a").exists()
