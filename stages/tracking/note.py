"""What a person reads first about a run or an experiment in MLflow: Markdown, made from the headline numbers."""

from collections.abc import Iterator, Mapping, Sequence

NOTE_TAG = "mlflow.note.content"
"""Tag that MLflow shows as the description of a run or of an experiment."""
MOST_ROWS = 20
"""Conclusions in the table: a tag holds 8,000 characters."""
EXPERIMENT = """\
Each run is one state of a study: its facts, parameters and code, as DVC versions them. A state has one run, wherever
it was computed. Tick two runs and compare them: the parameters that differ, then at most 40 numbers; everything else
is among the artifacts, as tables and as the report `index.html`.

- `observatory trace run:ID` leads from a run to its evidence
- `observatory diff REV1 REV2` says which numbers moved between two states, and why
- FAILED runs are states that the gate refused
"""


def run_note(metrics: Mapping[str, float], conclusions: Sequence[Mapping[str, object]], level: float) -> str:
    """Return the note of a run: the answer in at most five lines, the main table, the gate, how to trace it.

    What a state lacks is left out.

    Args:
        metrics: Headline numbers by dotted name, `scale.PC1.en.rho`.
        conclusions: Rows of the table robustness_counts.
        level: Coverage of the intervals.
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
        "not_computable": "not computable in any",
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
    yield "| conclusion | holds | weakens | fails | not computable |"
    yield "|---|---:|---:|---:|---:|"
    for row in conclusions[:MOST_ROWS]:
        cells = [row[name] for name in ("holds", "weakens", "fails", "not_computable")]
        yield f"| {str(row['statement']).replace('|', '/')} | {' | '.join(map(str, cells))} |"
    if len(conclusions) > MOST_ROWS:
        yield f"\nand {len(conclusions) - MOST_ROWS} more in `tables/robustness_counts.csv`"


def _gate(metrics: Mapping[str, float]) -> str:
    found = _under(metrics, "validate.")
    counts = ", ".join(
        f"{found[name]:.0f} {name}" for name in ("checks", "warnings", "waived", "corrected") if name in found
    )
    return f"**Gate: open** ({counts})"


def _trace(metrics: Mapping[str, float]) -> str:
    law = next((name for name in metrics if name.startswith("scale.") and name.endswith(".rho")), None)
    number = law or "decompose.explained_variance_ratio.PC1"
    return (
        f"From a number to its facts: `observatory trace {number}`; from this run: the command in its tag "
        "`observatory.trace`. The report is `index.html` among the artifacts."
    )
