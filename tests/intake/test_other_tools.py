"""lighteval, EuroEval and inspect."""

import json
import zipfile
import zlib

import pyarrow as pa
import pytest

from stages.contracts.errors import InputError
from stages.intake import euroeval, inspect_logs, lighteval
from stages.intake.files import FORMATS, read_files, result_files
from stages.intake.samples import read_samples


def write(path, content):
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def lighteval_results(**general):
    config = {"effective_num_docs": 20, "original_num_docs": 20, "generation_size": 16}
    return {
        "config_general": {"lighteval_sha": "abcdef0123", "max_samples": None, "model_name": "org/a-1b", **general},
        "results": {
            "gsm|5": {"em": 0.4, "em_stderr": 0.1},
            "mmlu:law|0": {"acc": 0.3, "acc_stderr": 0.1},
            "mmlu:_average|0": {"acc": 0.35, "acc_stderr": 0.05},
            "jcom|4": {"em": -1, "em_stderr": 0},
            "all": {"em": 0.4, "acc": 0.3},
        },
        "versions": {"gsm|5": 1},
        "config_tasks": {"gsm|5": config, "mmlu:law|0": {**config, "generation_size": -1}},
        "summary_tasks": {"gsm|5": {"hashes": {"hash_examples": "0123456789"}, "truncated": 5, "non_truncated": 15}},
    }


def test_lighteval(tmp_path):
    path = write(tmp_path / "results_2026-05-01T10-00-00.123.json", lighteval_results())
    found = lighteval.read(path)
    gsm, law, mmlu = found.results
    assert (gsm.task, gsm.n_shots, gsm.score, gsm.stderr, gsm.n_items) == ("gsm", 5, 0.4, 0.1, 20)
    assert (gsm.answer, law.answer, mmlu.answer) == ("generation", "loglikelihood", "")
    assert gsm.truncated == 0.25
    assert gsm.protocol == "lighteval abcdef01, gsm, em, version 1, 5-shot, items 01234567"
    assert gsm.time == "2026-05-01T10:00:00"
    assert (mmlu.task, found.parts) == ("mmlu", {"mmlu:law": "mmlu"})
    assert "em of jcom is -1" in found.notes[0]


def test_earlier_names_of_tasks_of_lighteval(tmp_path):
    content = lighteval_results()
    content["results"] = {"leaderboard|arc:challenge|25|0": {"acc": 0.5}}
    (result,) = lighteval.read(write(tmp_path / "results_x.json", content)).results
    assert (result.task, result.n_shots, result.time) == ("arc:challenge", 25, "")


def test_limited_runs_of_lighteval_are_refused(tmp_path):
    found = lighteval.read(write(tmp_path / "a.json", lighteval_results(max_samples=10)))
    assert ("max_samples is 10" in found.refused[0], found.results) == (True, [])
    content = lighteval_results()
    content["config_tasks"]["gsm|5"]["original_num_docs"] = 100
    found = lighteval.read(write(tmp_path / "b.json", content))
    assert "gsm is a limited run, 20 of 100 items" in found.refused[0]


def euroeval_line(**changes):
    total = {"test_mcc": 42.0, "test_mcc_se": 1.96, "test_macro_f1": 55.0, "test_macro_f1_se": 1.0}
    return {
        "dataset": "angry-tweets",
        "task": "sentiment-classification",
        "languages": ["da"],
        "model": "org/a-1b",
        "results": {"raw": [], "total": total | {"num_failed_instances": 1.5}},
        "num_model_parameters": 1_000_000_000,
        "few_shot": True,
        "validation_split": False,
        "euroeval_version": "16.1.0",
    } | changes


def test_euroeval(tmp_path):
    path = tmp_path / "results.jsonl"
    path.write_text(f"{json.dumps(euroeval_line())}\n\n{json.dumps(euroeval_line(model='org/b'))}\n", encoding="utf-8")
    found = euroeval.read(path)
    mcc = found.results[0]
    assert (mcc.task, mcc.metric, mcc.score, mcc.top, mcc.language) == ("angry-tweets", "mcc", 42, 100, "da")
    assert mcc.stderr == pytest.approx(1.0, rel=1e-3)
    assert mcc.protocol == "euroeval 16.1.0, angry-tweets, mcc, few-shot"
    assert mcc.place == "line 1/results/total/test_mcc"
    assert [result.model for result in found.results] == ["org/a-1b", "org/a-1b", "org/b", "org/b"]
    assert "1.5 answers to angry-tweets could not be read" in found.notes[0]
    assert "half of 95 % intervals" in found.notes[-1]


