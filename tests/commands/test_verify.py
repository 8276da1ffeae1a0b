"""`observatory verify`: whatever changed is found and named."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from stages.commands.verify.deep import compare_file
from stages.commands.verify.report import Report
from stages.commands.verify.state import verify
from stages.contracts.errors import InputError
from stages.lineage.cache import Cache
from tests.commands.conftest import inside
from tests.commands.study import MODEL, STUDY, flip, md5, set_params
from tests.repository import Repository

pytestmark = pytest.mark.states

FEW = settings(
    phases=[Phase.explicit, Phase.generate],  # shrinking says nothing here and takes minutes
    max_examples=6,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
LEFT_OUT = ("reports/data_docs/failed", "reports/data_docs/check")


def found(repository: Repository, **options: object) -> list[str]:
    with inside(repository):
        return verify(**options).mismatches


def files(repository: Repository, folder: str) -> list[Path]:
    listed = sorted(path for path in (repository.path / folder).rglob("*") if path.is_file() and path.stat().st_size)
    return [path for path in listed if not path.relative_to(repository.path).as_posix().startswith(LEFT_OUT)]


def test_an_untouched_state_has_no_mismatch(study: Repository):
    with inside(study):
        report = verify(deep=True)
    assert report.mismatches == []
    assert report.counts["cells"] == 60
    assert report.counts["samples"] == 100
    assert report.counts["claims"] == 14
    assert report.counts["runs"] >= 2
    assert report.counts["files computed again"] > 20


def test_the_last_digits_are_told_from_a_difference(
    study: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """On another architecture a number may round otherwise: that is noted and counted, and is no mismatch."""
    for folder in ("reports/tables", "reports/metrics"):
        shutil.copytree(study.path / folder, tmp_path / folder)
    monkeypatch.chdir(tmp_path)
    again = tmp_path / "again"
    table = pd.read_csv("reports/tables/pca_loadings.csv")
    table.loc[[0, 1], "PC1"] += [1e-9, -2e-9]
    table.to_csv(again.with_suffix(".csv"), index=False)
    record = json.loads(Path("reports/metrics/decompose.json").read_text())
    record["explained_variance_ratio"]["PC2"] += 1e-9
    again.with_suffix(".json").write_text(json.dumps(record))
    report = Report()
    assert compare_file("reports/tables/pca_loadings.csv", again.with_suffix(".csv"), report) == []
    assert compare_file("reports/metrics/decompose.json", again.with_suffix(".json"), report) == []
    assert report.notes == [
        "reports/tables/pca_loadings.csv: differs in the last digits (2 numbers)",
        "reports/metrics/decompose.json: differs in the last digits (1 number)",
    ]
    table.loc[2, "PC1"] += 1e-6
    table.to_csv(again.with_suffix(".csv"), index=False)
    (line,) = compare_file("reports/tables/pca_loadings.csv", again.with_suffix(".csv"), report)
    assert f"{table.loc[2, 'benchmark']} PC1 is" in line


@pytest.mark.parametrize("folder", ["data", "reports", f"metadata/{STUDY}"])
@given(data=st.data())
@FEW
def test_a_flipped_bit_is_found_and_its_file_named(bench: Repository, folder: str, data: st.DataObject):
    path = data.draw(st.sampled_from(files(bench, folder)))
    before = flip(path, data.draw(st.integers(0, 10**6)), data.draw(st.integers(0, 7)))
    name = path.relative_to(bench.path).as_posix()
    wrong = md5(path)
    try:
        lines = found(bench)
    finally:
        path.write_bytes(before)
    named = [line for line in lines if line.startswith(f"{name}: ")]
    assert len(named) >= 1
    assert any(wrong in line and md5(path) in line for line in named)


@given(data=st.data())
@FEW
def test_a_flipped_bit_in_the_cache_is_found(bench: Repository, data: st.DataObject):
    path = data.draw(st.sampled_from(files(bench, ".dvc/cache")))
    mode = path.stat().st_mode
    path.chmod(0o644)
    before = flip(path, data.draw(st.integers(0, 10**6)), data.draw(st.integers(0, 7)))
    try:
        lines = found(bench)
    finally:
        path.write_bytes(before)
        path.chmod(mode)
    name = path.parent.name + path.name if "files" in path.parts else path.name
    assert any(line.startswith("cache: ") and name in line for line in lines)


@given(data=st.data())
@FEW
def test_a_flipped_bit_in_mlruns_is_found(bench: Repository, data: st.DataObject):
    path = data.draw(st.sampled_from(files(bench, "mlruns")))
    before = flip(path, data.draw(st.integers(0, 10**6)), data.draw(st.integers(0, 7)))
    try:
        lines = found(bench)
    finally:
        path.write_bytes(before)
    parts = path.relative_to(bench.path / "mlruns").parts
    if len(parts) == 1:
        assert any(line.startswith(f"mlruns/{parts[0]}: ") for line in lines)
    else:
        _, run_id, _, *artifact = parts
        assert any(line.startswith(f"MLflow run {run_id}: artifact {'/'.join(artifact)} ") for line in lines)


def edits(lock: dict) -> list[tuple[str, list]]:
    """Every place of dvc.lock: stage, and keys that lead to a leaf."""
    places = []
    for name, stage in lock["stages"].items():
        places.append((name, ["cmd"]))
        for kind in ("deps", "outs"):
            for i, entry in enumerate(stage.get(kind, [])):
                places += [(name, [kind, i, key]) for key in entry]
        for section, values in stage.get("params", {}).items():
            places += [(name, ["params", section, key]) for key in values]
    return places


@given(data=st.data())
@settings(FEW, max_examples=10)
def test_a_hand_edited_lock_is_found_and_the_stage_named(bench: Repository, data: st.DataObject):
    path = bench.path / "dvc.lock"
    before = path.read_bytes()
    lock = yaml.safe_load(before)
    name, (*keys, last) = data.draw(st.sampled_from(edits(lock)))
    place = lock["stages"][name]
    for key in keys:
        place = place[key]
    old = place[last]
    place[last] = old + 1 if isinstance(old, int) else "0" * 32 if last == "md5" else f"{old}x"
    path.write_text(yaml.safe_dump(lock, sort_keys=False), encoding="utf-8")
    try:
        lines = found(bench)
    finally:
        path.write_bytes(before)
    assert any(name in line for line in lines), (name, keys, last, lines)


@given(position=st.integers(0, 10**6), bit=st.integers(0, 7))
@settings(FEW, max_examples=10)
def test_a_flipped_bit_in_the_lock_is_found_unless_it_means_the_same(bench: Repository, position: int, bit: int):
    path = bench.path / "dvc.lock"
    before = flip(path, position, bit)
    try:
        after = yaml.safe_load(path.read_bytes())
    except (yaml.YAMLError, UnicodeDecodeError):
        after = None
    try:
        lines = found(bench)
    except InputError as error:
        lines = list(error.problems)
    finally:
        path.write_bytes(before)
    assert lines or after == yaml.safe_load(before)


def test_a_stage_missing_from_the_lock_or_unknown_to_the_pipeline_is_found(copy: Repository):
    path = copy.path / "dvc.lock"
    lock = yaml.safe_load(path.read_text(encoding="utf-8"))
    lock["stages"]["invented"] = lock["stages"].pop("scale")
    path.write_text(yaml.safe_dump(lock, sort_keys=False), encoding="utf-8")
    lines = found(copy)
    assert any(line.startswith("dvc.lock has no stage scale") for line in lines)
    assert any(line.startswith("dvc.lock has a stage invented") for line in lines)


@pytest.mark.parametrize(
    "name",
    ["analysis/components/pca.py", "contracts/names.py", "page/page.py", "lineage/state.py", "commands/summary.py"],
)
def test_code_changed_since_the_run_is_named(bench: Repository, name: str):
    path = bench.path / "stages" / name
    before = path.read_bytes()
    path.write_bytes(before + b"# a comment\n")
    try:
        lines = found(bench)
    finally:
        path.write_bytes(before)
    (line,) = [line for line in lines if line.startswith(f"stages/{name}: ")]
    assert "code changed since the run" in line
    assert md5(path) in line


def test_a_changed_parameter_is_named_with_both_values(copy: Repository):
    set_params(copy, decompose={"n_components": 3})
    lines = found(copy)
    assert "dvc.lock: stage decompose: parameter decompose.n_components is None" not in "\n".join(lines)
    assert any("stage decompose" in line and "4" in line and "3" in line for line in lines)


def test_an_added_and_a_deleted_file_are_named(copy: Repository):
    (copy.path / "reports/figures/extra.png").write_bytes(b"x")
    (copy.path / "data/study/waivers.parquet").unlink()
    lines = found(copy)
    assert any(line.startswith("reports/figures/extra.png: md5 ") and "no such file" in line for line in lines)
    assert any(line.startswith("data/study/waivers.parquet is missing here: `dvc checkout`") for line in lines)


def test_a_missing_output_says_how_to_get_it(copy: Repository):
    (copy.path / "data/models.parquet").unlink()
    (line,) = [line for line in found(copy) if line.startswith("data/models.parquet")]
    assert line.startswith("data/models.parquet is missing here: `dvc checkout` restores it; dvc.lock has md5 ")


def test_a_missing_cache_says_what_is_missing_and_how_to_get_it(copy: Repository):
    shutil.rmtree(copy.path / ".dvc/cache")
    lines = found(copy)
    assert any(line.startswith("cache: data/models.parquet lacks ") and "`dvc fetch`" in line for line in lines)
    assert all(line.startswith("cache: ") for line in lines)
    (copy.path / "data/models.parquet").unlink()
    (line,) = [line for line in found(copy) if line.startswith("data/models.parquet")]
    assert "missing here and in the cache" in line
    assert "`dvc pull`" in line


def test_values_that_were_edited_with_their_hashes_are_found_by_what_they_were_made_from(copy: Repository):
    """Whoever edits an output and commits it with DVC leaves no wrong hash."""
    path = copy.path / "data/score_cells.parquet"
    cells = pd.read_parquet(path)
    row = cells.index[(cells["model_id"] == "org/model-03") & (cells["benchmark"] == "task_2")]
    old = float(cells.loc[row[0], "score"])
    cells.loc[row, "score"] = 0.123
    cells.to_parquet(path)
    loadings = copy.path / "reports/tables/pca_loadings.csv"
    table = pd.read_csv(loadings)
    table.loc[0, "PC1"] += 0.01
    table.to_csv(loadings, index=False)
    claims = copy.path / "reports/tables/claims.csv"
    claims.write_text(claims.read_text(encoding="utf-8").replace("not reproduced", "reproduced", 1), encoding="utf-8")
    copy.dvc("commit", "-f")
    lines = found(copy, deep=True)
    (line,) = [line for line in lines if line.startswith("data/score_cells.parquet: ") and "give 0" not in line][:1]
    assert "org/model-03:task_2" in line
    assert "0.123" in line
    assert f"{old:.12g}" in line
    assert any(line.startswith("reports/tables/pca_loadings.csv: task_0 PC1 is ") for line in lines)
    assert any(line.startswith("reports/tables/claims.csv: ") and "status" in line for line in lines)


def test_a_score_that_its_answers_do_not_give_is_found(copy: Repository):
    folder = copy.path / f"data/evaluations/{MODEL}"
    scores = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
    true = scores["task_2"]["score"]
    scores["task_2"]["score"] = 0.99
    (folder / "scores.json").write_text(json.dumps(scores), encoding="utf-8")
    samples = folder / "samples/task_3.parquet"
    pd.read_parquet(samples).head(19).to_parquet(samples, index=False)
    copy.dvc("commit", "-f")
    lines = found(copy)
    name = f"data/evaluations/{MODEL}/scores.json"
    samples_2 = f"data/evaluations/{MODEL}/samples/task_2.parquet"
    assert f"{name}: task_2: score is 0.99, {samples_2} gives {true:.12g}" in lines
    assert any(line.startswith(f"{name}: task_3: n_items is 20") and "gives 19" in line for line in lines)


def test_a_waiver_and_a_correction_that_the_cells_do_not_have_are_found(copy: Repository):
    (copy.path / f"metadata/{STUDY}/waivers.csv").write_text(
        "model_id,benchmark,check,reason,source\norg/model-02,task_1,zero,another,Made for a test\n", encoding="utf-8"
    )
    lines = found(copy)
    assert any(line.startswith(f"metadata/{STUDY}/waivers.csv: md5 ") for line in lines)
    waived = [line for line in lines if line.startswith("data/score_cells.parquet: org/model-0") and "waived" in line]
    assert any("org/model-01:task_1" in line for line in waived)
    assert any("org/model-02:task_1" in line for line in waived)


EDITS = {
    "metric": "UPDATE latest_metrics SET value = value + 0.001 WHERE key = 'scale.PC1.de.rho'",
    "metric ": "UPDATE metrics SET value = value + 0.001 WHERE key = 'decompose.n_models'",
    "param": "UPDATE params SET value = 'odd' WHERE key = 'subset'",
    "tag": "UPDATE tags SET value = 'false!' WHERE key = 'observatory.dirty'",
    "tag ": "UPDATE tags SET value = 'abc' WHERE key = 'mlflow.source.git.commit'",
    "tag observatory.trace": "UPDATE tags SET value = 'observatory trace run:1' WHERE key = 'observatory.trace'",
    "input": f"UPDATE datasets SET digest = '{'0' * 32}' WHERE name LIKE '%scores.csv'",
    "input ": "DELETE FROM inputs WHERE source_id = (SELECT min(source_id) FROM inputs)",
    "status": "UPDATE runs SET status = 'FAILED'",
    "name": "UPDATE runs SET name = 'mine'",
    "lies in MLflow's trash": "UPDATE runs SET lifecycle_stage = 'deleted'",
    "has no tag observatory.record": "DELETE FROM tags WHERE key = 'observatory.record'",
    "artifact record.json": "UPDATE tags SET value = '0' WHERE key = 'observatory.record'",
    "metric compare": "DELETE FROM latest_metrics WHERE key LIKE 'compare.%'",
    "param  ": "INSERT INTO params SELECT 'extra', '1', run_uuid FROM runs",
}


@pytest.mark.parametrize("what", EDITS)
def test_a_run_edited_in_the_database_is_found(bench: Repository, what: str):
    path = bench.path / "mlflow.db"
    before = path.read_bytes()
    with closing(sqlite3.connect(path)) as connection, connection:
        changed = connection.execute(EDITS[what]).rowcount
        if what == "metric compare":
            connection.execute("DELETE FROM metrics WHERE key LIKE 'compare.%'")
    try:
        lines = found(bench)
    finally:
        path.write_bytes(before)
    assert changed > 0
    assert any(line.startswith("MLflow run ") and f": {what.strip()}" in line for line in lines), lines


def test_a_run_that_watched_an_evaluation_and_tells_another_score_is_found(copy: Repository):
    scores = json.loads((copy.path / f"data/evaluations/{MODEL}/scores.json").read_text(encoding="utf-8"))
    with closing(sqlite3.connect(copy.path / "mlflow.db")) as connection, connection:
        run_id = "f" * 32
        (experiment,) = connection.execute("SELECT DISTINCT experiment_id FROM runs").fetchone()
        connection.execute(
            "INSERT INTO runs (run_uuid, name, status, lifecycle_stage, experiment_id, artifact_uri, start_time, "
            "end_time, user_id, source_type, source_name, source_version, entry_point_name) "
            "VALUES (?, 'watched', 'FINISHED', 'active', ?, ?, 1, 2, '', 'LOCAL', '', '', '')",
            (run_id, experiment, str(copy.path / "mlruns" / run_id / "artifacts")),
        )
        connection.execute("INSERT INTO tags VALUES ('observatory.evaluation', 'x', ?)", (run_id,))
        for name, value in (("task_1.score", scores["task_1"]["score"]), ("task_2.score", 0.5)):
            connection.execute("INSERT INTO latest_metrics VALUES (?, ?, 0, 0, 0, ?)", (name, value, run_id))
    assert found(copy) == [
        f"MLflow run {run_id}: metric task_2.score is 0.5, data/evaluations/{MODEL}/scores.json has "
        f"{scores['task_2']['score']!r}"
    ]


def test_a_deleted_run_and_a_damaged_database_are_found(copy: Repository):
    path = copy.path / "mlflow.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "DELETE FROM tags WHERE key = 'observatory.state'",
        )
    assert any("logged state" in line and "no finished run" in line for line in found(copy))
    path.write_bytes(b"SQLite format 3\0" + bytes(200))
    (line,) = [line for line in found(copy) if line.startswith("mlflow.db is damaged")]
    assert "move it aside" in line
    assert "delete" not in line
    path.unlink()
    with inside(copy):
        report = verify()
    assert report.mismatches == []
    assert any("`observatory track --rebuild`" in note for note in report.notes)


def test_a_dirty_tree_is_no_mismatch_as_long_as_the_lock_agrees(copy: Repository):
    (copy.path / "params.yaml").write_text(
        "# a comment\n" + (copy.path / "params.yaml").read_text(encoding="utf-8"), encoding="utf-8"
    )
    with inside(copy):
        report = verify()
    assert report.mismatches == []
    assert "uncommitted: params.yaml" in report.notes


def test_the_exit_code_and_the_lines_of_the_command(copy: Repository):
    command = ("python", "-c", "from stages.commands.lineage_cli import verify; verify()")
    good = copy.run(*command)
    assert good.stdout.splitlines()[-1].startswith("0 mismatches; compared: ")
    flip(copy.path / "data/models.parquet", 100)
    bad = copy.run(*command, ok=False)
    assert bad.returncode == 1
    assert bad.stderr == ""
    assert sum(line.startswith("data/models.parquet: md5 ") for line in bad.stdout.splitlines()) == 1


def test_hashes_of_folders_are_those_of_dvc(study: Repository):
    """DVC's own list of a folder in the cache has the hash by which it is called."""
    cache = Cache(study.path / ".dvc/cache")
    lock = yaml.safe_load((study.path / "dvc.lock").read_text(encoding="utf-8"))
    (out,) = lock["stages"]["ingest"]["outs"]
    listed = cache.manifest(out["md5"])
    folder = study.path / "data/study"
    assert listed == {path.relative_to(folder).as_posix(): md5(path) for path in folder.rglob("*") if path.is_file()}
    assert np.all([cache.path(value).is_file() for value in listed.values()])
