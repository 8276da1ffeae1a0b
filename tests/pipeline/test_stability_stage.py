"""The stages beyond the paper on the shipped study, and the commands that read its state."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stages import stability
from stages.analysis.uncertainty.report import assess
from stages.commands.place import place, write_out
from stages.commands.plan import plan
from stages.commands.shown import lines, machine
from stages.contracts.errors import InputError
from stages.workspace import analysed
from stages.workspace.parameters import load_params
from tests.repository import Repository

TABLES = "reports/tables"


def table(repository: Repository, name: str) -> pd.DataFrame:
    return pd.read_csv(repository.path / TABLES / f"{name}.csv")


def metrics(repository: Repository, name: str) -> dict:
    return json.loads((repository.path / f"reports/metrics/{name}.json").read_text(encoding="utf-8"))


@pytest.fixture
def here(shipped: Repository, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.chdir(shipped.path)
    return shipped


def test_intervals_hold_the_estimate_and_those_over_families_are_wider(shipped: Repository):
    variance = table(shipped, "stability_explained_variance")
    assert list(variance.columns[:4]) == ["component", "estimate", "low", "high"]
    assert variance["component"].tolist() == ["PC1", "PC2", "PC3", "PC4"]
    np.testing.assert_allclose(variance["estimate"], [0.651518, 0.154241, 0.069686, 0.032306], atol=5e-7)
    loadings = table(shipped, "stability_loadings")
    scaling = table(shipped, "stability_scaling")
    assert list(loadings.columns[:6]) == ["benchmark", "component", "resampling", "estimate", "low", "high"]
    assert list(scaling.columns[:3]) == ["response", "language", "resampling"]
    for frame, middle in ((variance, "estimate"), (loadings, "estimate"), (scaling, "rho")):
        assert (frame["low"] <= frame[middle] + 1e-9).all()
        assert (frame[middle] <= frame["high"] + 1e-9).all()
    widths = (scaling["high"] - scaling["low"]).groupby(scaling["resampling"]).mean()
    assert widths["families"] > widths["models"] > widths["items"]


def test_estimates_are_those_of_the_paper(shipped: Repository):
    scaling = table(shipped, "stability_scaling").set_index(["response", "language", "resampling"])
    assert scaling.loc[("PC1", "en", "models"), "rho"] == pytest.approx(0.915971, abs=5e-7)
    assert scaling.loc[("PC2", "ja", "families"), "rho"] == pytest.approx(0.779272, abs=5e-7)
    assert scaling.loc[("PC2", "ja", "models"), "low"] > 0.3


def test_the_headline_numbers_are_those_of_the_tables(shipped: Repository):
    scaling = table(shipped, "stability_scaling").set_index(["response", "language", "resampling"])
    for response, languages in metrics(shipped, "stability").items():
        for language, ends in languages.items():
            row = scaling.loc[(response, language, "families")]
            assert ends == {"families": pytest.approx({"low": row["low"], "high": row["high"]}, abs=1e-6)}
    laws = table(shipped, "scaling").set_index(["response", "language"])
    shown = metrics(shipped, "scale")
    assert {response: [*languages] for response, languages in shown.items()} == {"PC1": ["en"], "PC2": ["ja", "en"]}
    for response, languages in shown.items():
        for language, law in languages.items():
            assert law == pytest.approx(dict(laws.loc[(response, language), ["rho", "n"]]), abs=1e-9)


def test_the_conclusions_of_the_paper_hold_or_cannot_be_told(shipped: Repository):
    robustness = table(shipped, "robustness")
    assert list(robustness.columns[:6]) == ["conclusion", "variation", "verdict", "value", "low", "high"]
    as_analysed = robustness[robustness["variation"] == "all"].set_index("conclusion")
    assert len(as_analysed) == 7
    assert set(as_analysed.index[as_analysed["verdict"] == "cannot be told"]) == {"pc2", "pc3"}
    assert (as_analysed["verdict"].drop(["pc2", "pc3"]) == "holds").all()
    # every estimate is on the side where it holds: 25 models with a Japanese budget are 7 families, too few to be sure
    assert ((as_analysed["value"] >= as_analysed["holds_from"]) | (as_analysed.index == "weak")).all()
    assert as_analysed.loc["pc2", ["statistic", "n", "families"]].tolist() == ["rho.PC2.ja", 25, 7]
    criteria = table(shipped, "robustness_criteria").set_index(["variation", "statistic"])
    rho, stability = criteria.loc[("all", "rho.PC2.ja")], table(shipped, "stability_scaling")
    (expected,) = stability[
        stability.eval("response == 'PC2' and language == 'ja' and resampling == 'families'")
    ].to_dict("records")
    assert rho[["low", "high"]].tolist() == pytest.approx([expected["low"], expected["high"]], abs=0.05)
    assert table(shipped, "robustness_counts").set_index("conclusion").loc["pc1", "fails"] == 2
    assert robustness["verdict"].isin(["holds", "weakens", "fails", "cannot be told"]).all()


def test_the_same_seed_gives_the_same_tables_and_another_does_not(here: Repository):
    params = load_params()
    inputs = stability.read_inputs(params)
    few = params.stability.model_copy(update={"draws": 200})
    first, second = assess(inputs, few), assess(inputs, few)
    for name, frame in first.tables.items():
        pd.testing.assert_frame_equal(frame, second.tables[name], check_exact=True)
    other = assess(inputs, few.model_copy(update={"seed": 1}))
    assert not first.tables["loadings"]["low"].equals(other.tables["loadings"]["low"])


def test_the_order_of_the_models_changes_no_left_out_result(here: Repository):
    params = load_params()
    inputs = stability.read_inputs(params)
    few = params.stability.model_copy(update={"draws": 100})
    order = list(reversed(inputs.X.index))
    shuffled = type(inputs)(
        **vars(inputs)
        | {
            name: getattr(inputs, name).loc[order]
            for name in ("X", "stderr", "suspected", "models", "log_low", "log_high")
        }
    )
    first, second = (assess(one, few).tables["scaling"] for one in (inputs, shuffled))
    keys = ["response", "language"]
    left = [frame[frame["resampling"] == "without_each_family"].set_index(keys) for frame in (first, second)]
    columns = ["rho", "low", "high", "slope"]
    pd.testing.assert_frame_equal(left[0][columns], left[1][columns], atol=1e-9)


def test_a_study_that_allows_little_says_so(here: Repository):
    params = load_params()
    inputs = stability.read_inputs(params)
    models = inputs.models.assign(family="one", base_model_id="", nd_ja=np.nan, nd_en=np.nan, nd_total=np.nan)
    unknown = inputs.log_low * np.nan
    poor = type(inputs)(
        **vars(inputs) | {"models": models, "stderr": inputs.stderr * np.nan, "log_low": unknown, "log_high": unknown}
    )
    found = assess(poor, params.stability.model_copy(update={"draws": 100}))
    said = "\n".join(found.skipped)
    for words in ("intervals over families", "sampling error", "prediction from budgets", "no budget is known"):
        assert words in said
    assert set(found.tables["scaling"]["language"]) == {"params"}  # where no tokens are known
    assert found.tables["contrasts"].empty
    assert len(found.tables["loadings"]) == 19 * 4 * 2


def write(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_the_studys_own_models_are_placed_where_they_are(here: Repository, tmp_path: Path):
    found = place("metadata/japanese-2024/scores.csv")
    out = tmp_path / "placed.csv"
    write_out(found, out)
    placed = pd.read_csv(out, index_col="model_id")
    assert list(placed.columns[:4]) == ["PC1", "PC1_low", "PC1_high", "PC2"]
    scores = pd.read_csv(here.path / TABLES / "pca_scores.csv", index_col="model_id")
    np.testing.assert_allclose(placed[scores.columns], scores, atol=1e-9)
    assert (placed["PC1_low"] < placed["PC1"]).all()


def test_partial_rows_are_placed_with_wider_intervals_and_warnings(here: Repository, tmp_path: Path):
    source = write(tmp_path / "new.csv", "model_id,mmlu,niilc,gsm8k,humaneval,jmmlu\nnew,0.95,0.5,0.6,0.4,0.6\n")
    found = place(source)
    said = "\n".join(lines(found))
    assert "1 score lies outside the study's range, an extrapolation: mmlu of new is 0.95 (study: 0.2465 to" in said
    assert "less than half of the variance" in said
    assert "measured next, " in said
    assert json.loads(machine(found))["models"]["new"]["benchmarks"] == 5


def test_a_newer_protocol_is_what_stands_out_of_a_row_of_the_second_study(here: Repository, tmp_path: Path):
    newer = pd.read_csv("metadata/japanese-2026/scores.csv", index_col="model_id").drop(columns="math").iloc[[6]]
    newer.to_csv(tmp_path / "new.csv")
    said = "\n".join(lines(place(str(tmp_path / "new.csv"))))
    assert re.search(r"outside the study's range, an extrapolation: squad2 of google/gemma-2-27b is 0\.\d+", said)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("model_id,mmlu,niilc\nnew,0.5,0.5\n", "scores on 4 benchmarks are needed to place a model: new has 2"),
        ("model_id,mmlu,niilc,gsm8k,bbh\nnew,0.5,0.5,0.5,0.5\nblank,,,,\n", "no score at all of blank: fill in"),
        ("model_id,mmlu,niilc,gsm8k,bbh\nnew,0,0,0,0\n", "every score is the worst possible for new"),
        ("model_id,mmlu,niilc,gsm8k,bbh\nnew,50,40,30,20\n", "looks like percent"),
        ("model_id,mmul\nnew,0.5\n", "mmul"),
        ("model_id,benchmark,score\nnew,mmul,0.5\n", "did you mean mmlu?"),
        ("model_id,mmlu,niilc,gsm8k,bbh\nnew,none,0.1,0.1,0.1\n", "leave the cell empty"),
        (
            "model_id,benchmark,score,protocol\nnew,mmlu,0.5,0-shot\nnew,bbh,0.5,\nnew,gsm8k,0.5,\nnew,niilc,0.5,\n",
            "1 score was measured under another protocol than the study's: mmlu of new as '0-shot' instead of "
            "'accuracy, 5-shot, loglikelihood': leave them out",
        ),
    ],
)
def test_scores_that_cannot_be_placed_are_refused(here: Repository, tmp_path: Path, text: str, expected: str):
    with pytest.raises(InputError) as caught:
        place(write(tmp_path / "new.csv", text))
    assert expected in "\n".join(caught.value.problems)


def test_another_protocol_is_a_warning_when_allowed(here: Repository, tmp_path: Path):
    rows = "".join(f"new,{name},0.5,mine\n" for name in ("mmlu", "bbh", "gsm8k", "niilc"))
    found = place(write(tmp_path / "new.csv", f"model_id,benchmark,score,protocol\n{rows}"), mixed_protocols=True)
    (line,) = (line for line in found.warnings if "as 'mine'" in line)
    assert line.startswith(f"{tmp_path / 'new.csv'}: 4 scores were measured under another protocol than the study's: ")
    assert line.endswith("; and 1 more")


def test_an_exact_zero_is_said_and_leaves_its_coordinates_uncertain(here: Repository, tmp_path: Path):
    row = pd.read_csv(here.path / "metadata/japanese-2024/scores.csv", index_col="model_id").iloc[[3, 3]]
    table = row.set_axis(pd.Index(["zero", "nearly"], name="model_id"))
    table["humaneval"] = table["jhumaneval"] = [0.0, 1e-9]
    table.to_csv(tmp_path / "new.csv")
    found = place(str(tmp_path / "new.csv"))
    (line,) = (line for line in found.warnings if line.startswith("exactly the worst possible score"))
    assert ": jhumaneval of zero; humaneval of zero: leave the cell empty where nothing was measured" in line
    # the binomial error of a share of zero would be zero
    zero, nearly = found.placed
    assert (zero.high - zero.low > 1.001 * (nearly.high - nearly.low)).all()


def test_a_model_without_file_or_evaluation_is_refused(here: Repository):
    with pytest.raises(InputError, match="neither a CSV file nor an evaluated model"):
        place("nobody/nothing")
    with pytest.raises(InputError, match=r"^nope\.csv: the file is missing$"):
        place("nope.csv")


def test_a_plan_stands_beside_its_errors_and_baselines(here: Repository):
    answer = json.loads(machine(plan(13, {"ja": 500, "en": 2000}, {"mmlu": 0.8})))
    assert list(answer["components"]) == ["PC1", "PC2", "PC3", "PC4"]
    assert len(answer["benchmarks"]) == 19
    entry = answer["benchmarks"]["mmlu"]
    assert entry["low"] < entry["estimate"] < entry["high"]
    assert entry["rmse"] < entry["rmse_mean"]
    prediction = pd.read_csv(here.path / TABLES / "stability_prediction.csv", index_col="response")
    assert entry["rmse"] == pytest.approx(prediction.loc["mmlu", "rmse"], abs=1e-6)
    ways = {way["what"]: way["billions"] for way in answer["wishes"]["mmlu"]["ways"]}
    assert ways["parameters"] > 13
    assert ways["en"] > 2000
    assert answer["outside_the_data"] == []


def test_a_question_outside_the_data_is_told(here: Repository):
    assert any("700 B parameters" in line for line in lines(plan(700, {"ja": 100, "en": 2000}, {})))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((0, {"ja": 1, "en": 1}, {}), "--params-b is 0"),
        ((1, {"ja": 1}, {}), "--tokens-en-b is missing"),
        ((1, {"ja": 1, "en": 1, "fr": 1}, {}), "no language fr; it has ja, en"),
        ((1, {"ja": 1, "en": float("nan")}, {}), "--tokens-en-b is nan"),
        ((1, {"ja": 1, "en": 1}, {"mmlu": 80}), "--wish mmlu=80: outside 0 to 1: looks like percent, divide by 100"),
        ((1, {"ja": 1, "en": 1}, {"mmlu": -0.5}), "--wish mmlu=-0.5: outside 0 to 1"),
        ((1, {"ja": 1, "en": 1}, {}, ["--wish x: expected"]), "--wish x: expected"),
        ((1, {"ja": 1, "en": 1}, {"mmul": 0.5}), "did you mean mmlu?"),
    ],
)
def test_wrong_plans_are_refused(here: Repository, arguments: tuple, expected: str):
    with pytest.raises(InputError) as caught:
        plan(*arguments)
    assert expected in "\n".join(caught.value.problems)


def test_commands_without_a_state_say_what_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="run `dvc repro` first"):
        analysed.require_state()
