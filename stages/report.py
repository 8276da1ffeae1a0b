"""Stage `report`: figures and one page that opens from disk.

Reads   everything that the analysis wrote, the verdicts of both gates, dvc.lock for the name of the state
Writes  reports/figures/*.svg and one PNG, reports/index.html
"""

from dataclasses import replace

import pandas as pd

from stages.figures.files import draw_files, undrawable
from stages.lineage import state
from stages.lineage.graph import state_graph
from stages.page.page import Figure, GateSummary, Origin, Study, page_from, render_page
from stages.workspace import paths
from stages.workspace.conclusions import read_conclusions
from stages.workspace.files import read_text, replacing_folder, write_text
from stages.workspace.outputs import read_claims, read_findings, read_metrics, read_table
from stages.workspace.parameters import load_params
from stages.workspace.progress import each
from stages.workspace.results import load_results, skipped_beyond, tables_beyond
from stages.workspace.running import run_stage, say


def main() -> None:
    """Read, draw, render, write."""
    params = load_params()
    results = load_results(params)
    results = replace(results, skipped=(*results.skipped, *skipped_beyond()))
    found = read_conclusions(params, list(results.info.languages))
    listed, beyond = found.conclusions if found else [], tables_beyond()
    statements = {one.id: one.statement for one in listed}
    with replacing_folder(paths.FIGURES) as folder:
        drawn = draw_files(results, beyond, statements, params.stability.level, folder, params.report.dpi)
        watched = each(drawn, "figures drawn", lambda words: words.title)
        figures = [Figure(words, read_text(folder / f"{words.name}.svg")) for words in watched]
    boxes = undrawable(results, statements)
    if boxes:
        say(boxes)
    graph = state_graph(read_text(paths.LOCK), params.evaluate.models, state.fact_files(params.study))
    verdict = GateSummary(read_metrics("validate"), pd.concat([read_findings("models"), read_findings("matrix")]))
    study = Study(results, listed, beyond, read_claims(), read_table("left_out"), params.stability.level)
    origin = Origin(state.state_digest(params), graph)
    write_text(paths.PAGE, render_page(page_from(study, verdict, figures, paths.table_names(), origin)))
    say(f"{len(figures)} figures, {paths.PAGE}")


if __name__ == "__main__":
    run_stage(main)
