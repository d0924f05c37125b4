"""The report in a real browser: it renders, the quiz scores, nothing is fetched, and no name runs as a script."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from scipy.stats import binomtest

from ganaug.evaluation.report import render
from ganaug.evaluation.wording import clean
from tests import reports
from tests.chromium import Browser, find, launch

EXECUTABLE = find()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(EXECUTABLE is None, reason="no Chromium is installed: apt-get install chromium"),
]

NAMES = ["digits", "wine", "minimal", "hostile_images", "hostile_table"]
IMAGES_AND_ROWS = ["digits", "wine"]
TRUTH = """(() => {
    const shown = document.querySelector('#quiz-item');
    const {kind, items} = JSON.parse(document.querySelector('#quiz-data').textContent);
    const key = (item) => kind === 'image' ? item.picture : item.cells.flat().join();
    const now = kind === 'image' ? shown.querySelector('img').src
        : [...shown.querySelectorAll('dt, dd')].map((node) => node.textContent).join();
    return items.find((item) => key(item) === now).real;
})()"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with launch(str(EXECUTABLE), tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    for name in NAMES:
        (folder / f"{name}.html").write_text(render(*getattr(reports, name)()), encoding="utf-8")
    return {name: folder / f"{name}.html" for name in NAMES}


def status(browser: Browser) -> str:
    return str(browser.ask("document.querySelector('#quiz-status').textContent"))


def background(browser: Browser) -> str:
    return str(browser.ask("getComputedStyle(document.documentElement).backgroundColor"))


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("name", NAMES)
def test_page_renders(browser: Browser, pages: dict[str, Path], name: str, width: int, dark: bool) -> None:
    browser.open(pages[name], width=width, dark=dark)
    assert browser.messages == []
    assert browser.requests == [pages[name].as_uri()]
    assert browser.ask("document.querySelector('h1').getBoundingClientRect().height") > 20
    assert browser.ask("document.documentElement.scrollWidth") <= width
    assert browser.ask("[...document.images].every((image) => image.complete && image.naturalWidth > 0)")
    assert browser.ask("typeof window.hacked") == "undefined"
    assert background(browser) == ("rgb(21, 24, 27)" if dark else "rgb(252, 251, 248)")
    # The policy lets the style sheet colour the charts; a chart that it did not would be black.
    charts = browser.ask("[...document.querySelectorAll('.fill-accent')].map((node) => getComputedStyle(node).fill)")
    assert set(charts) <= {"rgb(143, 193, 236)" if dark else "rgb(29, 79, 124)"}
    assert bool(charts) == (name != "minimal")


def test_names_appear_as_they_are(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["hostile_images"])
    titles = browser.ask("[...document.querySelectorAll('#samples h3')].map((node) => node.textContent)")
    assert titles == [clean(f"{name} again") for name in reports.HOSTILE]
    # No element came from a name: all scripts and styles are the page's own, and no image is from anywhere else.
    assert browser.ask("document.scripts.length") == 2
    assert browser.ask("document.querySelectorAll('style').length") == 1
    assert browser.ask("[...document.images].every((image) => image.src.startsWith('data:'))")
    assert browser.ask("document.querySelectorAll('[onload], [onerror], [onmouseover]').length") == 0

    browser.open(pages["hostile_table"])
    browser.click("#quiz-start")
    cells = browser.ask("[...document.querySelectorAll('#quiz-item dd')].map((node) => node.textContent)")
    assert cells == [clean(value, 32) for value in reversed(reports.HOSTILE)]
    labels = browser.ask("[...document.querySelectorAll('#distributions text')].map((node) => node.textContent)")
    assert clean(reports.HOSTILE[0], 16) in labels
    assert browser.ask("typeof window.hacked") == "undefined"
    assert browser.messages == []


def test_policy_stops_what_would_get_through(browser: Browser, pages: dict[str, Path], tmp_path: Path) -> None:
    broken = tmp_path / "broken.html"
    hole = "<script>window.hacked = 1</script><img src='http://tracker.invalid/x.png' onerror='window.hacked = 2'>"
    broken.write_text(pages["digits"].read_text().replace("<main", hole + "<main"))
    browser.open(broken)
    browser.ask("new Promise((done) => setTimeout(done, 200))")
    assert browser.ask("typeof window.hacked") == "undefined"
    assert len([text for text in browser.messages if "Content Security Policy" in text]) >= 2
    wait_for_player(browser)  # the page's own script still runs


