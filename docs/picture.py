"""Make the README's picture of a report: ``python docs/picture.py report.html docs/report.png``."""

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image

sys.path.insert(0, str(Path(__file__).parent.parent))
from tests.chromium import find, launch

WIDTH, HEIGHT, COLOURS = 1280, 1000, 64


def main(page: Path, picture: Path) -> None:
    """Photograph the top of a page with an installed Chromium, in few colours, which its flat design bears."""
    executable = find()
    if executable is None:
        sys.exit("This needs an installed Chromium.")
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile,
        launch(executable, Path(profile)) as browser,
    ):
        browser.open(page.resolve(), width=WIDTH)
        image = Image.open(io.BytesIO(browser.picture())).convert("RGB")
    image.crop((0, 0, image.width, HEIGHT)).quantize(COLOURS, dither=Image.Dither.NONE).save(picture, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
