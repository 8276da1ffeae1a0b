"""dvc.yaml and dvc.lock as data."""

import contextlib
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from stages.contracts.errors import InputError
from stages.lineage.dvc_files import load_lock, read_params, read_plan
from stages.lineage.pipeline import (
    Entry,
    LockedStage,
    PlannedStage,
    flatten,
    lock_problems,
    locked_stages,
    overlaps,
    producers,
    without_former,
)
from tests.repository import ROOT

PARAMS = {"study": "s", "evaluate": {"models": ["org/a", "org/b"]}, "scale": {"min_models": 5}}
PIPELINE = {
    "stages": {
        "evaluate": {"foreach": "${evaluate.models}", "do": {"cmd": "run ${item}", "outs": ["data/${item}"]}},
        "scale": {
            "cmd": "scale ${study}",
            "deps": ["metadata/${study}/study.yaml"],
            "params": ["study", "scale"],
            "outs": [{"table.csv": {"persist": True}}],
            "metrics": [{"scale.json": {"cache": False}}],
        },
    }
}


def lock_of(**changes: object) -> str:
    stage = {
        "cmd": "scale s",
        "deps": [{"path": "metadata/s/study.yaml", "hash": "md5", "md5": "a" * 32, "size": 3}],
        "params": {"params.yaml": {"study": "s", "scale": {"min_models": 5}}},
        "outs": [
            {"path": "scale.json", "hash": "md5", "md5": "b" * 32, "size": 4},
            {"path": "table.csv", "hash": "md5", "md5": "c" * 32, "size": 5},
        ],
    }
    return yaml.safe_dump({"schema": "2.0", "stages": {"scale": {**stage, **changes}}}, sort_keys=False)


def plan_of(folder: Path, pipeline: object = PIPELINE, params: object = PARAMS) -> dict[str, PlannedStage]:
    for name, content in (("dvc.yaml", pipeline), ("params.yaml", params)):
        (folder / name).write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    with contextlib.chdir(folder):
        return read_plan(folder)


def lock(text: str) -> dict[str, LockedStage]:
    return locked_stages(load_lock(text), {})


SCALE = PlannedStage(
    "scale",
    "scale s",
    ("metadata/s/study.yaml",),
    {"params.yaml": ("study", "scale")},
    ("table.csv", "scale.json"),
    frozenset({"scale.json"}),
)


def problems(text: str) -> list[str]:
    return lock_problems(lock(text), {"scale": SCALE}, {"params.yaml": PARAMS})


def test_templates_are_filled_in_and_each_item_is_a_stage(tmp_path: Path):
    plan = plan_of(tmp_path)
    assert list(plan) == ["evaluate@org/a", "evaluate@org/b", "scale"]
    assert plan["evaluate@org/b"].cmd == "run org/b"
    assert plan["evaluate@org/b"].outs == ("data/org/b",)
    assert plan["scale"] == SCALE


def test_everything_that_dvc_yaml_can_say_is_read_as_dvc_does(tmp_path: Path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/other.json").write_text('{"speed": {"k": 3}}', encoding="utf-8")
    (tmp_path / "more.yaml").write_text("base: sub\nnames: [first, second]\n", encoding="utf-8")
    plan = plan_of(
        tmp_path,
        {
            "vars": ["more.yaml", {"title": "t"}],
            "stages": {
                "grid": {
                    "matrix": {"size": [1, 2], "kind": "${names}"},
                    "cmd": "fit ${item.size} ${item.kind}",
                    "outs": ["${key}.csv"],
                },
                "there": {
                    "wdir": "${base}",
                    "cmd": ["echo ${title}", "fit ${names[1]}"],
                    "deps": ["in.csv", "../data"],
                    "params": [{"other.json": ["speed.k"]}],
                    "outs": ["out.csv"],
                },
            },
        },
        {"names2": 1},
    )
    assert plan["grid@2-second"].cmd == "fit 2 second"
    assert plan["grid@1-first"].outs == ("1-first.csv",)
    there = plan["there"]
    assert there.cmd == "echo t\nfit second"
    assert (there.folder, there.deps, there.outs) == ("sub", ("sub/in.csv", "data"), ("sub/out.csv",))
    assert there.params == {"sub/other.json": ("speed.k",)}
    text = (
        "schema: '2.0'\nstages:\n  there:\n    cmd: [echo t, fit second]\n    deps:\n"
        f"    - {{path: in.csv, hash: md5, md5: {'a' * 32}}}\n"
        f"    - {{path: ../data, hash: md5, md5: {'b' * 32}.dir}}\n"
        "    params:\n      other.json: {speed.k: 3}\n"
        f"    outs:\n    - {{path: out.csv, hash: md5, md5: {'c' * 32}}}\n"
    )
    locked = locked_stages(load_lock(text), plan)
    params = {"sub/other.json": read_params(tmp_path / "sub/other.json")}
    assert lock_problems(locked, {"there": there}, params) == []
    other = lock_problems(locked_stages(load_lock(text.replace("k: 3", "k: 4")), plan), {"there": there}, params)
    assert other == ["dvc.lock: stage there: parameter speed.k is 4, sub/other.json has 3"]


def test_every_stage_that_cannot_be_resolved_is_named_in_one_line(tmp_path: Path):
    broken = {"stages": {"a": {"cmd": "${x.y}"}, "b": {"cmd": "b"}, "c": {"cmd": "${z}"}}}
    with pytest.raises(InputError) as caught:
        plan_of(tmp_path, broken)
    first, second = caught.value.problems
    assert "dvc.yaml" in first
    assert "'x.y'" in first
    assert "'z'" in second
    with pytest.raises(InputError) as caught:
        plan_of(tmp_path, {"stages": {"a": {"command": "a"}}})
    assert caught.value.problems == (
        "dvc.yaml: stages.a.cmd: required key not provided",
        "dvc.yaml: stages.a.command: extra keys not allowed",
    )


def test_the_pipeline_of_this_repository_is_resolved(tmp_path: Path):
    pipeline = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    plan = plan_of(tmp_path, pipeline, params)
    # a stage for each evaluated model, of which there is none
    assert set(plan) == set(pipeline["stages"]) - {"lock", "evaluate"}
    assert plan["scale"].uncached == {"reports/metrics/scale.json"}
    assert not (tmp_path / ".dvc").exists()


def test_a_lock_as_planned_has_no_problem():
    assert problems(lock_of()) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cmd": "scale t"}, "command is 'scale t', dvc.yaml has 'scale s'"),
        ({"deps": []}, "dependency metadata/s/study.yaml is missing"),
        ({"outs": []}, "output table.csv is missing"),
        (
            {"params": {"params.yaml": {"study": "t", "scale": {"min_models": 5}}}},
            "parameter study is 't', params.yaml has 's'",
        ),
        ({"params": {"params.yaml": {"study": "s"}}}, "parameter scale is None"),
        ({"params": {"other.yaml": {}}}, "parameters of other.yaml stand nowhere"),
    ],
)  # fmt: skip
def test_each_difference_between_lock_and_plan_is_named(changes: dict, words: str):
    assert any(line.startswith("dvc.lock: stage scale: ") and words in line for line in problems(lock_of(**changes)))


