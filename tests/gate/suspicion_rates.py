"""How often the suspicion check alarms without cause, and what it misses.

    python -m tests.gate.suspicion_rates

prints Markdown tables: what it says of the shipped study, false alarms on honest matrices, and detection of failures
planted into the shipped study, as the share of cases and, where a case has several cells, of cells in brackets. Every
case has a seed of its own, so the tables come out the same on any number of cores. The tests beside this file plant
their failures with the same functions.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from stages.gate.suspicion import SuspicionReport, find_suspicions

STUDY = Path(__file__).parents[2] / "metadata" / "japanese-2024"

ARGUED = [
    ("CohereForAI/c4ai-command-r-v01", "humaneval"),
    ("CohereForAI/c4ai-command-r-v01", "jhumaneval"),
    ("Qwen/Qwen1.5-7B", "bbh"),
    ("Rakuten/RakutenAI-7B", "jhumaneval"),
    ("cyberagent/calm2-7b", "xlsum_ja"),
]
"""Cells of the shipped study that look like failures: no ground for counting false alarms, nor for planting."""
CODE = ["humaneval", "jhumaneval"]
EXACT_MATCH = ["jcommonsenseqa", "jemhopqa", "niilc", "jsquad", "jmmlu"]
"""Japanese tasks of one harness, all lost when an answer begins with a line break."""
ONE_LINE = ["xlsum_ja", "mgsm_ja", "wmt20_en_ja", "wmt20_ja_en"]
"""Tasks of one harness that stops at the first line break."""


@dataclass(frozen=True)
class Case:
    """A matrix with the cells that a failure was planted in."""

    scores: pd.DataFrame
    facts: pd.DataFrame
    planted: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True)
class Tally:
    """Of one case: cells planted and cells of these reported, cells and models reported besides, cells in all."""

    planted: int
    hit: int
    besides: int
    cells: int


def study() -> tuple[pd.DataFrame, pd.DataFrame, list[tuple[str, str]]]:
    """Return the scores and benchmark facts of the shipped study, and the zeros that it waives."""
    scores = pd.read_csv(STUDY / "scores.csv", index_col="model_id")
    facts = pd.read_csv(STUDY / "benchmarks.csv", index_col="benchmark")
    zeros = [(str(scores.index[i]), str(scores.columns[j])) for i, j in np.argwhere(scores.to_numpy() == 0)]
    return scores, facts, zeros


def honest_study() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the shipped study without its zeros and without the cells that look like failures."""
    scores, facts, zeros = study()
    for model, benchmark in [*zeros, *ARGUED]:
        scores.loc[model, benchmark] = np.nan
    return scores, facts


def tally(case: Case) -> Tally:
    """Run the check on a case and compare."""
    report = find_suspicions(case.scores, case.facts)
    cells = {(s.model_id, s.benchmark) for s in report.suspicions}
    whole = {model for model, benchmark in cells if not benchmark}
    hit = sum(cell in cells or cell[0] in whole for cell in case.planted)
    victims = {model for model, _ in case.planted}
    besides = sum((model not in victims) if not name else ((model, name) not in case.planted) for model, name in cells)
    return Tally(len(case.planted), hit, besides, int(case.scores.notna().to_numpy().sum()))


# ---------------------------------------------------------------------------------------------- honest matrices


def factor_matrix(rng: np.random.Generator, n: int, p: int, freedom: float) -> Case:
    """Draw an honest matrix: three abilities, logistic benchmarks from chance to a ceiling, items drawn one by one.

    A fifth of the models is weak: at chance in multiple choice, near zero on hard free-form benchmarks. Abilities
    beside the general one have heavy tails (specialised models). Residuals on the logit scale are Student's t with
    standard deviation 0.35.
    """
    free = rng.random(p) < 0.6
    chance = np.where(free, np.where(rng.random(p) < 0.15, 0.25, 0.0), rng.choice([0.2, 0.25, 0.5], p))
    top = np.maximum(rng.uniform(0.35, 0.97, p), chance + 0.2)
    loadings = np.zeros((3, p))
    loadings[0] = rng.uniform(0.6, 1.6, p)
    kind = rng.integers(0, 3, p)
    for ability in (1, 2):
        loadings[ability, kind == ability] = rng.uniform(0.5, 1.2, (kind == ability).sum())
    ability = rng.standard_normal((n, 3))
    ability[:, 1:] = 0.8 * rng.standard_t(4, (n, 2))
    ability[rng.random(n) < 0.2, 0] -= 2.5
    noise = rng.standard_t(freedom, (n, p)) * 0.35 / np.sqrt(freedom / (freedom - 2))
    logit = ability @ loadings - rng.normal(0, 1.2, p) + noise
    items = rng.choice([120, 164, 250, 500, 1000, 5000], p)
    scores = rng.binomial(items, chance + (top - chance) / (1 + np.exp(-logit))) / items
    names = [f"b{j:03d}" for j in range(p)]
    answer = np.where(free, "generation", "loglikelihood")
    facts = pd.DataFrame({"chance": chance, "n_items": items, "answer": answer}, index=names)
    return Case(pd.DataFrame(scores, [f"m{i:04d}" for i in range(n)], names), facts)


