"""Out of time: the conclusions of an earlier study on the models of a later one.

Both studies are analysed on the benchmarks that they share. The components of the later one get the names of those of
the earlier one that they resemble most, so that PC2 is what was PC2, whatever its rank now.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from stages.analysis.components.alignment import best_pairs
from stages.analysis.conclusions.evidence import resampled, weigh
from stages.analysis.conclusions.variations import Base, Variation, part
from stages.analysis.conclusions.verdicts import CRITERIA, criterion_rows, judge_all, verdict_of
from stages.analysis.decisions.placing import Placed
from stages.analysis.uncertainty.bootstrap import Summary, fisher
from stages.analysis.uncertainty.intervals import reach
from stages.contracts.params import StabilityParams
from stages.contracts.rows import texts
from stages.contracts.study.conclusions import Conclusions

FEWEST_SHARED = 3
"""With fewer benchmarks there is no space to compare."""

AXES = ["component", "share_earlier", "share", "own", "congruence", "low", "high"]
VERDICTS = ["conclusion", "statement", "source", "earlier", "later"]


@dataclass(frozen=True)
class Side:
    """One of the two studies.

    Attributes:
        name: Folder under metadata/.
        base: The study as analysed.
        families: Number of the family of each model.
    """

    name: str
    base: Base
    families: pd.Series


def shared(earlier: Side, later: Side) -> list[str]:
    """Return the benchmarks that both studies have, in the order of the earlier one."""
    return [str(name) for name in earlier.base.X if name in later.base.X]


def on_axes(side: Side, loadings: pd.DataFrame, budgets: Sequence[str]) -> Side:
    """Return a study on some benchmarks, its components named after given axes.

    Args:
        side: The study.
        loadings: Axes (n_shared, k), of any length but 0.
        budgets: Budgets of the study whose axes they are; those that this one does not have are unknown.
    """
    base, benchmarks = side.base, loadings.index
    unit = loadings / np.linalg.norm(loadings, axis=0)
    changed = replace(
        base,
        X=base.X[benchmarks],
        filled=base.filled.take(base.X.index, benchmarks),
        loadings=unit,
        logs=base.logs.reindex(columns=list(budgets)),
    )
    return replace(side, base=changed)


def retest(
    earlier: Side, later: Side, found: Conclusions, params: StabilityParams
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Judge the conclusions of the earlier study in both, and compare the axes.

    Args:
        earlier: The study that the conclusions are of.
        later: The study that they are tested on; it shares `FEWEST_SHARED` benchmarks or more.
        found: The conclusions.
        params: Section `stability`.

    Returns:
        One row per conclusion with `VERDICTS`, one per criterion and study with `verdicts.CRITERIA`, whose variation
        is the study, and one per component with `AXES`.
    """
    axes = earlier.base.loadings.loc[shared(earlier, later)]
    budgets = [str(name) for name in earlier.base.logs]
    judged = {}
    for role, side in (("earlier", earlier), ("later", later)):
        same = on_axes(side, axes, budgets)
        members = same.base.X.index
        solution = part(same.base, members, axes.index)
        evidence = weigh(same.base, same.families, {side.name: members}, found, params)
        variation = Variation(side.name, "subset", solution)
        judged[role] = {one.id: judge_all(one, variation, evidence) for one in found.conclusions}
    names = {"earlier": earlier.name, "later": later.name}
    criteria = [
        row
        for one in found.conclusions
        for role in judged
        for row in criterion_rows(one.id, names[role], judged[role][one.id])
    ]
    rows = [
        (one.id, one.statement, one.source, *(verdict_of(judged[role][one.id]) for role in ("earlier", "later")))
        for one in found.conclusions
    ]
    return (
        pd.DataFrame(rows, columns=VERDICTS),
        pd.DataFrame(criteria, columns=CRITERIA),
        axes_table(earlier, later, params),
    )


