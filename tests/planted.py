"""A study whose answer is known: scores made from planted components, components made from planted budgets."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

LANGUAGES = {"de": "German", "fr": "French"}


@dataclass(frozen=True)
class Plan:
    """What a planted study was made from.

    Attributes:
        loadings: (n_benchmarks, 2), orthonormal: a general axis and a French one.
        slopes: Change of each component per factor of ten in its language's budget.
        rho: Correlation of each component with its language's log10 budget.
    """

    loadings: np.ndarray
    slopes: tuple[float, float]
    rho: tuple[float, float]


def orthonormal(n_benchmarks: int) -> np.ndarray:
    general = np.ones(n_benchmarks)
    french = np.where(np.arange(n_benchmarks) % 2 == 0, 1.0, -1.0)
    french -= french.mean()
    return np.column_stack([general / np.linalg.norm(general), french / np.linalg.norm(french)])


def write_study(
    folder: Path,
    n_models: int = 24,
    n_benchmarks: int = 6,
    seed: int = 0,
    *,
    known_budgets: bool = True,
    noise: float = 1e-3,
    missing: float = 0.0,
    languages: Mapping[str, str] = LANGUAGES,
    families: int = 4,
) -> Plan:
    """Write a study with max_score 100, one benchmark with negative scores, no claims.

    The axes are uncorrelated and their variances differ, so PCA must find the planted loadings: each benchmark is
    standardised, and the planted columns have equal variance by construction. noise is its standard deviation beside
    that of the components, 2 and 1; missing the share of cells that are blank. The components follow the budgets of
    the first two languages; those of further ones, and a second component without a language, follow nothing.
    """
    rng = np.random.default_rng(seed)
    U = orthonormal(n_benchmarks)
    logs = rng.normal(size=(n_models, 2))
    logs -= logs.mean(axis=0)
    left, _, right_t = np.linalg.svd(logs, full_matrices=False)
    logs = left @ right_t * np.sqrt(n_models)
    spread = np.array([2.0, 1.0])
    Z = logs * spread @ U.T
    scores = 50 + 8 * (Z + rng.normal(scale=noise, size=Z.shape))
    scores[:, -1] -= 50
    names = [f"org/model-{i:02d}" for i in range(n_models)]
    benchmarks = [f"task_{j}" for j in range(n_benchmarks)]
    folder.mkdir(parents=True)
    further = np.random.default_rng((seed, 1)).normal(size=(n_models, len(languages)))
    tokens = 10 ** (1.5 + 0.4 * np.hstack([logs, further])[:, : len(languages)])
    codes = list(languages)
    models = pd.DataFrame(
        {
            "model_id": names,
            "name": [f"Model {i:02d}" for i in range(n_models)],
            "active_params_b": 1.0,
            "construction": "scratch",
            "base_model_id": "",
            "corpus": "",
            "tokens_total_b": tokens.sum(axis=1) if known_budgets else np.nan,
            **{f"tokens_{code}_b": tokens[:, i] if known_budgets else np.nan for i, code in enumerate(codes)},
            "group": np.where(np.arange(n_models) % 2 == 0, "even", "odd"),
            "family": [f"family-{i % families}" for i in range(n_models)],
            "reference": "",
        }
    )
    facts = pd.DataFrame(
        {
            "benchmark": benchmarks,
            "label": [b.upper() for b in benchmarks],
            "language": [codes[(j + 1) % len(codes)] for j in range(n_benchmarks)],
            "ability": "planted",
            "counterpart": "",
            "metric": "accuracy",
            "max_score": 100,
            "min_score": [0] * (n_benchmarks - 1) + [-100],
            "chance": 0,
            "n_items": 1000,
            "n_shots": 0,
            "answer": "generation",
            "reference": "",
        }
    )
    scores = np.where(rng.random(scores.shape) < missing, np.nan, scores)
    models.to_csv(folder / "models.csv", index=False)
    facts.to_csv(folder / "benchmarks.csv", index=False)
    pd.DataFrame(scores, names, benchmarks).rename_axis("model_id").reset_index().to_csv(
        folder / "scores.csv", index=False
    )
    info = {
        "title": "Planted",
        "citation": "Made for a test",
        "licence": "none",
        "languages": dict(languages),
        "groups": {"even": "Even", "odd": "Odd"},
        "anchors": {"PC2": "task_0"},
    }
    (folder / "study.yaml").write_text(yaml.safe_dump(info), encoding="utf-8")
    rhos = tuple(float(np.corrcoef(logs[:, a], logs[:, a])[0, 1]) for a in range(2))
    return Plan(U, (2.0 / 0.4, 1.0 / 0.4), rhos)
