"""All tables of a study, read strictly and checked against each other."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

import pandas as pd

from stages.contracts.csv.csvfile import file_problem, records
from stages.contracts.csv.schema import Table
from stages.contracts.csv.table import missing_rows, read_table
from stages.contracts.errors import InputError
from stages.contracts.kinds import OfKind, one_line_each
from stages.contracts.names import Names
from stages.contracts.params import Params
from stages.contracts.rows import rows_of
from stages.contracts.study.info import StudyInfo, load_study
from stages.contracts.study.model_options import FILE as OPTIONS
from stages.contracts.study.model_options import ModelOptions, parse_model_options
from stages.contracts.study.model_record import trust_problems
from stages.contracts.study.own_tasks import choice_problems
from stages.contracts.study.prompts import FILE as PROMPTS
from stages.contracts.study.prompts import parse_prompts
from stages.contracts.study.tables import (
    ALL,
    CLAIMS,
    CORRECTIONS,
    IMPORTS,
    WAIVERS,
    benchmarks_table,
    models_table,
    scores_table,
)
from stages.contracts.study.workarounds import FILE as WORKAROUNDS
from stages.contracts.study.workarounds import Workaround, read_workarounds

FILES = ("models.csv", "benchmarks.csv", "scores.csv", "corrections.csv", "waivers.csv", "claims.csv", "imports.csv")
"""Tables of a study; the last four may be missing."""


Parsed = TypeVar("Parsed")


@dataclass(frozen=True)
class Facts:
    """The tables of a study.

    Attributes:
        info: study.yaml.
        models: models.csv, indexed by model_id, in its order.
        benchmarks: benchmarks.csv, indexed by benchmark, in its order.
        scores: scores.csv, raw, indexed by model_id, rows in the order of models, columns in that of benchmarks.
        corrections: corrections.csv; no rows when the study has none.
        waivers: waivers.csv; likewise.
        claims: claims.csv; likewise.
        imports: imports.csv, scores as shares of max_score; likewise.
        workarounds: workarounds.yaml; empty when the study has none, or when read back from parquet.
        prompts: prompts.yaml, likewise: benchmark to part to text.
        options: models.yaml, likewise: model_id to how it is loaded and asked.
    """

    info: StudyInfo
    models: pd.DataFrame
    benchmarks: pd.DataFrame
    scores: pd.DataFrame
    corrections: pd.DataFrame
    waivers: pd.DataFrame
    claims: pd.DataFrame
    imports: pd.DataFrame
    workarounds: tuple[Workaround, ...] = ()
    prompts: Mapping[str, dict[str, str]] = field(default_factory=dict)
    options: Mapping[str, ModelOptions] = field(default_factory=dict)


class _Reader:
    """Reads the tables of one folder and collects what is wrong with them."""

    def __init__(self, files: Mapping[str, bytes], folder: str) -> None:
        self.files = files
        self.folder = folder
        self.problems: list[str] = []

    def info(self) -> StudyInfo | None:
        """Return study.yaml, or None after noting its problems."""
        where = f"{self.folder}/study.yaml"
        if "study.yaml" not in self.files:
            self.problems.append(f"{where}: the file is missing; it holds title, citation, licence, languages, groups")
            return None
        try:
            return load_study(self.files["study.yaml"].decode("utf-8"), where)
        except UnicodeDecodeError:
            self.problems.append(f"{where}: not UTF-8 text: save it as UTF-8")
        except InputError as error:
            self.problems += error.problems
        return None

    def header(self, file: str) -> list[str]:
        """Return the first row of a table as it stands, whatever else is wrong with it; empty when there is none."""
        data = self.files.get(file, b"")
        first = None if file_problem(data) else next(records(data), None)
        return first.cells if first else []

    def column(self, file: str, name: str) -> list[str]:
        """Return the cells of a column as they stand, whatever is wrong with others; none without readable rows."""
        header = self.header(file)
        if name not in header:
            return []
        place, rows = header.index(name), [row.cells for row in records(self.files[file])][1:]
        return [row[place] for row in rows] if all(len(row) > place for row in rows) else []

    def read(self, table: Table, known: Mapping[str, Sequence[str]]) -> pd.DataFrame | None:
        """Return the table, or None after noting its problems. A missing optional table has no rows."""
        where = f"{self.folder}/{table.file}"
        if table.file not in self.files:
            if table.optional:
                return read_table((",".join(table.names) + "\n").encode(), where, table).frame
            self.problems.append(f"{where}: the file is missing; its columns are {', '.join(table.names[:6])}, ...")
            return None
        reading = read_table(self.files[table.file], where, table, known)
        self.problems += reading.problems
        return None if reading.problems else reading.frame

    def workarounds(self, known: Mapping[str, Sequence[str]]) -> tuple[Workaround, ...]:
        """Return workarounds.yaml; nothing when it is missing, or after noting its problems."""
        if WORKAROUNDS not in self.files or not {"model_id", "benchmark"} <= known.keys():
            return ()
        where = f"{self.folder}/{WORKAROUNDS}"
        records, problems = read_workarounds(self.files[WORKAROUNDS], where, known["model_id"], known["benchmark"])
        self.problems += problems
        return tuple(records)

    def mapping(self, file: str, parse: Callable[[str, str], dict[str, Parsed]]) -> dict[str, Parsed]:
        """Return an optional YAML file; nothing when it is missing, or after noting its problems."""
        if file not in self.files:
            return {}
        where = f"{self.folder}/{file}"
        try:
            return parse(self.files[file].decode("utf-8"), where)
        except UnicodeDecodeError:
            self.problems.append(f"{where}: not UTF-8 text: save it as UTF-8")
        except InputError as error:
            self.problems += error.problems
        return {}


def read_facts(files: Mapping[str, bytes], folder: str, params: Params) -> Facts:
    """Read and cross-check all tables of a study.

    Args:
        files: File name to contents, for the files that exist in the study's folder.
        folder: Path of the folder, to show in messages.
        params: params.yaml: its subset and evaluated models must exist.

    Raises:
        InputError: Something is wrong; every problem of every table is named.
    """
    reader = _Reader(files, folder)
    info = reader.info()
    models = reader.read(models_table(list(info.languages), list(info.groups)), {}) if info else None
    benchmarks = reader.read(benchmarks_table(list(info.languages)), {}) if info else None
    # what is wrong with the tables that declare the names must not hide what is wrong with those that use them
    known: dict[str, Sequence[str]] = {}
    for key, frame, file in (("model_id", models, "models.csv"), ("benchmark", benchmarks, "benchmarks.csv")):
        names = reader.column(file, key) if frame is None else list(frame[key])
        if names:
            known[key] = list(dict.fromkeys(names))
    columns = known.get("benchmark") or [name for name in reader.header("scores.csv") if name != "model_id"]
    scores = reader.read(scores_table(columns), known)
    # the gate says which models and benchmarks these name in vain: that need not stop anything else from being judged
    corrections, waivers = reader.read(CORRECTIONS, {}), reader.read(WAIVERS, {})
    claims, imports = reader.read(CLAIMS, {}), reader.read(IMPORTS, known)
    workarounds, prompts = reader.workarounds(known), reader.mapping(PROMPTS, parse_prompts)
    options = reader.mapping(OPTIONS, lambda text, where: parse_model_options(text, where, known.get("model_id", ())))
    problems = reader.problems
    if models is not None:
        problems += _parameter_problems(models, params)
        problems += trust_problems(models, f"{folder}/models.csv")
    if benchmarks is not None and info is not None:
        problems += _benchmark_problems(benchmarks, info, folder)
        problems += choice_problems(benchmarks, f"{folder}/benchmarks.csv")
    if scores is not None:
        elsewhere = {*params.evaluate.models, *reader.column(IMPORTS.file, "model_id")}
        needed = [name for name in known.get("model_id", ()) if name not in elsewhere]
        problems += missing_rows(scores, f"{folder}/scores.csv", "model_id", needed)
    if waivers is not None:
        problems += _waiver_problems(waivers, folder)
    if problems or info is None or models is None or benchmarks is None or scores is None:
        raise InputError(problems)
    if corrections is None or waivers is None or claims is None or imports is None:
        raise InputError(problems)
    models, benchmarks = models.set_index("model_id"), benchmarks.set_index("benchmark")
    scored = set(scores["model_id"])
    rows = [name for name in models.index if name in scored]
    wide = scores.set_index("model_id").loc[rows, list(benchmarks.index)]
    return Facts(info, models, benchmarks, wide, corrections, waivers, claims, imports, workarounds, prompts, options)


def subset_values(models: pd.DataFrame) -> list[str]:
    """Return the values that the parameter `subset` can take: all, the constructions, the groups."""
    return [ALL, *dict.fromkeys([*models["construction"], *sorted(models["group"])])]


def _parameter_problems(models: pd.DataFrame, params: Params) -> list[str]:
    values = subset_values(models)
    problems = []
    if params.subset not in values:
        hint = Names(values).hint(params.subset)
        problems.append(f"params.yaml: subset is {params.subset!r}{hint or ': unknown'}; known: {', '.join(values)}")
    names = Names(models["model_id"])
    unknown = []
    for name in params.evaluate.models:
        if name not in names:
            hint = names.hint(name) or ": add its record to models.csv"
            text = f"params.yaml: evaluate.models names {name}, which is not in models.csv{hint}"
            unknown.append(OfKind(text, hint, name))
    return [*problems, *one_line_each(unknown)]


class _Scale(NamedTuple):
    benchmark: str
    counterpart: str
    min_score: float
    max_score: float


def _waiver_problems(waivers: pd.DataFrame, folder: str) -> list[str]:
    blank = (waivers[["model_id", "benchmark", "check"]] == "").all(axis=1)
    line = f"{folder}/waivers.csv: a row without model_id, benchmark and check accepts every finding: give one of them"
    return one_line_each([OfKind(line, "blank")] * int(blank.sum()))


def _benchmark_problems(benchmarks: pd.DataFrame, info: StudyInfo, folder: str) -> list[str]:
    names = Names(benchmarks["benchmark"])
    where = f"{folder}/benchmarks.csv"
    problems: list[OfKind] = []
    for row in rows_of(benchmarks, _Scale):
        low = 0.0 if math.isnan(row.min_score) else row.min_score
        if not low < row.max_score:
            text = (
                f"{where}: {row.benchmark} ranges from {low:g} to {row.max_score:g}: max_score must be the larger "
                "(a metric with negative values needs min_score)"
            )
            problems.append(OfKind(text, "range", row.benchmark))
        if row.counterpart and row.counterpart not in names:
            hint = names.hint(row.counterpart) or ": no such benchmark"
            text = f"{where}: counterpart of {row.benchmark} is {row.counterpart}{hint}"
            problems.append(OfKind(text, ("counterpart", hint), f"{row.counterpart} of {row.benchmark}"))
    used = {f"anchors.{axis}": [name] for axis, name in info.anchors.items()}
    for axis, readings in info.readings.items():
        used |= {f"readings.{axis}.{title}": list(members) for title, members in readings.items()}
    for place, members in used.items():
        for name in members:
            if name not in names:
                hint = names.hint(name) or ": no such benchmark"
                text = f"{folder}/study.yaml: {place} names {name}{hint}"
                problems.append(OfKind(text, ("study.yaml", hint), f"{name} in {place}"))
    return one_line_each(problems)
