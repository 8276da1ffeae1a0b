"""Published numbers against ours.

A claim_id names a number of the analysis:

    models.n, models.<value>.n, benchmarks.n       counts
    corr.pearson.<benchmark>.<benchmark>           correlation (or corr.spearman)
    std.<benchmark>, se.<benchmark>                spread over models (ddof 1); standard error of a score of 0.5
    pca.<subset>.evr.pc<k>, pca.<subset>.evr.top<k>
    pca.<subset>.loading.pc<k>.<benchmark>         sign free
    fa.<subset>.loading.factor<k>.<benchmark>      sign free
    fa.<subset>.contribution.factor<k>
    scaling.<subset>.<component>.<language>.rho    or .n, .slope
    range.<benchmark>.<component>                  score of the model with the highest component minus the lowest
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from stages.analysis.scores.cells import take_subset
from stages.analysis.scores.results import Results
from stages.contracts.errors import raise_all
from stages.contracts.rows import is_missing, rows_of
from stages.contracts.study.tables import ClaimRow

REPRODUCED = "reproduced"
NOT_REPRODUCED = "not reproduced"
ELSEWHERE = "not in this subset"
ROUNDING = 1e-9
"""Slack for decimal fractions that binary numbers cannot hold."""


class Compared(NamedTuple):
    """A published number beside ours, one row of the table of claims.

    Attributes:
        claim_id: What it is a number of.
        location: Where it was published.
        quantity: In words.
        published: Its value there.
        reproduced: Its value here, NaN where there is none.
        difference: reproduced - published.
        status: One of `REPRODUCED`, `NOT_REPRODUCED`, `ELSEWHERE`.
        note: Why there is none, or the study's note.
    """

    claim_id: str
    location: str
    quantity: str
    published: float
    reproduced: float
    difference: float
    status: str
    note: str


COLUMNS = list(Compared._fields)


class NotComputedError(Exception):
    """The claim is well formed, but this state has no such number; the message says why."""


def compare(claims: pd.DataFrame, results: Results, factor: float = 1.0, where: str = "claims.csv") -> pd.DataFrame:
    """Reproduce every claim about the analysed subset.

    Args:
        claims: claims.csv.
        results: Results of one subset.
        factor: Multiple of each claim's tolerance within which it counts as reproduced.
        where: Path to show in messages.

    Returns:
        One row per claim, with `COLUMNS`; reproduced and difference are NaN for claims about other subsets.

    Raises:
        InputError: A claim_id names nothing that the analysis computes; all such claims are named.
    """
    values: dict[str, float] = {}
    notes: dict[str, str] = {}
    problems: list[str] = []
    for claim in rows_of(claims[claims["subset"] == results.subset], ClaimRow):
        try:
            values[claim.claim_id] = reproduce(claim.claim_id, results)
        except NotComputedError as error:
            notes[claim.claim_id] = str(error)
        except LookupError as error:
            problems.append(f"{where}: {claim.claim_id}: {error.args[0]}")
    raise_all(problems)
    values = align_signs(values, claims)
    rows = []
    for claim in rows_of(claims, ClaimRow):
        value = values.get(claim.claim_id, np.nan)
        difference = value - claim.published
        if claim.subset != results.subset:
            status = ELSEWHERE
        else:
            close = abs(difference) <= factor * claim.tolerance + ROUNDING
            status = REPRODUCED if close else NOT_REPRODUCED
        note = notes.get(claim.claim_id, claim.note)
        told = (claim.claim_id, claim.location, claim.quantity, claim.published)
        rows.append(Compared(*told, value, difference, status, note))
    return pd.DataFrame(rows, columns=COLUMNS)


def counts(table: pd.DataFrame) -> dict[str, int]:
    """Count the claims by status, for compare.json."""
    status = table["status"]
    return {
        "reproduced": int((status == REPRODUCED).sum()),
        "not_reproduced": int((status == NOT_REPRODUCED).sum()),
        "not_in_subset": int((status == ELSEWHERE).sum()),
    }


def claimed_laws(claim_ids: Sequence[str]) -> list[tuple[str, str]]:
    """Return response and budget, `("PC1", "en")`, of the laws that claims are about, whatever the subset."""
    parts = [claim_id.split(".") for claim_id in claim_ids]
    return [(_response(rest[1]), rest[2]) for kind, *rest in parts if kind == "scaling" and len(rest) == 4]


def _response(axis: str) -> str:
    return axis.upper() if axis.startswith("pc") else axis.capitalize()


def reproduce(claim_id: str, results: Results) -> float:
    """Return our value of a claim, in the unit of the paper (percent for shares of variance).

    Raises:
        LookupError: The claim_id names nothing that the analysis computes.
        NotComputedError: The number could not be computed in this state.
    """
    kind, *rest = claim_id.split(".")
    rule = RULES.get(kind)
    if rule is None:
        raise LookupError(f"unknown kind of claim {kind!r}; known: {', '.join(RULES)}")
    try:
        return float(rule(results, rest))
    except (KeyError, ValueError, IndexError):
        raise LookupError(f"names nothing of this analysis; the form is one of {', '.join(FORMS[kind])}") from None


def align_signs(values: Mapping[str, float], claims: pd.DataFrame) -> dict[str, float]:
    """Flip our loadings of an axis when that brings them nearer to the published ones: signs are conventions.

    Args:
        values: Our values by claim_id.
        claims: claims.csv.
    """
    published = claims.set_index("claim_id")["published"]
    axes: dict[str, list[str]] = {}
    for claim_id in values:
        parts = claim_id.split(".")
        if len(parts) == 5 and parts[2] == "loading":
            axes.setdefault(".".join(parts[:4]), []).append(claim_id)
    result = dict(values)
    for members in axes.values():
        if sum(values[name] * published[name] for name in members) < 0:
            result.update({name: -values[name] for name in members})
    return result


def _models(results: Results, rest: list[str]) -> float:
    *values, _ = rest
    return len(take_subset(results.models, *values)) if values else len(results.X)


def _correlation(results: Results, rest: list[str]) -> float:
    method, first, second = rest
    value = float({"pearson": results.pearson, "spearman": results.spearman}[method][second][first])
    if np.isnan(value):
        raise NotComputedError(f"too few models have both {first} and {second}")
    return value


def _pca(results: Results, rest: list[str]) -> float:
    _, quantity, axis, *benchmark = rest
    ratio = results.explained_variance_ratio
    if quantity == "evr" and axis.startswith("top"):
        top = int(axis.removeprefix("top"))
        _require_component(results, f"PC{top}")
        return 100 * float(ratio.iloc[:top].sum())
    name = axis.upper()
    _require_component(results, name)
    if quantity == "evr":
        return 100 * float(ratio[name])
    return float(results.loadings[name][benchmark[0]])


def _require_component(results: Results, name: str) -> None:
    there = len(results.explained_variance_ratio)
    if name.removeprefix("PC").isdigit() and int(name.removeprefix("PC")) > there:
        raise NotComputedError(f"this state has {there} component{'s' * (there != 1)}")


def _factor(results: Results, rest: list[str]) -> float:
    _, quantity, axis, *benchmark = rest
    name = axis.capitalize()
    if name not in results.factor_loadings.columns:
        raise NotComputedError(
            _why(results, "factor") or f"this state shows {results.factor_loadings.shape[1]} factors"
        )
    if quantity == "contribution":
        return 100 * float(results.factor_summary["share"][name])
    return float(results.factor_loadings[name][benchmark[0]])


def _scaling(results: Results, rest: list[str]) -> float:
    _, axis, language, quantity = rest
    response = _response(axis)
    if language != "total" and language not in results.info.languages:
        raise KeyError(language)
    laws = results.laws[(results.laws["response"] == response) & (results.laws["language"] == language)]
    if laws.empty:
        raise NotComputedError(_why(results, language) or f"no law of {response} and the {language} budget here")
    return float(laws.iloc[0][quantity])


def _stderr(results: Results, rest: list[str]) -> float:
    n_items = results.benchmarks["n_items"][rest[0]]
    if is_missing(n_items):
        raise NotComputedError(f"benchmarks.csv has no n_items of {rest[0]}")
    return math.sqrt(0.25 / n_items)


def _range(results: Results, rest: list[str]) -> float:
    benchmark, axis = rest
    _require_component(results, axis.upper())
    order, scores = results.pc_scores[axis.upper()], results.X[benchmark]
    return float(scores[str(order.idxmax())] - scores[str(order.idxmin())])


def _why(results: Results, word: str) -> str:
    return next((line for line in results.skipped if word in line), "")


RULES: Mapping[str, Callable[[Results, list[str]], float]] = {
    "models": _models,
    "benchmarks": lambda results, rest: results.X.shape[1],
    "corr": _correlation,
    "std": lambda results, rest: float(results.precision["std"][rest[0]]),
    "se": _stderr,
    "pca": _pca,
    "fa": _factor,
    "scaling": _scaling,
    "range": _range,
}
FORMS: Mapping[str, tuple[str, ...]] = {
    "models": ("models.n", "models.VALUE.n"),
    "benchmarks": ("benchmarks.n",),
    "corr": ("corr.pearson.BENCHMARK.BENCHMARK", "corr.spearman.BENCHMARK.BENCHMARK"),
    "std": ("std.BENCHMARK",),
    "se": ("se.BENCHMARK",),
    "pca": ("pca.SUBSET.evr.pcK", "pca.SUBSET.evr.topK", "pca.SUBSET.loading.pcK.BENCHMARK"),
    "fa": ("fa.SUBSET.loading.factorK.BENCHMARK", "fa.SUBSET.contribution.factorK"),
    "scaling": ("scaling.SUBSET.COMPONENT.LANGUAGE.rho", "... .n", "... .slope"),
    "range": ("range.BENCHMARK.COMPONENT",),
}