def inspect_log(**changes):
    def sample(name, value, said="ANSWER: A", stop="stop", **more):
        choice = {"message": {"role": "assistant", "content": said}, "stop_reason": stop}
        scores = {} if value is None else {"choice": {"value": value, "answer": "A"}}
        return {
            "id": name,
            "epoch": 1,
            "input": "Which?",
            "target": "A",
            "output": {"choices": [choice]},
            "scores": scores,
        }

    samples = [sample("a", "C"), sample("b", "I", stop="max_tokens"), sample("c", "N", said=" "), sample("d", None)]
    metrics = {"accuracy": {"value": 0.25}, "stderr": {"value": 0.2}}
    return {
        "version": 2,
        "status": "success",
        "eval": {
            "created": "2026-05-01T10:00:00+00:00",
            "task": "inspect_evals/quiz",
            "task_version": 1,
            "dataset": {"samples": 4},
            "model": "vllm/org/a-1b",
            "config": {"limit": None, "epochs": 1},
            "packages": {"inspect_ai": "0.3.200"},
        },
        "results": {
            "total_samples": 4,
            "completed_samples": 3,
            "scores": [{"name": "choice", "scorer": "choice", "metrics": metrics}],
        },
        "samples": samples,
    } | changes


def write_eval(path, log, method=zipfile.ZIP_DEFLATED):
    """Write a log as a zip file; Python 3.11 cannot compress by Zstandard, so such a member is packed by hand."""
    members = {"header.json": {key: value for key, value in log.items() if key != "samples"}}
    members |= {f"samples/{each['id']}_epoch_1.json": each for each in log["samples"]}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            data = json.dumps(content).encode()
            if method != 93:
                archive.writestr(name, data, method)
                continue
            info, packed = zipfile.ZipInfo(name), pa.Codec("zstd").compress(data, asbytes=True)
            archive.writestr(info, packed)
            info.compress_type, info.CRC, info.file_size = 93, zlib.crc32(data), len(data)
    return path


@pytest.mark.parametrize("kind", ["json", "deflated", "zstandard"])
def test_inspect(tmp_path, kind):
    if kind == "json":
        path = write(tmp_path / "log.json", inspect_log())
    else:
        method = zipfile.ZIP_DEFLATED if kind == "deflated" else 93
        path = write_eval(tmp_path / "log.eval", inspect_log(), method)
    found = inspect_logs.read(path)
    (result,) = found.results
    assert (result.model, result.task, result.metric, result.score) == ("org/a-1b", "quiz", "accuracy", 0.25)
    assert (result.n_items, result.failed, result.time) == (4, 0.25, "2026-05-01T10:00:00Z")
    assert "25.0% of the samples of quiz were not scored" in found.notes[0]
    table = read_samples(*result.samples[0]).set_index("item").loc[list("abcd")]
    assert list(table["value"]) == [1, 0, 0, 0]
    assert list(table["failed"]) == [0, 0, 1, 1]
    assert list(table["capped"]) == [0, 1, 0, 0]
    assert list(table["empty"]) == [0, 0, 1, 0]


def test_epochs_of_an_item_are_one_item(tmp_path):
    log = inspect_log()
    log["samples"] = [log["samples"][0], log["samples"][1] | {"id": "a", "epoch": 2}]
    log["eval"]["config"]["epochs"] = 2
    log["results"] |= {"total_samples": 2, "completed_samples": 2}
    (result,) = inspect_logs.read(write(tmp_path / "log.json", log)).results
    assert result.n_items == 1
    table = read_samples(*result.samples[0])
    assert (list(table["item"]), list(table["value"]), list(table["capped"])) == (["a"], [0.5], [0.5])


def test_logs_of_inspect_that_did_not_end_well_are_refused(tmp_path):
    assert (
        "ended with status error"
        in inspect_logs.read(write(tmp_path / "a.json", inspect_log(status="error"))).refused[0]
    )
    log = inspect_log()
    log["eval"]["config"]["limit"], log["eval"]["dataset"]["samples"] = 4, 100
    assert "limited run, 4 of 100" in inspect_logs.read(write(tmp_path / "b.json", log)).refused[0]
    (tmp_path / "c.eval").write_bytes(b"PK")
    with pytest.raises(InputError, match="cut short"):
        inspect_logs.read(tmp_path / "c.eval")


def test_each_file_of_a_folder_is_recognised(tmp_path):
    write(tmp_path / "results_1.json", lighteval_results())
    (tmp_path / "euro.jsonl").write_text(json.dumps(euroeval_line()), encoding="utf-8")
    write_eval(tmp_path / "log.eval", inspect_log())
    write(tmp_path / "other.json", {"a": 1})
    (tmp_path / ".cache").mkdir()
    write(tmp_path / ".cache/results_1.json", lighteval_results())
    write(tmp_path / "samples_gsm.json", {"b": 1})
    found = read_files(result_files([tmp_path]), [tmp_path])
    assert {result.tool.split()[0] for result in found.results} == {"lighteval", "euroeval", "inspect"}
    assert found.refused == []
    assert any("other.json: not recognised" in note for note in found.notes)
    assert not any("samples_gsm" in note for note in found.notes)
    assert {result.file.parent for result in found.results} == {tmp_path}


@pytest.mark.parametrize("name", FORMATS)
def test_another_file_than_the_format_says_is_one_line(tmp_path, name):
    path = write(tmp_path / "other.json", {"model_name": "org/a-1b"})
    (line,) = read_files([path], [path], name).refused
    assert line.startswith(f"{path}: ")
