"""`observatory import`: scores that other tools measured, with their evidence, into a study."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from stages.analysis.scores.cells import falling
from stages.commands.import_rows import earlier, import_rows
from stages.commands.raw import keep_all
from stages.commands.studies import Study, open_study
from stages.contracts.errors import InputError, raise_all
from stages.contracts.kinds import OfKind, one_line_each
from stages.contracts.names import listed
from stages.contracts.study.tables import IMPORTS
from stages.intake import files
from stages.intake.choice import Candidate, Wanted, by_score, grouped, parse_choices, scales, settle
from stages.intake.drafts import benchmark_row, model_rows, written
from stages.intake.matching import new_benchmarks, same_models, wanted_by
from stages.intake.outcomes import sha256
from stages.intake.results import Found, Result
from stages.workspace.progress import each


@dataclass(frozen=True)
class Options:
    """What the user says about an import.

    Attributes:
        form: Format of all files, None to recognise each.
        metrics: `[TASK=]METRIC[,FILTER]`: which of a task's scores counts.
        rule: Which of several scores of a cell counts, "" for what study.yaml says.
        add: Whether to add models and benchmarks that an existing study lacks.
        skip_refused: Whether to leave out what cannot be used instead of refusing it all.
    """

    form: str | None = None
    metrics: Sequence[str] = ()
    rule: str = ""
    add: bool = False
    skip_refused: bool = False


@dataclass(frozen=True)
class Imported:
    """Result of `import`.

    Attributes:
        study: Its name.
        scores: Scores in imports.csv now.
        new: Number of these that are new or changed.
        answers: Number of these with answers behind them.
        raw_files: Raw files that were not there before.
        notes: What was decided or left out.
        decisions: What is left to a person.
    """

    study: str
    scores: int
    new: int
    answers: int
    raw_files: int
    notes: Sequence[str] = ()
    decisions: Sequence[str] = ()
    ok: bool = field(default=True, init=False)

    def text(self) -> Iterator[str]:
        """Yield what was decided, the result, and what to do next."""
        yield from (f"note: {line}" for line in self.notes)
        yield from (f"decide: {line}" for line in self.decisions)
        yield (
            f"metadata/{self.study}/imports.csv: {self.scores} scores, {self.new} new, {self.answers} with answers; "
            f"{self.raw_files} new raw files"
        )
        yield f"next: dvc exp run -S study={self.study}"

    def content(self) -> Mapping[str, Any]:
        """Return the same as plain data."""
        return {name: value for name, value in vars(self).items() if name != "ok"}


def import_results(given: Sequence[Path], study: str, options: Options) -> Imported:
    """Read results and write them into a study, all or nothing.

    Args:
        given: Files and folders.
        study: Name of the study, created if it does not exist.
        options: What the user says.

    Raises:
        InputError: Something cannot be used; every reason is named.
    """
    choices, problems = parse_choices(options.metrics)
    if options.form and options.form not in files.FORMATS:
        problems.append(f"--format {options.form}: expected {' or '.join(files.FORMATS)}")
    raise_all(problems)
    here = open_study(study)
    reading = each(files.result_files(given), "reading", lambda path: path.name)
    found = files.read_files(reading, given, options.form)
    digests = {path: sha256(path) for path in dict.fromkeys(result.file for result in found.results)}
    found.notes += files.unique(found, digests)
    candidates = _candidates(here, found, choices, add=options.add or here.facts is None)
    before = earlier(here.facts.imports) if here.facts else []
    kept, notes, conflicts = settle([*before, *candidates], options.rule or here.rule)
    found.notes += notes
    found.refused += [f"{line}: choose by --newest, --harness TOOL or import_rule in study.yaml" for line in conflicts]
    return _write(here, kept, found, digests, options)


def _candidates(here: Study, found: Found, choices: Mapping[str, tuple[str, str]], *, add: bool) -> list[Candidate]:
    """Return the scores of the study's cells, and note or add what the study lacks."""
    _take_models(here, found, add=add)
    _leave_out_parts(here, found)
    table = here.facts.benchmarks if here.facts else None
    wanted, others, problems = wanted_by(found.results, table, choices)
    new = new_benchmarks(others, found.results, choices) if add else []
    if others and not add:
        found.notes.append(f"{len(others)} tasks are not benchmarks of the study: {listed(others)}: --add adds them")
    numbers, undeclared = by_score(found.results, [*wanted, *new])
    found.refused += [*problems, *undeclared]
    fresh = {rule.benchmark for rule in new}
    candidates = []
    for rule in (rule for rule in (*wanted, *new) if rule.benchmark in numbers):
        mine = numbers[rule.benchmark]
        if rule.benchmark not in fresh and (line := _direction(here, rule.benchmark, mine)):
            found.refused.append(line)
            continue
        by, notes, refused = scales(mine, rule)
        found.notes += notes
        found.refused += refused
        scored = [_candidate(rule, result, scale) for result, scale in zip(mine, by, strict=True)]
        candidates += scored
        if rule.benchmark in fresh:
            row = benchmark_row(
                rule.benchmark, mine, max(by), list(here.languages), lowest=min(c.score for c in scored)
            )
            here.draft.benchmarks.append(row)
    return candidates


