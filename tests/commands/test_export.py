"""`observatory export`: a state as a Workflow Run RO-Crate that carries its own proof."""

import hashlib
import json
import warnings
import zipfile
from pathlib import Path

import pandas as pd
import pytest
import rocrate
from click.testing import CliRunner
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from stages.commands.export.crate import authors
from stages.commands.export.forms import FORMS, write
from stages.commands.lineage_cli import verify as verify_command
from stages.commands.verify.state import verify_crate
from stages.contracts.errors import InputError
from stages.lineage.archive import MANIFEST, METADATA
from tests.commands.conftest import inside
from tests.commands.study import MODEL, STUDY, flip, set_params
from tests.repository import Repository

SAMPLE = f"data/evaluations/{MODEL}/samples/task_0.parquet"


def export(target: Path, rev: str | None = None, *, samples: bool = False) -> None:
    write(target, {}, rev, samples=samples)


@pytest.fixture(scope="module")
def crate(study: Repository, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("crate") / "state.zip"
    with inside(study):
        export(path)
    return path


def entities(path: Path) -> dict[str, dict]:
    with zipfile.ZipFile(path) as archive:
        graph = json.loads(archive.read(METADATA))["@graph"]
    return {item["@id"]: item for item in graph}


def changed(source: Path, target: Path, name: str, data: bytes | None) -> None:
    """Copy a zip file with one member replaced or, for None, left out."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for member in old.infolist():
            if member.filename != name:
                new.writestr(member, old.read(member))
        if data is not None:
            new.writestr(name, data)


def test_the_same_state_gives_the_same_bytes(study: Repository, crate: Path, tmp_path: Path):
    with inside(study):
        export(tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == crate.read_bytes()


def test_a_crate_is_verified_without_the_repository(crate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    report = verify_crate(crate, deep=True)
    assert report.mismatches == []
    assert report.counts["cells"] == 60
    assert report.counts["claims"] == 14
    assert report.counts["files computed again"] > 20
    assert any(note.startswith("5 files were left out") for note in report.notes)


def test_samples_are_in_it_when_asked_for(study: Repository, crate: Path, tmp_path: Path):
    with inside(study):
        export(tmp_path / "whole.zip", samples=True)
    assert SAMPLE not in entities(crate)
    assert SAMPLE in entities(tmp_path / "whole.zip")
    report = verify_crate(tmp_path / "whole.zip")
    assert report.mismatches == []
    assert report.counts["samples"] == 100


def test_another_revision_can_be_exported(study: Repository, tmp_path: Path):
    with inside(study):
        export(tmp_path / "old.zip", "v1")
    assert verify_crate(tmp_path / "old.zip").mismatches == []
    assert f"data/evaluations/{MODEL}/scores.json" not in entities(tmp_path / "old.zip")


@given(data=st.data())
@settings(
    phases=[Phase.explicit, Phase.generate],
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_a_flipped_bit_in_a_file_of_a_crate_is_found_and_named(crate: Path, tmp_path: Path, data: st.DataObject):
    with zipfile.ZipFile(crate) as archive:
        names = [member.filename for member in archive.infolist() if not member.is_dir() and member.file_size]
        name = data.draw(st.sampled_from(names))
        content = tmp_path / "content"
        content.write_bytes(archive.read(name))
    flip(content, data.draw(st.integers(0, 10**6)), data.draw(st.integers(0, 7)))
    changed(crate, tmp_path / "bad.zip", name, content.read_bytes())
    try:
        lines = verify_crate(tmp_path / "bad.zip").mismatches
    except InputError as error:
        lines = list(error.problems)
    if name == MANIFEST:
        assert lines
    else:
        assert any(line.startswith(f"{name}: ") for line in lines)


def contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_flipped_bit_in_the_zip_file_itself_is_found_unless_no_file_changes_and_is_no_traceback(
    crate: Path, tmp_path: Path
):
    target = tmp_path / "bad.zip"
    for position in range(40, crate.stat().st_size, crate.stat().st_size // 12):
        target.write_bytes(crate.read_bytes())
        flip(target, position)
        done = CliRunner().invoke(verify_command, [str(target)])
        assert done.exception is None or isinstance(done.exception, SystemExit), position
        # dates and attributes of files are no part of a state
        assert done.exit_code == 1 or contents(target) == contents(crate), position


def test_missing_and_added_files_are_found(crate: Path, tmp_path: Path):
    changed(crate, tmp_path / "less.zip", "data/models.parquet", None)
    assert any(
        line.startswith("data/models.parquet: sha256 missing")
        for line in verify_crate(tmp_path / "less.zip").mismatches
    )
    changed(crate, tmp_path / "more.zip", "extra.txt", b"x")
    assert any(line.startswith("extra.txt: sha256 ") for line in verify_crate(tmp_path / "more.zip").mismatches)


def test_a_file_changed_together_with_the_manifest_is_found_by_the_metadata(crate: Path, tmp_path: Path):
    name = "data/evaluations/README.md"
    with zipfile.ZipFile(crate) as archive:
        old = hashlib.sha256(archive.read(name)).hexdigest()
        manifest = archive.read(MANIFEST).decode()
    new = hashlib.sha256(b"other").hexdigest()
    changed(crate, tmp_path / "half.zip", name, b"other")
    changed(tmp_path / "half.zip", tmp_path / "bad.zip", MANIFEST, manifest.replace(old, new).encode())
    lines = verify_crate(tmp_path / "bad.zip").mismatches
    assert f"{name}: sha256 {new}, {METADATA} has {old}" in lines
    assert any(line.startswith(f"{name}: md5 ") for line in lines)


def test_a_state_that_is_none_is_not_exported(copy: Repository, tmp_path: Path):
    set_params(copy, decompose={"n_components": 3})
    with inside(copy), pytest.raises(InputError, match="decompose"):
        export(tmp_path / "no.zip")
    assert not (tmp_path / "no.zip").exists()
    with pytest.raises(InputError, match=r"no\.zip: No such file or directory: expected what"):
        verify_crate(tmp_path / "no.zip")


def test_the_crate_tells_what_was_run_with_what(crate: Path, study: Repository):
    found = entities(crate)
    root = found["./"]
    workflow = found["dvc.yaml"]
    assert root["mainEntity"] == {"@id": "dvc.yaml"}
    assert workflow["version"] == study.run("git", "rev-parse", "HEAD").stdout.strip()
    assert found[root["license"]["@id"]]["name"] == "CC0"
    assert found[root["citation"]["@id"]]["name"] == "Nobody (2024). A planted study."
    run = found[root["mentions"]["@id"]]
    assert run["instrument"] == {"@id": "dvc.yaml"}
    given_values = {found[item["@id"]]["name"]: found[item["@id"]].get("value") for item in run["object"]}
    assert given_values["decompose.n_components"] == 4
    assert json.loads(given_values["evaluate.models"]) == [MODEL]
    assert {item["@id"] for item in run["object"]} >= {f"metadata/{STUDY}/", "stages/", "data/evaluations/"}
    assert {item["@id"] for item in run["result"]} == {"data/study/", "reports/"}
    tools = {
        found[item["@id"]]["name"]: found[item["@id"]]["softwareVersion"] for item in workflow["softwareRequirements"]
    }
    assert tools["dvc"] == "3.67.1"
    assert tools["mlflow"] == "3.17.2"
    assert run["startTime"] <= run["endTime"]


def test_authors_come_from_the_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "metadata/one"
    folder.mkdir(parents=True)
    (folder / "study.yaml").write_text(
        "authors:\n- Ada\n- {name: Emmy, orcid: https://orcid.org/0000-0000-0000-0001, affiliation: Göttingen}\n",
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)
    first, second = authors("one")
    assert (first.name, first.orcid) == ("Ada", "")
    assert (second.name, second.orcid, second.affiliation) == (
        "Emmy",
        "https://orcid.org/0000-0000-0000-0001",
        "Göttingen",
    )


def bytes_below(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_records_and_tables_of_a_state_are_the_same_bytes_each_time(study: Repository, tmp_path: Path):
    found = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        with inside(study):
            done = write(None, {form: tmp_path / name / form for form in FORMS})
        found.append(bytes_below(tmp_path / name))
        assert sum(map(len, done.folders.values())) == len(found[-1])
    assert found[0] == found[1]
    records = [json.loads(data) for file, data in found[0].items() if file.startswith("eee/")]
    assert len([one for one in records if one["source_metadata"]["source_type"] == "evaluation_run"]) == 1
    assert len(records) == 12
    scores = pd.read_csv(tmp_path / "one/csv/scores.csv", index_col="model_id")
    matrix = pd.read_parquet(study.path / "data/score_matrix.parquet")
    pd.testing.assert_frame_equal(scores[list(matrix.columns)], matrix, rtol=1e-14)
    told = {one["model_info"]["id"]: one["evaluation_results"] for one in records}
    first = {result["evaluation_name"]: result["score_details"]["score"] for result in told["org/model-00"]}
    assert first == matrix.loc["org/model-00"].to_dict()
    assert pd.read_parquet(tmp_path / "one/parquet/laws.parquet").columns.tolist()[:2] == ["response", "language"]
    assert "\\bottomrule" in found[0]["latex/loadings.tex"].decode()


def test_records_of_an_earlier_revision_and_a_crate_are_written_at_once(study: Repository, tmp_path: Path):
    with inside(study):
        done = write(tmp_path / "old.zip", {"eee": tmp_path / "eee"}, "v1")
    assert all("evaluated" not in name for name in done.folders[tmp_path / "eee"])
    assert verify_crate(tmp_path / "old.zip").mismatches == []
    assert done.content()["state"] == done.crate.state


def test_what_cannot_be_exported_is_refused_before_anything_is_written(copy: Repository, tmp_path: Path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine.txt").write_text("mine")
    folders = {"eee": tmp_path / "full", "csv": tmp_path / "no/where"}
    with inside(copy), pytest.raises(InputError) as caught:
        write(tmp_path / "no/state.zip", folders)
    assert caught.value.problems == (
        f"{tmp_path}/no/state.zip: there is no folder {tmp_path}/no",
        f"{tmp_path}/full: not empty, and records of two states would mix: name a new folder for --eee",
        f"{tmp_path}/no/where: there is no folder {tmp_path}/no",
    )
    with inside(copy), pytest.raises(InputError, match="nothing to write: name --ro-crate, --eee, --csv"):
        write(None, {})
    set_params(copy, decompose={"n_components": 3})
    with inside(copy), pytest.raises(InputError, match="decompose"):
        write(None, {"latex": tmp_path / "latex"})
    assert sorted(path.name for path in tmp_path.iterdir() if path != copy.path) == ["full"]


CHANGED_TERMS = {
    "ComputationalWorkflow": "https://bioschemas.org/ComputationalWorkflow",
    "FormalParameter": "https://bioschemas.org/FormalParameter",
    "input": "https://bioschemas.org/ComputationalWorkflow#input",
    "output": "https://bioschemas.org/ComputationalWorkflow#output",
}
"""Four terms whose addresses differ between the context of RO-Crate 1.1 and that of 1.3, which `rocrate` carries.

Served as it is, that file leaves all checks of the workflow and its parameters without a target, and
workflow-ro-crate-1.0_2.1 fails for the same reason; with the four addresses of 1.1 every check runs.
"""


def issues(path: Path, severity: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from requests import Response
        from rocrate_validator import services
        from rocrate_validator.models import Severity, ValidationSettings
        from rocrate_validator.utils import document_loader
        from rocrate_validator.utils.http import HttpRequester

        file = Path(rocrate.__file__).parent / "data/ro-crate.jsonld"
        context = json.loads(file.read_text(encoding="utf-8"))
        context["@context"].update(CHANGED_TERMS)

        def get(_: object, url: str, **__: object) -> Response:
            assert url == "https://w3id.org/ro/crate/1.1/context"
            response = Response()
            response.status_code = 200
            response.headers["Content-Type"] = "application/ld+json"
            response._content = json.dumps(context).encode()
            return response

        monkeypatch.setattr(document_loader, "_fetch_json_ld", lambda url: context)
        monkeypatch.setattr(HttpRequester, "get", get, raising=False)
        monkeypatch.setattr(HttpRequester, "head", get, raising=False)
        result = services.validate(
            ValidationSettings(
                rocrate_uri=str(path),
                profile_identifier="workflow-run-crate-0.5",
                requirement_severity=Severity[severity],
                cache_path=path.parent / "http-cache",
            )
        )
    assert len(result.executed_checks) > 50
    return [f"{issue.check.identifier}: {issue.message}" for issue in result.get_issues()]


def test_the_crate_is_a_valid_workflow_run_crate(crate: Path, monkeypatch: pytest.MonkeyPatch):
    assert issues(crate, "REQUIRED", monkeypatch) == []


def test_the_validator_sees_a_crate_without_its_run(crate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with zipfile.ZipFile(crate) as archive:
        content = json.loads(archive.read(METADATA))
    content["@graph"] = [item for item in content["@graph"] if item["@type"] != "CreateAction"]
    changed(crate, tmp_path / "none.zip", METADATA, json.dumps(content).encode())
    assert issues(tmp_path / "none.zip", "REQUIRED", monkeypatch) != []
