"""``--ignore`` and ``--real-only``: what commands learn of a table, and what they write into columns they ignore."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ganaug.data.tables.left_out import LeftOut
from ganaug.errors import DataError, GanaugWarning
from ganaug.evaluation.evaluate import begin
from ganaug.integrations.sklearn import GANSampler
from ganaug.runtime.generator import Generator
from tests.integration.cli.test_images import refused, run, with_metadata

FIT = ["--target", "y", "--steps", 2, "--quiet", "--no-preview"]


@pytest.fixture(autouse=True, scope="module")
def _quick() -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ganaug.training.run.SCREEN_STEPS", 2)
        yield


@pytest.fixture(scope="module")
def patients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a table of 40 rows, 30 of class m: two identifiers, a free text, and a column that repeats."""
    rng, n = np.random.default_rng(0), 40
    frame = pd.DataFrame(
        {
            "id": rng.permutation(n) + 1,
            "code": [f"P{number:03}" for number in range(n)],
            "age": rng.normal(50, 10, n).round(1),
            "note": ["word " * (201 + number) for number in range(n)],
            "ward": ["A", "B"] * (n // 2),
            "sex": rng.choice(["f", "m"], n),
            "y": ["m"] * 30 + ["n"] * 10,
        }
    )
    path = tmp_path_factory.mktemp("patients") / "patients.csv"
    frame.to_csv(path, index=False)
    frame.to_parquet(path.with_suffix(".parquet"))
    return path


@pytest.fixture(scope="module")
def model(patients: Path) -> Path:
    output = patients.with_suffix(".onnx")
    ignore = ["--ignore", "id", "--ignore", "code", "--ignore", "ward", "--ignore", "id"]
    result = run("fit", patients, *FIT, *ignore, "--output", output)
    assert result.exit_code == 0, result.output
    assert "Warning: Ignored 'note', as --ignore would" in result.stderr
    return output


@pytest.fixture(scope="module")
def balanced(patients: Path, model: Path) -> Path:
    output = patients.with_name("balanced.csv")
    result = run("balance", patients, model, "--output", output)
    assert result.exit_code == 0, result.output
    assert "Note: the model ignores 'id', 'code', 'ward', 'note', where synthetic rows are" in result.stderr
    return output


def test_the_model_names_what_it_ignores_and_does_not_draw_it(model: Path, tmp_path: Path) -> None:
    assert Generator.load(model).format.ignored_names == ("id", "code", "ward", "note")
    shown = run("inspect", model).stdout
    assert "columns      2: age, sex\nignored      4: id, code, ward, note\n" in shown
    assert b"word word" not in model.read_bytes()
    assert run("sample", model, "--output", tmp_path / "s.csv", "--per-class", 2).exit_code == 0
    assert list(pd.read_csv(tmp_path / "s.csv")) == ["age", "sex", "y"]


def test_synthetic_rows_have_fresh_identifiers_and_no_other_ignored_values(patients: Path, balanced: Path) -> None:
    real, rows = (pd.read_csv(path, dtype=str) for path in (patients, balanced))
    pd.testing.assert_frame_equal(rows[:40].drop(columns="synthetic"), real)
    assert rows["id"][40:].tolist() == [str(number) for number in range(41, 61)]
    assert rows["code"][40:].tolist() == [f"P{number:03}" for number in range(40, 60)]
    assert rows[["ward", "note"]][40:].isna().all(axis=None)
    assert rows["age"].notna().all()


@pytest.mark.parametrize(("source", "output"), [(".parquet", ".parquet"), (".csv", ".parquet"), (".parquet", ".csv")])
def test_all_forms_of_files_are_filled(source: str, output: str, patients: Path, model: Path, tmp_path: Path) -> None:
    path = tmp_path / f"b{output}"
    assert run("balance", patients.with_suffix(source), model, "--output", path).exit_code == 0
    rows = pd.read_csv(path) if output == ".csv" else pd.read_parquet(path)
    assert sorted(rows["id"]) == list(range(1, 61))
    assert rows["id"].dtype == np.int64
    assert rows["code"].tolist() == [f"P{number:03}" for number in range(60)]
    assert rows[["ward", "note"]].isna().sum().tolist() == [20, 20]


def test_an_ignored_column_that_mixes_numbers_and_text_is_copied_as_text(
    patients: Path, model: Path, tmp_path: Path
) -> None:
    mixed = pd.read_csv(patients, dtype=str)
    mixed["ward"] = [str(number) if number % 20 else "n/k" for number in range(len(mixed))]
    source, output = tmp_path / "mixed.csv", tmp_path / "balanced.parquet"
    mixed.to_csv(source, index=False)
    result = run("balance", source, model, "--output", output)
    assert result.exit_code == 0, result.output
    written = pd.read_parquet(output)
    assert written["ward"].tolist()[: len(mixed)] == mixed["ward"].tolist()
    assert written["ward"][len(mixed) :].isna().all()
    mixed["age"] = mixed["ward"]  # which the model has learned
    mixed.to_csv(source, index=False)
    refused("balance", source, model, "--output", output, saying="must hold numbers or text")


def test_conditions_and_rules_on_ignored_columns_say_that_these_are_ignored(
    patients: Path, model: Path, tmp_path: Path
) -> None:
    saying = "('age', 'sex'), but 'code' was ignored when the model was fitted"
    refused("sample", model, "--output", tmp_path / "a.csv", "--where", "code=P001", saying=saying)
    fit = ["fit", patients, *FIT, "--ignore", "id", "--output", tmp_path / "a.onnx"]
    refused(*fit, "--rule", "age <= id", saying="in 'age <= id' 'id' is ignored: correct it")
    refused(*fit, "--rule", 'age <= "id"', saying="'id' is ignored: correct it")
    refused(*fit, "--rule", "y <= age", saying="'y' holds the classes: correct it")


def test_what_balance_wrote_is_learned_only_in_its_real_rows(
    patients: Path, balanced: Path, model: Path, tmp_path: Path
) -> None:
    output = ["--output", tmp_path / "a.onnx"]
    saying = "add --real-only (real_only=True) to leave its synthetic rows out, or --ignore synthetic "
    refused("fit", balanced, *FIT, *output, saying=saying)
    refused("evaluate", balanced, "--target", "y", saying=saying)
    refused("fit", patients, *FIT, *output, "--real-only", saying="needs the column 'synthetic'")
    refused("balance", balanced, model, "--output", tmp_path / "b.csv", saying="add --real-only, which draws them anew")
    ignore = ["--ignore", "id", "--ignore", "code", "--ignore", "ward"]
    assert run("fit", balanced, *FIT, *output, *ignore, "--real-only").exit_code == 0
    again, first = Generator.load(tmp_path / "a.onnx"), Generator.load(model)
    assert again.metadata["fingerprint"] == first.metadata["fingerprint"]
    assert again.format.ignored_names == first.format.ignored_names
    assert run("balance", patients, tmp_path / "a.onnx", "--output", tmp_path / "b.csv").exit_code == 0


@pytest.mark.parametrize(("source", "output"), [(".csv", ".csv"), (".parquet", ".parquet"), (".csv", ".parquet")])
def test_what_balance_wrote_is_balanced_again_with_fresh_rows(
    source: str, output: str, patients: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ganaug.data.tables.table_file.PIECE_ROWS", 7)
    first, again, second = tmp_path / f"first{source}", tmp_path / "again.onnx", tmp_path / f"second{output}"
    assert run("balance", patients.with_suffix(source), model, "--output", first).exit_code == 0
    ignore = ["--ignore", "id", "--ignore", "code", "--ignore", "ward"]
    assert run("fit", first, *FIT, *ignore, "--real-only", "--output", again).exit_code == 0
    result = run("balance", first, again, "--real-only", "--seed", 5, "--output", second)
    assert result.exit_code == 0, result.output
    assert "Wrote 40 real and 20 synthetic rows" in result.stdout
    read = {".csv": pd.read_csv, ".parquet": pd.read_parquet}
    before, after = read[source](first), read[output](second)
    assert list(after) == list(before)
    assert after["synthetic"].tolist() == [False] * 40 + [True] * 20
    pd.testing.assert_frame_equal(after[:40], before[:40], check_dtype=source == output)
    assert after["id"].tolist()[40:] == list(range(41, 61))
    assert after["y"].value_counts().tolist() == [30, 30]
    assert after["age"].tolist()[40:] != before["age"].tolist()[40:]


def test_real_rows_are_balanced_by_a_model_that_ignored_the_flags(
    balanced: Path, patients: Path, tmp_path: Path
) -> None:
    model, output = tmp_path / "all.onnx", tmp_path / "b.csv"
    ignore = [part for name in ("id", "code", "ward", "synthetic") for part in ("--ignore", name)]
    assert run("fit", balanced, *FIT, *ignore, "--output", model).exit_code == 0
    refused("balance", balanced, model, "--output", output, saying="add --real-only")
    assert run("balance", balanced, model, "--real-only", "--output", output).exit_code == 0
    rows = pd.read_csv(output)
    pd.testing.assert_frame_equal(rows[:40].drop(columns="synthetic"), pd.read_csv(patients))
    assert rows["synthetic"].sum() == 20
    refused("balance", patients, model, "--real-only", "--output", output, saying="needs the column 'synthetic'")
    (tmp_path / "images" / "cat").mkdir(parents=True)
    folder = ["balance", tmp_path / "images", model, "--real-only", "--output", tmp_path / "new"]
    refused(*folder, saying="give the folder of real files")


def test_an_evaluation_takes_the_target_of_the_model(patients: Path, model: Path, tmp_path: Path) -> None:
    pd.read_csv(patients).rename(columns={"y": "z"}).to_csv(tmp_path / "z.csv", index=False)
    refused("evaluate", tmp_path / "z.csv", model, saying="which has 'age', 'sex', 'z', but is 'y'")
    refused("evaluate", tmp_path / "z.csv", saying="needs --target")
    refused("evaluate", tmp_path / "no.csv", model, saying="There is no table")


def test_an_evaluation_leaves_out_what_the_model_ignores(patients: Path, balanced: Path, model: Path) -> None:
    with pytest.warns(GanaugWarning, match="Ignored 'note'"):
        session = begin(patients, target="y", left_out=LeftOut(("id", "code", "id")))
    assert list(session.data.content) == ["age", "ward", "sex"]
    generator = Generator.load(model)
    for source, real_only in ((patients, False), (balanced, True), (pd.read_csv(balanced), True)):
        session = begin(source, generator, target="y", left_out=LeftOut(real_only=real_only), groups="code")
        assert list(session.data.content) == ["age", "sex"]
        assert len(session.data) == 40
        assert session.seen == "all"
    frame, real = pd.read_csv(balanced), LeftOut(real_only=True)
    session = begin((frame.drop(columns="y"), frame["y"]), generator, left_out=real)
    assert session.data.counts == {"m": 30, "n": 10}
    with pytest.raises(DataError, match=r"ignore=\['synthetic'\]"):
        begin(frame, generator, target="y")
    with pytest.raises(DataError, match="there is no 'idd'"):
        begin(frame, generator, target="y", left_out=LeftOut(("idd",)))
    with pytest.raises(DataError, match="come twice"):
        begin((frame[["age", "ward", "sex"]].rename(columns={"ward": "sex"}), frame["y"]))
    with pytest.raises(DataError, match="real_only needs a table"):
        begin(session.data, left_out=real)


def test_files_of_earlier_versions_ignore_nothing_and_hostile_ones_are_refused(model: Path, tmp_path: Path) -> None:
    schema = json.loads(run("inspect", model, "--json").stdout)["schema"]
    older = {key: value for key, value in schema.items() if key != "ignored"}
    assert Generator.load(with_metadata(model, tmp_path / "a.onnx", schema=older)).format.ignored_names == ()
    for ignored in (None, "id", {"id": 1}, [1.5], [["id"]], ["id", "id"], ["age"], ["x" * 1001], ["x"] * 10_001):
        hostile = with_metadata(model, tmp_path / "b.onnx", schema=schema | {"ignored": ignored})
        refused("inspect", hostile, saying="The table's column schema is not valid")


def test_ignore_is_for_tables(tmp_path: Path) -> None:
    (tmp_path / "images" / "cat").mkdir(parents=True)
    refused(
        "fit", tmp_path / "images", "--ignore", "id", "--output", tmp_path / "a.onnx", saying="--ignore names a column"
    )


def test_an_estimator_warns_of_flags(balanced: Path) -> None:
    frame = pd.read_csv(balanced)[["age", "synthetic", "y"]]
    with pytest.warns(GanaugWarning, match="is learned as a feature: keep the rows in which it is false"):
        GANSampler(max_steps=1, random_state=0).fit(frame[["age", "synthetic"]], frame["y"])