def newcomers(rng: np.random.Generator, kind: str, n: int) -> Case:
    """Add n honest models to the shipped study: `weak`, or strong in one language (`ja`, `en`) and weak in the rest.

    A weak one guesses in multiple choice, solves one arithmetic or programming item in a hundred and otherwise
    reaches a tenth to a third of the lowest score; the others take the 10 % and 90 % quantiles, within 5 %.
    """
    scores, facts = honest_study()
    rows = pd.DataFrame(index=[f"newcomer-{i}" for i in range(n)], columns=scores.columns, dtype=float)
    for name, fact in facts.iterrows():
        column = scores[name]
        if kind != "weak":
            rows[name] = column.quantile(0.9 if fact["language"] == kind else 0.1) * rng.uniform(0.95, 1.05, n)
        elif fact["chance"] > 0:
            rows[name] = rng.binomial(fact["n_items"], fact["chance"], n) / fact["n_items"]
        elif name in ("gsm8k", "mgsm_ja", *CODE):
            rows[name] = rng.binomial(fact["n_items"], 0.01, n) / fact["n_items"]
        else:
            rows[name] = column.min() * rng.uniform(0.1, 0.33, n)
    return Case(pd.concat([scores, rows]), facts)


def some_models(rng: np.random.Generator) -> Case:
    """Leave out a tenth to two thirds of the models."""
    scores, facts = honest_study()
    kept = np.sort(rng.choice(len(scores), rng.integers(12, 33), replace=False))
    return Case(scores.iloc[kept], facts)


def some_benchmarks(rng: np.random.Generator) -> Case:
    """Leave out one to thirteen benchmarks."""
    scores, facts = honest_study()
    kept = np.sort(rng.choice(scores.shape[1], rng.integers(6, 19), replace=False))
    return Case(scores.iloc[:, kept], facts)


def resampled_models(rng: np.random.Generator) -> Case:
    """Draw as many models again, with replacement."""
    scores, facts = honest_study()
    drawn = scores.iloc[rng.choice(len(scores), len(scores))]
    return Case(drawn.set_axis([f"m{i:02d}" for i in range(len(drawn))]), facts)


def groups() -> Iterator[Case]:
    """Yield the whole study and each of its subsets."""
    scores, facts = honest_study()
    models = pd.read_csv(STUDY / "models.csv", index_col="model_id").loc[scores.index]
    yield Case(scores, facts)
    for column in ("construction", "group"):
        for value in sorted(models[column].unique()):
            yield Case(scores[models[column] == value], facts)


def honest_cases(n: int) -> dict[str, list[Case]]:
    """Return n cases of each kind of honest matrix."""
    draws: dict[str, Callable[[np.random.Generator], Case]] = {
        "study, 12 to 32 models": some_models,
        "study, 6 to 18 benchmarks": some_benchmarks,
        "study, models resampled": resampled_models,
        "study and a weak model at chance": lambda rng: newcomers(rng, "weak", 1),
        "study and four weak models at chance": lambda rng: newcomers(rng, "weak", 4),
        "study and a Japanese specialist": lambda rng: newcomers(rng, "ja", 1),
        "study and an English specialist": lambda rng: newcomers(rng, "en", 1),
        "factor model 20 × 19": lambda rng: factor_matrix(rng, 20, 19, 30),
        "factor model 35 × 19": lambda rng: factor_matrix(rng, 35, 19, 30),
        "factor model 100 × 30": lambda rng: factor_matrix(rng, 100, 30, 30),
        "factor model 35 × 19, heavy tails (t, 4)": lambda rng: factor_matrix(rng, 35, 19, 4),
    }
    cases = {"study, all and every subset": list(groups())}
    for kind, (title, draw) in enumerate(draws.items()):
        cases[title] = [draw(np.random.default_rng([kind, i])) for i in range(n)]
    return cases


