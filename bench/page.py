"""The report page of the shipped study: its size, its height, and when a headless Chromium first paints it."""

import tempfile
from pathlib import Path
from statistics import median

from tests.browser import open_browser, set_width
from tests.repository import ROOT

LOADS = 5
PAINT = "return performance.getEntriesByName('first-contentful-paint')[0].startTime"
HEIGHT = "return document.documentElement.scrollHeight"
ELEMENTS = "return document.querySelectorAll('*').length"


def main() -> None:
    """Open the page several times and print a Markdown table."""
    path = ROOT / "reports/index.html"
    if not path.is_file():
        raise SystemExit(f"{path.relative_to(ROOT)} is missing: run `dvc repro` first")
    with tempfile.TemporaryDirectory() as profile, open_browser(Path(profile)) as browser:
        set_width(browser, 1280)
        paints = []
        for _ in range(LOADS):
            browser.get("about:blank")
            browser.get(path.as_uri())
            paints.append(float(browser.execute_script(PAINT)))
        height, elements = browser.execute_script(HEIGHT), browser.execute_script(ELEMENTS)
        set_width(browser, 400)
        narrow = browser.execute_script(HEIGHT)
    print("| page | |\n|---|---:|")
    print(f"| size | {path.stat().st_size / 1e6:.2f} MB |")
    print(f"| first paint, median of {LOADS} | {median(paints):.0f} ms |")
    print(f"| height at 1,280 px, at 400 px | {height:,} px, {narrow:,} px |")
    print(f"| elements | {elements:,} |")
