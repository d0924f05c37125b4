"""The report as text: what it says, what it leaves out, and what no name in it can do."""

import base64
import hashlib
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from importlib import resources
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from markupsafe import Markup
from PIL import Image

from ganaug.evaluation.exhibits import Exhibits
from ganaug.evaluation.report import charts, render, training_curves
from ganaug.evaluation.report.classifier_tables import verdict_on
from ganaug.evaluation.report.gallery import no_quiz, quiz
from ganaug.evaluation.report.histograms import Bars, Histogram, counted, missing
from ganaug.evaluation.report.pictures import picture, sheet, within
from ganaug.evaluation.wording import clean, percent, points
from tests import reports

Made = tuple[dict[str, Any], Exhibits]
ALL = [reports.digits, reports.wine, reports.minimal, reports.hostile_images, reports.hostile_table]


class Page(HTMLParser):
    """The elements of a page, in order, each with its attributes and the text that is directly in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None], list[str]]] = []
        self._open: list[int] = []
        self.feed(text)
        assert not self._open, f"not closed: {[self.elements[index][0] for index in self._open]}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), []))
        if tag not in {"meta", "link", "img", "input", "br"}:
            self._open.append(len(self.elements) - 1)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), []))

    def handle_endtag(self, tag: str) -> None:
        assert self.elements[self._open.pop()][0] == tag

    def handle_data(self, data: str) -> None:
        for index in self._open:
            self.elements[index][2].append(data)

    def texts(self, tag: str) -> list[str]:
        return [" ".join("".join(text).split()) for name, _, text in self.elements if name == tag]

    def attributes(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes, _ in self.elements if name == tag]


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return {make.__name__: render(*make()) for make in ALL}


@pytest.fixture(scope="module")
def digits() -> Made:
    return reports.digits()


@pytest.fixture(scope="module")
def wine() -> Made:
    return reports.wine()


@pytest.mark.parametrize("name", [make.__name__ for make in ALL])
def test_page_needs_nothing_and_runs_only_its_own_script(pages: dict[str, str], name: str) -> None:
    text = pages[name]
    page = Page(text)
    for tag, attributes, _ in page.elements:
        assert not [key for key in attributes if key == "style" or key.startswith("on")], tag
        for key in ("src", "href", "xlink:href", "action", "data", "poster", "srcset"):
            if address := attributes.get(key):
                assert address.startswith("#" if tag in ("a", "use") else "data:"), (tag, address[:80])
    assert "url(" not in text.split("</style>")[0].replace("url(#", "")
    assert "@import" not in text.split("</style>")[0]

    policy = next(item["content"] for item in page.attributes("meta") if item.get("http-equiv") is not None)
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    for tag, rule in (("style", "style-src"), ("script", "script-src")):
        wholes = [
            "".join(content)
            for kind, attributes, content in page.elements
            if kind == tag and attributes.get("type") is None
        ]
        assert len(wholes) <= 1
        for whole in wholes:
            digest = base64.b64encode(hashlib.sha256(whole.encode()).digest()).decode()
            assert f"{rule} 'sha256-{digest}'" in policy


@pytest.mark.parametrize("name", [make.__name__ for make in ALL])
def test_page_is_well_formed_for_keyboards_and_screen_readers(pages: dict[str, str], name: str) -> None:
    page = Page(pages[name])
    levels = [int(tag[1]) for tag, _, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    ids = [attributes["id"] for _, attributes, _ in page.elements if attributes.get("id")]
    assert len(set(ids)) == len(ids)
    for tag, attributes, _ in page.elements:
        for key in ("aria-labelledby", "for"):
            assert attributes.get(key) is None or attributes[key] in ids, (tag, attributes)
        if (attributes.get("href") or "").startswith("#"):
            assert (attributes["href"] or "")[1:] in ids
        assert tag != "img" or attributes.get("alt")
        assert tag != "th" or attributes.get("scope") in ("col", "row")
        assert attributes.get("role") != "region" or attributes.get("tabindex") == "0"
    assert len(page.attributes("caption")) == len(page.attributes("table"))
    assert len(page.attributes("main")) == len(page.attributes("h1")) == len(page.attributes("nav")) == 1
    assert page.attributes("html") == [{"lang": "en"}]


def test_verdict_and_table_say_what_was_measured(pages: dict[str, str], digits: Made) -> None:
    figures, page = digits[0], Page(pages["digits"])
    assert page.texts("h1") == [figures["sentence"]]
    rows = page.texts("tr")
    for arm in figures["arms"]:
        (row,) = [row for row in rows if row.startswith(arm["name"])]
        for metric in ("balanced_accuracy", "macro_f1"):
            value = arm["metrics"][metric]
            assert f"{100 * value['mean']:.1f}" in row
            assert f"{100 * value['low']:.1f} to {100 * value['high']:.1f}" in row
        if arm["difference"]:
            assert points(arm["difference"]["mean"]) in row
            assert f"{points(arm['difference']['low'])} to {points(arm['difference']['high'])}" in row
    (rival,) = [row for row in rows if "best without" in row and "Against" not in row]
    assert rival.startswith("balanced sampling")
    for entry in figures["classes"]:
        (row,) = [row for row in rows if row.startswith(f"{entry['name']} {entry['count']} ")]
        assert entry["verdict"].capitalize() in row
        assert points(entry["difference"]["mean"]) in row
    text = " ".join(page.texts("main")[0].split())
    assert text.index("Alarm") < text.index("Warning") < text.index("Note")
    assert "1 alarm and 1 warning" in page.texts("header")[0]
    for finding in figures["findings"]:
        assert finding["text"] in text
    assert figures["left_out"][0] in text
    assert " ".join(percent(figures["copies"]["share"]).split()) in text
    assert figures["data"]["fingerprint"] in text


@pytest.mark.parametrize("verdict", ["helps", "no difference", "hurts"])
def test_verdicts_are_told_apart_by_more_than_colour(digits: Made, verdict: str) -> None:
    page = render(digits[0] | {"verdict": verdict}, Exhibits())
    (badge,) = re.findall(r'<p class="badge (\w+)"><span class="mark" aria-hidden="true"></span>([^<]*)</p>', page)
    assert badge == ({"helps": "helps", "no difference": "same", "hurts": "hurts"}[verdict], verdict.capitalize())


def test_too_few_splits_decide_nothing(digits: Made) -> None:
    few = digits[0] | {"comparison": digits[0]["comparison"] | {"splits": 3, "fewest_splits": 5}}
    page = Page(render(few, Exhibits()))
    assert "Undecided" in page.texts("header")[0]
    assert "Helps" not in page.texts("header")[0]
    assert sum("Undecided" in row for row in page.texts("tr")) == len(few["classes"])


@pytest.mark.parametrize(
    ("difference", "comparison", "verdict"),
    [
        ({"mean": 0.1, "low": -0.1, "high": 0.2}, {"splits": 10}, "no difference"),
        ({"mean": 0.1, "low": -0.1, "high": 0.2}, {"splits": 2, "fewest_splits": 5}, "undecided"),
        ({"mean": 0.1, "low": None}, {"splits": 1}, "undecided"),
        (None, {}, "not measured"),
    ],
)
def test_no_difference_needs_a_chance_to_find_one(difference: Any, comparison: dict[str, Any], verdict: str) -> None:
    assert verdict_on({"verdict": "no difference", "difference": difference}, comparison) == verdict


def test_what_was_not_measured_is_said_or_left_out(pages: dict[str, str]) -> None:
    page = Page(pages["minimal"])
    sections = {item["id"] for item in page.attributes("section")}
    assert sections == {"arms", "quiz", "fidelity", "copies", "method"}
    text = page.texts("main")[0]
    assert "No comparison was made" in text
    assert "There is no quiz: the evaluation ended before it had samples to show." in text
    assert text.count("This was not measured.") == 2
    assert "learned from all of this data, so it could not be judged by it" in text
    assert not page.attributes("script")
    assert "None" not in text
    bare = render({"modality": "table", "sentence": "Nothing <was> compared."}, Exhibits())
    assert bare.startswith("<!doctype html>")
    assert "Nothing &lt;was&gt; compared." in bare


@pytest.mark.slow
@pytest.mark.parametrize("key", sorted(reports.minimal()[0]))
def test_any_part_may_be_missing(key: str, digits: Made) -> None:
    figures = digits[0] if key == "training" else digits[0] | {"training": None}  # whose charts take the time
    missing = {name: value for name, value in figures.items() if name != key}
    page = render(missing, Exhibits())
    assert "None" not in Page(page).texts("main")[0]
    assert page == render(missing | {key: None}, Exhibits())


@pytest.mark.parametrize("field", ["real", "synthetic"])
@pytest.mark.parametrize("modality", ["digits", "wine"])
def test_one_side_may_be_missing(field: str, modality: str, request: pytest.FixtureRequest) -> None:
    figures, exhibits = request.getfixturevalue(modality)
    page = Page(render(figures, Exhibits(**{field: getattr(exhibits, field)})))
    (section,) = [text for text in page.texts("section") if text.startswith("Real beside synthetic")]
    assert section.count("There are none to show.") == len(figures["classes"])


def test_unknown_figures_within_a_part_are_dashes(digits: Made) -> None:
    def hollow(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: hollow(entry) for key, entry in value.items()}
        if isinstance(value, list):
            return [hollow(entry) for entry in value]
        return None if isinstance(value, float) else value

    page = Page(render(hollow(digits[0]), Exhibits()))
    assert "None" not in page.texts("main")[0]
    assert "–" in page.texts("tr")[1]


def test_training_shows_losses_and_measures_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = {}

    def curves_chart(name: str, title: str, x: Any, lines: list[Any], x_label: str, kept: float | None) -> Markup:
        drawn[title.split()[0]] = (
            x[np.isfinite(lines[0])].tolist(),
            [line[np.isfinite(line)].tolist() for line in lines],
            kept,
        )
        return Markup("<svg></svg>")

    monkeypatch.setattr(training_curves, "curves_chart", curves_chart)
    history = [
        {"progress": 0.1, "losses": {"variety": 0.0, "discriminator": 1.0, "generator": 2.0}},
        {"progress": 0.4, "variety": 0.7, "agreement": 0.9},
        {"progress": 0.5, "losses": {"variety": 0.0, "discriminator": 1.5, "generator": None}},
        {"progress": 1.0, "variety": 0.8, "score": float("nan")},
    ]
    figures = {"training": {"history": history, "kept_from": 0.4}}
    page = Page(render(figures, Exhibits()))
    assert drawn == {
        "Losses": ([10.0], [[2.0], [0.0, 0.0], [1.0, 1.5]], 40.0),
        "Share": ([40.0], [[0.9]], 40.0),
        "Variety": ([40.0, 100.0], [[0.7, 0.8]], 40.0),
    }
    assert page.texts("figcaption")[0] == "Lossesgeneratorvarietydiscriminator"


def test_intervals_beyond_the_possible_are_drawn_to_its_edge() -> None:
    wild = {"mean": 0.1, "low": -0.7, "high": 2.1}
    assert charts.strips([wild, None], 0.0, (-1.0, 1.0)) == [
        {"mean": 47.3, "low": 4.0, "high": 96.0, "reference": 41.9},
        None,
    ]
    assert charts.strips([{"mean": 0.5, "low": 0.0, "high": 1.3}, None]) == [
        {"mean": 50.0, "low": 4.0, "high": 96.0, "reference": None},
        None,
    ]
    assert ">200<" not in charts.difference(wild)


@pytest.mark.slow
def test_same_input_gives_same_page(digits: Made) -> None:
    assert render(*digits) == render(*digits)


@pytest.mark.slow
def test_matplotlib_is_left_as_it_was(wine: Made) -> None:
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    plain = render(*wine)
    with mpl.rc_context({"text.usetex": True, "font.size": 40, "axes.facecolor": "red"}):
        assert render(*wine) == plain
        assert mpl.rcParams["font.size"] == 40
    assert dict(mpl.rcParams) == before


def test_hostile_names_are_shown_and_do_nothing(pages: dict[str, str]) -> None:
    for name in ("hostile_images", "hostile_table"):
        text, page = pages[name], Page(pages[name])
        titles = page.texts("bdi")
        assert clean(reports.HOSTILE[0]) in titles
        assert clean("$\\frac{1}{0}$ \\undefined $") in titles
        assert "49" not in titles
        assert not set("\x00\x1b\u202e\u2028\u2029") & set(text)
        text.encode()  # no lone surrogate is left
        assert "a" * 601 not in text
        assert len(page.attributes("script")) == 2
        assert len(page.attributes("style")) == 1


def test_quiz_data_cannot_leave_its_element(pages: dict[str, str]) -> None:
    text = pages["hostile_table"]
    (data,) = re.findall(r'<script type="application/json" id="quiz-data">(.*?)</script>', text, re.DOTALL)
    assert not set("<>&\u2028\u2029") & set(data)
    asked = json.loads(data)
    assert len(asked["items"]) == 4
    row = dict(asked["items"][0]["cells"])
    assert set(row) == {clean(name, 32) for name in reports.HOSTILE}
    assert clean(reports.HOSTILE[0], 32) in row.values()


@pytest.mark.slow
def test_size_is_bounded_whatever_comes() -> None:
    random = np.random.default_rng(0)
    names = [f"class {index} {'&' * 200}" for index in range(400)]
    figures = reports.figures("image", names, list(range(400)))
    figures["arms"] *= 50
    figures["findings"] = [{"level": "alarm", "text": '"' * 5000}] * 1000
    figures["left_out"] = ['"' * 5000] * 1000
    noise = random.integers(0, 256, (40, 256, 320, 3), dtype=np.uint8)
    exhibits = Exhibits(
        real=dict.fromkeys(names, noise[:10]),
        synthetic=dict.fromkeys(names, noise[:10]),
        walk=dict.fromkeys(names, noise),
        closest=[(name, noise[0], noise[1], 0.5) for name in names],
        quiz=[(image, index % 2 == 0) for index, image in enumerate(np.concatenate([noise] * 3))],
    )
    page = render(figures, exhibits)
    assert len(page.encode()) < 5_000_000
    assert "The 12 rarest of 400 classes" in page
    assert "The 100 rarest of 400 classes" in page
    assert "the first 40 of 500" in page


@pytest.mark.slow
def test_size_of_wide_tables_is_bounded() -> None:
    names = [f"{index}{'&' * 200}" for index in range(60)]
    figures = reports.figures("table", names, list(range(60)))
    figures["fidelity"]["columns"] = [{"name": name, "kind": "text", "distance": 0.1, "floor": 0.1} for name in names]
    frame = pd.DataFrame({name: ["\U0001f600" * 300] * 20 for name in names})
    row = dict.fromkeys(names, "\U0001f600" * 300)
    page = render(
        figures,
        Exhibits(
            real=dict.fromkeys(names, frame),
            synthetic=dict.fromkeys(names, frame),
            closest=[(name, frame.iloc[0], frame.iloc[1], 0.0) for name in names],
            quiz=[(row, True), (row, False)] * 100,
            distributions=[
                {"name": name, "kind": "text", "real": frame[name].to_numpy(), "synthetic": frame[name].to_numpy()}
                for name in names
            ],
        ),
    )
    assert len(page.encode()) < 5_000_000
    assert "the 24 columns that differ most, of 60" in page
    assert "44 more columns not shown" in page


def test_quiz_asks_as_many_real_as_synthetic_items() -> None:
    images = np.arange(30, dtype=np.uint8)[:, None, None, None] * np.ones((1, 8, 8, 1), np.uint8)
    asked = quiz(Exhibits(quiz=[(image, index < 20) for index, image in enumerate(images)]))
    assert asked is not None
    assert [item["real"] for item in asked["items"]] == [True] * 10 + [False] * 10
    assert quiz(Exhibits(quiz=[(image, index < 29) for index, image in enumerate(images)])) is None
    same = (images[0], True)
    few = Exhibits(quiz=[(image, index < 29) for index, image in enumerate(images)])
    assert "and had 29 and 1." in no_quiz(few)
    assert no_quiz(few) in Page(render({}, few)).texts("main")[0]
    repeated = quiz(Exhibits(quiz=[same, same, (images[1], False), (images[1], False), same]))
    assert repeated is not None
    assert len(repeated["items"]) == 4


def _decoded(address: str) -> Image.Image:
    import io

    assert address.startswith("data:image/png;base64,")
    return Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2])))


@pytest.mark.parametrize("channels", [1, 3])
def test_sheet_shows_every_pixel_as_it_is(channels: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 8, 6, channels), dtype=np.uint8)
    laid = sheet(images, side=32, columns=3)
    pixels = np.asarray(_decoded(laid.source).convert("RGBA"))
    assert pixels.shape[:2] == laid.size[::-1]
    width, height = laid.cell
    assert (width, height) == (24, 32)
    for index, image in enumerate(images):
        row, column = divmod(index, 3)
        y, x = row * (height + laid.gutter), column * (width + laid.gutter)
        cell = pixels[y : y + height, x : x + width]
        assert np.all(cell[::4, ::4, :3] == image)
        assert np.all(cell[..., 3] == 255)
    assert pixels[height + 1, 0, 3] == 0


def test_large_pictures_shrink_until_they_fit() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (100, 200, 3), dtype=np.uint8)
    assert _decoded(picture(noise, 64)).size == (64, 32)
    free, tight = (within(budget, lambda side: picture(noise, side), len) for budget in (10**6, 3000))
    assert _decoded(free).size == (96, 48)
    assert len(tight) <= 3000
    assert _decoded(tight).width < 96


@pytest.mark.parametrize(
    ("real", "synthetic", "expected"),
    [
        (np.arange(100.0), np.arange(100.0), Histogram),
        (np.array([0, 1, 1, 2]), np.array([0, 1]), Bars),
        (np.array(["a", None], dtype=object), np.array(["b"], dtype=object), Bars),
        (np.array([True, False]), np.array([True]), Bars),
        (np.array([1.5, None] * 20, dtype=object), np.arange(30), Histogram),
        (np.arange(40).astype("datetime64[D]"), np.arange(9).astype("datetime64[D]"), Histogram),
        (pd.Series(pd.date_range("2020", periods=30, tz="Europe/Paris")).array, np.array(["2020"], "M8[s]"), Histogram),
        (pd.Categorical(["x", "y"]), pd.Categorical(["y"]), Bars),
        (np.array([np.nan, np.inf]), np.arange(30.0), None),
        (np.array([]), np.arange(3.0), None),
        (np.array([None, None]), np.arange(3.0), None),
        (np.array(["1", 2, None], dtype=object), np.array([1.5]), Bars),
    ],
)
def test_columns_of_every_kind_are_counted(real: Any, synthetic: Any, expected: type | None) -> None:
    column = {"name": "x", "kind": "any", "real": real, "synthetic": synthetic}
    shown = counted(column)
    assert type(shown) is (expected or type(None))
    if shown is not None:
        assert sum(shown.real) == pytest.approx(1)
        assert sum(shown.synthetic) == pytest.approx(1)
    figures = reports.minimal()[0] | {"modality": "table"}
    page = Page(render(figures, Exhibits(distributions=[column])))
    assert len([item for item in page.attributes("svg") if item.get("class") == "chart"]) == (shown is not None)


def test_categories_are_counted_as_shares_of_what_is_there() -> None:
    shown = counted({"real": np.array(["a", "a", "b", None]), "synthetic": np.array(["b"])})
    assert shown == Bars(["a", "b"], [2 / 3, 1 / 3], [0.0, 1.0])


def test_missing_values_are_counted_apart() -> None:
    column = {"real": np.array([1.0, np.nan, np.nan, 2.0]), "synthetic": np.array(["a", None], dtype=object)}
    assert missing(column) == (0.5, 0.5)


def test_histogram_shows_a_shift_and_ignores_one_wild_value() -> None:
    random = np.random.default_rng(0)
    shown = counted({"real": np.append(random.normal(0, 1, 999), 1e12), "synthetic": random.normal(3, 1, 500)})
    assert isinstance(shown, Histogram)
    assert shown.edges[-1] < 10
    middles = (shown.edges[1:] + shown.edges[:-1]) / 2
    assert middles @ shown.synthetic - middles @ shown.real == pytest.approx(3, abs=0.3)


def test_charts_take_names_for_text() -> None:
    names = ["$x_1$", "$\\bad{", "<b>&amp;", "日本語", "a\\b", "%d", "\uffff", "\x0b!"]
    shares = {"name": "n", "kind": "category", "real": np.array(names, dtype=object), "synthetic": np.array(names)}
    page = Page(render(reports.minimal()[0] | {"modality": "table"}, Exhibits(distributions=[shares])))
    assert {clean(name) for name in names} <= set(page.texts("text"))


def _luminance(colour: str) -> float:
    parts = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _schemes() -> list[dict[str, str]]:
    style = (resources.files("ganaug.evaluation.report") / "page_parts" / "style.css").read_text()
    blocks: list[str] = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    found = [dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6}|#[0-9a-f]{3});", block)) for block in blocks]
    return [
        {
            name: value if len(value) == 7 else "#" + "".join(char * 2 for char in value[1:])
            for name, value in scheme.items()
        }
        for scheme in found
    ]


@pytest.mark.parametrize("scheme", [0, 1, 2], ids=["light", "dark", "print"])
def test_text_contrasts_with_what_is_behind_it(scheme: int) -> None:
    colours = _schemes()[scheme]
    for behind in ("paper", "raised", "tint"):
        for text in ("ink", "muted", "accent", "helps", "same", "hurts", "warning"):
            assert _contrast(colours[text], colours[behind]) >= 4.5, (text, behind)
        for mark in ("real", "synthetic"):
            assert _contrast(colours[mark], colours[behind]) >= 3, (mark, behind)
    assert _contrast(colours["real"], colours["ink"]) >= 1.5


@pytest.mark.parametrize(("make", "kinds"), [(reports.digits, "images"), (reports.wine, "rows")])
def test_what_is_shown_is_labelled(make: Callable[[], Made], kinds: str, pages: dict[str, str]) -> None:
    page = Page(pages[make.__name__])
    assert f"20 {kinds}, half of them real" in page.texts("main")[0]
    for item in page.attributes("svg"):
        assert item.get("aria-hidden") == "true" or (item.get("role") == "img" and item.get("aria-label"))


@pytest.mark.parametrize("value", [None, pd.NA, pd.NaT, float("nan"), np.datetime64("NaT")])
def test_a_missing_cell_is_called_so(value: Any) -> None:
    rows = pd.DataFrame({"column": [value]}, dtype=object)
    assert "(missing)" in render({}, Exhibits(real={"a": rows}, synthetic={"a": rows}))
