"""Values against what they were made from: tables of the study, samples of evaluations, claims."""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from stages.analysis.claims import compare
from stages.analysis.scaling import budgets
from stages.analysis.scores.assembly import assemble
from stages.commands.snapshot import Snapshot
from stages.commands.verify.files import none
from stages.commands.verify.imports import check_imports
from stages.commands.verify.report import Report
from stages.contracts import outcomes
from stages.contracts.errors import InputError
from stages.contracts.study.facts import Facts
from stages.lineage.differences import Difference, is_close, table_differences
from stages.tasks import summaries, translations
from stages.tasks.registry import BENCHMARKS
from stages.workspace import paths, results
from stages.workspace.evaluations import read_evaluations
from stages.workspace.facts import FACT_TABLES, load_study_facts
from stages.workspace.outputs import as_written, read_claims

VALUE = "value"
"""Column of an evaluation's samples that holds an item's share of the score."""
ROUGE, BLEU = "rouge2", "bleu"
"""Scores that are not a mean over the items."""
PAIR = ("target", "raw")
"""Columns of reference and answer, for BLEU."""
SPLIT = ("wmt20_en_ja",)
"""Benchmarks whose text is split into words for BLEU."""
RATES = {name: name.removesuffix("_rate") for name in outcomes.RATES}
"""Rate of a cell to the column of the samples whose mean it is."""


def check_values(
    snapshot: Snapshot, intact: frozenset[str], report: Report, left_out: Callable[[str], bool] = none
) -> None:
    """Compute anew what takes no time, and compare.

    Args:
        snapshot: Version of the repository.
        intact: Files that are as dvc.lock says; others are not opened.
        report: Receives what is found.
        left_out: Tells the files that need not be there.
    """
    try:
        facts = load_study_facts(snapshot.params)
    except InputError as error:
        report.add(error.problems)
        return
    read = _Reader(intact, report)
    for name in FACT_TABLES:
        stored = read.parquet(paths.FACTS / f"{name}.parquet")
        if stored is not None:
            source = f"{paths.study_folder(snapshot.params.study)}/{name}.csv"
            _report(report, paths.FACTS / f"{name}.parquet", source, table_differences(stored, getattr(facts, name)))
    _check_budgets(facts, read)
    _check_evaluations(snapshot, facts, read, left_out)
    check_imports(snapshot, facts, report)
    _check_cells(snapshot, facts, read)
    _check_claims(snapshot, facts, intact, read)


class _Reader:
    """Opens files that are intact and says which are not."""

    def __init__(self, intact: frozenset[str], report: Report) -> None:
        self.intact = intact
        self.report = report

    def parquet(self, path: Path, columns: list[str] | None = None) -> pd.DataFrame | None:
        """Return a frame, None when the file is not as dvc.lock says."""
        if str(path) not in self.intact:
            self.report.notes.append(f"{path} is not compared: it is not the file of dvc.lock")
            return None
        return pd.read_parquet(path, columns=columns)


def _report(report: Report, path: Path, source: str, differences: Iterable[Difference]) -> None:
    report.count("tables", 1)
    report.add(
        f"{path}: {place} is {told(first)}, {source} gives {told(second)}" for place, first, second in differences
    )


def told(value: object) -> str:
    """Return a value as a message shows it."""
    if value is None:
        return "missing"
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _check_budgets(facts: Facts, read: _Reader) -> None:
    stored = read.parquet(paths.MODELS)
    if stored is None:
        return
    languages = list(facts.info.languages)
    derived, _ = budgets.derive_tokens(facts.models, languages, facts.info.token_rules, facts.info.continual_language)
    table = budgets.budgets(facts.models, derived, languages)
    _report(read.report, paths.MODELS, "models.csv", table_differences(stored, table))


def _check_cells(snapshot: Snapshot, facts: Facts, read: _Reader) -> None:
    scores = [str(paths.EVALUATIONS / model / "scores.json") for model in snapshot.params.evaluate.models]
    changed = [path for path in scores if Path(path).is_file() and path not in read.intact]
    if changed:
        read.report.notes.append(f"cells are not compared: {changed[0]} is not the file of dvc.lock")
        return
    try:
        evaluated = read_evaluations(snapshot.params, facts.benchmarks)
    except InputError as error:
        read.report.add(error.problems)
        return
    cells, X, _ = assemble(facts, evaluated, snapshot.params)
    read.report.count("cells", len(cells))
    for path, ours in ((paths.CELLS, cells), (paths.MATRIX, X)):
        stored = read.parquet(path)
        if stored is not None:
            source = "scores.csv, corrections.csv, imports.csv, waivers.csv and data/evaluations"
            _report(read.report, path, source, table_differences(stored, ours))


