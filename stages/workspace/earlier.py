"""An earlier study, put together from its facts: its models as published, its budgets, its conclusions."""

from dataclasses import dataclass

import pandas as pd

from stages.analysis.components.gaps import NotImputableError, decompose_filled, fill
from stages.analysis.conclusions.variations import Base
from stages.analysis.decisions.placing import Space, build_space
from stages.analysis.scaling.budgets import budgets, derive_tokens
from stages.analysis.scaling.laws import TOTAL, log_budgets
from stages.analysis.scores import cells
from stages.analysis.scores.assembly import assemble
from stages.analysis.scores.families import family_codes
from stages.contracts.errors import InputError
from stages.contracts.params import Params
from stages.contracts.study.conclusions import FILE, Conclusions, parse_conclusions
from stages.contracts.study.facts import subset_values
from stages.contracts.study.tables import ALL
from stages.workspace.facts import load_study_facts
from stages.workspace.files import read_text
from stages.workspace.paths import study_folder


@dataclass(frozen=True)
class Earlier:
    """An earlier study.

    Attributes:
        base: The study as this state would analyse it.
        scores: PC scores of its models (n_models, k).
        families: Number of the family of each model.
        found: What it concludes; None where it says nothing.
        space: In which other models are placed.
        protocols: Protocol of each benchmark.
    """

    base: Base
    scores: pd.DataFrame
    families: pd.Series
    found: Conclusions | None
    space: Space
    protocols: pd.Series


def read_earlier(params: Params) -> Earlier:
    """Read the study that the section `retest` names, whole and as published, by the other choices of this state.

    Raises:
        InputError: Its tables are wrong, or its missing scores cannot be modelled.
    """
    study, nothing = params.retest.study, params.evaluate.model_copy(update={"models": []})
    alone = params.model_copy(update={"study": study, "subset": ALL, "evaluate": nothing})
    facts = load_study_facts(alone)
    table, X, _ = assemble(facts, pd.DataFrame(), alone)
    languages, ranges = list(facts.info.languages), cells.scaled_ranges(facts.benchmarks)
    derived, _ = derive_tokens(facts.models, languages, facts.info.token_rules, facts.info.continual_language)
    models = budgets(facts.models, derived, languages).loc[X.index]
    codes, unit_variance = family_codes(models), params.decompose.standardize
    stderr = cells.to_matrix(table, "stderr", list(X.index), list(X.columns)).mean().fillna(0.0).to_numpy()
    try:
        filled = fill(X, ranges)
        full = decompose_filled(filled, params.decompose.n_components, facts.info.anchors, unit_variance=unit_variance)
        space = build_space(X, ranges, full.loadings, stderr, codes, unit_variance=unit_variance)
    except (NotImputableError, ValueError) as error:
        raise InputError([f"{study_folder(study)}/scores.csv: {error}"]) from None
    logs = log_budgets(models, languages, params.scale.min_models).set_axis([*languages, TOTAL], axis=1)
    base = Base(
        X, filled, ranges, full.loadings, logs, unit_variance, params.factorize.n_factors, params.factorize.power
    )
    path = study_folder(study) / FILE
    names, values = [str(name) for name in facts.benchmarks.index], subset_values(facts.models.reset_index())
    found = None
    if path.is_file():
        found = parse_conclusions(read_text(path), str(path), names, [*languages, TOTAL], values)
    families = pd.Series(codes, X.index)
    return Earlier(base, full.pc_scores, families, found, space, cells.published_protocols(facts.benchmarks))
