"""Families of models: which models belong together, and samples that leave one out."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]
Codes = NDArray[np.intp]


def family_codes(models: pd.DataFrame) -> Codes:
    """Number the families so that a continual model shares the number of its base.

    Models belong together when their family has the same name, when one is the base of the other, or when both
    name the same base, whether in the table or not; and so on along such links.

    Args:
        models: Indexed by model_id, with columns family and base_model_id (empty where there is none).

    Returns:
        (n_models,) numbers 0, 1, ... in order of first appearance.
    """
    root: dict[str, str] = {}

    def find(name: str) -> str:
        while root.setdefault(name, name) != name:
            root[name] = root[root[name]]
            name = root[name]
        return name

    for model_id, family, base in zip(models.index, models["family"], models["base_model_id"], strict=True):
        links = [f"family {family}"] * bool(family) + [f"model {base}"] * bool(base)
        for link in links:
            root[find(link)] = find(f"model {model_id}")
    roots = [find(f"model {model_id}") for model_id in models.index]
    return np.asarray(pd.factorize(np.array(roots, dtype=object))[0], dtype=np.intp)


def family_names(models: pd.DataFrame, codes: Codes) -> list[str]:
    """Return a name for each number of `family_codes`: the family names that it joins."""
    joined = models["family"].groupby(codes).unique()
    return [" + ".join(names) for names in joined]


def without_each(codes: Codes, start: int = 0, count: int | None = None) -> Array:
    """Return weights 0 and 1 that leave each group out in turn (n_groups, n_models), or those of some groups."""
    groups = np.arange(codes.max() + 1)[start : None if count is None else start + count]
    weights: Array = (codes[None, :] != groups[:, None]).astype(float)
    return weights
