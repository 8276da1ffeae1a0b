"""All that stage `stability` says about a study, as tables, and the numbers that stand for them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stages.analysis.components import dimensionality
from stages.analysis.components.alignment import best_pairs
from stages.analysis.components.gaps import Filled, NotImputableError, Ranges, decompose_filled, fill, left_out
from stages.analysis.components.pca import Decomposition
from stages.analysis.scaling.laws import FEWEST, TOTAL, correlate, log_budgets
from stages.analysis.scaling.stand_ins import stand_ins
from stages.analysis.scores.families import family_codes
from stages.analysis.uncertainty import tables as stability
from stages.analysis.uncertainty.bootstrap import language_pairs
from stages.analysis.uncertainty.inference import compare_dependent, fit_robust
from stages.analysis.uncertainty.intervals import Resampling
from stages.analysis.uncertainty.prediction import beside, frame, prediction_table
from stages.analysis.uncertainty.ranks import MOST_LISTED, measures, pairs_table, ranks_table
from stages.analysis.uncertainty.resampling import Data
from stages.analysis.uncertainty.tables import Study
from stages.contracts.missing import POLICIES, Policy
from stages.contracts.params import StabilityParams
from stages.contracts.rows import texts

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Inputs:
    """What the stage reads.

    Attributes:
        X: Score matrix (n_models, n_benchmarks), NaN where a cell is missing.
        stderr: Standard errors of the scores, same shape, NaN where unknown.
        ranges: Smallest and largest possible score of each benchmark.
        suspected: Cells that a waiver calls a failed evaluation, same shape, bool.
        loadings: U of the full solution (n_benchmarks, k).
        factor_loadings: Pattern loadings (n_benchmarks, m); m may be 0.
        models: Models of the matrix, with budgets.
        log_low: Lower ends of log10 ND (n_models, n_budgets), the last the total.
        log_high: Upper ends.
        languages: Language codes.
        anchors: See `pca.orientation`.
        unit_variance: Whether the components are those of standardised benchmarks.
        min_models: Fewest models with a budget for a law.
    """

    X: pd.DataFrame
    stderr: pd.DataFrame
    ranges: Ranges
    suspected: pd.DataFrame
    loadings: pd.DataFrame
    factor_loadings: pd.DataFrame
    models: pd.DataFrame
    log_low: pd.DataFrame
    log_high: pd.DataFrame
    languages: Sequence[str]
    anchors: Mapping[str, str]
    unit_variance: bool
    min_models: int

    @property
    def stand_ins(self) -> pd.DataFrame:
        """What laws rest on besides budgets (n_models, q); q may be 0."""
        return stand_ins(self.models, self.languages)


@dataclass(frozen=True)
class Stability:
    """Results of the stage: tables by name, and one line for each thing that could not be computed."""

    tables: dict[str, pd.DataFrame]
    skipped: list[str]


def build_study(inputs: Inputs, filled: Filled) -> Study:
    """Return the study to resample: missing cells filled, budgets of too few models left out."""
    X = filled.X
    logs = log_budgets(inputs.models, inputs.languages, inputs.min_models)
    known = logs.notna()
    data = Data(
        X=X.to_numpy(dtype=float),
        logs=logs.to_numpy(),
        stderr=inputs.stderr.fillna(0.0).to_numpy(),
        log_low=inputs.log_low.where(known).to_numpy(),
        log_high=inputs.log_high.where(known).to_numpy(),
        fill_roots=dict(filled.roots),
    )
    return Study(
        data=data,
        codes=family_codes(inputs.models),
        reference=inputs.loadings.to_numpy(),
        models=list(X.index),
        benchmarks=list(X.columns),
        components=list(inputs.loadings.columns),
        budgets=[*inputs.languages, TOTAL],
        unit_variance=inputs.unit_variance,
    )


def assess(inputs: Inputs, params: StabilityParams, watched: stability.Watch = iter) -> Stability:
    """Compute everything that stage `stability` writes.

    Args:
        inputs: What the stage reads.
        params: Section `stability`.
        watched: See `tables.resample`.
    """
    rng = np.random.default_rng(params.seed)
    filled = fill(inputs.X, inputs.ranges)
    study = build_study(inputs, filled)
    found, skipped = stability.resample(study, params.draws, rng, watched)
    level = params.level
    # a token count moves laws only
    of_scores = [resampling for resampling in found if resampling.name != "tokens"]
    spectrum = dimensionality.spectrum(frame(study), min(params.draws, params.parallel_draws), level, rng)
    seen = versions(inputs, filled)
    missing, lines = missing_table(inputs, seen)
    skipped += lines
    prediction, why = prediction_table(study, inputs.stand_ins, inputs.min_models, level)
    skipped += why
    scaling = with_robust_slopes(study, stability.scaling_table(study, found, level), level)
    if scaling.empty:
        skipped.append(f"scaling: no budget is known for {inputs.min_models} models")
    ranked = measures(study, inputs.X.notna().to_numpy(), inputs.ranges, params.protocol_error)
    if ranked and len(study.models) > MOST_LISTED:
        skipped.append(f"a list of pairs that cannot be told apart: {len(study.models)} models have too many")
    if inputs.stand_ins.shape[1]:
        other = beside(study, inputs.stand_ins)
        again, _ = stability.resample(other, params.draws, rng)
        more = with_robust_slopes(other, stability.scaling_table(other, again, level), level)
        scaling = pd.concat([scaling, more], ignore_index=True)
    tables = {
        "explained_variance": stability.explained_variance_table(study, of_scores, level),
        "loadings": stability.loadings_table(study, of_scores, level),
        "pc_scores": stability.scores_table(study, of_scores, level),
        "correlations": stability.correlations_table(study, of_scores, reliability(study.data), level),
        "axes": stability.axes_table(study, of_scores),
        "scaling": scaling,
        "contrasts": contrasts_table(study, found, level),
        "prediction": prediction,
        "rank_pairs": pairs_table(study, ranked, level),
        # draws of its own: what is resampled above stays the same
        "ranks": ranks_table(study, ranked, params.draws, level, np.random.default_rng((params.seed, 1))),
        "spectrum": spectrum,
        "components": dimensionality.criteria(spectrum, params.cumulative),
        "congruence": congruence_table(inputs, list(seen.values())[-1]),
        "missing": missing,
    }
    return Stability(tables, skipped)


def reliability(data: Data) -> Array:
    """Return the share of each benchmark's variance between models that is not sampling error (n_benchmarks,).

    1 - mean squared standard error / variance; NaN where the error is unknown or exceeds the variance.
    """
    known = data.stderr.any(axis=0)
    share = 1 - (data.stderr**2).mean(axis=0) / data.X.var(axis=0)
    result: Array = np.where(known & (share > 0), share, np.nan)
    return result


def with_robust_slopes(study: Study, table: pd.DataFrame, level: float) -> pd.DataFrame:
    """Add robust_low, robust_high, robust_df: the interval of the slope by bias-reduced linearisation over families.

    It takes the PC scores as given; see `inference.fit_robust`.
    """
    ends = {}
    for j, component in enumerate(study.components):
        for b, budget in enumerate(study.budgets):
            known = np.isfinite(study.data.logs[:, b])
            if known.any() and len(np.unique(study.codes[known])) > 2:
                design = np.column_stack([np.ones(known.sum()), study.data.logs[known, b]])
                fitted = fit_robust(study.estimate["scores"][known, j], design, study.codes[known])
                ends[component, budget] = (*fitted.interval(1, level), fitted.df[1])
    nothing = (np.nan, np.nan, np.nan)
    rows = [ends.get(pair, nothing) for pair in zip(table["response"], table["language"], strict=True)]
    names = ["robust_low", "robust_high", "robust_df"]
    return table.join(pd.DataFrame(rows, table.index, names, dtype=float))


def contrasts_table(study: Study, found: Sequence[Resampling], level: float) -> pd.DataFrame:
    """Compare the correlations of each component with the budgets of two languages, over models that have both.

    Returns:
        response, language, other, n, rho, other_rho, budgets_r, difference, low, high (Zou), t, df, p (Williams),
        then low_<r>, high_<r> by resampling.
    """
    rows = []
    known = np.isfinite(study.data.logs[:, :-1]).all(axis=1)
    pairs = language_pairs(len(study.budgets)) if known.sum() >= FEWEST else []
    for i, (a, b) in enumerate(pairs):
        x, y = (pd.Series(study.data.logs[known, language]) for language in (a, b))
        for j, component in enumerate(study.components):
            s = pd.Series(study.estimate["scores"][known, j])
            r_a, r_b, r_ab = correlate(s, x), correlate(s, y), correlate(x, y)
            test = compare_dependent(r_a, r_b, r_ab, int(known.sum()), level)
            row = {"response": component, "language": study.budgets[a], "other": study.budgets[b], "n": test.n}
            row |= {"rho": r_a, "other_rho": r_b, "budgets_r": r_ab, "difference": test.difference}
            row |= {"low": test.low, "high": test.high, "t": test.t, "df": test.df, "p": test.p}
            for resampling in found:
                low, high = resampling.ends("contrast", level)
                row |= {f"low_{resampling.name}": low[j, i], f"high_{resampling.name}": high[j, i]}
            rows.append(row)
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=["response", "language", "other"])


@dataclass(frozen=True)
class Version:
    """A version of the score matrix.

    Attributes:
        X: NaN where a cell is missing.
        filled: The same without missing cells, None where the model cannot fill them.
        why: The reason then, else empty.
    """

    X: pd.DataFrame
    filled: Filled | None
    why: str = ""


def versions(inputs: Inputs, filled: Filled) -> dict[str, Version]:
    """Return the matrix as analysed and, where failures are suspected, with those missing."""
    found = {"as analysed": Version(inputs.X, filled)}
    if inputs.suspected.to_numpy().any():
        X = inputs.X.mask(inputs.suspected)
        try:
            found["suspected failures missing"] = Version(X, fill(X, inputs.ranges))
        except NotImputableError as error:
            found["suspected failures missing"] = Version(X, None, str(error))
    return found


def congruence_table(inputs: Inputs, version: Version) -> pd.DataFrame:
    """Compare the components with promax factors and with those of a version whose missing cells are modelled.

    Returns:
        component, method, matched, congruence (absolute value of Tucker's coefficient).
    """
    U = inputs.loadings
    solutions = {"promax factors": inputs.factor_loadings}
    if version.filled is not None:
        solutions["missing-data model"] = _decomposed(inputs, version.filled).loadings
    rows = []
    for method, other in solutions.items():
        if other.shape[1]:
            paired, value = best_pairs(U.to_numpy(), other.loc[U.index].to_numpy())
            names = [other.columns[i] if i >= 0 else "" for i in paired]
            rows += list(zip(U.columns, [method] * len(names), names, np.abs(value), strict=True))
    return pd.DataFrame(rows, columns=["component", "method", "matched", "congruence"])


def missing_table(inputs: Inputs, found: Mapping[str, Version]) -> tuple[pd.DataFrame, list[str]]:
    """Decompose every version of the matrix under every policy for missing cells.

    Returns:
        cells, policy, n_models, n_benchmarks, imputed, component, explained_variance_ratio, congruence with the full
        solution, rho_<l> per budget; and one line for each policy that is not possible.
    """
    frames, skipped = [], []
    for cells, version in found.items():
        gaps = int(version.X.isna().to_numpy().sum())
        for policy in POLICIES if gaps else POLICIES[:1]:
            try:
                filled = _under(version, policy)
                frame = _compared(inputs, _decomposed(inputs, filled))
            except (NotImputableError, ValueError) as error:
                skipped.append(f"missing cells, {cells}, {policy}: {error}")
                continue
            frame.insert(0, "cells", cells)
            frame.insert(1, "policy", policy if gaps else "complete")
            frame.insert(2, "imputed", gaps if filled.roots else 0)
            frames.append(frame)
    return (pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=["cells"])), skipped


def _under(version: Version, policy: Policy) -> Filled:
    """Return a version without missing cells.

    Raises:
        NotImputableError: The policy is not possible.
    """
    if policy != "model":
        return left_out(version.X, policy)
    if version.filled is None:
        raise NotImputableError(version.why)
    return version.filled


def _decomposed(inputs: Inputs, filled: Filled) -> Decomposition:
    return decompose_filled(filled, inputs.loadings.shape[1], inputs.anchors, unit_variance=inputs.unit_variance)


def _compared(inputs: Inputs, found: Decomposition) -> pd.DataFrame:
    """Return one row per component of the full solution: what became of it in another one."""
    U = inputs.loadings.loc[found.loadings.index]
    paired, value = best_pairs(U.to_numpy(), found.loadings.to_numpy())
    logs = log_budgets(inputs.models, inputs.languages, inputs.min_models).loc[found.pc_scores.index]
    rows = []
    for j, component in enumerate(U.columns):
        if paired[j] < 0:
            continue
        name = found.loadings.columns[paired[j]]
        scores = found.pc_scores[name] * np.sign(value[j])
        row = {"n_models": len(scores), "n_benchmarks": len(U), "component": component}
        row |= {"explained_variance_ratio": found.explained_variance_ratio[name], "congruence": abs(value[j])}
        row |= {column.replace("nd_", "rho_"): correlate(scores, logs[column]) for column in texts(logs)}
        rows.append(row)
    return pd.DataFrame(rows)


def headline(
    scaling: pd.DataFrame, laws: Mapping[str, Mapping[str, object]]
) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    """Return {response: {language: {resampling: {low, high}}}}, for stability.json.

    They are the intervals of the correlations with budgets over families, or over models where the study does not
    allow the former.

    Args:
        scaling: Table of that name.
        laws: {response: {language: ...}}, the laws that scale.json names; what has no interval is left out.
    """
    found = scaling.set_index(["resampling", "response", "language"])
    result: dict[str, dict[str, dict[str, dict[str, float]]]] = {}
    for response, language in ((response, language) for response, named in laws.items() for language in named):
        known = [kind for kind in ("families", "models") if (kind, response, language) in found.index]
        if known:
            ends = {end: float(found[end][known[0], response, language]) for end in ("low", "high")}
            result.setdefault(response, {})[language] = {known[0]: ends}
    return result
