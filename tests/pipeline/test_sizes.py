"""Every stage on studies of unusual sizes: they work, and say what cannot be had."""

import shutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pandas as pd
import pytest
import yaml

from stages.workspace.outputs import read_table
from tests.planted import write_study
from tests.repository import ROOT

PIPELINE = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
STAGES = [name for name in PIPELINE if name not in ("select", "lock", "evaluate", "track")]
FIVE = {"de": "German", "fr": "French", "ja": "Japanese", "sw": "Swahili", "zh": "Chinese"}
LARGEST_PAGE = 3_000_000


def run(folder: Path, **study: object) -> None:
    """Plant a study in a folder, the current one, and run every stage on it."""
    write_study(folder / "metadata/planted", **study)  # type: ignore[arg-type]
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8")) | {"study": "planted"}
    params["retest"]["study"] = ""
    params["stability"] |= {"draws": 100, "parallel_draws": 100}
    (folder / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    shutil.copy(ROOT / "dvc.lock", folder / "dvc.lock")
    for stage in STAGES:
        import_module(f"stages.{stage}").main()


@pytest.fixture(scope="module", params=["least", pytest.param("five languages", marks=pytest.mark.slow)])
def done(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    folder = tmp_path_factory.mktemp("study")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        if request.param == "least":
            run(folder, n_models=4, n_benchmarks=3, noise=0.3, languages={"de": "German"})
        else:
            run(folder, n_models=40, n_benchmarks=10, noise=0.3, languages=FIVE, families=10)
        yield request.param, folder


def test_every_language_has_its_laws_or_a_line_that_says_why_not(done: tuple[str, Path]):
    kind, _ = done
    laws, skipped = read_table("scaling"), read_table("skipped_scale", text=("skipped",))["skipped"]
    if kind == "least":
        assert laws.empty
        assert list(skipped) == [
            f"no scaling law for the {budget} budget: known for 4 models, 5 needed" for budget in ("de", "total")
        ]
    else:
        assert sorted(laws.loc[laws["response"] == "PC1", "language"]) == sorted([*FIVE, "total"])
        strongest = laws[laws["response"] == "PC1"].set_index("language")["rho"].drop("total").idxmax()
        assert strongest == "de"
        contrasts = read_table("stability_contrasts")
        assert len(contrasts.groupby(["language", "other"])) == 10


def test_what_cannot_be_had_is_said(done: tuple[str, Path]):
    kind, folder = done
    said = [
        line for path in (folder / "reports/tables").glob("skipped_*.csv") for line in pd.read_csv(path)["skipped"]
    ]
    page = (folder / "reports/index.html").read_text(encoding="utf-8")
    if kind == "least":
        assert "1 of 4 components: 4 models x 3 benchmarks have 3" in said
        assert "9 of 10 factors: 3 benchmarks identify 1" in said
        assert any(line.startswith("families: every model is a family of its own") for line in said)
    assert any(line.startswith("robustness: study planted has no") for line in said)
    assert all(line in page for line in said if "'" not in line)


def test_ranks_pictures_and_page_fit_the_study(done: tuple[str, Path]):
    kind, folder = done
    n, p = (4, 3) if kind == "least" else (40, 10)
    ranks = read_table("stability_ranks")
    # the last benchmark has negative scores, whose error is not known
    assert set(ranks["measure"]) >= {"PC1", "task_0"}
    assert len(ranks[ranks["measure"] == "PC1"]) == n
    assert ranks["worst"].max() <= n
    assert len(read_table("precision")) == p
    assert (folder / "reports/figures/stability_ranks.svg").is_file()
    assert (folder / "reports/index.html").stat().st_size < LARGEST_PAGE