def test_true_is_not_one_and_a_small_number_is_the_same_in_both_dialects_of_yaml():
    params = {"params.yaml": {"a": {"flag": True, "small": 1e-05}}}
    plan = {"x": PlannedStage("x", "x", (), {"params.yaml": ("a.flag", "a.small")}, ())}
    values = "        a.flag: true\n        a.small: 1e-05\n"
    good = f"schema: '2.0'\nstages:\n  x:\n    cmd: x\n    params:\n      params.yaml:\n{values}"
    assert lock_problems(lock(good), plan, params) == []
    assert len(lock_problems(lock(good.replace("true", "1")), plan, params)) == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("schema: '2.0'", "schema: '2.1'"),
        ("hash: md5", "hash: md4"),
        ("a" * 32, "a" * 31 + "g"),
        ("size: 3", "size: x"),
        ("size: 3", "sise: 3"),
        ("deps:", "depx:"),
        ("  scale:", " \tscale:"),
        ("- path: table.csv", "- patch: table.csv"),
    ],
)
def test_a_lock_that_dvc_does_not_write_is_refused_in_one_line(old: str, new: str):
    text = lock_of()
    assert old in text
    with pytest.raises(InputError) as caught:
        load_lock(text.replace(old, new, 1))
    assert all(line.startswith("dvc.lock: ") for line in caught.value.problems)


def test_one_path_with_two_hashes_is_a_contradiction():
    text = (
        lock_of() + "  again:\n    cmd: again\n    deps:\n    - {path: table.csv, hash: md5, md5: " + "d" * 32 + "}\n"
    )
    lines = problems(text)
    assert f"dvc.lock: table.csv has md5 {'c' * 32} in stage scale and {'d' * 32} in stage again" in lines
    assert "dvc.lock has a stage again, dvc.yaml has none" in lines


def test_former_items_are_left_out_and_strangers_stay():
    text = "schema: '2.0'\nstages:\n  evaluate@org/a: {cmd: x}\n  evaluate@org/gone: {cmd: x}\n  other@z: {cmd: x}\n"
    kept = without_former(lock(text), ["evaluate@org/a", "scale"], {"evaluate"})
    assert list(kept) == ["evaluate@org/a", "other@z"]


def test_paths_overlap_by_whole_names():
    assert overlaps("data", "data/x")
    assert overlaps("data/x", "data")
    assert not overlaps("data", "database")
    assert not overlaps("data/x", "data/xy")


def test_producers_are_found_for_a_file_in_a_folder_and_a_folder_of_files():
    stages = [PlannedStage(f"evaluate@org/{x}", "run", (), {}, (f"data/org/{x}",)) for x in "ab"]
    assert producers("data/org/a/scores.json", stages) == ["evaluate@org/a"]
    assert producers("data", stages) == ["evaluate@org/a", "evaluate@org/b"]
    assert producers("elsewhere", stages) == []


@given(st.recursive(st.integers(), lambda children: st.dictionaries(st.text("ab", min_size=1), children, min_size=1)))
def test_flatten_keeps_every_leaf(value: object):
    def leaves(item: object) -> int:
        return sum(map(leaves, item.values())) if isinstance(item, dict) else 1

    assert len(list(flatten("x", value))) == leaves(value)


def test_a_folder_is_known_by_its_hash():
    assert Entry("a", "0" * 32 + ".dir").is_folder
    assert not Entry("a", "0" * 32).is_folder