def _check_claims(snapshot: Snapshot, facts: Facts, intact: frozenset[str], read: _Reader) -> None:
    path = paths.TABLES / "claims.csv"
    needed = {str(paths.TABLES / f"{name}.csv") for name in paths.table_names()}
    needed |= {str(paths.MATRIX), str(paths.CELLS), str(paths.MODELS), "data/study/benchmarks.parquet"}
    if not needed <= intact or not path.is_file():
        read.report.notes.append(
            f"{path} is not compared: some of the tables it is read from are not those of dvc.lock"
        )
        return
    factor = snapshot.params.compare.tolerance_factor
    try:
        table = compare(facts.claims, results.load_results(snapshot.params), factor)
    except InputError as error:
        read.report.add(error.problems)
        return
    read.report.count("claims", len(table))
    ours = as_written("claims", table)
    _report(read.report, path, "the tables of the analysis", table_differences(read_claims(), ours))


def _check_evaluations(snapshot: Snapshot, facts: Facts, read: _Reader, left_out: Callable[[str], bool]) -> None:
    for model in snapshot.params.evaluate.models:
        folder = paths.EVALUATIONS / model
        if str(folder / "scores.json") not in read.intact:
            continue
        scores = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
        for benchmark, cell in scores.items():
            path = folder / "samples" / f"{benchmark}.parquet"
            if benchmark not in facts.benchmarks.index:
                continue
            if not path.is_file() and left_out(str(path)):
                continue
            if not path.is_file():
                read.report.add([f"{path} is missing: no answers stand behind the score of {model} on {benchmark}"])
            elif str(path) in read.intact:
                lines, n_items, notes = _cell_problems(path, str(benchmark), cell)
                read.report.add(f"{folder / 'scores.json'}: {benchmark}: {line}" for line in lines)
                read.report.count("samples", n_items)
                read.report.notes += notes


def _cell_problems(path: Path, benchmark: str, cell: Mapping[str, Any]) -> tuple[list[str], int, list[str]]:
    """Return where the samples of a benchmark disagree, how many there are, and what cannot be computed."""
    known = set(pq.read_schema(path).names)
    metric = str(cell.get("metric"))
    wanted = {VALUE, *RATES.values(), *(PAIR if metric == BLEU else ())}
    samples = pd.read_parquet(path, columns=sorted(wanted & known))
    computed: dict[str, float] = {"n_items": float(len(samples))}
    computed |= {
        rate: float(samples[column].mean()) for rate, column in RATES.items() if column in known and rate in cell
    }
    notes = []
    try:
        computed["score"] = _score(samples, "mean" if cell.get("task") else metric, benchmark)
    except (ModuleNotFoundError, KeyError) as error:
        notes.append(f"{path}: the {metric} of its answers is not computed: {error.args[0]}")
    if math.isnan(computed.get("score", 0.0)):
        del computed["score"]
        notes.append(f"{path}: the {metric} of its answers is not computed: it is not a mean over items")
    lines = [
        f"{name} is {told(cell.get(name))}, {path} gives {told(value)}"
        for name, value in computed.items()
        if not is_close(cell.get(name), value)
    ]
    return lines, len(samples), notes


def _score(samples: pd.DataFrame, metric: str, benchmark: str) -> float:
    """Return the score of a benchmark from its samples, in [0, 1].

    Raises:
        ModuleNotFoundError: BLEU needs a package of the extra `eval`.
        KeyError: The samples lack a column.
    """
    if metric == ROUGE:
        return summaries.bootstrap_mid(samples[VALUE].tolist())
    if metric != BLEU:
        return float(samples[VALUE].mean())
    target, raw = PAIR
    pairs = [
        (reference, answer if isinstance(answer, str) else answer[0])
        for reference, answer in zip(samples[target], samples[raw], strict=True)
    ]
    if benchmark in SPLIT:
        pairs = [(translations.spaced(reference), translations.spaced(answer)) for reference, answer in pairs]
    return translations.corpus_bleu(pairs) / BENCHMARKS[benchmark].scale
