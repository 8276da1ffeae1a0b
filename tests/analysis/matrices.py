"""Score matrices for tests."""

import numpy as np
import pandas as pd
from hypothesis import strategies as st


def planted(n_models: int, n_benchmarks: int, seed: int, k: int = 3, noise: float = 0.3) -> pd.DataFrame:
    """Scores in [0, 1] from k factors of falling strength, plus noise."""
    rng = np.random.default_rng(seed)
    strength = np.linspace(2, 1, k)
    factors = rng.normal(size=(n_models, k)) * strength
    values = factors @ rng.normal(size=(k, n_benchmarks)) + rng.normal(scale=noise, size=(n_models, n_benchmarks))
    low, high = values.min(axis=0), values.max(axis=0)
    scores = 0.1 + 0.8 * (values - low) / (high - low)
    return pd.DataFrame(scores, [f"model-{i}" for i in range(n_models)], [f"task_{j}" for j in range(n_benchmarks)])


shapes = st.tuples(st.integers(6, 25), st.integers(3, 8), st.integers(0, 10_000))
