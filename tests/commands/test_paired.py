"""`observatory compare`: two models on the answers of their evaluations."""

import hashlib
import json
from pathlib import Path

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from stages.cli import main
from tests.repository import ROOT

FIRST, SECOND = "org/a", "org/b"
BASE = {"score": None, "protocol": "accuracy, 0-shot, generation", "data": "d" * 64, "prompt": "Q"}


def write(model_id: str, answers: dict[str, list[float]], **changed: object) -> None:
    """Write an evaluation as the stage `evaluate` leaves it; items are numbered."""
    known = BASE | changed
    folder = Path("data/evaluations") / model_id
    (folder / "samples").mkdir(parents=True, exist_ok=True)
    scores, provenance = {}, {}
    for name, values in answers.items():
        n = len(values)
        prompts = [hashlib.sha256(f"{known['prompt']} {i}".encode()).hexdigest() for i in range(n)]
        items = [f"{name}-{i}" for i in range(n)]
        frame = pd.DataFrame({"item": items, "prompt_hash": prompts, "target": "x", "value": values})
        frame.to_parquet(folder / f"samples/{name}.parquet", index=False)
        mean = sum(values) / n
        scores[name] = {"score": mean if known["score"] is None else known["score"], "protocol": known["protocol"]}
        provenance[name] = {"data": {"sha256": known["data"]}}
    (folder / "scores.json").write_text(json.dumps(scores))
    (folder / "provenance.json").write_text(json.dumps({"benchmarks": provenance}))


@pytest.fixture(autouse=True)
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with parameters and nothing else."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params["evaluate"]["models"] = ["org/away"]
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    (tmp_path / "metadata" / params["study"]).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def compared(*arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(main, ["compare", *arguments])
    assert done.exit_code == code, done.output
    return done.output


def machine(*arguments: str) -> dict:
    return json.loads(compared(*arguments, "--json"))


def test_a_model_is_better_worse_or_cannot_be_told_and_the_other_the_reverse():
    write(FIRST, {"easy": [1] * 20, "hard": [0] * 20, "same": [1, 0] * 10})
    write(SECOND, {"easy": [0] * 15 + [1] * 5, "hard": [1] * 15 + [0] * 5, "same": [1, 0] * 9 + [0, 0]})
    found = machine(FIRST, SECOND)
    told = {name: one["verdict"] for name, one in found["benchmarks"].items()}
    assert told == {"easy": "better", "hard": "worse", "same": "cannot be told"}
    easy = found["benchmarks"]["easy"]
    # 15 of 15 items: 2 / 2^15, the smallest of three p-values, times three
    assert easy["p_value"] == pytest.approx(2**-14)
    assert easy["p_value_adjusted"] == pytest.approx(3 * 2**-14)
    assert easy["difference"] == pytest.approx(0.75)
    assert [row["item"] for row in found["benchmarks"]["same"]["turned"]] == ["same-18"]
    back = machine(SECOND, FIRST)["benchmarks"]
    assert {name: one["verdict"] for name, one in back.items()} == {
        "easy": "worse",
        "hard": "better",
        "same": "cannot be told",
    }
    shown = compared(FIRST, SECOND)
    assert "org/a is better on easy; worse on hard; not told apart on same" in shown
    assert "same: org/a has the higher value on same-18" in shown


def test_on_a_benchmark_on_which_less_is_better_the_verdict_turns():
    facts = pd.DataFrame({"benchmark": ["errors", "right"], "higher_is_better": ["false", ""]}).set_index("benchmark")
    Path("data/study").mkdir(parents=True)
    facts.to_parquet("data/study/benchmarks.parquet")
    write(FIRST, {"errors": [1] * 10, "right": [1] * 10})
    write(SECOND, {"errors": [0] * 10, "right": [0] * 10})
    found = machine(FIRST, SECOND)["benchmarks"]
    assert {name: one["verdict"] for name, one in found.items()} == {"errors": "worse", "right": "better"}
    assert found["errors"]["notes"] == ["errors: lower values are better"]
    assert found["right"]["notes"] == []


def test_one_benchmark_is_not_adjusted_for_the_others():
    write(FIRST, {"one": [1] * 6, "two": [1, 0]})
    write(SECOND, {"one": [0] * 6, "two": [1, 0]})
    assert machine(FIRST, SECOND)["benchmarks"]["one"]["verdict"] == "cannot be told"
    alone = machine(FIRST, SECOND, "--benchmark", "one")["benchmarks"]
    assert list(alone) == ["one"]
    assert alone["one"]["verdict"] == "better"


def test_what_makes_a_comparison_doubtful_is_said():
    write(FIRST, {"one": [1, 0, 1]})
    write(SECOND, {"one": [1, 1]}, protocol="accuracy, 5-shot, generation", data="e" * 64, score=0.3)
    notes = machine(FIRST, SECOND)["benchmarks"]["one"]["notes"]
    assert len(notes) == 4
    assert "'accuracy, 0-shot, generation' and 'accuracy, 5-shot, generation'" in notes[0]
    assert "different files of data" in notes[1]
    assert "1 items only the first model answered, 0 only the second" in notes[2]
    assert "not a mean over items" in notes[3]


def test_another_prompt_is_still_the_same_item():
    write(FIRST, {"one": [1, 0]})
    write(SECOND, {"one": [0, 1]}, prompt="Question")
    found = machine(FIRST, SECOND)["benchmarks"]["one"]
    assert (found["n"], found["better"], found["worse"], found["notes"]) == (2, 1, 1, [])


def test_what_cannot_be_compared_is_one_line_with_the_way_out():
    write(FIRST, {"one": [1, 0], "two": [1]})
    write(SECOND, {"three": [1]})
    assert compared(FIRST, FIRST, code=1) == "org/a is named twice: name two models\n"
    assert "no benchmark in common: org/a has one, two; org/b has three" in compared(FIRST, SECOND, code=1)
    unknown = compared("org/bb", "org/away", code=1).splitlines()
    assert unknown[0].startswith(
        "org/bb: its answers are not here: did you mean org/b?; answers of org/a, org/b are here"
    )
    assert unknown[1] == "org/away: its evaluation is not here: `dvc pull` fetches it, `dvc repro` makes it"
    assert "oen: no answers of org/a are known: did you mean one?" in compared(
        FIRST, SECOND, "--benchmark", "oen", code=1
    )


def test_benchmarks_of_other_items_are_skipped_and_refused_where_nothing_else_is_left():
    write(FIRST, {"one": [1, 0], "two": [1, 1]})
    write(SECOND, {"one": [1, 0], "two": [1, 1]})
    file = Path("data/evaluations") / SECOND / "samples/two.parquet"
    pd.read_parquet(file).assign(target="another", prompt_hash="z").to_parquet(file, index=False)
    found = machine(FIRST, SECOND)
    assert list(found["benchmarks"]) == ["one"]
    assert found["skipped"][0].startswith("two: data/evaluations/org/a/samples/two.parquet and ")
    assert "share no item" in compared(FIRST, SECOND, "--benchmark", "two", code=1)
