"""The real engines on three tiny models: a worker is killed half-way, and everything is there once and the same."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import shared
from tests.evaluation.mini import BENCHMARKS, THREE, change_params, read_json, three_models
from tests.evaluation.slurm import ask, slurm
from tests.repository import Repository

pytestmark = [pytest.mark.evaluation, pytest.mark.scale]

STORE = "data/.evaluating"
VARYING = ("start", "end", "seconds", "tokens_per_second", "mlflow_run", "code")
PATIENCE = 300
ENVIRONMENT = {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}


def local(path: Path) -> None:
    """Evaluate with two workers of this machine."""
    done = three_models(path).run(sys.executable, "-m", "stages.cli", "evaluate", "--json", env=ENVIRONMENT)
    (path / "said.txt").write_text(done.stderr, encoding="utf-8")
    (path / "answer.json").write_text(done.stdout, encoding="utf-8")


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return Repository(shared(tmp_path_factory, "scale-local", local))


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return three_models(tmp_path / "mini")


@contextmanager
def evaluating(repository: Repository, *arguments: str) -> Iterator[subprocess.Popen]:
    """Run the command beside the test; what still runs at the end is killed."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("DVC_", "MLFLOW_", "GIT_", "PYTEST_"))}
    process = subprocess.Popen(
        [sys.executable, "-m", "stages.cli", "evaluate", *arguments],
        cwd=repository.path,
        env={**clean, **ENVIRONMENT, "PYTHONPATH": "", "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # a shell has what it runs in the background ignore Ctrl-C
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def ended(process: subprocess.Popen, code: int = 0) -> str:
    """Wait for the command; return what it printed."""
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == code, out + err
    return out + err


def wait_for(what: Callable[[], object], process: subprocess.Popen) -> object:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        found = what()
        if found:
            return found
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    raise AssertionError("nothing came")


def finished(repository: Repository) -> dict[tuple[str, str], dict]:
    found = (repository.path / STORE).glob("*/*/*/*/provenance.json")
    return {
        ("/".join(path.parts[-5:-3]), path.parts[-3]): read_json(path)
        for path in found
        if not path.parent.name.startswith(".")
    }


def working(repository: Repository) -> dict[tuple[str, str], dict]:
    """Return model and benchmark to who works on it."""
    found = {}
    for path in (repository.path / STORE).glob("*/*/*/.*.lease"):
        try:
            found["/".join(path.parts[-4:-2]), path.parts[-2]] = read_json(path)
        except (FileNotFoundError, json.JSONDecodeError):
            continue
    return found


def begun(repository: Repository) -> list[str]:
    """Return the benchmarks that workers began, in all logs, with their models."""
    logs = [(model, repository.path / STORE / model / ".log") for model in THREE]
    lines = [(model, line) for model, log in logs if log.is_file() for line in log.read_text("utf-8").splitlines()]
    return [f"{model} {line}" for model, line in lines if line in BENCHMARKS]


def assert_at_most_one_twice(repository: Repository, model: str = "") -> None:
    """Assert that nothing was begun twice but what ran when its worker was killed."""
    names = begun(repository)
    twice = {name for name in names if names.count(name) > 1}
    assert len(twice) <= 1
    assert all(name.startswith(model) for name in twice)


def assert_same(repository: Repository, reference: Repository) -> None:
    """Assert that two stores hold the same bytes but for times."""
    ours, theirs = repository.path / STORE, reference.path / STORE
    names = {path.relative_to(theirs) for path in theirs.rglob("*/*/*/*.*") if not path.name.startswith(".")}
    assert len(names) == 3 * len(THREE) * len(BENCHMARKS)
    assert {path.relative_to(ours) for path in ours.rglob("*/*/*/*.*") if not path.name.startswith(".")} == names
    for name in names:
        if name.name != "provenance.json":
            assert (ours / name).read_bytes() == (theirs / name).read_bytes(), name
            continue
        first, second = read_json(ours / name), read_json(theirs / name)
        for part in (first, second):
            for varying in VARYING:
                part.pop(varying)
        assert first == second


def test_two_workers_evaluate_three_models_and_dvc_publishes_them(reference: Repository, tmp_path: Path):
    answer = read_json(reference.path / "answer.json")
    assert [unit["done"] for unit in answer["units"]] == [True] * 15
    assert len(begun(reference)) == 15
    said = (reference.path / "said.txt").read_text(encoding="utf-8").splitlines()
    assert sum(line.startswith("[5/5]") for line in said) == 3
    code = (
        "from mlflow.tracking import MlflowClient\n"
        "client = MlflowClient('sqlite:///mlflow.db')\n"
        "for run in client.search_runs([client.get_experiment_by_name('evaluations').experiment_id]):\n"
        "    print(run.info.status, run.data.tags['observatory.model'], len(run.data.metrics))\n"
    )
    lines = reference.run(sys.executable, "-c", code).stdout.splitlines()
    assert {line.split()[1] for line in lines} == set(THREE)
    assert all(line.startswith("FINISHED") for line in lines)
    repository = reference.copy_to(tmp_path / "published")
    said = repository.dvc("repro", "evaluate", env=ENVIRONMENT)
    assert "benchmarks to run" not in said
    for model in THREE:
        assert set(read_json(repository.path / "data/evaluations" / model / "scores.json")) == set(BENCHMARKS)
    assert not (repository.path / STORE).exists()


def test_a_killed_worker_costs_its_running_benchmark_and_a_second_command_shares_the_rest(
    repository: Repository, reference: Repository
):
    with evaluating(repository) as first, evaluating(repository) as second:
        wait_for(lambda: len(finished(repository)) >= 2, first)
        (unit, held) = wait_for(lambda: next(iter(working(repository).items()), None), first)
        before = finished(repository)
        os.kill(held["pid"], signal.SIGKILL)
        said = ended(first) + ended(second)
    assert "killed by SIGKILL" in said
    after = finished(repository)
    assert before.items() <= after.items()
    assert_same(repository, reference)
    assert_at_most_one_twice(repository, unit[0])


def test_ctrl_c_leaves_nothing_running_and_nothing_to_wait_for(repository: Repository):
    with evaluating(repository) as process:
        wait_for(lambda: working(repository), process)
        workers = {held["pid"] for held in working(repository).values()}
        process.send_signal(signal.SIGINT)
        assert "interrupted: nothing runs on, finished benchmarks are kept" in ended(process, 1)
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
    assert working(repository) == {}


def test_workers_end_with_a_command_that_is_killed(repository: Repository):
    with evaluating(repository) as process:
        wait_for(lambda: working(repository), process)
        workers = {held["pid"] for held in working(repository).values()}
        process.kill()
        process.wait()
    until = time.monotonic() + PATIENCE
    while any(Path(f"/proc/{pid}").exists() for pid in workers) and time.monotonic() < until:
        time.sleep(0.1)
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)


def patiently(start: Callable[[], object]) -> object:
    """Start a part of Ray, which gives up after half a minute on a busy machine."""
    for left in (3, 2, 1, 0):
        try:
            return start()
        except Exception as error:
            if type(error) is not Exception or not left:
                raise
    raise AssertionError("not reached")


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """A Ray cluster of a head without CPUs and two nodes with one each."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    made = patiently(lambda: Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False}))
    yield made
    made.shutdown()


@pytest.mark.filterwarnings("ignore")
def test_a_node_of_ray_that_dies_costs_its_running_benchmark(cluster, repository: Repository, reference: Repository):
    nodes = [patiently(lambda: cluster.add_node(num_cpus=1)) for _ in range(2)]
    change_params(repository, "evaluate", ray_address=cluster.address, engine="ray", workers=0)
    with evaluating(repository) as process:
        wait_for(lambda: len({model for model, _ in working(repository)}) == 2 and finished(repository), process)
        before = finished(repository)
        cluster.remove_node(nodes[1], allow_graceful=False)
        said = ended(process)
    assert "Ray: 3 nodes, 2 CPUs, 0 GPUs" in said
    assert "its worker ended: " in said
    assert before.items() <= finished(repository).items()
    assert_same(repository, reference)
    assert_at_most_one_twice(repository)


def test_a_cluster_that_is_not_there_is_one_line(repository: Repository):
    change_params(repository, "evaluate", ray_address="127.0.0.1:9", engine="ray")
    with evaluating(repository) as process:
        said = ended(process, 1)
    assert "evaluate.ray_address: no Ray cluster at 127.0.0.1:9 (" in said
    assert "Traceback" not in said


@pytest.fixture(scope="module")
def queue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with slurm(tmp_path_factory.mktemp("slurm")):
        yield


def jobs() -> dict[str, str]:
    """Return the jobs in the queue with their states."""
    return dict(line.split() for line in ask("squeue", "--noheader", "--array", "--format", "%i %T").splitlines())


def job_of(pid: int) -> str:
    """Return the job that a process belongs to."""
    text = Path(f"/proc/{pid}/environ").read_text(encoding="utf-8", errors="replace")
    values = dict(line.partition("=")[::2] for line in text.split("\0"))
    return f"{values['SLURM_ARRAY_JOB_ID']}_{values['SLURM_ARRAY_TASK_ID']}"


def begun_again(job: str) -> bool:
    """Return whether a job runs once more, for which Slurm would wait two minutes."""
    ask("scontrol", "update", f"JobId={job}", "StartTime=now")
    return jobs().get(job) == "RUNNING" and " Restarts=1 " in ask("scontrol", "show", "job", job)


def test_a_job_of_slurm_that_is_queued_again_goes_on_with_what_is_missing(
    queue, repository: Repository, reference: Repository
):
    change_params(repository, "evaluate", engine="slurm", workers=0, slurm={"time": "00:30:00", "partition": "main"})
    with evaluating(repository) as process:
        wait_for(lambda: finished(repository), process)
        unit, held = wait_for(lambda: next(iter(working(repository).items()), None), process)
        before = finished(repository)
        job = job_of(held["pid"])
        subprocess.run(["scontrol", "requeue", job], check=True)
        # Slurm gives it some seconds to end, in which a model as small as this is done
        os.kill(held["pid"], signal.SIGKILL)
        status = repository.observatory("evaluate", "--status", "--json").stdout
        wait_for(lambda: begun_again(job), process)
        said = ended(process)
    logs = {model["model_id"]: model["log"] for model in json.loads(status)["models"]}
    assert logs[unit[0]] == str(repository.path / STORE / unit[0] / ".log")
    assert {line.partition(": Slurm job ")[0] for line in said.splitlines() if ": Slurm job " in line} == set(THREE)
    assert before.items() <= finished(repository).items()
    assert_same(repository, reference)
    assert_at_most_one_twice(repository, unit[0])
    assert not (repository.path / STORE / ".slurm").exists()
    assert " Restarts=1 " in ask("scontrol", "show", "job", job)
    # a job that left its result may need a moment to end
    until = time.monotonic() + PATIENCE
    while "RUNNING" in jobs().values() and time.monotonic() < until:
        time.sleep(0.2)
    assert set(jobs().values()) <= {"COMPLETING"}


def test_ctrl_c_cancels_the_jobs(queue, repository: Repository):
    change_params(repository, "evaluate", engine="slurm", workers=0, slurm={"time": "00:30:00"})
    with evaluating(repository) as process:
        wait_for(lambda: working(repository), process)
        workers = {held["pid"] for held in working(repository).values()}
        process.send_signal(signal.SIGINT)
        ended(process, 1)
    # the last moments of a job, whose processes are gone, are the controller's
    assert set(jobs().values()) <= {"COMPLETING"}
    assert working(repository) == {}
    until = time.monotonic() + PATIENCE
    while any(Path(f"/proc/{pid}").exists() for pid in workers):
        assert time.monotonic() < until
        time.sleep(0.2)


def test_what_slurm_refuses_is_one_line(queue, repository: Repository):
    change_params(repository, "evaluate", engine="slurm", slurm={"partition": "nowhere"})
    with evaluating(repository) as process:
        said = ended(process, 1).splitlines()
    assert said[-1].startswith("evaluate.slurm: sbatch refused the jobs: ")
    assert "partition" in said[-1]
    assert not any("Traceback" in line for line in said)
