"""Takes the picture of the report that the README shows: `make pictures`, after `dvc repro`.

The picture carries a digest of what it was taken of, so that a test can say when it is out of date.
"""

import hashlib
import io
import re
import tempfile
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.browser import open_browser, set_width

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs/pictures/report.png"
SOURCE = "source"
"""Key of the digest in the picture."""
WIDTH, HEIGHT = 1280, 960
COLOURS = 128
"""Enough for text and figures; keeps the file below 300 KB."""
HASH = re.compile(r"\b[0-9a-f]{8,64}\b")


def digest(reports: Path) -> str:
    """Return a digest of the report's page and figures, whatever the hashes on the page.

    The name of a state changes with every line of code, what the picture shows does not.

    Args:
        reports: Folder with index.html and figures.
    """
    page = HASH.sub("", (reports / "index.html").read_text(encoding="utf-8"))
    found = hashlib.sha256(page.encode())
    for path in sorted((reports / "figures").rglob("*.*")):
        found.update(path.read_bytes())
    return found.hexdigest()[:16]


def recorded(picture: Path = PICTURE) -> str:
    """Return the digest that a picture carries, nothing where it has none."""
    with Image.open(picture) as image:
        return str(image.info.get(SOURCE, ""))


def take(reports: Path, picture: Path = PICTURE) -> None:
    """Take the picture."""
    with tempfile.TemporaryDirectory() as profile, open_browser(Path(profile)) as browser:
        set_width(browser, WIDTH, HEIGHT)
        browser.get((reports / "index.html").resolve().as_uri())
        shot = browser.get_screenshot_as_png()
    notes = PngInfo()
    notes.add_text(SOURCE, digest(reports))
    with Image.open(io.BytesIO(shot)) as image:
        image.convert("RGB").quantize(COLOURS).save(picture, optimize=True, pnginfo=notes)


if __name__ == "__main__":
    take(ROOT / "reports")
