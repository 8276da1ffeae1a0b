"""A newcomer's first hour, step by step: clone, report, a comparison, a study of one's own, one number.

Everything is installed anew; packages come from the registry, or from the cache of uv where one is filled.
"""

import subprocess
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from selenium.webdriver.common.by import By

from bench.pipeline import seconds
from tests.browser import open_browser
from tests.documents.pages import parts
from tests.pipeline.test_mlflow_ui import compare_both, open_runs, user_interface, wait_for, wait_for_text
from tests.repository import ROOT, Repository

AUTHOR = "-c user.name=Newcomer -c user.email=newcomer@example.org"


def typed(folder: Path, command: str, *, refused: bool = False) -> None:
    """Run a command in the clone; it must succeed unless the gate has to refuse it."""
    words = command.replace("git commit", f"git {AUTHOR} commit")
    script = f"source .venv/bin/activate && {words}"
    done = subprocess.run(["bash", "-c", script], cwd=folder, check=False, capture_output=True, text=True)
    if (done.returncode != 0) != refused:
        raise SystemExit(f"{command}: exit {done.returncode}\n{done.stdout}{done.stderr}")


def compare(folder: Path) -> None:
    """Start `mlflow ui`, tick the two runs there and read their comparison."""
    profile = folder.parent / "compared"
    with user_interface(Repository(folder)) as address, open_browser(profile, 1600, 2400) as browser:
        open_runs(browser, address, "observatory")
        compare_both(browser)
        wait_for_text(browser, "Comparing 2 Runs", "correlate.pearson.gsm8k.mgsm_ja")


def read(folder: Path) -> None:
    """Open the report."""
    with open_browser(folder.parent / "read") as browser:
        browser.get((folder / "reports/index.html").as_uri())
        wait_for(browser, By.CSS_SELECTOR, "#answer .scatter svg .pt")


def hour(folder: Path) -> Iterator[tuple[str, float]]:
    """Yield each step and its seconds, in the order in which the README and the tutorial name them."""
    clone = folder / "local-llm-observatory"
    yield "git clone", seconds(lambda: subprocess.run(["git", "clone", "-q", ROOT, clone], check=True))
    yield "make repro", seconds(lambda: subprocess.run(["make", "-s", "repro"], cwd=clone, check=True, stdout=2))
    yield "the report opened in a browser", seconds(lambda: read(clone))
    scratch = "dvc exp run -n scratch -S subset=scratch"
    yield scratch, seconds(lambda: typed(clone, scratch))
    yield "mlflow ui, both runs ticked and compared", seconds(lambda: compare(clone))
    typed(clone, "git checkout -q . && dvc checkout -q")
    for written, steps in parts((ROOT / "docs/tutorial.md").read_text(encoding="utf-8")):
        for name, text in written.items():
            (clone / name).write_text(text, encoding="utf-8")
        for step in steps:
            # the page shows how the gate stops DVC
            refused = any(line.startswith("ERROR: ") for line in step.output)
            yield step.command, seconds(partial(typed, clone, step.command, refused=refused))


def main() -> None:
    """Print the table."""
    print("| step | s |\n|---|---:|")
    total = 0.0
    with tempfile.TemporaryDirectory() as name:
        for what, wall in hour(Path(name)):
            print(f"| {what} | {wall:.1f} |", flush=True)
            total += wall
    print(f"| all | {total:.0f} |")


if __name__ == "__main__":
    main()
