"""Stage `report`: figures and one page that opens from disk.

Reads   everything that the analysis wrote, the verdicts of both gates, dvc.lock for the name of the state
Writes  reports/figures/*.{png,svg}, reports/index.html
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pandas as pd

from stages.figures.beyond import draw_beyond
from stages.figures.catalog import Drawing, draw_all
from stages.figures.style import save
from stages.lineage import state
from stages.lineage.graph import state_graph
from stages.page.page import Chart, GateSummary, Origin, Study, page_from, render_page
from stages.workspace import paths
from stages.workspace.conclusions import read_conclusions
from stages.workspace.facts import load_params
from stages.workspace.files import read_text, replacing_folder, write_text
from stages.workspace.outputs import read_claims, read_findings, read_metrics, read_table
from stages.workspace.results import load_results, skipped_beyond, tables_beyond
from stages.workspace.running import run_stage, say


def save_all(drawings: Iterable[Drawing], folder: Path, dpi: int) -> list[Chart]:
    """Save every figure into a folder and return what the page says about each."""
    charts = []
    for drawing in drawings:
        save(drawing.figure, folder / drawing.name, dpi)
        svg = read_text(folder / f"{drawing.name}.svg")
        charts.append(Chart(drawing.name, drawing.title, drawing.caption, drawing.section, svg))
    return charts


def main() -> None:
    """Read, draw, render, write."""
    params = load_params()
    results = load_results(params)
    results = replace(results, skipped=(*results.skipped, *skipped_beyond()))
    found = read_conclusions(params, list(results.info.languages))
    listed, beyond = found.conclusions if found else [], tables_beyond()
    statements = {one.id: one.statement for one in listed}
    with replacing_folder(paths.FIGURES) as folder:
        drawings = [draw_all(results), draw_beyond(results, beyond, statements, params.stability.level)]
        charts = [chart for part in drawings for chart in save_all(part, folder, params.report.dpi)]
    graph = state_graph(read_text(paths.LOCK), params.evaluate.models, state.fact_files(params.study))
    verdict = GateSummary(read_metrics("validate"), pd.concat([read_findings("models"), read_findings("matrix")]))
    study = Study(results, listed, beyond, read_claims(), read_table("left_out"), params.stability.level)
    origin = Origin(state.state_digest(params), graph)
    write_text(paths.PAGE, render_page(page_from(study, verdict, charts, paths.table_names(), origin)))
    say(f"{len(charts)} figures, {paths.PAGE}")


if __name__ == "__main__":
    run_stage(main)