# ------------------------------------------------------------------------------------------------------ failures


def plant(scores: pd.DataFrame, facts: pd.DataFrame, model: str, change: dict[str, float]) -> Case:
    """Put other scores in place of a model's, where it has one."""
    planted = {name: score for name, score in change.items() if pd.notna(scores.loc[model, name])}
    broken = scores.copy()
    broken.loc[model, list(planted)] = list(planted.values())
    return Case(broken, facts, frozenset((model, name) for name in planted))


def thirds(scores: pd.DataFrame) -> list[list[str]]:
    """Return the models in three equal parts: weak, middle, strong by their mean standardised score."""
    level = ((scores - scores.mean()) / scores.std()).mean(axis=1).sort_values(kind="stable")
    return [list(part) for part in np.array_split(level.index.to_numpy(), 3)]


def single_cells(to: Callable[[float, float], float], models: list[str], n: int, *, guessable: bool) -> list[Case]:
    """Change n single cells; only of benchmarks that can be guessed where `guessable`."""
    scores, facts = honest_study()
    names = [name for name in scores if not guessable or facts.loc[name, "chance"] > 0]
    cells = [(model, name) for model in models for name in names if pd.notna(scores.loc[model, name])]
    picked = np.random.default_rng(len(cells)).permutation(len(cells))[:n]
    return [
        plant(scores, facts, model, {name: to(scores.loc[model, name], facts.loc[name, "chance"])})
        for model, name in (cells[i] for i in picked)
    ]


def zeroed_scores(low: float, high: float, n: int) -> list[Case]:
    """Set n single cells to 0 that score from `low` up to `high`."""
    scores, facts = honest_study()
    values = scores.to_numpy()
    cells = np.argwhere((values >= low) & (values < high))
    picked = np.random.default_rng(len(cells)).permutation(len(cells))[:n]
    return [plant(scores, facts, scores.index[i], {scores.columns[j]: 0.0}) for i, j in cells[picked]]


def several_cells(names: list[str], to: Callable[[float, float], float], models: list[str]) -> list[Case]:
    """Change the same benchmarks of one model, for each of the models."""
    scores, facts = honest_study()
    return [
        plant(scores, facts, model, {n: to(scores.loc[model, n], facts.loc[n, "chance"]) for n in names})
        for model in models
    ]


