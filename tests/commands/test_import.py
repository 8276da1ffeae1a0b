"""`observatory import` into studies of a repository, without running the pipeline."""

import contextlib
import csv
import json
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from stages.analysis.decisions import pairing
from stages.analysis.scores.assembly import assemble
from stages.commands.imported_answers import ImportedAnswers
from stages.commands.importing import Options, import_results
from stages.contracts.errors import InputError
from stages.gate.matrix import check_matrix
from stages.workspace import paths
from stages.workspace.evaluations import read_evaluations
from stages.workspace.facts import load_study_facts
from stages.workspace.parameters import params_of
from tests.intake import made
from tests.repository import Repository, new_repository

LARGE = "org/large-13b"


@pytest.fixture(autouse=True)
def _quick(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch):
    """DVC takes two seconds for each import: where a test does not ask for it, only its record is written."""

    def record(command, **_):
        out = f"outs:\n- path: {Path(command[-1]).name}\n  md5: {'0' * 32}.dir\n  hash: md5\n"
        Path(f"{command[-1]}.dvc").write_text(out, encoding="utf-8")
        return subprocess.CompletedProcess(command, 0, "", "")

    if "with_dvc" not in request.fixturenames:
        monkeypatch.setattr("stages.commands.raw.subprocess.run", record)


@pytest.fixture
def with_dvc():
    """DVC itself takes the raw files."""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory):
    """A repository; each test has a study of its own in it."""
    repository = new_repository(tmp_path_factory.mktemp("desk") / "repo")
    with contextlib.chdir(repository.path):
        yield repository


@pytest.fixture
def study(desk: Repository, request: pytest.FixtureRequest) -> str:
    return request.node.name.removeprefix("test_").partition("[")[0]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return made.write_lm_eval(tmp_path / "results")


def run(study: str, *given: Path, **options):
    return import_results(given, study, Options(**options))


def table(study: str, name: str = "imports") -> pd.DataFrame:
    return pd.read_csv(paths.METADATA / study / f"{name}.csv", keep_default_na=False)


def bytes_of(study: str) -> dict[str, bytes]:
    files = [*(paths.METADATA / study).iterdir(), paths.IMPORTS / f"{study}.dvc"]
    return {path.name: path.read_bytes() for path in files}


def problems(study: str, *given: Path, **options) -> str:
    with pytest.raises(InputError) as error:
        run(study, *given, **options)
    return "\n".join(error.value.problems)


def edited(folder: Path, edit, model: str = LARGE) -> None:
    (path,) = (folder / model.replace("/", "__")).glob("results_*.json")
    made.change(path, edit)


def cells_of(study: str) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    params = params_of(study)
    facts = load_study_facts(params)
    cells, X, _ = assemble(facts, read_evaluations(params, facts.benchmarks), params)
    return cells, X, facts.benchmarks


def test_a_folder_becomes_a_study_whose_matrix_is_what_was_measured(study, results):
    done = run(study, results)
    assert (done.scores, done.new, done.answers, done.raw_files) == (12, 12, 12, 15)
    cells, X, benchmarks = cells_of(study)
    assert set(cells["origin"]) == {"imported"}
    for model, ability in made.MODELS.items():
        for task in made.TASKS:
            values = [made.right(model, ability, task, i) for i in range(made.N_ITEMS)]
            assert X.loc[model, task] == pytest.approx(sum(values) / made.N_ITEMS)
    assert (cells["n_items"] == made.N_ITEMS).all()
    assert (cells[["empty_rate", "failed_rate", "refused_rate"]] == 0).all(axis=None)
    assert list(benchmarks["answer"]) == ["loglikelihood", "loglikelihood", "generation", "generation"]
    assert list(benchmarks["task_metric"]) == ["acc", "acc", "exact_match", "exact_match"]
    assert list(table(study, "models")["active_params_b"]) == [13, 7, 1]


def test_records_of_every_eval_ever_become_the_same_matrix(study, tmp_path):
    run(study, made.write_eee(tmp_path / "eee"))
    cells, X, _ = cells_of(study)
    values = [made.right(LARGE, made.MODELS[LARGE], "nq", i) for i in range(made.N_ITEMS)]
    assert X.loc[LARGE, "nq"] == pytest.approx(sum(values) / made.N_ITEMS)
    assert (cells["capped_rate"] == 0).all()