def _direction(here: Study, benchmark: str, results: Sequence[Result]) -> str:
    """Return in what a benchmark's direction contradicts that of some results, "" where it does not."""
    stated = {result.higher_is_better for result in results} - {None}
    falls = here.facts is not None and benchmark in falling(here.facts.benchmarks)
    if not stated or falls not in stated:
        return ""
    ours, theirs = ("lower", "higher") if falls else ("higher", "lower")
    return (
        f"{benchmark}: {theirs} scores are better in these files, {ours} ones in benchmarks.csv: correct "
        "higher_is_better there, or name another metric"
    )


def _take_models(here: Study, found: Found, *, add: bool) -> None:
    """Rename the models of results as the study does; those that it lacks are added, or left out with a note."""
    names = list(dict.fromkeys(result.model for result in found.results))
    known = same_models(names, here.facts.models) if here.facts else {}
    others = [name for name in names if name not in known]
    if others and add:
        stated = {r.model: r.parameters for r in found.results if r.parameters and r.parameters > 0}
        here.draft.models, notes = model_rows(others, stated)
        found.notes += notes
        known |= {name: name for name in others}
    elif others:
        found.notes.append(f"{len(others)} models are not in models.csv: {listed(others)}: --add adds them")
    found.results = [replace(r, model=known[r.model]) for r in found.results if r.model in known]


def _leave_out_parts(here: Study, found: Found) -> None:
    """Drop tasks whose group has a score: both in one matrix would be one ability twice. Declared ones stay."""
    scored = {result.task for result in found.results}
    table = here.facts.benchmarks if here.facts else None
    declared = set() if table is None else {*map(str, table.index), *map(str, table["task"])}
    parts = {part: group for part, group in found.parts.items() if group in scored and part in scored - declared}
    for group, names in grouped(parts, lambda part: parts[part]).items():
        found.notes.append(f"{len(names)} tasks are parts of {group}, which has a score of its own: left out")
    found.results = [result for result in found.results if result.task not in parts]


def _candidate(rule: Wanted, result: Result, scale: float) -> Candidate:
    return Candidate(
        model_id=result.model,
        benchmark=rule.benchmark,
        score=result.score / scale,
        stderr=None if result.stderr is None else result.stderr / scale,
        n_items=result.n_items,
        protocol=result.protocol,
        tool=result.tool,
        time=result.time,
        where=f"{result.file}, {result.place}",
        result=result,
    )


def _write(
    here: Study, kept: Sequence[Candidate], found: Found, digests: Mapping[Path, str], options: Options
) -> Imported:
    """Read the answers behind the scores, and write everything that is left."""
    rows, places, more = import_rows(here.name, kept, digests)
    found.add(more)
    if found.refused and not options.skip_refused:
        hint = "nothing was imported; --skip-refused imports the rest"
        raise InputError([*by_way_out(found.refused), f"{len(found.refused)} refused: {hint}"])
    left_out = [f"left out: {line}" for line in by_way_out(found.refused)]
    notes = [*left_out, *by_way_out([*found.notes, *_replaced(here, kept)])]
    if not rows:
        raise InputError(
            [*notes, f"no score of a model and benchmark of {here.name} in these files: nothing to import"]
        )
    before = here.files.get(IMPORTS.file, b"").decode().splitlines()[1:]
    rows.sort(key=here.order)
    table = written([IMPORTS.names, *([row[name] for name in IMPORTS.names] for row in rows)])
    grown, facts = here.grown({IMPORTS.file: table})
    copied = keep_all(here.name, places)
    here.write(grown)
    new = len(set(table.decode().splitlines()[1:]) - set(before))
    answers = int((facts.imports["samples"] != "").sum())
    return Imported(here.name, len(rows), new, answers, copied, notes, here.draft.decisions)


def by_way_out(lines: Iterable[str]) -> list[str]:
    """Return one line for each way out of what is wrong with files or models.

    A folder of results has thousands of files that may be wrong in the same way. What a line is about stands before
    its first colon, the way out behind the last; of lines that are about the study there are few.
    """
    parts = {line: (line.partition(": ")[0], line.rpartition(": ")[2]) for line in lines}
    abouts = [about for about, _ in parts.values() if "/" in about]
    shared = os.path.commonprefix(abouts).rpartition("/")  # noqa: RUF071 (models are named as well as files)
    return one_line_each(
        OfKind(line, way_out, about.removeprefix("".join(shared[:2]))) if "/" in about else OfKind(line, line)
        for line, (about, way_out) in parts.items()
    )


def _replaced(here: Study, kept: Sequence[Candidate]) -> Iterator[str]:
    """Yield a line when imported scores stand in for published ones."""
    if here.facts is None:
        return
    scores = here.facts.scores
    known = set(scores.stack().dropna().index)
    several = [f"{c.benchmark} of {c.model_id}" for c in kept if (c.model_id, c.benchmark) in known]
    if several:
        yield f"{len(several)} imported scores replace published ones: {listed(several)}"
