"""dvc.yaml and dvc.lock as data."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from stages.contracts.errors import InputError
from stages.lineage.pipeline import Entry, flatten, lock_problems, overlaps, parse_lock, producers, read_lock, resolve
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


def problems(text: str) -> list[str]:
    plan = {"scale": resolve(PIPELINE, PARAMS)["scale"]}
    return lock_problems(parse_lock(text), plan, {"params.yaml": PARAMS})


def test_resolve_fills_templates_and_makes_a_stage_of_each_item():
    plan = resolve(PIPELINE, PARAMS)
    assert list(plan) == ["evaluate@org/a", "evaluate@org/b", "scale"]
    assert plan["evaluate@org/b"].cmd == "run org/b"
    assert plan["evaluate@org/b"].outs == ("data/org/b",)
    assert plan["scale"].deps == ("metadata/s/study.yaml",)
    assert plan["scale"].outs == ("table.csv", "scale.json")
    assert plan["scale"].uncached == {"scale.json"}
    assert plan["scale"].params == {"params.yaml": ("study", "scale")}


def test_resolve_names_every_unknown_parameter():
    broken = {"stages": {"a": {"cmd": "${x.y} ${z}"}}}
    with pytest.raises(InputError) as caught:
        resolve(broken, PARAMS)
    assert caught.value.problems == (
        "dvc.yaml: a uses ${x.y}, which params.yaml lacks",
        "dvc.yaml: a uses ${z}, which params.yaml lacks",
    )


def test_resolve_agrees_with_dvc_on_the_pipeline_of_this_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    dvc_repo = pytest.importorskip("dvc.repo")
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc/config").write_text("[core]\n    no_scm = true\n    analytics = false\n", encoding="utf-8")
    for name in ("dvc.yaml", "params.yaml"):
        (tmp_path / name).write_text((ROOT / name).read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    ours = resolve(
        yaml.safe_load((tmp_path / "dvc.yaml").read_text(encoding="utf-8")),
        yaml.safe_load((tmp_path / "params.yaml").read_text(encoding="utf-8")),
    )
    with dvc_repo.Repo(str(tmp_path)) as repo:
        theirs = {stage.addressing: stage for stage in repo.index.stages}
        assert set(ours) == set(theirs)
        for name, stage in theirs.items():
            assert ours[name].cmd == stage.cmd
            paths = {str(out.def_path) for out in stage.outs}
            assert set(ours[name].outs) == paths
            assert ours[name].uncached == {str(out.def_path) for out in stage.outs if not out.use_cache}
            deps = {str(dep.def_path) for dep in stage.deps if str(dep.def_path) != "params.yaml"}
            assert set(ours[name].deps) == deps


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
    plan = resolve({"stages": {"x": {"cmd": "x", "params": ["a.flag", "a.small"]}}}, {})
    values = "        a.flag: true\n        a.small: 1e-05\n"
    good = f"schema: '2.0'\nstages:\n  x:\n    cmd: x\n    params:\n      params.yaml:\n{values}"
    assert lock_problems(parse_lock(good), plan, params) == []
    assert len(lock_problems(parse_lock(good.replace("true", "1")), plan, params)) == 1


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
        parse_lock(text.replace(old, new, 1))
    assert all(line.startswith("dvc.lock: ") for line in caught.value.problems)


def test_one_path_with_two_hashes_is_a_contradiction():
    text = (
        lock_of() + "  again:\n    cmd: again\n    deps:\n    - {path: table.csv, hash: md5, md5: " + "d" * 32 + "}\n"
    )
    plan = {"scale": resolve(PIPELINE, PARAMS)["scale"]}
    lines = lock_problems(parse_lock(text), plan, {"params.yaml": PARAMS})
    assert f"dvc.lock: table.csv has md5 {'c' * 32} in stage scale and {'d' * 32} in stage again" in lines
    assert "dvc.lock has a stage again, dvc.yaml has none" in lines


def test_former_items_are_left_out_and_strangers_stay():
    text = "schema: '2.0'\nstages:\n  evaluate@org/a: {cmd: x}\n  evaluate@org/gone: {cmd: x}\n  other@z: {cmd: x}\n"
    kept = read_lock(text, PIPELINE, PARAMS)
    assert list(kept) == ["evaluate@org/a", "other@z"]


def test_paths_overlap_by_whole_names():
    assert overlaps("data", "data/x")
    assert overlaps("data/x", "data")
    assert not overlaps("data", "database")
    assert not overlaps("data/x", "data/xy")


def test_producers_are_found_for_a_file_in_a_folder_and_a_folder_of_files():
    stages = list(resolve(PIPELINE, PARAMS).values())
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
