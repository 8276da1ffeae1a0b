"""From files that a team already has to the report, in two commands: the walk of docs/how-to/import-results.md."""

import json
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import shared
from tests.intake import made
from tests.repository import Repository, new_repository

pytestmark = pytest.mark.states

QUICK = ("-S", "stability.draws=100", "-S", "stability.parallel_draws=100", "-S", "report.dpi=50")
CELL = "org/large-13b:gsm"


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Results of lm-eval of three made-up models, imported and analysed; nothing was committed in between."""

    def make(path: Path) -> None:
        repository = new_repository(path)
        made.write_lm_eval(path / "results")
        repository.observatory("import", "results", "--study", "mine")
        repository.dvc("exp", "run", "-S", "study=mine", *QUICK)

    return Repository(shared(tmp_path_factory, "imported", make))


def test_results_of_lm_eval_lead_to_the_report(walked: Repository):
    page = (walked.path / "reports/index.html").read_text(encoding="utf-8")
    assert all(model.rpartition("/")[2] in page for model in made.MODELS)
    cells = pd.read_parquet(walked.path / "data/score_cells.parquet")
    assert set(cells["origin"]) == {"imported"}
    assert json.loads((walked.path / "reports/metrics/validate.json").read_text(encoding="utf-8"))["success"]


def test_trace_leads_from_a_cell_to_its_record_and_its_answers(walked: Repository):
    told = walked.observatory("trace", CELL, "--samples", "2").stdout
    table = pd.read_csv(walked.path / "metadata/mine/imports.csv", index_col=["model_id", "benchmark"])
    row = table.loc[tuple(CELL.split(":"))]
    assert f"record: {row['file']}" in told
    assert f"at {row['place']}: {row['score']}" in told
    assert told.count("- doc_id:") == 2
    known = json.loads(walked.observatory("trace", CELL, "--json").stdout)
    assert known["evidence"]["record"] == row["score"]
    assert known["evidence"]["imported"]["sha256"] == row["sha256"]


def test_verify_names_a_raw_file_of_which_a_byte_changed(walked: Repository, tmp_path: Path):
    assert "15 raw files" in walked.observatory("verify").stdout
    repository = walked.copy_to(tmp_path / "copy")
    path = next((repository.path / "data/imports").rglob("samples_nq_*"))
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data.replace(b"answer", b"Answer", 1))
    done = repository.observatory("verify", ok=False)
    assert done.returncode == 1
    assert f"{path.relative_to(repository.path)}: sha256" in done.stdout
    repository.dvc("checkout", "-q", "--force", "data/imports/mine.dvc")
    assert path.read_bytes() == data
    assert "raw file changed" not in repository.observatory("verify", ok=False).stdout


@pytest.mark.slow
def test_records_of_every_eval_ever_lead_to_the_report(walked: Repository, tmp_path: Path):
    repository = walked.copy_to(tmp_path / "copy")
    made.write_eee(repository.path / "records")
    repository.observatory("import", "records", "--study", "other")
    repository.dvc("exp", "run", "-S", "study=other", *QUICK)
    page = (repository.path / "reports/index.html").read_text(encoding="utf-8")
    assert all(model.rpartition("/")[2] in page for model in made.MODELS)


@pytest.mark.slow
def test_a_leaderboard_of_models_without_sizes_leads_to_the_report(walked: Repository, tmp_path: Path):
    repository = walked.copy_to(tmp_path / "copy")
    made.write_leaderboard(repository.path / "leaderboard.csv")
    repository.observatory("init", "board", "leaderboard.csv")
    repository.dvc("exp", "run", "-S", "study=board", "-S", "factorize.n_factors=2", "-S", "factorize.shown=2", *QUICK)
    X = pd.read_parquet(repository.path / "data/score_matrix.parquet")
    assert X.shape == (60, 5)
    assert (repository.path / "reports/index.html").is_file()
