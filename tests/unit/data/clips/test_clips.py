"""Clips: files of every form come back, folders are told apart, hostile files are refused, all get one shape."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganaug.data.class_folder import MAX_LOOKED_AT
from ganaug.data.clips.clip_file import MAX_FRAMES, encoded, frames_in, read_clip
from ganaug.data.clips.clip_form import PILLOW_FORMATS, ClipForm
from ganaug.data.clips.codec import ClipCodec, restored
from ganaug.data.clips.dataset import LabelledClips, from_arrays, load_folder
from ganaug.data.clips.pictures import GAP, SHOWN, draw_clips
from ganaug.data.clips.sample_format import ClipFormat
from ganaug.data.folder_kind import folder_modality
from ganaug.errors import DataError, FormatError, GanaugWarning
from tests.conftest import moving_squares

COUNTS = {"down": 6, "right": 4}


def clip(frames: int = 8, size: int = 16, channels: int = 1) -> Any:
    return moving_squares({"a": 1, "b": 1}, frames, size, channels).clips[0]


def write(root: Path, form: ClipForm, counts: dict[str, int] = COUNTS, **shape: int) -> Path:
    data = moving_squares(counts, **shape)
    for index, (one, label) in enumerate(zip(data.clips, data.labels, strict=True)):
        place = root / data.classes[label]
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{index:02}{form.ending}").write_bytes(encoded(one, form))
    return root


@pytest.mark.parametrize("ending", [".npy", *PILLOW_FORMATS])
@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_written_is_read(ending: str, channels: int, tmp_path: Path) -> None:
    file, made = tmp_path / f"clip{ending}", clip(channels=channels)
    file.write_bytes(encoded(made, ClipForm(ending, duration=50)))
    read = read_clip(file)
    assert (read.n_frames, read.sides, read.form.ending) == (8, (16, 16), ending)
    assert frames_in(file) == 8
    assert read.clip.shape == made.shape
    palette = 60 if ending == ".gif" and channels == 3 else 0  # a GIF has 256 colours
    np.testing.assert_allclose(read.clip.astype(int), made.astype(int), atol=palette)
    if ending not in (".npy", ".tif", ".tiff"):
        assert read.form.duration == 50


@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32", "float64"])
@pytest.mark.parametrize("axes", [3, 4])
def test_arrays_keep_their_dtype_and_axes(dtype: str, axes: int, tmp_path: Path) -> None:
    file, form = tmp_path / "clip.npy", ClipForm(".npy", dtype, axes)
    file.write_bytes(encoded(clip(), form))
    assert np.load(file, allow_pickle=False).shape == (8, 16, 16, 1)[:axes]
    read = read_clip(file)
    assert read.form == form
    np.testing.assert_array_equal(read.clip, clip())


@pytest.mark.parametrize("ending", [".gif", ".webp", ".png"])
def test_frames_that_are_shown_for_longer_count_several_times(ending: str, tmp_path: Path) -> None:
    made = clip(4)
    held = made[[0, 1, 1, 1, 2, 3]]
    file = tmp_path / f"clip{ending}"
    file.write_bytes(encoded(held, ClipForm(ending)))
    np.testing.assert_array_equal(read_clip(file).clip, held)


def test_long_and_large_clips_are_read_in_part(tmp_path: Path) -> None:
    file = tmp_path / "clip.npy"
    np.save(file, np.zeros((100, 90, 180), np.uint8))
    read = read_clip(file)
    assert (read.clip.shape, read.n_frames, read.sides) == ((MAX_FRAMES, 32, 64, 1), 100, (90, 180))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.zeros((1, 16, 16), np.uint8), "must have 2 frames or more"),
        (np.zeros((16, 16), np.uint8), "must be an array"),
        (np.zeros((32, 32, 3), np.uint8), "bring the axes into the order"),
        (np.zeros((8, 16, 16, 2), np.uint8), "with 1, 3 or 4 channels"),
        (np.zeros((8, 16, 16), np.uint16), "holds uint16"),
        (np.full((8, 16, 16), 2.0), "must hold numbers from 0 to 1"),
        (np.full((8, 16, 16), np.nan), "must hold numbers from 0 to 1"),
        (np.array([{}] * 8), "cannot be read"),
    ],
)
def test_arrays_that_are_no_clips_are_refused(values: Any, said: str, tmp_path: Path) -> None:
    file = tmp_path / "clip.npy"
    np.save(file, values, allow_pickle=True)
    with pytest.raises(DataError, match=said):
        read_clip(file)


def test_hostile_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for ending in (".npy", *PILLOW_FORMATS):
        whole = encoded(clip(), ClipForm(ending))
        file = tmp_path / f"cut{ending}"
        file.write_bytes(whole[: len(whole) // 3])
        with pytest.raises(DataError, match="A clip must"):
            read_clip(file)
    promises = tmp_path / "promises.npy"
    np.lib.format.open_memmap(promises, "w+", np.uint8, (8, 64, 64)).flush()
    promises.write_bytes(promises.read_bytes().replace(b"(8, 64, 64)", b"(9, 99, 99)"))
    with pytest.raises(DataError, match="cannot be read"):
        read_clip(promises)
    Image.new("L", (16, 16)).save(tmp_path / "still.png")
    with pytest.raises(DataError, match="put images into a folder of images"):
        read_clip(tmp_path / "still.png")
    Image.new("L", (16, 16)).save(tmp_path / "sizes.tiff", save_all=True, append_images=[Image.new("L", (16, 20))])
    with pytest.raises(DataError, match="must have one size"):
        read_clip(tmp_path / "sizes.tiff")
    (tmp_path / "folder.npy").mkdir()
    with pytest.raises(DataError, match="must be a regular file"):
        read_clip(tmp_path / "folder.npy")
    monkeypatch.setattr("ganaug.data.clips.clip_file.MAX_FILE_BYTES", 10)
    with pytest.raises(DataError, match="at most 10 bytes"):
        read_clip(promises)


def test_the_files_tell_what_a_folder_holds(tmp_path: Path) -> None:
    for ending in (".npy", ".gif", ".webp", ".png", ".tiff"):
        assert folder_modality(write(tmp_path / ending, ClipForm(ending))) == "clip"
    stills = tmp_path / "stills" / "a"
    stills.mkdir(parents=True)
    for number in range(3):
        Image.new("L", (16, 16)).save(stills / f"{number}.webp")
    assert folder_modality(stills.parent) == "image"
    (stills / "one.gif").write_bytes(encoded(clip(), ClipForm(".gif")))
    assert folder_modality(stills.parent) == "image"
    signals = tmp_path / "signals" / "a"
    signals.mkdir(parents=True)
    np.save(signals / "1.npy", np.zeros((40, 2)))
    assert folder_modality(signals.parent) == "signal"
    assert folder_modality(tmp_path / "nothing") == "image"


def test_few_heads_are_read_to_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, ClipForm(), {"a": 3 * MAX_LOOKED_AT, "b": 1}, size=8)
    read: list[Path] = []
    monkeypatch.setattr("ganaug.data.clips.folder.frames_in", lambda file: read.append(file) or 4)
    assert folder_modality(tmp_path) == "clip"
    assert 1 < len(read) <= MAX_LOOKED_AT


def test_a_folder_is_read_with_notes_on_what_changes(tmp_path: Path) -> None:
    root = write(tmp_path, ClipForm(".webp", duration=40), frames=8)
    np.save(root / "down" / "long.npy", np.zeros((20, 16, 16), np.uint8))
    np.save(root / "down" / "short.npy", np.zeros((3, 16, 16), np.uint8))
    with pytest.warns(GanaugWarning, match=r"brought to 4, the shorter ones \(1\).* and the longer ones \(11\)"):
        data = load_folder(root, frames=4)
    assert data.clips.shape == (12, 4, 8, 8, 1)
    assert data.codec.form == ClipForm(".webp", duration=40)
    with pytest.warns(GanaugWarning, match="brought to 8"):
        assert load_folder(root, size=8).codec.shape == (8, 8, 8, 1)


def test_files_that_cannot_be_read_are_skipped(tmp_path: Path) -> None:
    root = write(tmp_path, ClipForm(), {"down": 12, "right": 8})
    (root / "right" / "still.png").write_bytes(b"no")
    with pytest.warns(GanaugWarning, match="Skipped a file"):
        assert len(load_folder(root)) == 20
    for number in range(3):
        (root / "right" / f"{number}.gif").write_bytes(b"no")
    with pytest.raises(DataError, match="At least nine in ten clips must be readable"):
        load_folder(root)


@pytest.mark.parametrize(("lengths", "frames"), [([3], 4), ([8] * 9 + [3], 4), ([9] * 19 + [3], 8), ([50], 32)])
def test_the_number_of_frames_is_one_that_most_clips_fill(lengths: list[int], frames: int) -> None:
    assert ClipCodec.fit(lengths, [(16, 16, 1)], ClipForm()).frames == frames


def test_one_padding_for_all_frames() -> None:
    wide = np.zeros((3, 8, 16, 3), np.uint8)
    wide[1] = 200
    square = ClipCodec(4, 16, 3).encode(wide)
    assert square.shape == (4, 16, 16, 3)
    assert (square[:, 0] == square[0, 0, 0]).all()
    np.testing.assert_array_equal(square[3], square[2])
    np.testing.assert_array_equal(restored(square, 3, 8, 16), wide)
    transparent = ClipCodec(4, 16, 4).encode(wide)
    assert (transparent[:, 0, :, 3] == 0).all()
    assert (transparent[:, 8, :, 3] == 255).all()


@pytest.mark.parametrize("wrong", [(5, 16, 1), (8, 20, 1), (8, 128, 1), (8, 16, 2), (True, 16, 1)])
def test_a_codec_of_another_shape_is_refused(wrong: tuple[int, int, int]) -> None:
    with pytest.raises(DataError, match="must"):
        ClipCodec(*wrong)


def test_arrays_are_taken() -> None:
    data = moving_squares(COUNTS, 8, 16)
    as_floats = from_arrays(data.clips / 255, data.label_values.astype(str))
    np.testing.assert_array_equal(as_floats.clips, data.clips)
    assert as_floats.fingerprint == data.fingerprint
    with pytest.warns(GanaugWarning, match="the longer ones"):
        assert from_arrays(data.clips[:, :6], data.labels, ["down", "right"]).clips.shape[1] == 4
    for wrong, said in (
        (data.clips[..., 0], "must be an array"),
        (data.clips.astype(np.int32), "must be uint8"),
        (data.clips[:, :1], "of 2 frames or more"),
    ):
        with pytest.raises(DataError, match=said):
            from_arrays(wrong, data.labels)


@pytest.fixture
def data() -> LabelledClips:
    return moving_squares(COUNTS, 8, 16)


def test_what_a_dataset_can_do(data: LabelledClips) -> None:
    assert data.counts == {"down": 6, "right": 4}
    part = data.part(np.array([0, 7]))
    assert (len(part), part.joined(part).n_repeated) == (2, 2)
    assert data.like(data.clips[:3], data.labels[:3]).is_in(data).all()
    with pytest.raises(DataError, match="must have the shape"):
        data.like(data.clips[:, :4], data.labels)
    assert data.points(data).shape == (10, 4 * 8 * 8)
    moved = data.jittered(np.random.default_rng(0))
    assert 0 < np.abs(moved.clips.astype(int) - data.clips).mean() < 12
    assert data.fingerprint == data.part(np.arange(10)[::-1]).fingerprint != moved.fingerprint


def test_near_clips_are_near_points(data: LabelledClips) -> None:
    points, near = data.points(data), data.jittered(np.random.default_rng(0)).points(data)
    distance = np.linalg.norm(points[:, None] - near, axis=2)
    assert (distance.argmin(axis=1) == np.arange(10)).all()


def test_pictures_show_frames_from_first_to_last(data: LabelledClips) -> None:
    picture = data.item(0)
    side = (picture.shape[1] + GAP) // SHOWN - GAP
    factor = side // 16
    np.testing.assert_array_equal(picture[::factor, :side:factor], data.clips[0, 0])
    np.testing.assert_array_equal(picture[::factor, -side::factor], data.clips[0, -1])
    assert draw_clips(data.clips[:0]).shape[0] == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"frames": 0},
        {"height": 10**6},
        {"width": 1.5},
        {"channels": 2},
        {"frames": 1024, "height": 1024, "width": 1024},
        {"ending": ".exe"},
        {"dtype": "int64"},
        {"axes": 2},
        {"duration": 0},
    ],
)
def test_the_metadata_of_a_model_are_untrusted(wrong: dict[str, Any]) -> None:
    schema = {"frames": 8, "height": 16, "width": 16, "channels": 1}
    assert str(ClipFormat.from_schema(schema)) == "clips 8x16x16x1"
    with pytest.raises(FormatError, match="metadata of this model is not valid"):
        ClipFormat.from_schema(schema | wrong)
