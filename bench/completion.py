"""Hidden scores of a public matrix predicted from the rest: `python -m bench.completion --data FOLDER --out FILE`.

The folder holds matrix.csv (first column the model, one column per benchmark), folds.json (`{"folds": [{"test_cells":
[[row, column], ...]}, ...]}`) and, where there is one, models.csv (model_id and what is known of the models). The
strength of each baseline is chosen among the training cells of the fold, of which a part is hidden again; so are the
errors from which its intervals come.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from stages.analysis.completion.link import fit_link
from stages.analysis.completion.model import fit_completion
from stages.analysis.completion.placing import next_benchmarks, place
from stages.analysis.completion.side import encode_side

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Answer = tuple[Floats, Floats, Floats]
"""Expected scores, lower and upper ends of 90 % intervals, each (n_models, n_benchmarks)."""
Method = Callable[[pd.DataFrame, pd.DataFrame | None], Answer]

LEVEL = 0.9
PERCENT = 100.0
PUBLISHED_PROBES = ("gpqa_diamond", "hle", "codeforces_rating", "mmlu_pro", "arc_agi_1")
"""The five benchmarks of Zeng and Papailiopoulos (arXiv 2606.24020)."""
PROBES = 5
GROUPS = 12
"""Groups in which models are left out for the probes."""
MARGIN = 5.0
"""True difference from which a pair of models has an order, score points (same paper)."""
DAMPINGS = (0.01, 0.1, 1.0, 3.0, 10.0)
NEIGHBOURS = (1, 2, 3, 5, 8, 12)
DISTANT = 3.0
"""Shared benchmarks' worth of weight for the distance of models that share none."""


@dataclass(frozen=True)
class Data:
    """The matrix, its folds as masks of hidden cells, and what is known of the models."""

    X: pd.DataFrame
    folds: list[Bools]
    models: pd.DataFrame | None


def read(folder: Path) -> Data:
    """Read the folder."""
    X = pd.read_csv(folder / "matrix.csv", index_col=0)
    folds = []
    for fold in json.loads((folder / "folds.json").read_text())["folds"]:
        hidden = np.zeros(X.shape, dtype=bool)
        hidden[tuple(np.array(fold["test_cells"]).T)] = True
        folds.append(hidden)
    path = folder / "models.csv"
    if not path.exists():
        return Data(X, folds, None)
    return Data(X, folds, pd.read_csv(path, index_col=0).reindex(X.index).drop(columns="name", errors="ignore"))


def bounds(X: pd.DataFrame) -> tuple[Floats, Floats]:
    """Return bounds of each benchmark: 0 and 100, none where a score is no percentage."""
    percentage = ((X.isna()) | ((X >= 0) & (X <= PERCENT))).all().to_numpy()
    return np.where(percentage, 0.0, np.nan), np.where(percentage, PERCENT, np.nan)


def ours(X: pd.DataFrame, models: pd.DataFrame | None) -> Answer:
    """Return what the product's model says."""
    side = None if models is None else encode_side(models)
    found = fit_completion(X, *bounds(X), side=side, level=LEVEL)
    return found.mean.to_numpy(), found.lower.to_numpy(), found.upper.to_numpy()


def average(z: Floats, _strength: float) -> Floats:
    """Predict the mean of the benchmark."""
    return np.zeros(z.shape)


def additive(z: Floats, damping: float) -> Floats:
    """Predict the sum of a model's and a benchmark's effect, each damped."""
    there = np.isfinite(z)
    model, benchmark = np.zeros((len(z), 1)), np.zeros(z.shape[1])
    for _ in range(100):
        left = np.where(there, z - benchmark, 0.0)
        model = (left.sum(axis=1) / (there.sum(axis=1) + damping))[:, None]
        benchmark = np.where(there, z - model, 0.0).sum(axis=0) / (there.sum(axis=0) + damping)
    return model + benchmark


def nearest(z: Floats, count: float) -> Floats:
    """Predict the mean of the nearest models that have the benchmark; its mean where there is none."""
    there = np.isfinite(z)
    filled = np.where(there, z, 0.0)
    both = there[:, None, :] & there[None, :, :]
    apart = np.where(both, np.abs(filled[:, None, :] - filled[None, :, :]), 0.0).sum(axis=2)
    distance = (apart + DISTANT) / (both.sum(axis=2) + DISTANT)
    np.fill_diagonal(distance, np.inf)
    order = np.argsort(distance, axis=1, kind="stable")
    near = there[order] & (order != np.arange(len(z))[:, None])[:, :, None]
    near &= np.cumsum(near, axis=1) <= count
    mean: Floats = (near * filled[order]).sum(axis=1) / np.maximum(near.sum(axis=1), 1)
    return mean


def baseline(predict: Callable[[Floats, float], Floats], strengths: Sequence[float], *, linked: bool) -> Method:
    """Return a baseline with its strength and its intervals from a part of the training cells, hidden again.

    Args:
        predict: Standardised scores (n_models, n_benchmarks) with gaps, and a strength, to predictions of all.
        strengths: To choose from.
        linked: Whether percentages go through the logit.
    """

    def method(X: pd.DataFrame, _models: pd.DataFrame | None) -> Answer:
        scores = X.to_numpy(dtype=float)
        edges = bounds(X) if linked else (np.full(X.shape[1], np.nan),) * 2
        hidden = np.random.default_rng(0).random(X.shape) < 0.25
        hidden &= np.isfinite(np.where(hidden, np.nan, scores)).sum(axis=0) >= 2
        hidden &= np.isfinite(scores)
        inner = fit_link(np.where(hidden, np.nan, scores), *edges)
        misses = []
        for strength in strengths:
            guess = predict(inner.forward(np.where(hidden, np.nan, scores)), strength)
            error = np.abs(inner.inverse(guess) - scores)[hidden]
            misses.append((float(np.median(error)), strength, np.abs(guess - inner.forward(scores))[hidden]))
        _, best, off = min(misses, key=lambda miss: miss[0])
        link, half = fit_link(scores, *edges), np.quantile(off, LEVEL)
        z = predict(link.forward(scores), best)
        return link.inverse(z), link.inverse(z - half), link.inverse(z + half)

    return method


