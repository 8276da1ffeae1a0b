"""The whole pipeline on studies from 4 x 3 to 4,000 x 60, each once: wall time, peak memory, lines said, page size."""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.planted import LANGUAGES, write_study
from tests.repository import new_repository

STUDIES = (
    (4, 3, 1, 0.0),
    (35, 19, 2, 0.0),
    (400, 40, 2, 0.02),
    (4000, 60, 2, 0.02),
)
"""Models, benchmarks, languages, share of blank cells."""
PER_FAMILY = 10
NOISE = 0.3


def pipeline(n_models: int, n_benchmarks: int, n_languages: int, missing: float) -> None:
    """Run `dvc repro` on a planted study and print seconds, peak memory in GiB, lines said and MB of the page."""
    with tempfile.TemporaryDirectory() as name:
        repository = new_repository(Path(name) / "study")
        languages = dict(list(LANGUAGES.items())[:n_languages])
        families = max(n_models // PER_FAMILY, 1)
        folder = repository.path / "metadata/planted"
        write_study(
            folder, n_models, n_benchmarks, noise=NOISE, missing=missing, languages=languages, families=families
        )
        params = repository.path / "params.yaml"
        text = params.read_text(encoding="utf-8").replace("study: japanese-2024", "study: planted")
        params.write_text(text.replace("missing: refuse", "missing: model"), encoding="utf-8")
        start = time.perf_counter()
        said = repository.dvc("repro")
        seconds = time.perf_counter() - start
        page = (repository.path / "reports/index.html").stat().st_size / 1e6
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    print(seconds, peak, len(said.splitlines()), page)


def main() -> None:
    """Print the table; a process per study, because the peak memory is that of all children so far."""
    print("| study | wall, s | peak memory, GiB | lines | page, MB |\n|---|---:|---:|---:|---:|")
    for study in STUDIES:
        code = f"from bench.scale import pipeline; pipeline{study}"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        seconds, peak, lines, page = map(float, done.stdout.split())
        n_models, n_benchmarks, n_languages, missing = study
        gaps = f", {missing:.0%} missing" if missing else ""
        what = (
            f"{n_models:,} models x {n_benchmarks} benchmarks, {n_languages} language{'s' * (n_languages > 1)}{gaps}"
        )
        print(f"| {what} | {seconds:.0f} | {peak:.2f} | {lines:.0f} | {page:.2f} |", flush=True)


if __name__ == "__main__":
    main()
