"""All models at once: what is missing is sent out, watched, sent again; on an engine of the test's own."""

import errno
import json
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

pytest.importorskip("lm_eval")

from stages.cli import main
from stages.commands import evaluate as command
from stages.commands import evaluation_plan
from stages.contracts.errors import InputError
from stages.contracts.params import parse_params
from stages.contracts.study.model_options import parse_model_options
from stages.evaluation import cells, driver, of_model, worker
from stages.evaluation.engines.choice import engine_of
from stages.evaluation.engines.engine import Ended
from stages.evaluation.engines.slurm import minutes
from stages.evaluation.harness.run import UnitResult
from stages.evaluation.leases import leased
from stages.evaluation.store import store_of, top_of
from stages.evaluation.worker import Job
from stages.lineage import state
from stages.tracking import live
from stages.workspace.parameters import load_params
from tests.conftest import shared
from tests.evaluation.mini import BENCHMARKS, MODEL, SECOND, change_params, mini_repository, read_json
from tests.evaluation.test_faults import RECORD, fast, no_store
from tests.repository import Repository

pytestmark = [pytest.mark.evaluation, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

UNITS = [(model, name) for model in (MODEL, SECOND) for name in BENCHMARKS]


class Here:
    """An engine that works in this process, and may lose jobs: by model, how each attempt dies."""

    gpus = 0

    def __init__(self, dies: dict[str, list[str]] | None = None) -> None:
        self.dies = dies or {}
        self.jobs: list[Job] = []
        self.over: list[Ended] = []
        self.stopped = False

    def room(self) -> int:
        return 1

    def submit(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            self.jobs.append(job)
            deaths = self.dies.get(job.model_id, [])
            died = deaths.pop(0) if deaths else ""
            self.over.append(Ended(job.model_id, () if died else worker.work(job), died))

    def ended(self) -> list[Ended]:
        over, self.over = self.over, []
        return over

    def stop(self) -> None:
        self.stopped = True


def two_models(path: Path) -> None:
    change_params(mini_repository(path), "evaluate", models=[MODEL, SECOND])


@pytest.fixture
def place(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    Repository(shared(tmp_path_factory, "two-models", two_models)).copy_to(tmp_path / "mini")
    monkeypatch.chdir(tmp_path / "mini")
    monkeypatch.setattr(worker.harness, "load_model", lambda *_: None)
    monkeypatch.setattr(worker.harness, "run_unit", fast)
    monkeypatch.setattr(live, "live_run", no_store)
    monkeypatch.setattr(driver, "TICK", 0.01)
    return tmp_path / "mini"


def evaluated(monkeypatch, engine: Here, models: Sequence[str] = (), only: Sequence[str] = ()) -> command.Evaluated:
    monkeypatch.setattr(command, "engine_of", lambda *_: engine)
    return command.evaluate(models, only, None, lambda _: None)


def kept() -> set[tuple[str, str]]:
    found = Path("data/.evaluating").glob("*/*/*/*/score.json")
    return {("/".join(path.parts[2:4]), path.parts[4]) for path in found}


def test_all_that_is_missing_is_run_once_and_the_stage_publishes_it(place, monkeypatch):
    engine = Here()
    result = evaluated(monkeypatch, engine)
    assert result.ok
    assert kept() == set(UNITS)
    assert engine.stopped
    # another command may finish what a job was made for, before a worker begins
    assert [worker.work(job) for job in engine.jobs] == [[], []]
    # what is finished is not sent again
    assert evaluated(monkeypatch, again := Here()).ok
    assert again.jobs == []

    def not_again(*_):
        raise AssertionError("ran again")

    monkeypatch.setattr(worker.harness, "run_unit", not_again)
    of_model.evaluate(RECORD, load_params().evaluate)
    assert set(read_json(place / "data/evaluations" / MODEL / "scores.json")) == set(BENCHMARKS)
    assert not (place / "data/.evaluating" / MODEL).exists()
    # nor is what is published
    assert evaluated(monkeypatch, again).ok
    assert again.jobs == []


def test_the_store_may_be_a_shared_folder_anywhere(place, monkeypatch, tmp_path):
    shared_folder = tmp_path / "cells"
    change_params(Repository(place), "evaluate", store=str(shared_folder))
    assert evaluated(monkeypatch, Here(), [MODEL]).ok
    assert {path.name for path in (shared_folder / MODEL).iterdir()} == {*BENCHMARKS, cells.LOG}
    assert not (place / "data/.evaluating").exists()
    of_model.evaluate(RECORD, load_params().evaluate)
    assert set(read_json(place / "data/evaluations" / MODEL / "scores.json")) == set(BENCHMARKS)
    assert list(shared_folder.iterdir()) == []


def test_models_and_benchmarks_can_be_chosen(place, monkeypatch):
    result = evaluated(monkeypatch, Here(), [SECOND], ["mmlu", "squad2"])
    assert result.ok
    assert kept() == {(SECOND, "mmlu"), (SECOND, "squad2")}
    assert "`dvc repro` runs the other benchmarks, then publishes" in list(result.text())


def test_a_worker_that_dies_is_sent_again_and_one_that_always_dies_is_told(place, monkeypatch):
    engine = Here({MODEL: ["killed by SIGKILL", "killed by SIGKILL"], SECOND: ["node gone"] * 9})
    result = evaluated(monkeypatch, engine)
    assert not result.ok
    assert kept() == {unit for unit in UNITS if unit[0] == MODEL}
    assert [job.model_id for job in engine.jobs] == [MODEL] * 3 + [SECOND] * 3
    (line,) = result.models[1].problems
    assert line.startswith(f"{SECOND}: its worker ended 3 times without a result (node gone): see ")


def test_a_worker_that_gets_on_may_die_as_often_as_it_does(place, monkeypatch):
    class Weak(Here):
        def submit(self, jobs: Sequence[Job]) -> None:
            (job,) = jobs
            super().submit([replace(job, units=job.units[:1])])
            self.over = [end._replace(died="killed by SIGKILL") for end in self.over]

    engine = Weak()
    assert evaluated(monkeypatch, engine, [MODEL]).ok
    assert [len(job.units) for job in engine.jobs] == [1] * len(BENCHMARKS)


def test_what_fails_is_told_and_does_not_end_what_it_does_not_concern(place, monkeypatch):
    def run(asked, model):
        if asked.benchmark == "mmlu":
            raise InputError(["mmlu: out of memory"])
        if asked.benchmark == "squad2" and asked.model.model_id == SECOND:
            raise ValueError("a mistake of ours")
        return fast(asked, model)

    monkeypatch.setattr(worker.harness, "run_unit", run)
    result = evaluated(monkeypatch, Here())
    assert kept() == set(UNITS) - {(MODEL, "mmlu"), (SECOND, "mmlu"), (SECOND, "squad2")}
    assert list(result.models[0].problems) == ["mmlu: out of memory"]
    log = store_of(SECOND).folder / cells.LOG
    assert set(result.models[1].problems) == {
        "mmlu: out of memory", f"ValueError: a mistake of ours; the traceback is in {log}"
    }  # fmt: skip
    assert "Traceback" in log.read_text(encoding="utf-8")
    told = evaluation_plan.status([])
    assert [len(model.done) for model in told.models] == [4, 3]
    assert told.models[0].failed[0].startswith("mmlu: mmlu: out of memory (on ")

    def again(asked, model):
        # what is tried again has not failed so far
        assert evaluation_plan.status([asked.model.model_id]).models[0].failed == []
        return fast(asked, model)

    monkeypatch.setattr(worker.harness, "run_unit", again)
    assert evaluated(monkeypatch, Here()).ok
    # one that is tried again while it is read
    (store_of(MODEL).folder / "mmlu/.key.failed").symlink_to("nothing")
    assert evaluation_plan.status([MODEL]).models[0].failed == []


def test_what_somebody_else_works_on_is_waited_for(place, monkeypatch):
    """All units of a model are held elsewhere; they appear, and none is run here."""
    found = driver.model_of(RECORD, load_params().evaluate, ())
    unit = found.units[0]

    class Elsewhere(Here):
        def room(self) -> int:
            # asked at each turn: by the third, the other is done
            self.turns = getattr(self, "turns", 0) + 1
            if self.turns == 3:
                found.store.put(unit, fast(unit, None))
            return 1

    engine = Elsewhere()
    with leased(found.store.lease(unit)):
        assert evaluated(monkeypatch, engine, [MODEL], [unit.benchmark]).ok
    assert engine.jobs == []


def test_models_that_nobody_works_on_come_first_and_the_rest_of_others_is_shared(place, monkeypatch):
    found = driver.model_of(RECORD, load_params().evaluate, ())
    unit = found.units[1]

    class Shared(Here):
        def submit(self, jobs: Sequence[Job]) -> None:
            super().submit(jobs)
            if jobs[0].model_id == MODEL:
                found.store.put(unit, fast(unit, None))

    engine = Shared()
    with leased(found.store.lease(unit)):
        assert evaluated(monkeypatch, engine).ok
    assert [job.model_id for job in engine.jobs] == [SECOND, MODEL]
    log = (found.store.folder / cells.LOG).read_text(encoding="utf-8").splitlines()
    assert [line for line in log if line in BENCHMARKS] == [name for name in BENCHMARKS if name != unit.benchmark]


def test_what_the_stage_published_meanwhile_is_not_run_again(place, monkeypatch):
    """It leaves nothing in the store."""

    class Late(Here):
        def room(self) -> int:
            if not Path("data/evaluations", MODEL).exists():
                of_model.evaluate(RECORD, load_params().evaluate)
            return 1

    engine = Late()
    assert evaluated(monkeypatch, engine, [MODEL]).ok
    assert engine.jobs == []
    assert not Path("data/.evaluating", MODEL).exists()


def test_what_the_stage_publishes_while_it_is_told_is_finished(place, monkeypatch):
    as_is = of_model.told

    def told(*arguments):
        if not Path("data/evaluations", MODEL).exists():
            of_model.evaluate(RECORD, load_params().evaluate)
        return as_is(*arguments)

    monkeypatch.setattr(of_model, "told", told)
    engine = Here()
    assert evaluated(monkeypatch, engine, [MODEL]).ok
    assert len(engine.jobs) == 1
    assert not Path("data/.evaluating", MODEL).exists()


def test_the_store_vanishes_at_once_when_all_is_published(place, monkeypatch):
    found = driver.model_of(RECORD, load_params().evaluate, ())
    for unit in found.units:
        found.store.put(unit, fast(unit, None))
    there, remove = [], os.unlink

    def watched(*arguments, **options):
        there.append([found.store.has(unit) for unit in found.units])
        remove(*arguments, **options)

    monkeypatch.setattr(os, "unlink", watched)
    found.store.clear(top_of(load_params().evaluate.store))
    assert there
    assert not any(map(any, there))
    assert not Path("data/.evaluating").exists()


def test_of_two_results_that_are_kept_at_the_same_time_the_first_stays(place, monkeypatch):
    found = driver.model_of(RECORD, load_params().evaluate, ())
    unit = found.units[0]
    found.store.put(unit, fast(unit, None))
    second = fast(unit, None)
    with monkeypatch.context() as patch:
        # neither saw the other's
        patch.setattr(cells.Cells, "has", lambda *_: False)
        found.store.put(unit, UnitResult({**second.score, "score": 0.75}, second.answers, second.provenance))
    assert found.store.score(unit)["score"] == 0.5
    assert [path.name for path in found.store.path(unit).parent.iterdir()] == [found.store.path(unit).name]


def test_a_store_that_a_worker_does_not_reach_is_told(place, monkeypatch):
    class Apart(Here):
        def submit(self, jobs: Sequence[Job]) -> None:
            self.jobs += jobs
            self.over += [Ended(job.model_id, (), "") for job in jobs]

    monkeypatch.setattr(driver, "LATE", 0.0)
    engine = Apart()
    result = evaluated(monkeypatch, engine, [MODEL])
    assert len(engine.jobs) == 3
    (line,) = result.models[0].problems
    assert "ended 3 times without a result (no result in the store: does every machine reach it?)" in line


def test_the_stage_waits_for_nobody_who_works_on_its_model(place):
    params = load_params().evaluate
    found = driver.model_of(RECORD, params, ())
    with (
        leased(found.store.lease(found.units[2])),
        pytest.raises(InputError, match=rf"{MODEL} is being evaluated by another process \(.*, process \d+\): wait"),
    ):
        of_model.evaluate(RECORD, params)
    of_model.evaluate(RECORD, params)


def test_a_machine_with_other_libraries_says_so_and_runs_nothing(place, monkeypatch):
    engine = Here()
    monkeypatch.setattr(driver, "DEATHS", 1)
    as_made = driver.Driver._job

    def other(self, model):
        job = as_made(self, model)
        return Job(**{**vars(job), "identities": {name: {**one, "libraries": {"torch": "1"}, "seeds": 0}
                                                  for name, one in job.identities.items()}})  # fmt: skip

    monkeypatch.setattr(driver.Driver, "_job", other)
    result = evaluated(monkeypatch, engine, [MODEL])
    assert kept() == set()
    assert any("has other libraries than the machine that sent the work: {'torch': '1'} there" in line
               for line in result.models[0].problems)  # fmt: skip


def test_an_interruption_stops_the_engine_and_keeps_what_is_finished(place, monkeypatch):
    class Interrupted(Here):
        def ended(self) -> list[Ended]:
            raise KeyboardInterrupt

    engine = Interrupted()
    with pytest.raises(InputError, match="interrupted: nothing runs on, finished benchmarks are kept"):
        evaluated(monkeypatch, engine)
    assert engine.stopped
    assert kept() == {unit for unit in UNITS if unit[0] == MODEL}


def test_a_worker_that_is_ended_after_its_last_unit_leaves_nothing_to_wait_for(place, monkeypatch):
    class Cut(Here):
        def submit(self, jobs: Sequence[Job]) -> None:
            super().submit(jobs)
            (job,) = jobs
            with leased(path := store_of(job.model_id).lease(job.units[-1]), job.owner):
                left = path.read_bytes()
            path.write_bytes(left)

    assert evaluated(monkeypatch, Cut(), [MODEL]).ok
    of_model.evaluate(RECORD, load_params().evaluate)


def test_engine_and_place_are_in_no_key_and_in_no_state(place, tmp_path):
    params = load_params()
    other = params.evaluate.model_copy(
        update={"engine": "ray", "workers": 7, "gpus_per_model": 4, "store": str(tmp_path / "cells")}
    )
    ours, theirs = (of_model.plan(RECORD, each) for each in (params.evaluate, other))
    assert [unit.key for unit in ours] == [unit.key for unit in theirs]
    assert state.state_content(params, {}) == state.state_content(params.model_copy(update={"evaluate": other}), {})


def dry_run(*arguments: str) -> dict:
    done = CliRunner().invoke(main, ["evaluate", *arguments, "--dry-run", "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


def test_a_dry_run_tells_what_is_done_and_estimates_by_what_was_measured(place, monkeypatch):
    before = dry_run()
    assert [(unit["model_id"], unit["benchmark"]) for unit in before["units"]] == UNITS
    assert all(unit["key"] and not unit["done"] for unit in before["units"])
    model = before["models"][MODEL]
    assert model["rate"] == "assumed"
    assert model["bytes"]["float32"] == 4 * model["parameters"] == 2 * model["bytes"]["bfloat16"]
    assert kept() == set()
    evaluated(monkeypatch, Here(), [MODEL], ["mmlu"])
    after = dry_run()
    done = [(unit["model_id"], unit["benchmark"]) for unit in after["units"] if unit["done"]]
    assert done == [(MODEL, "mmlu")]
    # 4 tokens in one second; SECOND has 8/7 of the parameters
    assert after["models"][MODEL]["tokens_per_second"] == pytest.approx(4)
    assert after["models"][SECOND]["tokens_per_second"] == pytest.approx(4 * 7 / 8)
    assert after["models"][SECOND]["rate"] == f"from {MODEL}"
    # without its files a model has no keys, and what it takes goes by its parameters
    shutil.rmtree(place / "models" / MODEL)
    away = dry_run(MODEL, "--only", "squad2,mmlu")
    assert [unit["key"] for unit in away["units"]] == [None, None]
    assert away["models"][MODEL]["parameters"] == 7e9
    assert not away["models"][MODEL]["here"]


def refused(*arguments: str) -> str:
    done = CliRunner().invoke(main, ["evaluate", *arguments])
    assert done.exit_code != 0
    assert "Traceback" not in done.output
    return done.output


def test_bad_input_is_one_line_each(place):
    said = refused("x/tinny", "org/model-1", "--only", "mmlo,mmlu")
    assert said.splitlines() == [
        "x/tinny is not in evaluate.models of params.yaml: did you mean x/tiny?",
        "org/model-1 is not in evaluate.models of params.yaml",
        "--only mmlo: no such benchmark in benchmarks.csv: did you mean mmlu?",
    ]
    assert "'condor' is not one of 'local'" in refused("--engine", "condor")
    change_params(Repository(place), "evaluate", store="params.yaml")
    assert "evaluate.store: " in refused()
    change_params(Repository(place), "evaluate", device="cuda:1", store="data/.evaluating")
    assert "evaluate.device is cuda:1: an engine chooses the GPUs of a model: write auto" in refused()
    change_params(Repository(place), "evaluate", models=[])
    assert "evaluate.models is empty" in refused()
    text = Path("params.yaml").read_text(encoding="utf-8").replace("dtype: auto", "dtype: auto\n  engine: condor")
    with pytest.raises(InputError, match=r"evaluate.engine"):
        parse_params(text)


def test_data_parallel_is_refused_with_the_reason():
    with pytest.raises(InputError, match="data_parallel_size is refused: lm-eval loads the model anew for every"):
        parse_model_options("m:\n  arguments: {data_parallel_size: 2}\n", "models.yaml", ["m"])


def test_a_missing_package_is_told_with_its_extra(monkeypatch, tmp_path):
    for name, package in (("ray", "ray"), ("slurm", "submitit")):
        params = load_params().evaluate.model_copy(update={"engine": name})
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, package, None)
            with pytest.raises(InputError, match=rf"evaluate.engine is {name}, which needs the extra `{name}`: pip"):
                engine_of(params, str(tmp_path), lambda _: None)


@pytest.mark.scale
def test_a_machine_without_slurm_is_told(monkeypatch, tmp_path):
    params = load_params().evaluate.model_copy(update={"engine": "slurm"})
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="there is no sbatch here: run this on a login node"):
        engine_of(params, str(tmp_path), lambda _: None)


def test_a_full_disk_of_the_store_is_told_and_loses_nothing(place, monkeypatch):
    as_is = cells.Cells._put

    def full(path, *content):
        if "squad2" in str(path):
            raise OSError(errno.ENOSPC, "No space left on device")
        as_is(path, *content)

    monkeypatch.setattr(cells.Cells, "_put", staticmethod(full))
    result = evaluated(monkeypatch, Here(), [MODEL])
    assert list(result.models[0].problems) == [worker.FULL]
    assert len(kept()) == BENCHMARKS.index("squad2")


def test_limits_of_slurm_in_minutes():
    assert [minutes(limit) for limit in ("00:00:01", "01:30:00", "2-00:00:01")] == [1, 90, 2881]


def test_gpus_are_given_out_whole(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2,3,4")
    params = load_params().evaluate.model_copy(update={"gpus_per_model": 8})
    with pytest.raises(InputError, match=r"evaluate.gpus_per_model is 8, but there are 5 GPUs here"):
        engine_of(params, "", lambda _: None)
    params = params.model_copy(update={"gpus_per_model": 2})
    assert engine_of(params, "", lambda _: None).room() == 2
    assert engine_of(params.model_copy(update={"workers": 1}), "", lambda _: None).room() == 1
    assert engine_of(params.model_copy(update={"device": "cpu"}), "", lambda _: None).gpus == 0
