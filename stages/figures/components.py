"""The main picture: every model on the first two components."""

from stages.analysis.scores.results import Results
from stages.figures.parts import percent
from stages.figures.picture import Picture
from stages.figures.scatter import Panel, draw_panels
from stages.figures.style import look

SIZE = (9.6, 7.0)
"""Width and height, inches."""


@look()
def draw_models(results: Results) -> Picture:
    """Draw the models on the first two components, of which there are at least two."""
    first, second = results.pc_scores.columns[:2]
    share = results.explained_variance_ratio
    panel = Panel(
        x=results.pc_scores[first],
        y=results.pc_scores[second],
        title="",
        x_label=f"{first} score, {percent(share[first])} of the variance",
        y_label=f"{second} score, {percent(share[second])} of the variance",
        x_short=first,
        y_short=second,
    )
    return draw_panels(results, [panel], size=SIZE)