def test_a_second_import_changes_no_byte(study, results):
    run(study, results)
    before = bytes_of(study)
    again = run(study, results)
    assert (again.new, again.raw_files) == (0, 0)
    assert bytes_of(study) == before


def test_raw_files_are_kept_as_they_are_and_found_by_their_hash(study, results, with_dvc):
    run(study, results)
    for row in table(study).to_dict("records"):
        kept = Path(row["file"])
        assert kept.parent.name == row["sha256"][:16]
        original = next(path for path in results.rglob(kept.name) if path.read_bytes() == kept.read_bytes())
        assert original.parent.name == row["model_id"].replace("/", "__")
        assert Path(row["samples"]).is_file()
    assert f"path: {study}" in (paths.IMPORTS / f"{study}.dvc").read_text(encoding="utf-8")


def test_where_dvc_does_not_take_the_raw_files_no_table_is_written(study, results, monkeypatch):
    def fail(command, **_):
        return subprocess.CompletedProcess(command, 255, "", "Adding...\nERROR: no space left\n")

    monkeypatch.setattr("stages.commands.raw.subprocess.run", fail)
    assert "`dvc add` fails (ERROR: no space left): nothing was imported" in problems(study, results)
    assert not (paths.METADATA / study).exists()


def test_added_models_are_of_a_group_of_the_study(study, results, tmp_path):
    run(study, results)
    for name, old, new in (("study.yaml", "models: Models", "ours: Ours"), ("models.csv", ",models,", ",ours,")):
        path = paths.METADATA / study / name
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    run(study, made.write_lm_eval(tmp_path / "more", {"org/tiny-1b": 0.1}), add=True)
    assert set(table(study, "models")["group"]) == {"ours"}


def test_answers_of_others_close_the_gate_as_our_own_do(study, results):
    path = next((results / LARGE.replace("/", "__")).glob("samples_gsm_*"))
    rows = [made.lm_eval_sample(LARGE, 0.7, "gsm", i) for i in range(made.N_ITEMS)]
    silent = [row | {"resps": [[""]], "filtered_resps": ["[invalid]"]} for row in rows[:20]]
    path.write_text("".join(f"{made.json.dumps(row)}\n" for row in [*silent, *rows[20:]]), encoding="utf-8")
    run(study, results)
    cells, X, benchmarks = cells_of(study)
    found = check_matrix(cells, X, benchmarks, params_of(study), f"metadata/{study}/scores.csv")
    (finding,) = [each for each in found if each.check == "outcomes"]
    assert (finding.model_id, finding.benchmark, finding.severity) == (LARGE, "gsm", "error")
    assert "empty_rate 0.5 > 0.2" in finding.message
    assert f"observatory trace {LARGE}:gsm --samples" in finding.message


def test_a_column_of_two_harness_versions_is_seen(study, results):
    edited(results, lambda content: content.update(lm_eval_version="0.4.8"))
    run(study, results)
    cells, X, benchmarks = cells_of(study)
    found = check_matrix(cells, X, benchmarks, params_of(study), "scores.csv")
    assert {each.benchmark for each in found if each.check == "protocol"} == set(made.TASKS)


def test_what_is_wrong_in_many_files_is_one_line_for_each_way_out(study, results):
    others = sorted(name.replace("/", "__") for name in made.MODELS)[1:]
    for path in results.rglob("results_*.json"):
        made.change(path, lambda content: content["n-samples"]["arc"].update(original=1000))
        made.change(path, lambda content: content["results"]["nq"].update({"exact_match,none": "N/A"}))
    limited, missing, count = problems(study, results).splitlines()
    assert "arc is a limited run, 40 of 1000 items" in limited
    assert limited.count("results_") == missing.count("results_") == len(made.MODELS)
    assert limited.endswith(
        f"; 2 more of this kind: {', '.join(f'{name}/results_{made.STAMP}.json' for name in others)}"
    )
    assert count.startswith(f"{2 * len(made.MODELS)} refused")
    notes = [note for note in run(study, results, skip_refused=True).notes if note.startswith("left out: ")]
    assert notes == [f"left out: {limited}", f"left out: {missing}"]


def test_gaps_have_no_protocol_of_their_own(study, results):
    shutil.rmtree(results / LARGE.replace("/", "__"))
    made.write_lm_eval(results, {LARGE: 0.7}, tasks=("arc", "gsm"))
    run(study, results)
    cells, X, benchmarks = cells_of(study)
    assert X.loc[LARGE].isna().sum() == 2
    found = check_matrix(cells, X, benchmarks, params_of(study), "scores.csv")
    assert not [each for each in found if each.check == "protocol"]


