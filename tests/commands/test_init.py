"""`observatory init`: a study from a table, or from nothing."""

import contextlib

import numpy as np
import pandas as pd
import pytest

from stages.commands.importing import Options, import_results
from stages.commands.init import init
from stages.contracts.errors import InputError
from stages.workspace import paths
from stages.workspace.facts import load_study_facts
from stages.workspace.parameters import params_of
from tests.intake import made
from tests.repository import new_repository


@pytest.fixture(scope="module", autouse=True)
def desk(tmp_path_factory: pytest.TempPathFactory):
    """A repository; each test has a study of its own in it."""
    repository = new_repository(tmp_path_factory.mktemp("desk") / "repo")
    with contextlib.chdir(repository.path):
        yield repository


def test_a_table_becomes_a_study_and_what_was_decided_is_told(tmp_path):
    done = init("sized", made.write_leaderboard(tmp_path / "board.csv", "-7b"), None, ())
    facts = load_study_facts(params_of("sized"))
    assert (done.models, done.benchmarks) == (60, 5) == facts.scores.shape
    raw = pd.read_csv(tmp_path / "board.csv", index_col="Model")
    np.testing.assert_array_equal(facts.scores, raw.drop(columns="Average"))
    assert set(facts.benchmarks["max_score"]) == {100}
    assert set(facts.models["active_params_b"]) == {7}
    told = "\n".join(done.notes)
    assert "Average sums up other columns" in told
    assert "max_score 100, by their values" in told
    assert "parameters of 60 models are those that their names state" in told
    decide = "\n".join(done.decisions)
    assert "citation and licence" in decide
    assert "construction is scratch" in decide


def test_columns_whose_names_say_that_less_is_better_are_asked_for(tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("model,arc,word_perplexity,Toxicity (%),closure\na,0.5,8,20,1\nb,0.4,9,30,0\n", encoding="utf-8")
    told = "\n".join(init("falling", table, None, ()).decisions)
    assert "higher_is_better false where lower scores are better: word_perplexity, Toxicity (%)?" in told


def test_there_is_such_a_study(tmp_path):
    with pytest.raises(InputError, match="there is such a study"):
        init("japanese-2024", made.write_leaderboard(tmp_path / "board.csv"), None, ())


def test_a_table_that_cannot_be_used_leaves_nothing(tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("model,arc,mt\na,0.5,1 ± 2\na,0.4,3\n", encoding="utf-8")
    with pytest.raises(InputError):
        init("wrong", table, None, ())
    assert not (paths.METADATA / "wrong").exists()


def test_an_empty_study_takes_an_import_and_keeps_its_languages(tmp_path):
    done = init("fresh", None, None, ("ja=Japanese", "en=English"))
    assert (done.models, done.benchmarks) == (0, 0)
    import_results([made.write_lm_eval(tmp_path / "results")], "fresh", Options())
    facts = load_study_facts(params_of("fresh"))
    assert list(facts.info.languages) == ["ja", "en"]
    assert set(facts.benchmarks["language"]) == {"ja"}
    assert len(facts.imports) == 12


def test_a_language_needs_a_code_and_a_name():
    with pytest.raises(InputError, match="--language japanese: expected CODE=NAME"):
        init("other", None, None, ("japanese",))
