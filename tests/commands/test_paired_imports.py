"""`observatory compare` on answers that others measured: matched by the hashes of their files."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import yaml

from stages.commands.export.eee import records, sample_rows
from stages.commands.imported_answers import scaled
from stages.commands.importing import Options, import_results
from stages.commands.paired import compare
from stages.contracts.errors import InputError
from stages.intake.samples import Of, read_samples
from stages.workspace import paths
from tests.commands.test_export_eee import ANSWERS, SOURCE
from tests.commands.test_paired import write
from tests.intake import made
from tests.repository import new_repository

SMALL, MEDIUM, LARGE = made.MODELS
STUDY = "others"


@pytest.fixture(scope="module", autouse=True)
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A repository whose study holds scores of lm-eval with their answers."""
    path = tmp_path_factory.mktemp("paired") / "repo"
    repository = new_repository(path)
    with contextlib.chdir(repository.path):
        import_results([made.write_lm_eval(path.parent / "results")], STUDY, Options())
        params = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
        Path("params.yaml").write_text(yaml.safe_dump({**params, "study": STUDY}), encoding="utf-8")
        yield path


def values_of(model: str, task: str) -> list[bool]:
    return [made.right(model, made.MODELS[model], task, i) for i in range(made.N_ITEMS)]


def test_imported_answers_are_compared_item_by_item():
    found = {one.benchmark: one for one in compare(LARGE, SMALL).comparisons}
    assert set(found) == set(made.TASKS)
    for task, one in found.items():
        pairs = list(zip(values_of(LARGE, task), values_of(SMALL, task), strict=True))
        assert one.paired.n == made.N_ITEMS
        assert (one.paired.better, one.paired.worse) == (pairs.count((True, False)), pairs.count((False, True)))
        assert one.notes == []
    assert found["nq"].verdict == "better"


def test_on_a_benchmark_on_which_less_is_better_the_verdict_turns():
    table = paths.METADATA / STUDY / "benchmarks.csv"
    before = table.read_text(encoding="utf-8")
    facts = pd.read_csv(table, keep_default_na=False)
    facts.assign(higher_is_better=["false" if name == "nq" else "" for name in facts["benchmark"]]).to_csv(
        table, index=False
    )
    try:
        (one,) = compare(LARGE, SMALL, ["nq"]).comparisons
    finally:
        table.write_text(before, encoding="utf-8")
    assert one.verdict == "worse"
    assert one.notes == ["nq: lower values are better"]


def test_an_own_evaluation_comes_before_an_imported_one_and_meets_others_by_its_prompts():
    write(MEDIUM, {"nq": [1.0] * made.N_ITEMS})
    file = paths.EVALUATIONS / MEDIUM / "samples/nq.parquet"
    hashes = [made.lm_eval_sample(MEDIUM, 0.5, "nq", i)["prompt_hash"] for i in range(made.N_ITEMS)]
    pd.read_parquet(file).assign(prompt_hash=hashes).to_parquet(file, index=False)
    (one,) = compare(MEDIUM, SMALL, ["nq"]).comparisons
    assert (one.paired.n, one.paired.first) == (made.N_ITEMS, 1)
    assert "measured under" in one.notes[0]


def test_a_raw_file_that_is_not_here_is_told_with_how_to_get_it():
    imports = pd.read_csv(paths.METADATA / STUDY / "imports.csv")
    (name,) = imports.query("model_id == @LARGE and benchmark == 'arc'")["samples"]
    hidden = Path(name).rename(Path(name).with_suffix(".away"))
    try:
        with pytest.raises(InputError, match=r"is not here: `dvc pull data/imports/others\.dvc` gets it"):
            compare(LARGE, SMALL, ["arc"])
    finally:
        hidden.rename(name)


def test_items_of_right_and_wrong_behind_a_score_in_percent_keep_their_values():
    right = pd.Series([1.0, 0.0, 1.0, 1.0])
    assert list(scaled(right, 0.75, 75.0)) == list(right)
    assert list(scaled(right * 100, 0.75, 75.0)) == list(right)
    assert list(scaled(right, 0.75, 0.75)) == list(right)
    assert list(scaled(right * 0, 0.0, 0.0)) == [0, 0, 0, 0]


def test_exported_answers_read_back_have_the_items_and_prompts_that_were_exported(tmp_path: Path):
    record = next(record for record in records(SOURCE) if record.origin == "evaluated")
    path = tmp_path / "samples.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in sample_rows(record, "alpha", ANSWERS)), encoding="utf-8")
    table = read_samples(path, Of("every-eval-ever"))
    for name in ("item", "prompt_hash", "value", "target", "empty", "failed"):
        assert list(table[name]) == list(ANSWERS[name]), name
