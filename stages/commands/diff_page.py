"""`observatory diff --html`: two states side by side as one page."""

from dataclasses import replace
from pathlib import Path

import pandas as pd

from stages.commands.diff import Comparison, Numbers, compare, read_both
from stages.commands.verify.values import told
from stages.contracts.errors import InputError
from stages.contracts.study.info import load_study
from stages.lineage.git import Revision
from stages.page.comparison import Changes, State, render_comparison
from stages.workspace import paths
from stages.workspace.files import write_text

NO_MODELS = pd.DataFrame(columns=["name", "group", "family", "base_model_id"])
NO_BENCHMARKS = pd.DataFrame(columns=["label", "language"])
SHORT = 8
"""Characters of a commit or an md5 that a page shows."""


def diff_with_page(rev1: str, rev2: str, target: Path, shown: int | None) -> Comparison:
    """Compare two versions of the repository and write a page that shows both.

    Args:
        rev1: Version of the repository; `workspace` for the files as they are.
        rev2: Likewise.
        target: File to write.
        shown: Lines of each part to print, None for all.

    Raises:
        InputError: There is no such version, or the target is a folder.
    """
    if target.is_dir():
        raise InputError([f"{target} is a folder: name a file to write, {target / 'diff.html'}"])
    first, second = read_both(rev1, rev2)
    found = compare(first, second)
    write_text(target, render_comparison(_state(first), _state(second), _changes(found)))
    return replace(found, shown=shown, page=str(target))


def _state(numbers: Numbers) -> State:
    counts = _table(numbers, "robustness_counts", "conclusion")
    return State(
        name=_name(numbers.revision),
        study=f"{numbers.params['study']}, {numbers.params['subset']}",
        info=load_study(numbers.study_file[1], numbers.study_file[0]),
        models=numbers.tables.get(str(paths.MODELS), NO_MODELS),
        benchmarks=numbers.tables.get(str(paths.FACTS / "benchmarks.parquet"), NO_BENCHMARKS),
        loadings=_table(numbers, "pca_loadings", "benchmark"),
        scores=_table(numbers, "pca_scores", "model_id"),
        verdicts=numbers.tables.get(str(paths.TABLES / "robustness.csv"), pd.DataFrame()),
        statements={} if counts.empty else {str(k): str(v) for k, v in counts["statement"].items()},
    )


def _name(revision: Revision) -> str:
    if revision.is_workspace or revision.name.startswith(revision.commit[:SHORT]):
        return revision.name
    return f"{revision.name} ({revision.commit[:SHORT]})"


def _table(numbers: Numbers, name: str, index: str) -> pd.DataFrame:
    """Return a table of results with its index; no rows and no columns where it is not here."""
    found = numbers.tables.get(str(paths.TABLES / f"{name}.csv"))
    return pd.DataFrame() if found is None else found.set_index(index)


def _changes(found: Comparison) -> Changes:
    return Changes(
        params=[(d.place, told(d.first), told(d.second)) for d in found.params],
        facts=[(f"{Path(file).name}: {d.place}", _cell(d.first), _cell(d.second)) for file, d in found.facts],
        code=[(d.place, told(d.first)[:SHORT], told(d.second)[:SHORT]) for d in found.code],
        numbers=[
            (item.file, place, _rounded(before), _rounded(now), ", ".join(item.causes))
            for item in found.moved
            for place, before, now in (item.difference,)
        ],
        missing=found.missing,
    )


def _rounded(value: object) -> str:
    """Return a number as a page shows it, where a text for programs would have all digits."""
    return f"{value:.6g}".replace("-", "−") if isinstance(value, float) else told(value)


def _cell(value: object) -> str:
    return "blank" if value == "" else told(value)
