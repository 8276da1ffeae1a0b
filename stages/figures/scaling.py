"""Scaling laws: a component or factor against the training budgets."""

from stages.analysis.scaling.laws import TOTAL, Law, log_budget
from stages.analysis.scaling.stand_ins import PARAMETERS, RELEASED, STAND_INS
from stages.analysis.scores.results import Results
from stages.contracts.rows import rows_of
from stages.contracts.study.info import StudyInfo
from stages.figures.picture import Picture
from stages.figures.scatter import Panel, draw_panels
from stages.figures.style import look


def budget_name(info: StudyInfo, language: str) -> str:
    """Return the name of a budget: the language, or all languages; or of what stands in for budgets."""
    return {TOTAL: "Total", PARAMETERS: "Parameters", RELEASED: "Year of release"}.get(language) or info.languages[
        language
    ]


@look()
def draw_scaling(results: Results, response: str) -> Picture:
    """Draw a response against log10 ND, one panel per budget that has a law.

    Args:
        results: With at least one law of the response.
        response: Column of pc_scores or factor_scores.
    """
    scores = results.pc_scores if response in results.pc_scores else results.factor_scores
    panels = []
    for law in rows_of(results.laws[results.laws["response"] == response], Law):
        x = log_budget(results.models, law.language)
        x = x[x.index.isin(scores.index)]
        name = budget_name(results.info, law.language)
        panels.append(
            Panel(
                x=x,
                y=scores.loc[x.index, response],
                title=f"{name}{'' if law.language in STAND_INS else ' budget'}: ρ = {law.rho:.3f} (n = {law.n})",
                x_label=axis_words(results.info, law.language),
                y_label=f"{response} score",
                x_short=name if law.language in STAND_INS else f"log₁₀ ND {name}",
                y_short=response,
                line=(law.slope, law.intercept),
            )
        )
    return draw_panels(results, panels)


def axis_words(info: StudyInfo, language: str) -> str:
    """Return what the axis of a budget holds, or of what stands in for budgets."""
    if language in STAND_INS:
        return {PARAMETERS: "log₁₀ of the active parameters", RELEASED: "Year of release"}[language]
    return f"log₁₀ ND, {budget_name(info, language)} (parameters × {token_words(info, language)})"


def token_words(info: StudyInfo, language: str) -> str:
    """Return which tokens a budget counts."""
    return "all tokens" if language == TOTAL else f"{info.languages[language]} tokens"