def test_everything_that_cannot_be_used_is_named_and_nothing_written(study, results):
    edited(results, lambda content: content["n-samples"]["arc"].update(original=1000))
    (results / "notes.json").write_text('{"a": 1}', encoding="utf-8")
    (results / "cut.json").write_text('{"results": ', encoding="utf-8")
    path = next((results / LARGE.replace("/", "__")).glob("samples_nq_*"))
    path.write_text("\n".join(path.read_text(encoding="utf-8").splitlines()[:-5]), encoding="utf-8")
    told = problems(study, results)
    assert "arc is a limited run" in told
    assert "cut.json: not JSON" in told
    assert "35 answers, but" in told
    assert not (paths.METADATA / study).exists()
    assert not (paths.IMPORTS / study).exists()
    done = run(study, results, skip_refused=True)
    assert done.scores == 10
    assert sum("left out: " in note for note in done.notes) == 3
    assert any("notes.json: not recognised: expected results of lm-eval" in note for note in done.notes)
    assert "not recognised" in problems(study, results / "notes.json")


def test_one_file_twice_is_read_once(study, results):
    folder = results / LARGE.replace("/", "__")
    shutil.copytree(folder, results / "copy")
    done = run(study, results)
    assert done.scores == 12
    assert any("is a copy of" in note for note in done.notes)


def test_of_copies_by_other_names_that_beside_its_answers_is_read(study, results):
    for path in list(results.rglob("results_*.json")):
        for name in "abcdef":
            shutil.copyfile(path, path.with_name(f"{name}.json"))
    done = run(study, results)
    assert (done.answers, done.raw_files) == (12, 15)
    assert set(table(study)["file"].map(lambda name: Path(name).name)) == {f"results_{made.STAMP}.json"}


def test_scores_in_percent_become_shares(study, results):
    def edit(content):
        for name in ("exact_match,none", "exact_match_stderr,none"):
            content["results"]["nq"][name] *= 100

    before = {path: path.read_text(encoding="utf-8") for path in results.rglob("results_*.json")}
    run(study, results)
    shares = table(study).set_index(["model_id", "benchmark"])[["score", "stderr"]]
    for path in before:
        made.change(path, edit)
    name = f"{study}_in_percent"
    run(name, results)
    found = table(name).set_index(["model_id", "benchmark"])[["score", "stderr"]]
    pd.testing.assert_frame_equal(found.astype(float), shares.astype(float))
    assert list(table(name, "benchmarks").set_index("benchmark")["task_scale"]) == ["", "", "", "100"]


def test_a_score_below_zero_gives_its_benchmark_a_smallest_score(study, results):
    edited(results, lambda content: content["results"]["nq"].update({"exact_match,none": -0.25}))
    run(study, results)
    assert list(table(study, "benchmarks")["min_score"]) == ["", "", "", "-1"]
    assert table(study).set_index(["model_id", "benchmark"]).loc[(LARGE, "nq"), "score"] == -0.25


def test_answers_give_the_standard_error_that_a_file_lacks_unless_their_mean_is_another(study, results):
    run(study, results)
    stated = table(study).set_index(["model_id", "benchmark"])["stderr"]

    def edit(content):
        for numbers in content["results"].values():
            for name in [name for name in numbers if "_stderr" in name]:
                numbers[name] = "N/A"
        content["results"]["nq"]["exact_match,none"] = 0.125

    edited(results, edit)
    done = run(f"{study}_other", results)
    found = table(f"{study}_other").set_index(["model_id", "benchmark"])["stderr"]
    assert float(found[LARGE, "gsm"]) == pytest.approx(float(stated[LARGE, "gsm"]))
    assert found[LARGE, "nq"] == ""
    (doubt,) = [note for note in done.notes if "the mean of its answers" in note]
    assert doubt.startswith(f"nq of {LARGE} is 0.125, the mean of its answers ")


def test_rows_are_in_the_order_of_models_and_benchmarks_whatever_came_first(study, results, tmp_path):
    run(study, made.write_lm_eval(tmp_path / "first", tasks=("nq",)))
    run(study, results, add=True)
    cells = table(study)[["model_id", "benchmark"]].itertuples(index=False, name=None)
    models, benchmarks = list(table(study, "models")["model_id"]), list(table(study, "benchmarks")["benchmark"])
    assert benchmarks[0] == "nq"
    assert list(cells) == [(model, benchmark) for model in models for benchmark in benchmarks]


