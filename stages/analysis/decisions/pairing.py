"""Two models on the same items of a benchmark: how far they are apart, and whether the items can say which is better.

Values x and y in [0, 1] of n items that both models answered give differences d_i = x_i - y_i. Pairing takes out what
makes items hard for both: Var(d) = Var(x) + Var(y) - 2 Cov(x, y) (Miller 2024, "Adding Error Bars to Evals",
arXiv:2411.00640).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

Array = NDArray[np.float64]
Verdict = Literal["better", "worse", "cannot be told"]

EXACT_BELOW = 25
"""Items that turned below which McNemar's test is exact: the chi-squared approximation asks for about as many."""
DRAWS = 10_000
"""Samples of items of the paired bootstrap."""
AT_ONCE = 2_000_000
"""Items drawn at a time: a bound on memory."""
POWER = 0.8
"""Chance with which the smallest detectable difference is detected."""
KEYS = ("item_hash", "prompt_hash")
"""What items are matched by: the one that joins more, the first where both join as many."""


@dataclass(frozen=True)
class Paired:
    """One model against another on the items of a benchmark that both answered.

    Attributes:
        n: Items that both answered.
        first: Mean value of the first model, 0 to 1.
        second: Mean value of the second model, 0 to 1.
        difference: first - second.
        stderr: Paired standard error of the difference; NaN for fewer than two items.
        better: Items on which the first model has the higher value.
        worse: Items on which the second has.
        test: Name of the test.
        p_value: P-value of no difference, two-sided.
        detectable: Smallest difference that as many such items detect; NaN where no item turned.
    """

    n: int
    first: float
    second: float
    difference: float
    stderr: float
    better: int
    worse: int
    test: str
    p_value: float
    detectable: float


