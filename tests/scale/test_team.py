"""A team on real servers: PostgreSQL, S3 and MLflow with passwords, and each in a clone of his or her own."""

import json
import multiprocessing
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from docs.team.record import ADMIN, ARTIFACTS, Team, load, new
from docs.team.servers import end, launch, started, stop
from tests.commands.study import MODEL, STUDY, new_study, set_params
from tests.repository import ROOT, Repository

if TYPE_CHECKING:
    from multiprocessing.sharedctypes import Synchronized

    from mlflow.entities import Run
    from mlflow.tracking import MlflowClient

    from stages.tracking.record import State

pytestmark = pytest.mark.scale

USERS = {"ann": "EDIT", "bob": "EDIT", "cleo": "READ"}
STATES, CLONES, METRICS = 100, 8, 40


def demonstration(what: str, folder: Path) -> str:
    """Run what `make team` and `make team-stop` run."""
    command = [sys.executable, "-m", "docs.team", what, str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A folder whose servers run, and what was printed when they were started."""
    folder = tmp_path_factory.mktemp("team")
    new(folder, USERS).save()
    try:
        yield folder, demonstration("start", folder)
    finally:
        running = {pid for pid, _ in read(folder).processes.values()}
        assert "ended: mlflow, s3, postgresql; " in demonstration("stop", folder)
        assert not [pid for pid in running if started(pid)]


def read(folder: Path) -> Team:
    found = load(folder)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def team(printed: tuple[Path, str]) -> Team:
    return read(printed[0])


@pytest.fixture
def login(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ann's shell, with time for a machine that has other things to do."""
    for name, value in team.environment("ann").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "60")


def shell(team: Team, user: str) -> dict[str, str]:
    return {**team.environment(user), "MLFLOW_HTTP_REQUEST_TIMEOUT": "60"}


def observatory(repository: Repository, team: Team, user: str, *arguments: str) -> str:
    done = repository.run(sys.executable, "-m", "stages.cli", *arguments, env=shell(team, user))
    return done.stdout + done.stderr


def reproduce(repository: Repository, team: Team, user: str) -> str:
    """Run the pipeline; where a busy machine let the stage leave the server, log the state as a user does then."""
    said = repository.dvc("repro", env=shell(team, user))
    return said + (observatory(repository, team, user, "track") if "was left" in said else "")