def test_parameters_that_a_file_counts_as_minus_one_are_not_known(study, tmp_path):
    folder = made.write_lm_eval(tmp_path / "results", {"org/a": 0.4, "org/b": 0.5})
    for path in folder.rglob("results_*.json"):
        made.change(path, lambda content: content["config"].update(model_num_parameters=-1))
    assert "no parameters are known of org/a, org/b" in "\n".join(run(study, folder).notes)


@pytest.mark.parametrize("file", ["study.yaml", "models.csv"])
def test_a_study_that_is_not_utf_8_is_one_line_each(study, results, file):
    name = f"{study}_{file}"
    run(name, results)
    path = paths.METADATA / name / file
    path.write_bytes(path.read_bytes().replace(b"odels", "odèls".encode("latin-1")).replace(b"org/s", b"\xe9"))
    assert f"{path}" in problems(name, results)
    assert "not UTF-8" in problems(name, results)


def test_two_scores_of_a_cell_need_a_rule(study, results):
    made.write_lm_eval(results, {LARGE: 0.4}, stamp="2026-06-01T10-00-00.000001")
    path = next((results / LARGE.replace("/", "__")).glob("results_2026-06*"))
    made.change(path, lambda content: content.update(date=made.DATE + 86400))
    told = problems(study, results)
    assert f"gsm of {LARGE} has 2 scores" in told
    assert "--newest, --harness TOOL or import_rule in study.yaml" in told
    done = run(study, results, rule="newest")
    rows = table(study).set_index(["model_id", "benchmark"])
    assert rows.loc[(LARGE, "gsm"), "evaluated_at"] == "2026-05-02T10:00:00Z"
    assert any("the newest counts" in note for note in done.notes)
    before = bytes_of(study)
    run(study, results, rule="newest")
    assert bytes_of(study) == before
    info = paths.METADATA / study / "study.yaml"
    info.write_text(info.read_text(encoding="utf-8") + "import_rule: newest\n", encoding="utf-8")
    run(study, results)
    assert table(study).to_dict() == rows.reset_index()[table(study).columns].to_dict()


def test_a_later_import_adds_to_an_earlier_one(study, results, tmp_path):
    run(study, results)
    first = table(study)
    more = made.write_lm_eval(tmp_path / "more", {"org/tiny-1b": 0.1, LARGE: 0.75}, tasks=("arc", "hella"))
    done = run(study, more)
    assert "1 models are not in models.csv: org/tiny-1b" in "\n".join(done.notes)
    assert "1 tasks are not benchmarks of the study: hella" in "\n".join(done.notes)
    pd.testing.assert_frame_equal(table(study), first)
    record = paths.IMPORTS / f"{study}.dvc"
    record.write_text("of the first import", encoding="utf-8")
    run(study, results)
    assert record.read_text(encoding="utf-8") == "of the first import"
    done = run(study, more, add=True)
    assert record.read_text(encoding="utf-8") != "of the first import"
    assert done.new == 3
    assert list(table(study, "models")["model_id"])[-1] == "org/tiny-1b"
    assert list(table(study, "benchmarks")["benchmark"])[-1] == "hella"
    assert list(table(study, "scores").columns) == ["model_id", *made.TASKS, "hella"]
    before = bytes_of(study)
    run(study, more, add=True)
    assert bytes_of(study) == before


def test_the_score_of_a_task_is_chosen_once(study, results):
    for model in made.MODELS:
        edited(results, lambda content: content["results"]["arc"].update({"acc_norm,none": 0.25}), model)
    assert "arc has 2 scores, acc, acc_norm: say which counts" in problems(study, results)
    run(study, results, metrics=["arc=acc_norm"])
    assert set(table(study).loc[table(study)["benchmark"] == "arc", "score"]) == {0.25}
    before = bytes_of(study)
    run(study, results)
    assert bytes_of(study) == before
    assert "benchmarks.csv has acc_norm" in problems(study, results, metrics=["arc=acc"])


