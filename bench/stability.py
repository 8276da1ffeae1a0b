"""Bootstrap PCA against a loop of scikit-learn, and the whole of stage `stability` on a large study."""

import resource
import subprocess
import sys
import time
from statistics import median

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits

from stages.analysis.components.alignment import align
from stages.analysis.components.pca import decompose
from stages.analysis.components.spectra import spectra
from stages.analysis.uncertainty.resampling import Data, model_weights
from stages.analysis.uncertainty.tables import Study, resample
from tests.repository import ROOT

RUNS = 5
DRAWS = 10_000
LOOPED = 500
K = 4
LARGE = (1_000, 60, 1_000)
"""Models, benchmarks, draws."""


def bootstrap(X: np.ndarray, rng: np.random.Generator) -> float:
    """Return the seconds of all samples: correlation matrices, components, alignment to the full solution."""
    reference = decompose(pd.DataFrame(X), K, {}).loadings.to_numpy()
    start = time.perf_counter()
    with threadpool_limits(limits=1):
        align(reference, spectra(X, model_weights(len(X), DRAWS, rng), 2 * K).vectors)
    return time.perf_counter() - start


def loop(X: np.ndarray, rng: np.random.Generator) -> float:
    """Return the seconds of as many samples one by one, without alignment, measured on `LOOPED` of them."""
    start = time.perf_counter()
    with threadpool_limits(limits=1):
        for _ in range(LOOPED):
            rows = X[rng.integers(0, len(X), len(X))]
            PCA(n_components=K).fit((rows - rows.mean(axis=0)) / rows.std(axis=0))
    return (time.perf_counter() - start) * DRAWS / LOOPED


def large_study() -> None:
    """Resample a planted large study in every way and print seconds and peak memory in GiB."""
    n, p, draws = LARGE
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 6)) @ rng.normal(size=(6, p)) + rng.normal(size=(n, p))
    logs = X[:, :3] + rng.normal(size=(n, 3))
    codes = rng.integers(0, n // 10, n)
    codes = np.unique(codes, return_inverse=True)[1]
    reference = decompose(pd.DataFrame(X), K, {}).loadings.to_numpy()
    data = Data(X, logs, np.full((n, p), 0.1), logs, logs, {})
    names = [f"PC{i + 1}" for i in range(K)]
    study = Study(
        data, codes, reference, list(map(str, range(n))), list(map(str, range(p))), names, ["a", "b", "t"], True
    )
    start = time.perf_counter()
    resample(study, draws, rng)
    seconds = time.perf_counter() - start
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)


def main() -> None:
    """Print the table."""
    X = pd.read_csv(ROOT / "metadata/japanese-2024/scores.csv", index_col="model_id").to_numpy()
    rng = np.random.default_rng(0)
    pairs = [(bootstrap(X, rng), loop(X, rng)) for _ in range(RUNS)]
    ours, theirs = (median(times) for times in zip(*pairs, strict=True))
    code = "from bench.stability import large_study; large_study()"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    seconds, peak = map(float, done.stdout.split())
    n, p, draws = LARGE
    print(f"| what | median of {RUNS}, s | ratio |\n|---|---|---|")
    print(
        f"| {DRAWS:,} bootstrap PCAs, 35 x 19, aligned | {ours:.2f} | {theirs / ours:.1f} times as fast as the loop |"
    )
    print(f"| the same as a scikit-learn loop, not aligned | {theirs:.2f} | measured on {LOOPED} draws |")
    print(f"| every resampling of {n:,} x {p}, {draws:,} draws (one run) | {seconds:.1f} | peak {peak:.2f} GiB |")


if __name__ == "__main__":
    main()
