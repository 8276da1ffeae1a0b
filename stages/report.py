"""Stage `report`: figures and one page that opens from disk.

Reads   everything that the analysis wrote, the verdicts of both gates, dvc.lock for the name of the state
Writes  reports/figures/*.svg and one PNG, reports/index.html
"""

from dataclasses import replace

import pandas as pd

from stages.figures.files import draw_files, undrawable
from stages.lineage import state
from stages.lineage.graph import state_graph
from stages.page.page import Chart, GateSummary, Origin, page_from, render_page
from stages.page.tables import robustness_table
from stages.workspace import paths
from stages.workspace.conclusions import read_conclusions
from stages.workspace.facts import load_params
from stages.workspace.files import read_text, replacing_folder, write_text
from stages.workspace.outputs import read_claims, read_findings, read_metrics
from stages.workspace.results import load_results, skipped_beyond, tables_beyond
from stages.workspace.running import run_stage, say


def main() -> None:
    """Read, draw, render, write."""
    params = load_params()
    results = load_results(params)
    results = replace(results, skipped=(*results.skipped, *skipped_beyond()))
    conclusions = read_conclusions(params, list(results.info.languages))
    statements = {c.id: c.statement for c in conclusions.conclusions} if conclusions else {}
    beyond = tables_beyond()
    verdict = GateSummary(read_metrics("validate"), pd.concat([read_findings("models"), read_findings("matrix")]))
    with replacing_folder(paths.FIGURES) as folder:
        drawn = draw_files(results, beyond, statements, params.stability.level, folder, params.report.dpi)
    boxes = undrawable(results, statements)
    if boxes:
        say(boxes)
    charts = [Chart(words.name, words.title, words.caption, words.section) for words in drawn]
    graph = state_graph(read_text(paths.LOCK), params.evaluate.models, state.fact_files(params.study))
    origin = Origin(state.state_digest(params), graph)
    page = page_from(results, read_claims(), verdict, charts, files=paths.table_names(), origin=origin)
    if "robustness_overview" in beyond:
        page = replace(page, tables=(robustness_table(beyond["robustness_overview"]), *page.tables))
    write_text(paths.PAGE, render_page(page))
    say(f"{len(charts)} figures, {paths.PAGE}")


if __name__ == "__main__":
    run_stage(main)