@pytest.mark.parametrize("name", IMAGES_AND_ROWS)
def test_quiz_scores_the_keyboard(browser: Browser, pages: dict[str, Path], name: str) -> None:
    browser.open(pages[name])
    browser.ask("document.querySelector('#quiz-start').focus()")
    browser.press("Enter")
    assert browser.ask("document.activeElement.id") == "quiz-box"
    for number in range(20):
        assert status(browser) == f"Item {number + 1} of 20: real or synthetic?"
        real = browser.ask(TRUTH)
        browser.press(("r" if number % 2 else "ArrowLeft") if real else ("S" if number % 2 else "ArrowRight"))
    exact = binomtest(20, 20).proportion_ci(method="wilson")
    low = f"{100 * exact.low:.0f}"
    assert status(browser) == (
        f"20 of 20 right: 100\u202f%, 95\u202f% interval {low}\u202f% to 100\u202f%. "
        "That is better than chance: you can tell them apart."
    )
    assert browser.ask("document.activeElement.textContent") == "Try again"
    assert browser.ask("document.querySelectorAll('#quiz-review li').length") == 20
    assert browser.ask("document.querySelectorAll('#quiz-review .wrong').length") == 0
    assert browser.messages == []


@pytest.mark.parametrize("name", IMAGES_AND_ROWS)
def test_quiz_scores_the_mouse(browser: Browser, pages: dict[str, Path], name: str) -> None:
    browser.open(pages[name], width=360)
    browser.click("#quiz-start")
    for _ in range(20):
        browser.click("#quiz-synthetic" if browser.ask(TRUTH) else "#quiz-real")
    assert "0 of 20 right" in status(browser)
    assert "worse than chance" in status(browser)
    browser.click("#quiz-start")
    assert status(browser) == "Item 1 of 20: real or synthetic?"
    assert browser.ask("document.querySelectorAll('#quiz-review li').length") == 0
    for _ in range(20):
        browser.click("#quiz-real")
    assert "10 of 20 right: 50\u202f%" in status(browser)
    assert "no better than chance" in status(browser)
    assert browser.ask("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("right", [10, 13, 14, 15, 19])
def test_quiz_calls_chance_what_wilson_calls_chance(browser: Browser, pages: dict[str, Path], right: int) -> None:
    browser.open(pages["digits"])
    browser.click("#quiz-start")
    for number in range(20):
        browser.press("r" if browser.ask(TRUTH) == (number < right) else "s")
    found = re.match(r"(\d+) of 20 right: \d+\W+%, 95\W+% interval (\d+)\W+% to (\d+)\W+%\. (.*)", status(browser))
    assert found is not None, status(browser)
    exact = binomtest(right, 20).proportion_ci(method="wilson")
    assert [int(group) for group in found.groups()[:3]] == [right, round(100 * exact.low), round(100 * exact.high)]
    assert ("better than chance: you" in found[4]) == (exact.low > 0.5)
    assert ("it would take 15 right" in found[4]) == (exact.low <= 0.5)


def test_quiz_keeps_to_itself(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["digits"])
    assert browser.ask("document.querySelector('#quiz-answers').hidden")
    browser.press("r")
    assert status(browser) == ""
    browser.click("#quiz-start")
    # Blind: what is on the page says nothing about which it is, and the order is not the file's each time.
    alt = browser.ask("document.querySelector('#quiz-item img').alt")
    assert alt == "Item 1 of 20"
    orders = set()
    for _ in range(4):
        browser.open(pages["digits"])
        browser.click("#quiz-start")
        orders.add(browser.ask("document.querySelector('#quiz-item img').src"))
    assert len(orders) > 1
    browser.ask("document.activeElement.blur()")
    browser.press("r")
    assert status(browser).startswith("Item 1 ")  # keys outside the quiz are the reader's own


def wait_for_player(browser: Browser) -> None:
    """Wait until the frames have been decoded and the first ones drawn."""
    browser.ask(
        "new Promise((done) => { const look = () => document.querySelector('#player').hidden"
        " ? setTimeout(look, 20) : done(); look() })"
    )


def canvas(browser: Browser) -> str:
    return str(browser.ask("document.querySelector('.walk canvas').toDataURL()"))


def test_walk_goes_by_keyboard_and_plays(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["digits"])
    wait_for_player(browser)
    first = canvas(browser)
    browser.ask("document.querySelector('#walk-at').focus()")
    browser.press("ArrowRight")
    browser.press("ArrowRight")
    assert browser.ask("document.querySelector('#walk-at').value") == "2"
    assert browser.ask("document.querySelector('#walk-at').getAttribute('aria-valuetext')") == "frame 3 of 16"
    assert canvas(browser) != first
    browser.press("ArrowLeft")
    browser.press("ArrowLeft")
    assert canvas(browser) == first

    browser.ask("document.querySelector('#walk-play').focus()")
    browser.press("Enter")
    assert browser.ask("document.querySelector('#walk-play').getAttribute('aria-pressed')") == "true"
    moving = "document.querySelector('#walk-at').value > 0 ? done() : setTimeout(look, 20)"
    browser.ask(f"new Promise((done) => {{ const look = () => {moving}; look() }})")
    browser.press("Enter")
    moved = int(browser.ask("document.querySelector('#walk-at').value"))
    browser.ask("new Promise((done) => setTimeout(done, 400))")
    assert int(browser.ask("document.querySelector('#walk-at').value")) == moved


def test_walk_is_slow_for_those_who_want_less_motion(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["digits"])
    browser.prefer("prefers-reduced-motion", "reduce")
    wait_for_player(browser)
    browser.click("#walk-play")
    browser.ask("new Promise((done) => setTimeout(done, 700))")
    assert browser.ask("document.querySelector('#walk-at').value") == "0"


@pytest.mark.parametrize("name", NAMES)
def test_screen_readers_get_names_for_everything(browser: Browser, pages: dict[str, Path], name: str) -> None:
    browser.open(pages[name])
    nodes = browser.accessibility()
    roles = [node["role"]["value"] for node in nodes]
    for landmark in ("main", "navigation", "banner", "contentinfo"):
        assert roles.count(landmark) == 1, landmark
    named = {"button", "img", "image", "slider", "region", "navigation", "table", "group", "link", "heading", "figure"}
    for node in nodes:
        if node["role"]["value"] in named - {"figure", "group"}:
            assert node.get("name", {}).get("value", "").strip(), node
    assert roles.count("table") == browser.ask("document.querySelectorAll('table').length")


def test_stacked_metrics_are_still_a_table_on_a_phone(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["digits"], width=360)
    roles = [node["role"]["value"] for node in browser.accessibility()]
    assert roles.count("table") == browser.ask("document.querySelectorAll('table').length")
    assert roles.count("rowheader") == browser.ask("document.querySelectorAll('th[scope=row]').length")


def test_tab_reaches_everything_and_shows_where_it_is(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["digits"])
    wait_for_player(browser)
    seen = []
    for _ in range(40):
        browser.press("Tab")
        name, outline = browser.ask(
            "(() => { const node = document.activeElement, style = getComputedStyle(node);"
            "return [node.id || node.className || node.tagName, style.outlineStyle] })()"
        )
        if name == "BODY" or (seen and name == seen[0]):
            break
        assert outline == "solid", name
        seen.append(name)
    assert seen[0] == "skip"
    assert {"quiz-start", "walk-play", "walk-at", "scroll"} <= set(seen)


@pytest.mark.parametrize("name", IMAGES_AND_ROWS)
def test_print_has_the_figures_and_not_the_controls(browser: Browser, pages: dict[str, Path], name: str) -> None:
    browser.open(pages[name], width=718)
    browser.prefer("prefers-color-scheme", "dark", media="print")
    for control in ("nav", "#quiz", ".player"):
        assert not browser.ask(f"[...document.querySelectorAll('{control}')].some((node) => node.checkVisibility())")
    assert browser.ask("[...document.querySelectorAll('.walk img')].every((film) => film.checkVisibility())")
    assert background(browser) == "rgb(255, 255, 255)"
    right = "Math.max(...[...document.querySelectorAll('table')].map((table) => table.getBoundingClientRect().right))"
    assert browser.ask(right) <= 718  # what A4 has between its margins, where a table cannot be scrolled
    assert browser.ask("document.querySelector('#arms table').checkVisibility()")


def test_page_without_scripts_shows_all_but_the_quiz(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["digits"], scripts=False)
    text = json.dumps([node.get("name", {}).get("value", "") for node in browser.accessibility()])
    assert "The quiz needs JavaScript." in text
    assert "16 steps of a walk through synthetic samples of class 4" in text
    assert '"Start"' not in text
    browser.open(pages["digits"])