def match(first: pd.DataFrame, second: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Join the items that two models share.

    Two rows are one item when their hashes agree; of rows of one table with one hash, the first meets the first.

    Args:
        first: item, value, and hashes named in `KEYS`, "" where there is none.
        second: The same of the other model.

    Returns:
        item, first, second, sorted by hash so that no order of the tables matters; and the hash that joined them, ""
        where no item is shared.
    """
    joined = {key: _joined(first, second, key) for key in KEYS}
    best = max(KEYS, key=lambda key: len(joined[key]))
    return joined[best], best if len(joined[best]) else ""


def _joined(first: pd.DataFrame, second: pd.DataFrame, key: str) -> pd.DataFrame:
    """Return the items that two models share by one hash."""
    x, y = (_numbered(table, key) for table in (first, second))
    both = x.merge(y[[key, "nth", "value"]], on=[key, "nth"], suffixes=("", "_second"))
    both = both.sort_values([key, "nth"], ignore_index=True)
    return both.rename(columns={"value": "first", "value_second": "second"})[["item", "first", "second"]]


def _numbered(table: pd.DataFrame, key: str) -> pd.DataFrame:
    """Return the rows that have a hash and a value, with how many rows before have the same hash."""
    known = table[(table[key] != "") & table["value"].notna()]
    return known.assign(nth=known.groupby(key).cumcount())


def compare(pairs: pd.DataFrame, level: float, seed: int) -> Paired:
    """Compare two models on the items that both answered.

    Right and wrong are compared by McNemar's test, all other values by a paired bootstrap over items. The models
    swapped, the difference changes its sign and nothing else does.

    Args:
        pairs: From `match`, at least one row.
        level: Confidence level, such as 0.95: that of a single comparison, for the detectable difference.
        seed: Seed of the bootstrap.
    """
    x, y = (pairs[name].to_numpy(dtype=float) for name in ("first", "second"))
    d = x - y
    better, worse = int((d > 0).sum()), int((d < 0).sum())
    if np.isin([x, y], (0.0, 1.0)).all():
        test = "McNemar, exact" if better + worse < EXACT_BELOW else "McNemar"
        p_value = mcnemar(better, worse)
    else:
        test, p_value = "paired bootstrap", bootstrap_p_value(d, seed)
    error = paired_stderr(d)
    return Paired(
        n=len(d),
        first=float(x.mean()),
        second=float(y.mean()),
        difference=float(d.mean()),
        stderr=error,
        better=better,
        worse=worse,
        test=test,
        p_value=p_value,
        detectable=detectable(error, level) if better + worse else np.nan,
    )


def paired_stderr(d: Array) -> float:
    """Return sd(d) / √n with ddof 1, the standard error of the mean difference (Miller 2024).

    Args:
        d: Differences (n,).

    Returns:
        NaN for fewer than two items.
    """
    return float(d.std(ddof=1) / np.sqrt(len(d))) if len(d) > 1 else np.nan


def mcnemar(better: int, worse: int) -> float:
    """Return the two-sided p-value of McNemar's test (McNemar 1947, Psychometrika 12, 153-157).

    Only items that turned distinguish the models; were the models equal, each would turn either way with chance 1/2.
    For fewer than `EXACT_BELOW` of them p = min(1, 2 P(B ≤ min(b, c))) with B ~ Binomial(b + c, 1/2), else
    χ² = (|b - c| - 1)² / (b + c) on one degree of freedom, with the continuity correction of Edwards (1948,
    Psychometrika 13, 185-187).

    Args:
        better: Items b that only the first model has right.
        worse: Items c that only the second has right.
    """
    turned = better + worse
    if turned < EXACT_BELOW:
        return min(1.0, 2 * float(special.bdtr(min(better, worse), turned, 0.5)))
    corrected = max(abs(better - worse) - 1, 0)
    return float(special.chdtrc(1, corrected**2 / turned))


def bootstrap_p_value(d: Array, seed: int) -> float:
    """Return the two-sided p-value of no mean difference, from a bootstrap over items.

    p = (1 + #{|D* - D| ≥ |D|}) / (R + 1) over R samples of n items with replacement: the spread of D* about D stands
    for that of D about nothing (Davison and Hinkley 1997, "Bootstrap Methods and their Application", section 4.4;
    Koehn 2004 for scores of translations).

    Args:
        d: Differences (n,), in an order that does not depend on how they were read.
        seed: Seed of the samples.
    """
    rng, n = np.random.default_rng(seed), len(d)
    observed, further, left = d.mean(), 0, DRAWS
    while left:
        rows = min(left, max(1, AT_ONCE // n))
        means = d[rng.integers(n, size=(rows, n))].mean(axis=1)
        # a mean that is the same but for rounding is as far
        further += int((np.abs(means - observed) >= abs(observed) - 1e-12).sum())
        left -= rows
    return (1 + further) / (DRAWS + 1)


def detectable(stderr: float, level: float) -> float:
    """Return the smallest difference found with chance `POWER` at a level: (z_{(1 + level) / 2} + z_power) stderr.

    Bloom (1995, Evaluation Review 19, 547-556); for evaluations Miller (2024).
    """
    return float((special.ndtri((1 + level) / 2) + special.ndtri(POWER)) * stderr)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number, in the order given (Holm 1979, Scand. J. Statistics 6, 65-70).

    The k-th smallest of m is multiplied by m - k + 1, and is at least the one before: the chance of one false verdict
    or more among all m stays below the level.
    """
    order = np.argsort(p_values, kind="stable")
    adjusted = np.empty(len(order))
    adjusted[order] = np.minimum(np.maximum.accumulate(np.asarray(p_values)[order] * np.arange(len(order), 0, -1)), 1)
    return [float(p) for p in adjusted]


def verdict(difference: float, p_value: float, level: float, *, falls: bool = False) -> Verdict:
    """Return what can be said of the first model against the second at a confidence level.

    Args:
        difference: first - second.
        p_value: P-value of no difference.
        level: Confidence level.
        falls: Whether a lower value is better.
    """
    if difference == 0 or not 1 - p_value > level:
        return "cannot be told"
    return "better" if (difference > 0) != falls else "worse"


def turned(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the items with two values, the largest differences first: item, first, second."""
    size = (pairs["first"] - pairs["second"]).abs()
    order = pairs.assign(size=size)[size > 0].sort_values(["size", "item"], ascending=[False, True], ignore_index=True)
    return order[["item", "first", "second"]]
