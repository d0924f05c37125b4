"""Signals in files and arrays: forms that come back, hostile files, lengths, and what a dataset can do."""

import io
import os
import struct
from pathlib import Path

import numpy as np
import pytest

from ganaug.data.images.folder import scan_folder as scan_images
from ganaug.data.sample_format import format_of
from ganaug.data.signals.codec import MAX_LENGTH, SignalCodec
from ganaug.data.signals.dataset import LabelledSignals, from_arrays, load_folder
from ganaug.data.signals.folder import holds_signals
from ganaug.data.signals.pictures import HEIGHT, WIDTH
from ganaug.data.signals.sample_format import SignalFormat
from ganaug.data.signals.signal_file import NPY_DTYPES, PCM_BYTES, WAV_DTYPES, FileForm, encoded, read_signal
from ganaug.errors import DataError, FormatError, GanaugWarning
from tests.conftest import waves


def put(path: Path, values: np.ndarray, form: FileForm = FileForm()) -> Path:  # noqa: B008 - immutable
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded(np.asarray(values, np.float32).reshape(len(values), -1), form))
    return path


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("dtype", WAV_DTYPES)
def test_a_wav_file_is_read_and_written_in_its_form(dtype: str, channels: int, tmp_path: Path) -> None:
    form = FileForm(".wav", dtype, 8000)
    values = np.random.default_rng(0).uniform(-1, 1, (50, channels))
    read, found = read_signal(put(tmp_path / "a.wav", values, form))
    assert found == form
    step = 2.0 ** (1 - 8 * PCM_BYTES.get(dtype, 3))
    np.testing.assert_allclose(read, values, atol=step)
    again, _ = read_signal(put(tmp_path / "b.wav", read, form))
    np.testing.assert_array_equal(again, read)


@pytest.mark.parametrize("axes", [1, 2])
@pytest.mark.parametrize("dtype", NPY_DTYPES)
def test_an_array_is_read_and_written_in_its_form(dtype: str, axes: int, tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 2 if dtype == "bool" else 100, (30, 1))
    np.save(tmp_path / "a.npy", values.astype(dtype)[:, 0] if axes == 1 else values.astype(dtype))
    read, form = read_signal(tmp_path / "a.npy")
    assert form == FileForm(".npy", dtype, None, axes)
    np.testing.assert_array_equal(read, values)
    assert encoded(read, form) == (tmp_path / "a.npy").read_bytes()


def test_what_a_dtype_cannot_hold_is_limited() -> None:
    written = np.load(io.BytesIO(encoded(np.array([[-5.0], [3e9], [1e30]], np.float32), FileForm(dtype="int64"))))
    assert written.tolist() == [[-5], [3_000_000_000], [np.iinfo(np.int64).max - 1023]]
    assert np.load(io.BytesIO(encoded(np.array([[-5.0], [300]], np.float32), FileForm(dtype="uint8")))).tolist() == [
        [0],
        [255],
    ]


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_a_file_with_a_number_that_is_not_finite_is_refused_by_name(value: float, tmp_path: Path) -> None:
    np.save(tmp_path / "odd.npy", np.array([value, *range(20)]))
    with pytest.raises(DataError, match=r"must hold finite numbers that float32 can hold, but '.*odd.npy' holds"):
        read_signal(tmp_path / "odd.npy")


def hostile() -> dict[str, bytes]:
    """Files that promise more than they hold, hold objects, or are not what their names say."""
    objects = io.BytesIO()
    np.save(objects, np.array([print, {}], dtype=object), allow_pickle=True)
    array = encoded(np.zeros((20, 1), np.float32), FileForm())
    sound = encoded(np.zeros((20, 1), np.float32), FileForm(".wav", "int16", 8000))
    return {
        "objects.npy": objects.getvalue(),
        "huge.npy": array.replace(b"(20, 1)", b"(2000000000000, 1)"[:18]),
        "text.npy": b"not an array",
        "empty.npy": b"",
        "cut.npy": array[:-8],
        "text.wav": b"not a sound",
        "empty.wav": b"",
        "cut.wav": sound[:30],
        "rate.wav": sound[:24] + struct.pack("<I", 0) + sound[28:],
        "complex.npy": encoded(np.zeros((20, 1), np.float32), FileForm()).replace(b"<f4", b"<c8"),
        "short.npy": encoded(np.zeros((3, 1), np.float32), FileForm()),
        "wide.npy": encoded(np.zeros((20, 400), np.float32), FileForm()),
    }


