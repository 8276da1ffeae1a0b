"""What each table under `metadata/<study>/` must contain.

`stages.contracts.csv.table` reads a file against one of these; `stages.gate.data_docs` turns the same declarations
into Great Expectations suites; the data dictionary of a study is tested against them.
"""

from collections.abc import Sequence
from typing import NamedTuple

from stages.contracts.csv.schema import Column, Table
from stages.contracts.outcomes import RATES

CONSTRUCTIONS = ("scratch", "continual")
ALL = "all"
"""The subset that holds every model."""


def models_table(languages: Sequence[str], groups: Sequence[str]) -> Table:
    """Return the contract of models.csv.

    Args:
        languages: Language codes of the study; each has a column `tokens_<code>_b` and may have two for a count that
            is known as a range only, `tokens_<code>_b_low` and `tokens_<code>_b_high`.
        groups: Values allowed in the column `group`.
    """
    tokens = [Column(f"tokens_{code}_b", "number", blank=True, low=0) for code in languages]
    ranges = [
        Column(f"tokens_{code}_b_{end}", "number", blank=True, required=False, low=0)
        for code in (*languages, "total")
        for end in ("low", "high")
    ]
    return Table(
        file="models.csv",
        columns=(
            Column("model_id"),
            Column("name"),
            Column("active_params_b", "number", blank=True, above=0),
            Column("construction", "choice", choices=CONSTRUCTIONS),
            Column("base_model_id", blank=True),
            Column("corpus", blank=True),
            Column("tokens_total_b", "number", blank=True, above=0),
            *tokens,
            Column("group", "choice", choices=tuple(groups)),
            Column("family"),
            Column("reference", blank=True),
            Column("total_params_b", "number", blank=True, required=False, above=0),
            Column("revision", blank=True, required=False),
            Column("trust_remote_code", "flag", blank=True, required=False),
            Column("trust_reason", blank=True, required=False),
            Column("expected_weights", blank=True, required=False),
            Column("weights_reason", blank=True, required=False),
            Column("released", "date", blank=True, required=False),
            Column("tokens_source", blank=True, required=False),
            *ranges,
        ),
        key=("model_id",),
    )


def benchmarks_table(languages: Sequence[str]) -> Table:
    """Return the contract of benchmarks.csv for a study of these languages."""
    return Table(
        file="benchmarks.csv",
        columns=(
            Column("benchmark"),
            Column("label"),
            Column("language", "choice", choices=tuple(languages)),
            Column("ability"),
            Column("counterpart", blank=True),
            Column("metric"),
            Column("max_score", "number"),
            Column("min_score", "number", blank=True, required=False),
            Column("chance", "number", blank=True),
            Column("n_items", "integer", blank=True, low=1),
            Column("n_shots", "integer", blank=True, low=0),
            Column("answer", "choice", choices=("generation", "loglikelihood")),
            Column("reference", blank=True),
            Column("higher_is_better", "choice", blank=True, required=False, choices=("true", "false")),
            Column("honest_zeros", "flag", blank=True, required=False),
            Column("task", blank=True, required=False),
            Column("task_metric", blank=True, required=False),
            Column("task_filter", blank=True, required=False),
            Column("task_scale", "number", blank=True, required=False, above=0),
        ),
        key=("benchmark",),
    )


def scores_table(benchmarks: Sequence[str]) -> Table:
    """Return the contract of scores.csv: one row per model, one column per benchmark.

    Ranges are not part of it: they are declared per benchmark in benchmarks.csv and checked by the gate.
    """
    cells = [Column(name, "number", blank=True) for name in benchmarks]
    return Table(file="scores.csv", columns=(Column("model_id"), *cells), key=("model_id",), wide=True)


CORRECTIONS = Table(
    file="corrections.csv",
    columns=(
        Column("model_id"),
        Column("benchmark"),
        Column("published", "number"),
        Column("corrected", "number"),
        Column("reason"),
        Column("source"),
    ),
    key=("model_id", "benchmark"),
    optional=True,
    may_be_empty=True,
)


class CorrectionRow(NamedTuple):
    """One row of corrections.csv."""

    model_id: str
    benchmark: str
    published: float
    corrected: float
    reason: str
    source: str


EVIDENCE = ("zero", "outcomes", "limited", "suspicious")
"""Checks for failed evaluations: those that a row of waivers.csv accepts when it names none."""

WAIVABLE = (
    *EVIDENCE,
    *("names", "units", "sizes", "tokens", "base_models", "token_rules"),
    *("complete", "range", "scale", "constant", "identical", "alike", "redundant", "direction", "size", "items"),
    *("too_good", "protocol"),
)
"""Checks of the gate that a row of waivers.csv can name."""

DEFINITE = ("complete", "range", "constant", "size")
"""Checks whose errors cannot be waived: nothing can be computed from such a table. Their warnings can."""

WAIVERS = Table(
    file="waivers.csv",
    columns=(
        Column("model_id", blank=True),
        Column("benchmark", blank=True),
        Column("check", "choice", blank=True, choices=WAIVABLE),
        Column("reason"),
        Column("source"),
    ),
    key=("model_id", "benchmark", "check"),
    optional=True,
    may_be_empty=True,
)


class WaiverRow(NamedTuple):
    """One row of waivers.csv; benchmark is empty where it is about the model as a whole."""

    model_id: str
    benchmark: str
    check: str
    reason: str


IMPORTS = Table(
    file="imports.csv",
    columns=(
        Column("model_id"),
        Column("benchmark"),
        Column("score", "number"),
        Column("stderr", "number", blank=True, low=0),
        Column("n_items", "integer", blank=True, low=1),
        *(Column(name, "number", blank=True, low=0, high=1) for name in RATES),
        Column("protocol"),
        Column("tool"),
        Column("evaluated_at", blank=True),
        Column("file"),
        Column("place"),
        Column("sha256"),
        Column("samples", blank=True),
    ),
    key=("model_id", "benchmark"),
    optional=True,
    may_be_empty=True,
)

CLAIMS = Table(
    file="claims.csv",
    columns=(
        Column("claim_id"),
        Column("location"),
        Column("quantity"),
        Column("subset"),
        Column("published", "number"),
        Column("tolerance", "number", above=0),
        Column("note", blank=True),
    ),
    key=("claim_id",),
    optional=True,
    may_be_empty=True,
)


class ClaimRow(NamedTuple):
    """One row of claims.csv."""

    claim_id: str
    location: str
    quantity: str
    subset: str
    published: float
    tolerance: float
    note: str
