"""`observatory fetch` from a real server, and what an evaluation reads without one."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from click.testing import CliRunner, Result

pytest.importorskip("huggingface_hub")

from stages.cli import main
from stages.contracts.study.model_record import ModelRecord
from stages.evaluation import locks, model_source
from stages.tasks import data, downloading, sources
from stages.tasks.sources import Source
from tests.evaluation.mini import BENCHMARKS, MODEL, mini_repository
from tests.publisher import COMMIT, Publisher, published
from tests.repository import Repository
from tests.tasks.places import ITEMS

pytestmark = pytest.mark.evaluation

RECORD = ModelRecord(MODEL, COMMIT, False, "", {name: {} for name in BENCHMARKS}, {})
WEIGHTS = f"/{MODEL}/resolve/{COMMIT}/model.safetensors"


def address(source: Source) -> str:
    return downloading.address(source.url).removeprefix(sources.hub())


def as_published(source: Source) -> bytes:
    """The project's own items in the publisher's format."""
    path = ITEMS / source.name
    if not source.published.endswith(".parquet"):
        return path.read_bytes()
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    out = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), out)
    return out.getvalue().to_pybytes()


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    repository = mini_repository(tmp_path_factory.mktemp("fetch") / "mini")
    path = repository.path / "metadata/mini/models.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = [{**row, "revision": COMMIT} for row in csv.DictReader(file)]
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    return repository


@pytest.fixture
def publisher(study: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Publisher]:
    monkeypatch.chdir(study.path)
    monkeypatch.setenv("OBSERVATORY_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    # read once, when the library is first imported: maybe by a test that is offline
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr(downloading, "_WAITS", (0, 0))
    monkeypatch.setattr(downloading, "_unreachable", set())
    with published() as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        for name in BENCHMARKS:
            own = [Source(s.key, s.name, s.url) for s in sources.SOURCES[name]]
            monkeypatch.setitem(sources.SOURCES, name, tuple(own))
            server.files |= {address(source): as_published(source) for source in own}
        folder = study.path / "models" / MODEL
        server.model(MODEL, {path.name: path.read_bytes() for path in folder.iterdir()} | {"README.md": b"no"})
        yield server


def fetch(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["fetch", *arguments], catch_exceptions=False)


def test_a_folder_with_everything_that_an_evaluation_reads(publisher, study, tmp_path, monkeypatch):
    to = tmp_path / "offline"
    mmlu = address(sources.SOURCES["mmlu"][1])
    publisher.cut |= {WEIGHTS: 70_000, mmlu: 300}
    done = fetch("--model", MODEL, "--to", str(to))
    assert done.exit_code == 0, done.output
    assert [start for path, start in publisher.asked if path == WEIGHTS] == [0, 2**16]
    assert f"params.yaml: evaluate.data_dir: {to} and evaluate.model_dir: {to}/models" in done.output
    assert "have no checksum that their publisher states" in done.output
    assert not (to / "models" / MODEL / "README.md").exists()

    asked = len(publisher.asked)
    again = json.loads(fetch("--model", MODEL, "--to", str(to), "--json").stdout)
    assert len(publisher.asked) == asked
    assert not any(file["new"] for files in again["files"].values() for file in files)
    assert {file["known_from"] for file in again["files"][MODEL]} == {"published", "first fetch"}

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for name in BENCHMARKS:
        assert data.load(name, to).test == data.load(name, ITEMS).test
    here = model_source.locate(RECORD, str(to / "models"))
    assert here.files == model_source.locate(RECORD, str(study.path / "models")).files
    lock, absent = locks.take(RECORD, str(to / "models"), str(to), None)
    assert (lock.model, set(lock.data), absent) == (here.files, set(BENCHMARKS), [])


def test_without_a_folder_it_is_where_every_evaluation_looks(publisher, monkeypatch):
    done = fetch()
    assert done.exit_code == 0, done.output
    assert "params.yaml" not in done.output
    asked = len(publisher.asked)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for name in BENCHMARKS:
        assert data.load(name, "").test == data.load(name, ITEMS).test
    assert len(publisher.asked) == asked


def test_what_cannot_be_brought_is_named_and_the_rest_is_kept(publisher, tmp_path):
    train, test = sources.SOURCES["triviaqa"]
    del publisher.files[address(test)]
    done = fetch("--benchmark", "triviaqa", "--model", "x/second", "--to", str(tmp_path / "to"))
    assert done.exit_code == 1
    assert f"missing: triviaqa: cannot fetch {test.url} (404" in done.output
    assert "missing: x/second: no such model on the Hub, or it is private" in done.output
    assert "what was downloaded is kept: run the same command again for the rest" in done.output
    assert (tmp_path / "to" / train.published).is_file()
    assert "mmlu" not in done.output


def test_unknown_names_are_told_at_once_and_nothing_is_fetched(publisher):
    done = CliRunner().invoke(main, ["fetch", "--benchmark", "trivia", "--model", "x/tyny"])
    assert done.exit_code == 1
    assert "x/tyny: no such model in models.csv: did you mean x/tiny?" in done.stderr
    assert "trivia: no such benchmark: did you mean triviaqa?" in done.stderr
    (known,) = [line for line in done.stderr.splitlines() if line.startswith("known benchmarks: ")]
    assert {"triviaqa", "mmlu", "niilc"} <= set(known.partition(": ")[2].split(", "))
    assert publisher.asked == []


def test_the_hubs_own_cache_serves_offline(publisher, study, tmp_path):
    """In a process of its own, as the Hub's library reads its settings once."""
    settings = {**publisher.environment(), "HF_HOME": str(tmp_path / "hub"), "HF_HUB_DISABLE_XET": "1"}
    command = ("-m", "stages.cli", "fetch", "--benchmark", "triviaqa", "--model", MODEL)
    publisher.files |= {address(s): as_published(s) for s in sources.SOURCES["triviaqa"]}
    done = study.run("python", *command, env=settings)
    assert MODEL in done.stdout
    code = (
        "from stages.evaluation import model_source\n"
        "from stages.contracts.study.model_record import ModelRecord\n"
        f"record = ModelRecord({MODEL!r}, {COMMIT!r}, False, '', {{}}, {{}})\n"
        "print(sorted(model_source.locate(record, '').files), sorted(model_source.here(record, '').files))\n"
    )
    asked = len(publisher.asked)
    offline = study.run("python", "-c", code, env={**settings, "HF_HUB_OFFLINE": "1"})
    assert offline.stdout.count("'model.safetensors'") == 2
    assert len(publisher.asked) == asked