@pytest.fixture(scope="module")
def origin(team: Team, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bare git repository with what Ann evaluated; her files are in the team's bucket, her run is on its server."""
    folder = tmp_path_factory.mktemp("story")
    ann = new_study(folder / "ann")
    set_params(ann, evaluate={"models": [MODEL]})
    ann.dvc("remote", "add", "-q", "-d", "team", "s3://dvc/story")
    assert "logged as MLflow run" in reproduce(ann, team, "ann")
    ann.commit("A model evaluated")
    ann.dvc("push", "-q", env=shell(team, "ann"))
    ann.run("git", "clone", "-q", "--bare", ".", str(folder / "origin.git"))
    return folder / "origin.git"


def clone(origin: Path, user: str, target: Path) -> Repository:
    subprocess.run(["git", "clone", "-q", str(origin), str(target)], check=True)
    repository = Repository(target)
    repository.run("git", "config", "user.name", user)
    repository.run("git", "config", "user.email", f"{user}@example.org")
    return repository


def runs_of(team: Team, **params: str) -> "list[Run]":
    """Return the finished runs of the story, of those with these parameters."""
    from tests.tracking.states import every_run

    return [
        run
        for run in every_run(client(team))
        if run.data.tags.get("observatory.study") == STUDY
        and run.info.status == "FINISHED"
        and params.items() <= run.data.params.items()
    ]


def client(team: Team) -> "MlflowClient":
    from mlflow.tracking import MlflowClient

    return MlflowClient(team.mlflow)


def test_the_demonstration_prints_addresses_and_users(printed: tuple[Path, str], team: Team):
    text = printed[1]
    assert team.mlflow in text
    assert f"127.0.0.1:{team.ports['postgresql']}" in text
    for user in USERS:
        assert any(line.split()[:2] == [user, team.passwords[user]] for line in text.splitlines())
    for name, value in team.environment("ann").items():
        assert f"export {name}={value}" in text
    assert demonstration("start", printed[0]) == text


def test_only_what_was_started_is_ended(tmp_path: Path):
    """The id of a server that ended long ago has gone to another process."""
    with subprocess.Popen(["sleep", "600"]) as other:
        servers = new(tmp_path / "team", USERS)
        servers.processes["s3"] = (other.pid, (started(other.pid) or 0) - 1)
        assert stop(servers) == []
        assert started(other.pid)
        other.kill()


@pytest.mark.usefixtures("login")
def test_a_colleague_goes_on_from_what_was_pushed(team: Team, origin: Path, tmp_path: Path):
    bob = clone(origin, "bob", tmp_path / "bob")
    bob.dvc("pull", "-q", env=shell(team, "bob"))
    assert "0 mismatches" in observatory(bob, team, "bob", "verify")
    (hers,) = runs_of(team, subset="all")
    assert f"MLflow run {hers.info.run_id}" in reproduce(bob, team, "bob")
    set_params(bob, subset="odd")
    reproduce(bob, team, "bob")
    bob.commit("The odd models")
    assert "subset" in observatory(bob, team, "bob", "diff", "HEAD~1", "HEAD")
    both = {run.data.params["subset"]: run for run in runs_of(team)}
    assert set(both) == {"all", "odd"}
    for subset, rev in (("all", "HEAD~1"), ("odd", "HEAD")):
        text = bob.run("git", "show", f"{rev}:reports/metrics/decompose.json").stdout
        assert both[subset].data.metrics["decompose.n_models"] == json.loads(text)["n_models"]
    observatory(bob, team, "bob", "export", "--ro-crate", "state.zip")
    assert "0 mismatches" in observatory(bob, team, "bob", "verify", "state.zip")
    bob.dvc("push", "-q", env=shell(team, "bob"))


@pytest.mark.usefixtures("login")
def test_two_clones_that_reach_a_state_at_the_same_time_log_one_run(team: Team, origin: Path, tmp_path: Path):
    clones = {user: clone(origin, user, tmp_path / user) for user in ("ann", "bob")}
    for user, repository in clones.items():
        repository.dvc("pull", "-q", env=shell(team, user))
        set_params(repository, report={"dpi": 60})
    with ThreadPoolExecutor() as together:
        said = list(together.map(lambda user: reproduce(clones[user], team, user), clones))
    (found,) = {run.info.run_id for run in runs_of(team, subset="all") if f"MLflow run {run.info.run_id}" in said[0]}
    assert f"MLflow run {found}" in said[1]
    states = Counter(run.data.tags["observatory.state"] for run in runs_of(team))
    assert set(states.values()) == {1}


@pytest.mark.usefixtures("login")
def test_who_may_only_read_keeps_the_results_and_is_told_in_one_line(team: Team, origin: Path, tmp_path: Path):
    cleo = clone(origin, "cleo", tmp_path / "cleo")
    cleo.dvc("pull", "-q", env=shell(team, "cleo"))
    assert "0 mismatches" in observatory(cleo, team, "cleo", "verify")
    set_params(cleo, report={"dpi": 70})
    before = len(runs_of(team))
    done = cleo.run(sys.executable, "-m", "dvc", "repro", env=shell(team, "cleo"))
    told = [line for line in (done.stdout + done.stderr).splitlines() if "403" in line]
    assert told == [f"{team.mlflow}: this user may not write there (403): ask whoever runs it for the permission EDIT"]
    assert "`observatory track` logs it later" in done.stdout + done.stderr
    assert (cleo.path / "reports/index.html").is_file()
    assert "up to date" in cleo.dvc("status", "report")
    assert "denied" in cleo.dvc("push", ok=False, env=shell(team, "cleo")).lower()
    assert len(runs_of(team)) == before
    # a colleague who may write logs what she found
    assert "logged as" in observatory(cleo, team, "ann", "track")


def reach(root: Path, names: list[str], finished: "Synchronized[int]", failed: Path) -> None:
    """Log states one after the other, as the stage does, and note those that could not be logged."""
    from stages.tracking import log
    from stages.tracking.trouble import StoreError

    log.TURN = 3.0
    root.mkdir(exist_ok=True)
    lost = []
    for name in names:
        try:
            log.log_run(load_state(name), root, None)
        except StoreError as error:
            (_,) = error.lines()
            lost.append(name)
        else:
            with finished.get_lock():
                finished.value += 1
    failed.write_text(json.dumps(lost), encoding="utf-8")


def load_state(name: str) -> "State":
    from tests.tracking.states import state

    metrics = {f"m.{i}": i + int(name.removeprefix("load-")) / STATES for i in range(METRICS)}
    return state(name, experiment="load", metrics=metrics)


def together(folder: Path, work: dict[Path, list[str]], disturb) -> dict[Path, list[str]]:
    """Let every clone log its states at the same time, disturb them, and return what each could not log."""
    context = multiprocessing.get_context("spawn")
    finished = context.Value("i", 0)
    notes = {root: folder / f"{root.name}.json" for root in work}
    workers = [
        context.Process(target=reach, args=(root, names, finished, notes[root])) for root, names in work.items()
    ]
    for worker in workers:
        worker.start()
    disturb(finished, workers)
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * len(workers)
    return {root: lost for root, note in notes.items() if (lost := json.loads(note.read_text(encoding="utf-8")))}


@pytest.mark.usefixtures("login")
def test_nothing_is_lost_or_doubled_when_a_server_dies_while_many_log(team: Team, tmp_path: Path):
    """Every state is reached by two of eight clones; what the restart of the server cost is logged later."""
    names = [f"load-{i}" for i in range(STATES)]
    work: dict[Path, list[str]] = {}
    for i in range(CLONES):
        mine = [name for j, name in enumerate(names) if i in (j % CLONES, (j + 1 + j // CLONES) % CLONES)]
        work[tmp_path / f"clone-{i}"] = random.Random(i).sample(mine, len(mine))

    def kill(finished: "Synchronized[int]", workers: list) -> None:
        while finished.value < STATES // 4 and any(worker.is_alive() for worker in workers):
            time.sleep(0.05)
        assert end(team, "mlflow", signal.SIGKILL)
        launch(team, "mlflow")

    work = together(tmp_path, work, kill)
    assert work
    for _ in range(5):
        await_answers(team)
        work = work and together(tmp_path, work, lambda *_: None)
    assert not work
    check_load(team, names)


def await_answers(team: Team) -> None:
    """Wait until all servers answer, also one that was just started."""
    from docs.team.content import start

    start(team)


def check_load(team: Team, names: list[str]) -> None:
    """Check that every state has one whole run, and that no run was left open."""
    api = client(team)
    experiment = api.get_experiment_by_name("load").experiment_id
    runs = api.search_runs([experiment], max_results=1000)
    finished = [run for run in runs if run.info.status == "FINISHED"]
    assert Counter(run.data.tags["observatory.state"] for run in finished) == Counter(names)
    assert {run.info.status for run in runs} <= {"FINISHED", "KILLED"}
    for run in finished:
        assert run.data.metrics == load_state(run.data.tags["observatory.state"]).metrics
    kept = Counter(key.split("/")[1] for key in keys(team) if key.startswith(f"{experiment}/"))
    assert all(kept[run.info.run_id] == 2 for run in finished)


def keys(team: Team) -> Iterator[str]:
    """Yield the name of every object in the bucket of artifacts."""
    import boto3

    login = {"aws_access_key_id": ADMIN, "aws_secret_access_key": team.passwords[ADMIN]}
    pages = boto3.client("s3", endpoint_url=team.s3, **login).get_paginator("list_objects_v2")
    for page in pages.paginate(Bucket=ARTIFACTS):
        yield from (item["Key"] for item in page.get("Contents", []))


@pytest.mark.usefixtures("login")
def test_a_server_without_passwords_serves_the_same(team: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from stages.tracking import read as tracking_read
    from stages.tracking.log import log_run
    from tests.tracking.states import state

    (tmp_path / "page.html").write_text("page")
    first = log_run(state("with"), tmp_path, None)
    end(team, "mlflow")
    team.auth = False
    try:
        await_answers(team)
        for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
            monkeypatch.delenv(name)
        assert not log_run(state("with"), tmp_path, None).created
        logged = log_run(state("without", artifacts=[(tmp_path / "page.html", "")]), tmp_path, None)
        assert {run.run_id for run in tracking_read.stored(tmp_path)} >= {first.run_id, logged.run_id}
        assert any(key.endswith(f"{logged.run_id}/artifacts/page.html") for key in keys(team))
    finally:
        end(team, "mlflow")
        team.auth = True
        await_answers(team)