@pytest.mark.parametrize("name", hostile())
def test_a_damaged_or_hostile_file_is_refused_in_a_sentence(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(hostile()[name])
    with pytest.raises(DataError, match=name):
        read_signal(tmp_path / name)


def test_a_header_that_promises_an_endless_sound_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    sound = encoded(np.linspace(-1, 1, 40, dtype=np.float32)[:, None], FileForm(".wav", "int16", 8000))
    (tmp_path / "stream.wav").write_bytes(sound[:40] + struct.pack("<I", 0x7FFFF000) + sound[44:])
    read, _ = read_signal(tmp_path / "stream.wav")
    assert len(read) == 40


def test_a_pipe_is_no_signal(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.wav")
    with pytest.raises(DataError, match="must be a regular file"):
        read_signal(tmp_path / "a.wav")


def test_all_signals_of_a_folder_get_one_length_and_it_is_said(tmp_path: Path) -> None:
    for number, length in enumerate([20] * 8 + [12, 40]):
        put(tmp_path / "ab"[number % 2] / f"{number}.npy", np.arange(1, length + 1))
    with pytest.warns(GanaugWarning, match="12 to 40 values: all are brought to 20, the shorter ones \\(1\\) are"):
        data = load_folder(tmp_path)
    assert data.signals.shape == (10, 20, 1)
    by_name = dict(zip([file.stem for file in data.files], data.signals[:, :, 0].tolist(), strict=True))
    assert by_name["8"] == [*range(1, 13), *[12] * 8]
    assert by_name["9"] == [*range(1, 21)]
    with pytest.warns(GanaugWarning, match="brought to 30"):
        assert load_folder(tmp_path, 30).signals.shape == (10, 30, 1)


def test_a_sound_is_continued_by_silence() -> None:
    codec = SignalCodec(10, 1, FileForm(".wav", "int16", 8000))
    assert codec.encode(np.ones((8, 1), np.float32))[:, 0].tolist() == [1] * 8 + [0] * 2


@pytest.mark.parametrize("length", [7, MAX_LENGTH + 1, "20", 20.0])
def test_a_wrong_length_is_refused_before_anything_is_read(length: object, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"The length of signals must be a whole number from 8 to 65,536"):
        load_folder(tmp_path / "nowhere", length)  # type: ignore[arg-type]


def test_files_that_differ_in_what_all_must_share_are_refused_by_name(tmp_path: Path) -> None:
    form = FileForm(".wav", "int16", 8000)
    for number in range(4):
        put(tmp_path / "ab"[number % 2] / f"{number}.wav", np.zeros(20), form)
    put(tmp_path / "a" / "fast.wav", np.zeros(20), FileForm(".wav", "int16", 16000))
    with pytest.raises(DataError, match=r"one sample rate, but '.*fast.wav' has 16000 Hz and \d+ of \d+ have"):
        load_folder(tmp_path)
    put(tmp_path / "a" / "fast.wav", np.zeros((20, 2)), form)
    with pytest.raises(DataError, match=r"one number of channels, but '.*fast.wav' has 2 channels"):
        load_folder(tmp_path)


def test_an_unreadable_file_is_skipped_with_its_name(tmp_path: Path) -> None:
    for number in range(12):
        put(tmp_path / "ab"[number % 2] / f"{number}.npy", np.zeros(20))
    put(tmp_path / "a" / "odd.npy", np.full(20, np.nan))
    with pytest.warns(GanaugWarning, match=r"Skipped a file. .*odd.npy' holds NaN"):
        assert load_folder(tmp_path).counts == {"a": 6, "b": 6}


def test_a_folder_is_known_by_its_files(tmp_path: Path) -> None:
    put(tmp_path / "signals" / "a" / "1.npy", np.zeros(20))
    assert holds_signals(tmp_path / "signals")
    (tmp_path / "signals" / "a" / "1.png").touch()
    assert not holds_signals(tmp_path / "signals")
    with pytest.raises(DataError, match="An image folder must hold images of at least two classes"):
        scan_images(tmp_path / "signals")


def test_arrays_are_signals() -> None:
    signals = np.arange(60).reshape(3, 20)
    data = from_arrays(signals, ["b", "a", "b"])
    assert (data.signals.shape, data.classes, data.codec.form.axes) == ((3, 20, 1), ("a", "b"), 1)
    for wrong in (signals[:, :, None, None], signals[0], signals.astype(str)):
        with pytest.raises(DataError, match="Signals must be numbers of shape"):
            from_arrays(wrong, ["b", "a", "b"])
    with pytest.raises(DataError, match="finite"):
        from_arrays(np.full((3, 20), np.nan), ["b", "a", "b"])


@pytest.fixture(scope="module")
def data() -> LabelledSignals:
    return waves({"slow": 10, "fast": 6}, channels=2)


def test_points_are_the_same_in_any_unit_and_tell_a_loud_sound_from_silence(data: LabelledSignals) -> None:
    scaled = from_arrays(1000 * data.signals - 50, data.labels, data.classes)
    np.testing.assert_allclose(scaled.points(scaled), data.points(data), atol=1e-3)
    noise = np.random.default_rng(0).normal(size=(2, 640, 1)) * np.array([1.0, 0.01])[:, None, None]
    loud, silent = (sounds := from_arrays(noise, ["a", "b"])).points(sounds)
    assert np.linalg.norm(loud) > 10 * np.linalg.norm(silent)


def test_altered_signals_are_near_the_originals(data: LabelledSignals) -> None:
    altered = data.jittered(np.random.default_rng(0))
    assert 0 < np.abs(altered.signals - data.signals).mean() < 0.2


def test_parts_and_joins_keep_the_scale_of_pictures(data: LabelledSignals) -> None:
    part = data.part(np.array([0, 3]))
    assert len(part.joined(part)) == 4
    np.testing.assert_array_equal(part.limits, data.limits)
    np.testing.assert_array_equal(part.item(1), data.item(3))
    assert data.items(np.arange(3)).shape == (3, HEIGHT, WIDTH, 3)
    with pytest.raises(DataError, match="must have the shape"):
        data.like(data.signals[:, :-1], data.labels)


def test_a_constant_channel_has_a_scale() -> None:
    signals = from_arrays(np.full((2, 20), 7.0), ["a", "b"])
    assert [float(value) for value in np.concatenate(signals.scale)] == [7.0, 1.0]


FORM = {"length": 20, "channels": 1, "ending": ".wav", "dtype": "int24", "sample_rate": 8000}


def test_a_schema_is_read() -> None:
    made = format_of("signal", FORM)
    assert isinstance(made, SignalFormat)
    assert (made.signal_shape, made.form) == ((20, 1), FileForm(".wav", "int24", 8000))
    assert str(format_of("signal", {"length": 128, "channels": 2})) == "signals 128x2"


@pytest.mark.parametrize(
    "wrong",
    [
        {"length": 7},
        {"length": True},
        {"length": 2**17},
        {"channels": 0},
        {"ending": ".mp3"},
        {"ending": [".wav"]},
        {"dtype": "object"},
        {"dtype": ["int16"]},
        {"sample_rate": 0},
        {"sample_rate": None},
        {"ending": ".npy"},
        {"axes": 3},
        {"axes": 1, "channels": 2},
    ],
)
def test_an_untrusted_schema_is_checked(wrong: dict[str, object]) -> None:
    with pytest.raises(FormatError, match="The metadata of this model is not valid"):
        format_of("signal", FORM | wrong)
