"""Conclusions of an earlier study on these models, as tables."""

from collections.abc import Iterator

import pandas as pd

from stages.analysis.conclusions.retest import AXES
from stages.page.tables import Table, Tables, interval, number, percent, table


def retest_notes(beyond: Tables) -> tuple[str, ...]:
    """Return what makes the comparison doubtful, a sentence each."""
    found = beyond.get("skipped_retest")
    return tuple(f"{line[0].upper()}{line[1:]}." for line in found["skipped"]) if found is not None else ()


def retest_tables(beyond: Tables, level: float) -> Iterator[Table]:
    """Yield verdicts, criteria and axes of both studies, where there are any.

    Args:
        beyond: Tables of the stages stability, robustness and retest.
        level: Coverage of the intervals.
    """
    verdicts, criteria, axes = (beyond.get(f"retest{end}") for end in ("", "_criteria", "_axes"))
    if verdicts is None or criteria is None:
        return
    earlier, later = dict.fromkeys(criteria["variation"])
    rows = [tuple(map(str, row)) for row in verdicts[["statement", "earlier", "later"]].itertuples(index=False)]
    note = f"Conclusions of {earlier}, on the benchmarks and the axes of that study."
    yield table("Conclusions out of time", ["Conclusion", earlier, later], (), rows, note)
    yield _criteria(criteria, level)
    if axes is not None:
        yield _axes(axes, earlier, later, level)


def _criteria(criteria: pd.DataFrame, level: float) -> Table:
    columns = ["Conclusion", "Statistic", "Study", "Verdict", "Value", f"{100 * level:g} % interval", "n", "Families"]
    rows = [
        (
            str(row["conclusion"]),
            str(row["statistic"]),
            str(row["variation"]),
            ": ".join(str(row[name]) for name in ("verdict", "reason") if row[name] and not pd.isna(row[name])),
            number(row["value"], ".3f"),
            interval(row["low"], row["high"]),
            str(row["n"]),
            str(row["families"]),
        )
        for _, row in criteria.iterrows()
    ]
    note = "Each criterion in both studies; n: models that the number is computed of."
    return table("Criteria out of time", columns, columns[4:], rows, note)


def _axes(axes: pd.DataFrame, earlier: str, later: str, level: float) -> Table:
    columns = ["Component", f"Variance, {earlier}", f"Variance, {later}", "Nearest now", "Congruence"]
    columns.append(f"{100 * level:g} % interval over families")
    rows = [
        (
            str(row["component"]),
            percent(row["share_earlier"], 1),
            percent(row["share"], 1),
            str(row["own"]),
            number(row["congruence"], ".3f"),
            interval(row["low"], row["high"]),
        )
        for row in axes[AXES].to_dict("records")
    ]
    note = (
        "Tucker's congruence of the axes on the shared benchmarks: 0.95 and above is called equal, 0.85 to 0.94 fair "
        "(Lorenzo-Seva and ten Berge 2006)."
    )
    return table("Axes out of time", columns, [*columns[1:3], *columns[4:]], rows, note)