def half_columns() -> list[Case]:
    """Set one free-form benchmark to 0 for a random half of the models, for each free-form benchmark."""
    scores, facts = honest_study()
    cases = []
    for j, name in enumerate(facts.index[facts["answer"] == "generation"]):
        have = scores.index[scores[name].notna()]
        failed = np.random.default_rng(j).choice(have, len(have) // 2, replace=False)
        broken = scores.copy()
        broken.loc[failed, name] = 0.0
        cases.append(Case(broken, facts, frozenset((str(model), name) for model in failed)))
    return cases


def zero(score: float, chance: float) -> float:
    """Return what an unreadable output scores."""
    return 0.0


def failures(n: int) -> dict[str, list[list[Case]]]:
    """Return cases of each kind of failure, for weak, middle and strong models."""
    scores, facts = honest_study()
    parts = thirds(scores)
    free = [name for name in scores if facts.loc[name, "answer"] == "generation"]
    choice = [name for name in scores if facts.loc[name, "answer"] == "loglikelihood"]

    def each(make: Callable[[list[str]], list[Case]]) -> list[list[Case]]:
        return [make(part) for part in parts]

    return {
        "one cell to 0": each(lambda m: single_cells(zero, m, n, guessable=False)),
        "one cell to chance": each(lambda m: single_cells(lambda _, c: c, m, n, guessable=True)),
        "one cell to 10 % of its value": each(lambda m: single_cells(lambda s, _: 0.1 * s, m, n, guessable=False)),
        "one cell to 30 % of its value": each(lambda m: single_cells(lambda s, _: 0.3 * s, m, n, guessable=False)),
        "both code benchmarks to 0": each(lambda m: several_cells(CODE, zero, m)),
        "both code benchmarks to 10 %": each(lambda m: several_cells(CODE, lambda s, _: 0.1 * s, m)),
        "5 Japanese exact-match tasks to 0": each(lambda m: several_cells(EXACT_MATCH, zero, m)),
        "4 one-line Japanese tasks to 0": each(lambda m: several_cells(ONE_LINE, zero, m)),
        "all free-form to 1 % of its value": each(lambda m: several_cells(free, lambda s, _: 0.01 * s, m)),
        "all multiple choice to chance": each(lambda m: several_cells(choice, lambda _, c: c, m)),
        "all free-form to 1 % and multiple choice to chance": each(
            lambda m: several_cells(list(scores), lambda s, c: c if c > 0 else 0.01 * s, m)
        ),
        "everything to 0": each(lambda m: several_cells(list(scores), zero, m)),
    }


# -------------------------------------------------------------------------------------------------------- tables


def table(header: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def false_alarms(run: Callable[[list[Case]], list[Tally]], n: int) -> str:
    """Return the table of false alarms."""
    rows = []
    for title, cases in honest_cases(n).items():
        tallies = run(cases)
        alarms, cells = sum(t.besides for t in tallies), sum(t.cells for t in tallies)
        share = np.mean([t.besides > 0 for t in tallies])
        rows.append([title, str(len(cases)), f"{100 * share:.0f} %", f"{1000 * alarms / cells:.2f}"])
    return table(["honest matrix", "matrices", "with an alarm", "alarms per 1,000 cells"], rows)


def percent(tallies: list[Tally]) -> str:
    """Return the share of cases with a planted cell reported and, where cases plant several, of cells."""
    tallies = [t for t in tallies if t.planted]
    cells = sum(t.hit for t in tallies) / sum(t.planted for t in tallies)
    cases = np.mean([t.hit > 0 for t in tallies])
    if max(t.planted for t in tallies) == 1:
        return f"{100 * cells:.0f} %"
    return f"{100 * cases:.0f} % ({100 * cells:.0f} %)"


def detections(run: Callable[[list[Case]], list[Tally]], n: int) -> str:
    """Return the table of detections."""
    rows = []
    for title, parts in failures(n).items():
        tallies = [run(part) for part in parts]
        besides = sum(t.besides for part in tallies for t in part)
        count = sum(len(part) for part in tallies)
        rows.append([title, str(count), *(percent(part) for part in tallies), f"{besides / count:.2f}"])
    half = run(half_columns())
    rows.append(["one benchmark to 0 for half of the models", str(len(half)), "", percent(half), ""])
    rows[-1].append(f"{sum(t.besides for t in half) / len(half):.2f}")
    header = [
        "planted failure",
        "cases",
        "weak third",
        "middle third",
        "strong third",
        "other cells reported per case",
    ]
    return table(header, rows)


def by_score(run: Callable[[list[Case]], list[Tally]], n: int) -> str:
    """Return the table of single zeros by the score that was there."""
    rows = []
    for low, high in [(0, 0.05), (0.05, 0.1), (0.1, 0.2), (0.2, 0.4), (0.4, 1)]:
        cases = zeroed_scores(low, high, n)
        rows.append([f"{low:g} to {high:g}", str(len(cases)), percent(run(cases))])
    return table(["one cell to 0 that was", "cases", "reported"], rows)


def shipped() -> str:
    """Return what the check says of the shipped study."""
    scores, facts, zeros = study()
    models = pd.read_csv(STUDY / "models.csv", index_col="model_id").loc[scores.index]
    scratch = scores[models["construction"] == "scratch"]

    def cells(report: SuspicionReport) -> str:
        return "; ".join(f"{s.benchmark} of {s.model_id}" for s in report.suspicions) or "nothing"

    rows = [
        ["all, the six zeros known", cells(find_suspicions(scores, facts, known=zeros))],
        ["all, the six zeros not known", cells(find_suspicions(scores, facts))],
        ["scratch, the six zeros known", cells(find_suspicions(scratch, facts, known=zeros))],
        ["scratch, the six zeros not known", cells(find_suspicions(scratch, facts))],
    ]
    return table(["shipped study", "reported"], rows)


def main(n: int = 25) -> None:
    """Print the tables."""
    with ProcessPoolExecutor(2) as pool:

        def run(cases: list[Case]) -> list[Tally]:
            return list(pool.map(tally, cases, chunksize=4))

        print(shipped(), false_alarms(run, n), detections(run, n), by_score(run, n), sep="\n\n")


if __name__ == "__main__":
    main()
