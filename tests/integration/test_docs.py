"""The documentation is built without a warning, and all of its links lead somewhere. The examples are not run here."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.paths import ROOT

pytestmark = pytest.mark.slow

DOCS = ROOT / "docs"
INCLUDED = (
    "docs",
    "examples",
    "benchmarks/README.md",
    "tests/toy_family.py",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
)
"""What the site is made of, besides the docstrings."""
MADE = ("_build", "gallery", "generated", "__pycache__")
"""Folders that a build writes beside its sources."""
LOADING = {"img": "src", "script": "src", "link": "href", "source": "src", "iframe": "src"}
"""What a browser loads by itself: the elements, and the attribute that names the file."""


class Page(HTMLParser):
    """What a page links to, what it loads, and the places in it that can be linked to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.places: set[str] = set()
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if value is None:
                continue
            if name == "id":
                self.places.add(value)
            elif tag == "a" and name == "href":
                self.links.append(value)
            elif LOADING.get(tag) == name:
                self.loaded.append(value)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the built site. Warnings are errors, and so are names that cannot be resolved."""
    # Beside the sources, pages of examples that were not run would stand in the way of a later `make docs`.
    root = tmp_path_factory.mktemp("docs")
    for name in INCLUDED:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns(*MADE))
        else:
            shutil.copyfile(ROOT / name, root / name)
    folder = root / "html"
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--nitpicky", "-b", "html"]
    environment = os.environ | {"GANAUG_NO_GALLERY": "1", "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"}
    done = subprocess.run(  # noqa: S603
        [*command, str(root / "docs"), str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    """Return all pages; the theme keeps templates of its own in `_static`."""
    return {path: Page(path) for path in site.resolve().rglob("*.html") if "_static" not in path.parts}


def broken(site: Path, pages: dict[Path, Page]) -> Iterator[str]:
    """Find the links of all pages that lead nowhere."""
    for path, page in pages.items():
        for link in [*page.links, *page.loaded]:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            found = target.exists() and site.resolve() in target.parents
            if found and parts.fragment and target in pages:
                found = unquote(parts.fragment) in pages[target].places
            if not found:
                yield f"{path.name}: {link}"


def test_links_resolve(site: Path, pages: dict[Path, Page]) -> None:
    assert len(pages) > 40
    assert list(broken(site, pages)) == []


def test_pages_load_nothing_from_the_network(site: Path, pages: dict[Path, Page]) -> None:
    assert [url for page in pages.values() for url in page.loaded if urlsplit(url).netloc] == []
    styles = [
        path for path in site.rglob("*.css") if re.search(r"(@import|url\()\s*[\"']?(https?:)?//", path.read_text())
    ]
    assert styles == []


def test_every_page_is_in_the_navigation(site: Path, pages: dict[Path, Page]) -> None:
    # Sphinx warns about a page in no toctree, and so fails; but a page may say :orphan:.
    sources = [path.relative_to(DOCS) for path in DOCS.rglob("*.md") if not {*MADE} & {*path.parts}]
    missing = [path for path in sources if not (site / path).with_suffix(".html").exists()]
    assert missing == []
    assert [path for path in sources if "orphan" in (DOCS / path).read_text().partition("#")[0]] == []
    reached: set[Path] = set()
    todo = [site.resolve() / "index.html"]
    while todo:
        path = todo.pop()
        if path in reached:
            continue
        reached.add(path)
        found = [(path.parent / unquote(urlsplit(link).path)).resolve() for link in pages[path].links if link]
        todo += [target for target in found if target.suffix == ".html" and target in pages]
    assert {path.name for path in pages if path not in reached} == {"search.html"}  # the search field leads there


def test_all_public_names_are_documented(site: Path) -> None:
    import ganaug

    documented = {path.stem.removeprefix("ganaug.") for path in (site / "api" / "generated").glob("*.html")}
    assert set(ganaug.__all__) - {"__version__"} <= documented


def test_every_example_has_a_page(site: Path) -> None:
    for path in (ROOT / "examples").glob("*.py"):
        assert (site / "gallery" / f"{path.stem}.html").exists(), path.name