def axes_table(earlier: Side, later: Side, params: StabilityParams) -> pd.DataFrame:
    """Return one row per component of the earlier study: what became of it.

    Returns:
        component; share_earlier and share, of the variance of the shared benchmarks in each study; own, the component
        of the later study as analysed that resembles it most; congruence (Tucker 1951) of the axes of both studies on
        the shared benchmarks, with the interval over the families of the later one.
    """
    axes = earlier.base.loadings.loc[shared(earlier, later)]
    own = later.base.loadings.loc[axes.index]
    paired, _ = best_pairs(axes.to_numpy(), own.to_numpy())
    then, now = (on_axes(side, axes, [str(name) for name in earlier.base.logs]) for side in (earlier, later))
    before, after = (part(side.base, side.base.X.index, axes.index) for side in (then, now))
    value = (after.loadings * now.base.loadings[after.loadings.columns]).sum() / np.linalg.norm(after.loadings, axis=0)
    low, high = _ends(now, value.reindex(axes.columns), params)
    rows = [
        (
            str(name),
            before.ratio.get(name, np.nan),
            after.ratio.get(name, np.nan),
            str(own.columns[paired[j]]) if paired[j] >= 0 else "",
            value.get(name, np.nan),
            low[j],
            high[j],
        )
        for j, name in enumerate(axes.columns)
    ]
    return pd.DataFrame(rows, columns=AXES)


def _ends(side: Side, value: pd.Series, params: StabilityParams) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the intervals of the congruences over families, on the scale of Fisher's z."""
    m = int(side.families[side.base.X.index].nunique())
    estimate = fisher(value.to_numpy())
    if m < 2:
        return np.full(len(value), np.nan), np.full(len(value), np.nan)
    summary = Summary(estimate)
    for found in resampled(
        side.base, side.families, side.base.X.index, params.draws, np.random.default_rng(params.seed)
    ):
        summary.add(fisher(found["cosine"]))
    half = reach(np.array(m), params.level) * summary.deviation()
    return np.tanh(estimate - half), np.tanh(estimate + half)


def places_table(earlier: Side, scores: pd.DataFrame, later: str, placed: Sequence[Placed]) -> pd.DataFrame:
    """Return where the models of both studies lie in the space of the earlier one.

    Args:
        earlier: The earlier study.
        scores: PC scores of its models (n_models, k).
        later: Name of the later study.
        placed: Its models.

    Returns:
        study, model_id, PC1, PC1_low, PC1_high, PC2, ...; the ends are empty for models of the earlier study.
    """
    rows: list[dict[str, object]] = []
    for row in scores.rename_axis("model_id").reset_index().to_dict("records"):
        rows.append({"study": earlier.name, **{str(name): value for name, value in row.items()}})
    for one in placed:
        found: dict[str, object] = {"study": later, "model_id": one.model_id}
        for name, value, low, high in zip(scores, one.estimate, one.low, one.high, strict=True):
            found |= {str(name): value, f"{name}_low": low, f"{name}_high": high}
        rows.append(found)
    columns = ["study", "model_id", *(f"{name}{end}" for name in scores for end in ("", "_low", "_high"))]
    return pd.DataFrame(rows, columns=columns)


def doubts(earlier: pd.DataFrame, later: pd.DataFrame, name: str, protocols: tuple[pd.Series, pd.Series]) -> list[str]:
    """Return what makes scores of two studies doubtful to compare, one line each.

    Args:
        earlier: Scores of the earlier study on the shared benchmarks (n_earlier, n_shared).
        later: Those of the later one, the same benchmarks.
        name: The earlier study.
        protocols: Protocol of each shared benchmark in the earlier study, and in the later one.
    """
    other = [name for name in texts(earlier) if protocols[0][name] != protocols[1][name]]
    lines = []
    if other:
        lines.append(
            f"{len(other)} of {earlier.shape[1]} shared benchmarks are measured under another protocol than in "
            f"{name}: its space compares the models placed there with each other, and with its own models only as far "
            "as the protocols agree"
        )
    outside = (later > earlier.max()) | (later < earlier.min())
    for benchmark in outside.columns[outside.mean() > 0.5]:
        ends = [f"{frame[benchmark].min():.3g} to {frame[benchmark].max():.3g}" for frame in (later, earlier)]
        lines.append(
            f"scores on {benchmark} of {outside[benchmark].sum()} of {len(later)} models lie outside the range of "
            f"{name}: {ends[0]}, there {ends[1]}: another protocol rather than another ability"
        )
    return lines
