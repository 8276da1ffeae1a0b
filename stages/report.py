"""Stage `report`: figures and one page that opens from disk.

Reads   everything that the analysis wrote, the verdicts of both gates, dvc.lock for the name of the state
Writes  reports/figures/*.{png,svg}, reports/index.html
"""

from pathlib import Path

import pandas as pd

from stages import collect, state, workspace
from stages.adapters.page import Chart, Verdict, page_from, render_page
from stages.analysis.results import Results
from stages.figures.catalog import draw_all
from stages.figures.style import save


def draw(results: Results, folder: Path, dpi: int) -> list[Chart]:
    """Draw every figure that the results allow into a folder and return what the page says about each."""
    charts = []
    for drawing in draw_all(results):
        save(drawing.figure, folder / drawing.name, dpi)
        charts.append(Chart(drawing.name, drawing.title, drawing.caption, drawing.section))
    return charts


def main() -> None:
    """Read, draw, render, write."""
    params = workspace.load_params()
    results = collect.load_results(params)
    findings = pd.concat([workspace.read_findings("models"), workspace.read_findings("matrix")])
    verdict = Verdict(workspace.read_metrics("validate"), findings)
    with workspace.replacing_folder(workspace.FIGURES) as folder:
        charts = draw(results, folder, params.report.dpi)
    page = page_from(
        results,
        workspace.read_claims(),
        verdict,
        charts,
        files=workspace.table_names(),
        digest=state.state_digest(params),
    )
    workspace.write_text(workspace.PAGE, render_page(page))
    workspace.say(f"{len(charts)} figures, {workspace.PAGE}")


if __name__ == "__main__":
    workspace.run_stage(main)
