"""What a person reads first about a run or an experiment in MLflow: Markdown, made from the headline numbers."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

NOTE_TAG = "mlflow.note.content"
"""Tag that MLflow shows as the description of a run or of an experiment."""
VIEW = "observatory"
VIEW_TAG = f"mlflow.sharedViewState.{VIEW}"
"""Tag of an experiment with the columns in which MLflow lists its runs, where a link asks for them."""
MOST_ROWS = 20
"""Conclusions in the table: a tag holds 8,000 characters."""
EXPERIMENT = """\
[Open the runs]({runs}). Each is one state of a study: its facts, parameters and code, as DVC versions them. A state
has one run, wherever it was computed. Tick two runs and compare them: the parameters that differ, then at most 40
numbers; everything else is among the artifacts, as tables and as the report `index.html`.

- `observatory trace run:ID` leads from a run to its evidence
- `observatory diff REV1 REV2` says which numbers moved between two states, and why
- FAILED runs are states that the gate refused
"""


EVALUATIONS = """\
[Open the runs]({runs}). Each is one model that was evaluated on the benchmarks of a study: a score, its standard error
and the rates of empty and failed answers for each benchmark, and the load of the machine. An interrupted evaluation
goes on in its run.

The answers are in `data/evaluations/MODEL/`; the states that use the scores are linked from each run.
"""
USED = "Used by the states:"
GROUPS = (
    ("1-models", ("models", "pc_scores")),
    ("2-components", ("pc", "factor")),
    ("3-scaling", ("scaling",)),
    ("4-certainty", ("stability", "robustness", "retest")),
    ("5-benchmarks", ("",)),
)
"""Folders of the figures of a run, with the beginnings of the names that go there; the first that fits has them."""


def states_experiment(experiment: str, metrics: Iterable[str]) -> dict[str, str]:
    """Return the tags of an experiment that say what its runs are and in which columns MLflow lists them.

    Args:
        experiment: Id.
        metrics: Headline numbers by dotted name; the laws, the conclusions and the claims become columns.
    """
    shown = [
        name
        for name in metrics
        if (name.startswith("scale.") and name.endswith(".rho"))
        or name in {"robustness.conclusions.holds", "compare.reproduced"}
    ]
    return _experiment(experiment, EXPERIMENT, ["params.`subset`", *(f"metrics.`{name}`" for name in shown)])


def evaluations_experiment(experiment: str) -> dict[str, str]:
    """Return the same for an experiment of evaluations."""
    return _experiment(experiment, EVALUATIONS, ["metrics.`benchmarks_done`"])


def _experiment(experiment: str, note: str, columns: Sequence[str]) -> dict[str, str]:
    # until somebody has switched to model training in the browser, MLflow 3.17 opens every experiment on traces
    runs = f"#/experiments/{experiment}/runs?workflowType=machine_learning&viewStateShareKey={VIEW}"
    return {NOTE_TAG: note.format(runs=runs), VIEW_TAG: json.dumps({"selectedColumns": columns})}


def group_of(figure: Path) -> str:
    """Return the folder that a figure goes to; the main picture is the first of the first one."""
    return next(folder for folder, starts in GROUPS if figure.name.startswith(starts))


def evaluation_note(model_id: str) -> str:
    """Return the note of the run of an evaluation."""
    return f"Evaluation of {model_id}; metrics are `BENCHMARK.score` and so on, as each benchmark is done.\n\n{USED}\n"


def with_use(note: str, name: str, experiment: str, run_id: str) -> str:
    """Return the note of an evaluation with a link to the run of a state that uses it.

    Args:
        note: What it says so far.
        name: Name of the run of the state.
        experiment: Id of its experiment.
        run_id: Its id.
    """
    start = note if USED in note else f"{note}\n\n{USED}"
    return f"{start.strip()}\n- [{name}](#/experiments/{experiment}/runs/{run_id})\n"


def run_note(
    metrics: Mapping[str, float],
    conclusions: Sequence[Mapping[str, object]],
    level: float,
    evaluations: Mapping[str, str] | None = None,
) -> str:
    """Return the note of a run: the answer in at most five lines, the main table, the gate, how to trace it.

    What a state lacks is left out.

    Args:
        metrics: Headline numbers by dotted name, `scale.PC1.en.rho`.
        conclusions: Rows of the table robustness_counts.
        level: Coverage of the intervals.
        evaluations: Evaluated model to the run that watched it.
    """
    answer = [
        line
        for line in (
            _size(metrics),
            _laws(metrics, level),
            _pairs(metrics),
            _conclusions(metrics),
            _claims(metrics),
        )
        if line
    ]
    parts = [
        "\n".join(f"- {line}" for line in answer),
        "\n".join(_table(conclusions)),
        _gate(metrics),
        _evaluated(evaluations or {}),
        _trace(metrics),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def refusal_note(stage: str, problems: Sequence[str]) -> str:
    """Return the note of a state that the gate refused.

    Args:
        stage: `budget` or `validate`.
        problems: What was wrong, one line each; the first ten are shown.
    """
    shown = [f"- {line}" for line in problems[:10]]
    more = [f"- and {len(problems) - 10} more"] if len(problems) > 10 else []
    head = f"**Gate: closed** by stage `{stage}`. Nothing was computed from this state."
    return (
        "\n".join([head, "", *shown, *more, "", f"All checks: `data_docs/{stage}/index.html` among the artifacts."])
        + "\n"
    )


def _under(metrics: Mapping[str, float], start: str) -> dict[str, float]:
    """Return the numbers whose names begin so, by the rest of the name."""
    return {name.removeprefix(start): value for name, value in metrics.items() if name.startswith(start)}


def _size(metrics: Mapping[str, float]) -> str:
    found = _under(metrics, "decompose.")
    shares = _under(found, "explained_variance_ratio.")
    if not shares:
        return ""
    named = ", ".join(f"{name} {100 * share:.1f} %" for name, share in shares.items())
    return f"{found['n_models']:.0f} models on {found['n_benchmarks']:.0f} benchmarks; explained variance: {named}"


def _laws(metrics: Mapping[str, float], level: float) -> str:
    found = _under(metrics, "scale.")
    laws = [name.removesuffix(".rho") for name in found if name.endswith(".rho")]
    told = []
    for law in laws:
        response, _, language = law.partition(".")
        ends = _under(metrics, f"stability.{law}.")
        interval = next(
            (
                f"; {100 * level:g} % over {kind}: {ends[f'{kind}.low']:.2f} to {ends[f'{kind}.high']:.2f}"
                for kind in ("families", "models")
                if f"{kind}.low" in ends
            ),
            "",
        )
        told.append(f"{response} and {language} {found[f'{law}.rho']:.3f} (n = {found[f'{law}.n']:.0f}{interval})")
    return f"correlation with training budgets: {', '.join(told)}" if told else ""


def _pairs(metrics: Mapping[str, float]) -> str:
    pairs = _under(metrics, "correlate.pearson.")
    told = ", ".join(f"{name.replace('.', ' and ')} {r:.2f}" for name, r in sorted(pairs.items(), key=lambda p: -p[1]))
    return f"benchmarks of one ability in two languages: {told}" if told else ""


def _conclusions(metrics: Mapping[str, float]) -> str:
    found = _under(metrics, "robustness.conclusions.")
    if not sum(found.values()):
        return ""
    words = {
        "holds": "that hold in every variation of the analysis",
        "weakens": "that weaken in some",
        "fails": "that fail in some",
        "cannot_be_told": "that the data cannot tell",
    }
    told = "; ".join(f"{text}: {found[name]:.0f}" for name, text in words.items() if found[name])
    return f"conclusions {told}"


def _claims(metrics: Mapping[str, float]) -> str:
    found = _under(metrics, "compare.")
    here = found.get("reproduced", 0) + found.get("not_reproduced", 0)
    return f"{found['reproduced']:.0f} of {here:.0f} published numbers reproduce" if here else ""


def _table(conclusions: Sequence[Mapping[str, object]]) -> Iterator[str]:
    if not conclusions:
        return
    yield "| conclusion | holds | weakens | fails | cannot be told |"
    yield "|---|---:|---:|---:|---:|"
    for row in conclusions[:MOST_ROWS]:
        cells = [row[name] for name in ("holds", "weakens", "fails", "cannot_be_told")]
        yield f"| {str(row['statement']).replace('|', '/')} | {' | '.join(map(str, cells))} |"
    if len(conclusions) > MOST_ROWS:
        yield f"\nand {len(conclusions) - MOST_ROWS} more in `tables/robustness_counts.csv`"


def _gate(metrics: Mapping[str, float]) -> str:
    found = _under(metrics, "validate.")
    counts = ", ".join(
        f"{found[name]:.0f} {name}" for name in ("checks", "warnings", "waived", "corrected") if name in found
    )
    return f"**Gate: open** ({counts})"


def _evaluated(evaluations: Mapping[str, str]) -> str:
    shown = [f"[{model}](#/runs/{run_id})" for model, run_id in list(evaluations.items())[:MOST_ROWS]]
    more = [f"and {len(evaluations) - MOST_ROWS} more"] if len(evaluations) > MOST_ROWS else []
    return f"Evaluated here: {', '.join([*shown, *more])}." if shown else ""


def _trace(metrics: Mapping[str, float]) -> str:
    law = next((name for name in metrics if name.startswith("scale.") and name.endswith(".rho")), None)
    number = law or "decompose.explained_variance_ratio.PC1"
    return (
        f"From a number to its facts: `observatory trace {number}`; from this run: the command in its tag "
        "`observatory.trace`. Among the artifacts are the report, `index.html`, and the main picture, the first of "
        f"`figures/{GROUPS[0][0]}`."
    )
