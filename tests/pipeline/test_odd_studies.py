"""Studies with gaps, honest negatives, a marker column and names in other scripts: judged, analysed, printed."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from stages import assemble, budget, correlate, decompose, factorize, ingest, scale, validate
from stages.analysis.scores.results import Results
from stages.commands.export.latex import as_latex
from stages.commands.export.tables import frames, pages
from stages.figures.files import undrawable
from stages.gate.findings import Finding
from stages.workspace import paths
from stages.workspace.files import read_parquet
from stages.workspace.parameters import load_params
from stages.workspace.results import load_results
from tests.commands.test_export_tables import CLAIMS, problems, rows_of
from tests.odd_studies import N_MODELS, STUDIES, Written, write_odd
from tests.pipeline.test_choices import principal
from tests.repository import ROOT

ALL = sorted(STUDIES)


def take_in(folder: Path, name: str, missing: str, *, blanked: bool) -> Written:
    """Write a study in an empty folder that is the current one, with parameters, and read it up to the gate."""
    written = write_odd(folder / "metadata" / name, name, blanked=blanked)
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params["study"], params["assemble"]["missing"] = name, missing
    params["decompose"]["n_components"] = 2
    (folder / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    for stage in (ingest, budget, assemble):
        stage.main()
    return written


def errors(found: tuple[Finding, ...], check: str) -> set[tuple[str, str]]:
    return {(one.model_id, one.benchmark) for one in found if one.check == check and one.severity == "error"}


def places(mask: pd.DataFrame) -> set[tuple[str, str]]:
    return {(str(model), str(name)) for model, name in mask.stack()[lambda there: there].index}


@pytest.mark.parametrize("name", ALL)
def test_the_gate_names_every_gap_and_every_marker_and_no_honest_score(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    written = take_in(tmp_path, name, "refuse", blanked=False)
    judgement = validate.judged(load_params())
    assert errors(judgement.findings, "zero") == places(written.marked & ~written.blank)
    assert {model for model, _ in errors(judgement.findings, "complete")} == {
        model for model, _ in places(written.blank)
    }
    assert {one.check for one in judgement.findings if one.severity == "error"} == {"zero", "complete"}
    assert not [one for one in judgement.findings if one.check == "suspicious" and one.model_id and one.benchmark]
    assert (written.truth["task_5"] < 0).sum() > 10


@pytest.mark.parametrize("name", ALL)
def test_with_markers_blank_what_is_complete_is_analysed_exactly(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    written = take_in(tmp_path, name, "drop_models", blanked=True)
    X = written.truth[~(written.blank | written.marked).any(axis=1)] / 100
    pd.testing.assert_frame_equal(read_parquet(paths.MATRIX), X, check_names=False)
    assert 15 < len(X) < N_MODELS
    assert not validate.judged(load_params()).problems()
    decompose.main()
    shares = pd.read_csv(paths.TABLES / "explained_variance.csv")["share"]
    np.testing.assert_allclose(shares, principal(X, standardize=True)[0], atol=1e-8)


@pytest.fixture(scope="module", params=ALL)
def analysed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Written, Results]]:
    """A study with its gaps modelled, analysed."""
    folder = tmp_path_factory.mktemp(request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        written = take_in(folder, request.param, "model", blanked=True)
        for stage in (correlate, decompose, factorize, scale):
            stage.main()
        yield written, load_results(load_params())


def test_modelled_gaps_give_the_components_of_all_scores(analysed: tuple[Written, Results]):
    written, results = analysed
    shares, axes = principal(written.truth, standardize=True)
    np.testing.assert_allclose(results.explained_variance_ratio, shares, atol=0.03)
    np.testing.assert_allclose(np.abs((results.loadings.to_numpy() * axes).sum(axis=0)), 1, atol=0.05)


def test_names_in_any_script_come_through_to_tables_and_pictures(analysed: tuple[Written, Results]):
    _, results = analysed
    odd = STUDIES[results.study]
    assert list(results.models["name"]) == [odd.model.format(i) for i in range(N_MODELS)]
    assert list(frames(results, CLAIMS)["scores"]["name"]) == list(results.models["name"])
    for name, page in pages(results, {}, 0.95, CLAIMS).items():
        text = as_latex(page)
        assert [wrong for row in rows_of(text) for cell in row.split(" & ") for wrong in problems(cell)] == [], name
    told = undrawable(results, {})
    # Japanese is drawn by the font that comes along, other scripts by those of the machine, or one line says so
    assert told is None or (results.study == "korean" and "\n" not in told and "모델 0번" in told)