METHODS: dict[str, Method] = {
    "ours": ours,
    "benchmark mean": baseline(average, (0.0,), linked=False),
    "additive (logit)": baseline(additive, DAMPINGS, linked=True),
    "nearest model": baseline(nearest, NEIGHBOURS, linked=True),
}


def measure(data: Data, method: Method) -> tuple[dict[str, float], float]:
    """Return the method's metrics, each the median over folds (seconds: the mean), and its share of ordered pairs."""
    rows, right = [], []
    truth = data.X.to_numpy(dtype=float)
    for hidden in data.folds:
        start = time.perf_counter()
        mean, low, high = method(data.X.mask(hidden), data.models)
        seconds = time.perf_counter() - start
        inside = (truth >= low) & (truth <= high)
        error = np.abs(mean - truth)
        rows.append([np.median(error[hidden]), inside[hidden].mean(), np.median((high - low)[hidden]), seconds])
        right.append(ordered(truth, mean, hidden))
    table = np.array(rows)
    values = [*np.median(table[:, :3], axis=0), table[:, 3].mean()]
    names = ("median_absolute_error", "coverage_90", "width_90", "seconds_per_fold")
    pairs = np.sum(right, axis=0)
    counted = pairs[1] > 0
    return dict(zip(names, map(float, values), strict=True)), float(np.median(pairs[0, counted] / pairs[1, counted]))


def ordered(truth: Floats, mean: Floats, hidden: Bools) -> Floats:
    """Return how many pairs of models each benchmark has whose order is predicted right, and how many in all.

    Pairs of which at least one score is hidden and whose true scores differ by `MARGIN`; the other score may be seen.
    """
    counts = np.zeros((2, truth.shape[1]))
    completed = np.where(hidden, mean, truth)
    for j in range(truth.shape[1]):
        there = np.isfinite(truth[:, j])
        gap = truth[there, None, j] - truth[None, there, j]
        asked = (gap >= MARGIN) & (hidden[there, None, j] | hidden[None, there, j])
        said = completed[there, None, j] > completed[None, there, j]
        counts[:, j] = (asked & said).sum(), asked.sum()
    return counts


def probes(data: Data) -> dict[str, tuple[float, float]]:
    """Return how well five benchmarks of a model predict its others: median error, and with the five as error 0.

    Models are left out in groups, then placed from the five: those that the paper names, and those that
    `next_benchmarks` chooses among the benchmarks that the model has scores on, without seeing them.
    """
    groups = np.random.default_rng(0).permutation(len(data.X)) % GROUPS
    errors: dict[str, list[float]] = {"published five": [], "five chosen for each model": []}
    given = dict.fromkeys(errors, 0)
    for group in range(GROUPS):
        known = data.X[groups != group]
        models = data.models
        side = None if models is None else encode_side(models, like=models[groups != group])
        fitted = fit_completion(known, *bounds(data.X), side=None if side is None else side[groups != group])
        for i in np.flatnonzero(groups == group):
            row, own = data.X.iloc[i], None if side is None else side.iloc[[i]]
            have = [str(name) for name in row.index[row.notna()]]
            chosen = next_benchmarks(fitted, row * np.nan, PROBES, candidates=have, side=own).index
            for name, five in zip(errors, (PUBLISHED_PROBES, chosen), strict=True):
                seen = row.where(row.index.isin(five))
                rest = row.notna() & seen.isna()
                guess = place(fitted, seen.to_frame().T, own).mean.iloc[0] if seen.notna().any() else known.median()
                errors[name] += (guess - row).abs()[rest].tolist()
                given[name] += int(seen.notna().sum())
    return {
        name: (float(np.median(found)), float(np.median(found + [0.0] * given[name])))
        for name, found in errors.items()
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table, write the metrics."""
    parser = argparse.ArgumentParser(prog="python -m bench.completion", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with matrix.csv and folds.json")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    options = parser.parse_args(arguments)
    data = read(options.data)
    results = {}
    print("| method | median absolute error | coverage of 90 % | median width | seconds a fold | pairs ranked right |")
    print("|---|---|---|---|---|---|")
    with threadpool_limits(limits=1):
        for name, method in METHODS.items():
            results[name], right = measure(data, method)
            cells = " | ".join(f"{value:.3f}" for value in results[name].values())
            print(f"| {name} | {cells} | {right:.3f} |", flush=True)
        options.out.write_text(json.dumps(results, indent=2) + "\n")
        print("\n| five benchmarks predict the rest (ours) | median absolute error | the five counted as error 0 |")
        print("|---|---|---|")
        for name, (rest, everything) in probes(data).items():
            print(f"| {name} | {rest:.3f} | {everything:.3f} |")


if __name__ == "__main__":
    main()