def test_parts_of_a_group_are_left_out_beside_it(study, results):
    def edit(content):
        content["results"]["both"] = {"alias": "both"}
        content["groups"] = {"both": {"alias": "both", "acc,none": 0.5}}
        content["group_subtasks"]["both"] = ["arc", "copa"]

    for model in made.MODELS:
        edited(results, edit, model)
    done = run(study, results)
    assert set(table(study)["benchmark"]) == {"both", "gsm", "nq"}
    assert "2 tasks are parts of both" in "\n".join(done.notes)
    run(f"{study}_apart", made.write_lm_eval(results.with_name("apart")))
    run(f"{study}_apart", results, add=True)
    assert set(table(f"{study}_apart", "benchmarks")["benchmark"]) == {"both", *made.TASKS}
    assert len(table(f"{study}_apart")) == 15


def test_a_model_is_known_by_its_display_name_and_the_end_of_its_id(study, results, tmp_path):
    run(study, results)
    for model in ("Large-13B", "ORG/large-13b"):
        folder = made.write_lm_eval(tmp_path / model, {model: 0.5}, tasks=("nq",))
        assert f"nq of {LARGE} has 2 scores" in problems(study, folder)


def test_published_scores_that_are_replaced_are_named(study, results):
    run(study, results)
    scores = paths.METADATA / study / "scores.csv"
    rows = list(csv.reader(scores.read_text(encoding="utf-8").splitlines()))
    rows[1][1] = "0.125"
    scores.write_text("".join(",".join(row) + "\n" for row in rows), encoding="utf-8")
    cells, _, _ = cells_of(study)
    assert 0.125 not in set(cells["score"])
    assert f"1 imported scores replace published ones: arc of {rows[1][0]}" in "\n".join(run(study, results).notes)


@pytest.mark.parametrize("name", ["../x", "", ".hidden", "a/b"])
def test_a_name_that_is_no_folder_is_refused(desk, results, name):
    assert "cannot name a study" in problems(name, results)


def test_an_unknown_format_and_a_folder_without_results_are_one_line_each(study, tmp_path):
    assert "--format helm: expected lm-eval or every-eval-ever or lighteval" in problems(study, tmp_path, form="helm")
    assert "no result files in this folder" in problems(study, tmp_path)
    assert "no such file or folder" in problems(study, tmp_path / "missing")


def test_a_task_whose_lower_scores_are_better_says_so(study, results):
    for model in made.MODELS:
        edited(results, lambda content: content["higher_is_better"]["nq"].update(exact_match=False), model)
    run(study, results)
    assert list(table(study, "benchmarks")["higher_is_better"]) == ["", "", "", "false"]
    run(study, results)
    for model in made.MODELS:
        edited(results, lambda content: content["higher_is_better"]["nq"].update(exact_match=True), model)
    assert "nq: higher scores are better in these files, lower ones in benchmarks.csv" in problems(study, results)


@pytest.mark.parametrize("kind", ["lm-eval", "every-eval-ever"])
def test_two_imported_models_are_compared_item_by_item(desk, study, tmp_path, monkeypatch, kind):
    name = f"{study}_{kind.partition('-')[0]}"
    write = made.write_lm_eval if kind == "lm-eval" else made.write_eee
    run(name, write(tmp_path / "results", {"org/a-1b": 0.4, "org/b-1b": 0.8}))
    monkeypatch.setattr("stages.commands.imported_answers.load_params", lambda: params_of(name))
    answers = ImportedAnswers()
    assert answers.models() == ["org/a-1b", "org/b-1b"]
    assert answers.benchmarks("org/a-1b") == sorted(made.TASKS)
    first, second = answers.read("org/a-1b", "gsm"), answers.read("org/b-1b", "gsm")
    joined, _ = pairing.match(first.table, second.table)
    assert len(joined) == made.N_ITEMS
    assert joined["first"].mean() == pytest.approx(first.score)
    assert joined["second"].mean() == pytest.approx(second.score)
    assert answers.read("org/a-1b", "other") is None


def test_the_answers_to_the_only_result_of_a_record_need_not_name_it(desk, study, tmp_path, monkeypatch):
    folder = made.write_eee(tmp_path / "results", {"org/a-1b": 0.4, "org/b-1b": 0.8}, tasks=("gsm",))
    for path in folder.rglob("*_samples.jsonl"):
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        rows = [row | {"evaluation_result_id": None, "evaluation_name": "test split"} for row in rows]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        record = path.with_name(path.name.replace("_samples.jsonl", ".json"))
        made.change(record, lambda content: content.pop("detailed_evaluation_results"))
    assert run(study, folder).answers == 2
    monkeypatch.setattr("stages.commands.imported_answers.load_params", lambda: params_of(study))
    assert len(ImportedAnswers().read("org/a-1b", "gsm").table) == made.N_ITEMS
