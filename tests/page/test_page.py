"""The report page as text: what it says."""

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from stages.analysis.claims import COLUMNS
from stages.analysis.components.soundness import Fit
from stages.analysis.conclusions.retest import AXES
from stages.analysis.scores.incomplete import left_out
from stages.page.findings import finding_tables, left_out_table
from stages.page.page import render_page
from stages.page.ranks import rank_table
from stages.page.soundness import factor_notes
from stages.page.tables import score_table
from tests.figures.results_factory import planted, shipped
from tests.page.studies import COUNTS, DIGEST, claims_of, figure, page_of, study_of, verdicts

NO_CLAIMS = pd.DataFrame(columns=COLUMNS)
RESULTS = shipped(factors=0)
CLAIMS = claims_of(RESULTS)
STUDY = study_of(RESULTS, CLAIMS)
HTML = render_page(page_of(STUDY))
TEXT = re.sub(r"<[^>]+>", "", HTML)


def test_the_first_screen_answers_with_numbers_intervals_and_n():
    answer = page_of(STUDY).answer
    assert (
        answer.question == "Which abilities of language models come from training in Japanese, and how do they scale?"
    )
    assert answer.lead == "2 of 3 conclusions hold in every variation of the analysis, 1 fails in some."
    general, pair, _ = answer.findings
    assert (general.verdict, general.worst) == ("holds", "fails")
    # Saito et al. 2024, sections 4.3 and 4.5; the intervals are the test's own
    assert general.evidence == (
        "PC1 explains 65.2 % of the variance (95 % over 10 families: 55 to 74 %)",
        "ρ of PC1 and the English budget 0.916 (95 % over 8 families: 0.75 to 0.97), n = 27",
    )
    assert general.varied == "holds in 1 of 2 variations; fails under factor analysis"
    assert pair.varied == "holds in the one variation there is"
    assert HTML.index(answer.lead) < HTML.index("<h2>")


def test_a_conclusion_that_cannot_be_told_says_why():
    rows = verdicts(
        ("general", "all", "cannot be told", np.nan, "evr.PC1 (no PC1); rho.PC1.en 0.916"),
        ("pair", "all", "cannot be told", np.nan, "3 models"),
        ("local", "all", "cannot be told", 0.779, "rho.PC2.ja 0.779"),
    )
    criteria = pd.DataFrame(
        [
            ("general", "all", "evr.PC1", np.nan, np.nan, np.nan, 0, 0, "no PC1"),
            ("local", "all", "rho.PC2.ja", 0.779, 0.22, 0.95, 25, 7, "the interval covers both sides"),
        ],
        columns=["conclusion", "variation", "statistic", "value", "low", "high", "n", "families", "reason"],
    )
    tables = {**STUDY.beyond, "robustness": rows, "robustness_criteria": criteria}
    answer = page_of(study_of(RESULTS, NO_CLAIMS, beyond=tables)).answer
    general, pair, local = answer.findings
    assert answer.lead == (
        "0 of 3 conclusions hold in every variation of the analysis, 3 cannot be told from these models."
    )
    assert general.evidence == ("evr.PC1 not computable (no PC1)",)
    assert pair.evidence == ("3 models",)
    assert pair.varied == "not computable in any variation"
    assert local.evidence == (
        "ρ of PC2 and the Japanese budget 0.779 (95 % over 7 families: 0.22 to 0.95), n = 25: the interval covers "
        "both sides",
    )
    assert local.varied == "cannot be told in any of 1 variation"


def test_the_main_picture_shows_the_laws_that_the_conclusions_are_about():
    panels = page_of(STUDY).panels
    assert [(panel.x, panel.y) for panel in panels] == [("nd_en", "PC1"), ("nd_ja", "PC2")]
    assert panels[0].words.endswith("ρ = 0.916 over 27 models")


def test_a_study_without_conclusions_is_answered_by_its_components_and_strongest_law():
    page = page_of(study_of(planted(), NO_CLAIMS, conclusions=[], beyond={}))
    assert (
        page.answer.question == "Which abilities do these language models share, and how do they scale with training?"
    )
    assert page.answer.facts[0].startswith("PC1 explains ")
    assert page.answer.facts[-1].startswith("strongest scaling law: ρ of ")
    assert [(panel.x, panel.y) for panel in page.panels] == [("PC1", "PC2")]


def test_page_states_the_published_numbers():
    # Saito et al. 2024, sections 4.2 to 4.4
    for number in ("65.15 %", "15.42 %", "6.97 %", "3.23 %", "0.916", "0.779", "0.938", "0.980"):
        assert f'<td class="number">{number}</td>' in HTML


def test_every_number_of_the_pictures_stands_once():
    """The data beside the tables hold names only: pictures read their numbers from the tables."""
    data = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', HTML, re.DOTALL)[1])

    def floats(value: object) -> list[float]:
        if isinstance(value, dict | list):
            return [x for item in (value.values() if isinstance(value, dict) else value) for x in floats(item)]
        return [value] if isinstance(value, float) else []

    assert floats(data) == []
    score = f"{RESULTS.pc_scores.iloc[0, 0]:.3f}".replace("-", "−")
    assert HTML.count(f">{score}<") == 1


def test_page_states_gate_digest_and_licence():
    assert "Checks: 89, failures: 0, warnings: 1, waived: 1, corrected: 0" in TEXT
    assert "Gate passed" in TEXT
    assert DIGEST in TEXT
    assert "CC BY 4.0" in TEXT
    assert "arXiv:2412.14471" in TEXT
    assert "nan" not in [cell.split("<")[0] for cell in HTML.split(">")]


def test_closed_gate_is_said():
    html = render_page(page_of(study_of(RESULTS, NO_CLAIMS), counts={**COUNTS, "success": False, "failures": 2}))
    assert "Gate not passed" in html
    assert "failures: 2" in html


def test_token_disagreement_stands_beside_its_model():
    tables = [table for section in page_of(STUDY).sections for table in section.tables]
    table = next(t for t in tables if t.title == "Models and budgets")
    row = dict(zip(table.columns, next(r for r in table.rows if r[0] == "Yi-1.5 6B"), strict=False))
    assert row["Note"] == "tokens_en_b is printed as 2170, derived as 2520"
    assert row["English tokens, 10⁹"] == "2,170"
    # 6e9 parameters x 2170e9 tokens
    assert row["ND English"] == "1.3e+22"
    assert row["ND Japanese"] == "–"


def test_text_from_tables_cannot_become_markup():
    assert "<b>suspected" not in HTML
    assert "&lt;b&gt;suspected" in HTML
    named = replace(RESULTS, models=RESULTS.models.assign(name="</script><b>x"))
    assert "</script><b>" not in render_page(page_of(study_of(named, NO_CLAIMS)))


def test_page_depends_on_its_arguments_alone():
    again = shipped(factors=0)
    assert render_page(page_of(study_of(again, claims_of(again)))) == HTML


def test_study_without_claims_laws_or_pairs_has_a_page():
    bare = replace(planted(), laws=pd.DataFrame(), skipped=("no scaling law: no <budgets>",))
    page = page_of(study_of(bare, NO_CLAIMS, conclusions=[], beyond={}))
    html = render_page(page)
    assert 'id="claims"' not in html
    assert "no scaling law: no &lt;budgets&gt;" in html
    assert "Scaling laws" not in [section.title for section in page.sections]


def test_claims_open_on_what_differs():
    page = page_of(STUDY)
    assert [status.name for status in page.statuses] == ["not reproduced", "reproduced", "not in this subset"]
    assert re.search(r'id="show-not-reproduced" checked', render_page(page))
    good = CLAIMS[CLAIMS["status"] == "reproduced"]
    assert re.search(r'id="show-reproduced" checked', render_page(page_of(study_of(RESULTS, good))))


def test_missing_numbers_are_dashes():
    claims = pd.DataFrame([["x", "Table 9", "q", 1.0, np.nan, np.nan, "not computed", None]], columns=COLUMNS)
    claim = page_of(study_of(RESULTS, claims)).claims[0]
    assert (claim.published, claim.reproduced, claim.difference, claim.note) == ("1", "–", "–", "")


def test_what_was_left_out_and_why_stands_on_the_page():
    X = RESULTS.X.copy()
    X.iloc[3, 1] = np.nan
    lost = left_out([*X.index, "org/other"], X, "scratch", "drop_models")
    assert list(lost.itertuples(index=False, name=None)) == [
        ("model", X.index[3], f"left out by assemble.missing=drop_models: {X.index[3]} has no score on jemhopqa"),
        ("model", "org/other", "not in the subset scratch"),
    ]
    html = render_page(page_of(study_of(RESULTS, NO_CLAIMS, left_out=lost)))
    assert f"{X.index[3]} has no score on jemhopqa" in html
    assert "not in the subset scratch" in html
    assert "Nothing was left out." in HTML


def test_the_analysis_and_what_it_rests_on_are_said():
    assert "35 models on 19 benchmarks, each scaled to unit variance; subset all" in TEXT
    assert "each correlation of benchmarks is over all 35 models" in TEXT
    # Table 1 of the paper: budgets are known for 27 models, two of which have no Japanese tokens
    assert "known and not zero: Japanese 25, English 27, Total 27" in TEXT
    X = RESULTS.X.copy()
    X.iloc[:8, 0], X.iloc[4:11, 1] = np.nan, np.nan
    gaps = replace(RESULTS, X=X, standardized=False)
    page = page_of(study_of(gaps, NO_CLAIMS), (figure("pc_scores", "Principal components"),))
    assert "not scaled" in page.analysis[0]
    assert any(line.startswith("15 of 665 scores are missing") and "24 at least" in line for line in page.analysis)
    text = re.sub(r"<[^>]+>", "", render_page(page))
    assert "What pc_scores shows. 35 models; components of raw scores." in text
    assert "Loadings of the components of raw scores, with 95 % intervals over families." in text


def test_every_table_states_its_n():
    tables = [table for section in page_of(STUDY).sections for table in section.tables]
    assert len(tables) >= 7
    for table in tables:
        assert re.search(r"\b\d+ models|n:|\bn models", table.note), table.title


def test_benchmarks_of_one_name_keep_their_own_numbers():
    same = replace(RESULTS, benchmarks=RESULTS.benchmarks.assign(label="MMLU"))
    html = render_page(page_of(study_of(same, NO_CLAIMS)))
    assert all(f'data-key="{name}">MMLU</th>' in html for name in RESULTS.X.columns)


def test_a_table_of_very_many_models_shows_the_first_and_says_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("stages.page.tables.MOST_CELLS", 19 * 10)
    table = score_table(RESULTS)
    assert table.ids == tuple(RESULTS.X.index[:10])
    assert table.note.endswith("The first 10 models; the files have 25 more.")


def test_a_large_figure_is_shown_from_its_file(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("stages.page.page.LARGEST_COPY", 400)
    figures = (figure("benchmarks", "Scores", "<g></g>" * 100), figure("correlation_pearson", "Correlations"))
    html = render_page(page_of(STUDY, figures))
    assert html.count("<svg xmlns") == 1
    assert '<img src="figures/benchmarks.svg" alt="Figure benchmarks. Points." loading="lazy">' in html


def test_very_many_findings_and_models_left_out_are_cut_and_counted(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("stages.page.findings.MOST_ROWS", 10)
    many = pd.DataFrame({"check": "zero", "severity": "warning", "model_id": map(str, range(25)), "benchmark": "b"})
    (warnings,) = finding_tables(many.assign(message="is 0"))
    assert [row[1] for row in warnings.rows] == list(map(str, range(10)))
    assert warnings.note.startswith("The first 10; ")
    assert warnings.note.endswith("have 15 more.")
    lost = left_out_table(pd.DataFrame({"kind": "model", "name": map(str, range(12)), "reason": "blank"}))
    assert len(lost.rows) == 10
    assert lost.note.endswith("The first 10; tables/left_out.csv has 2 more.")
    assert lost.note.startswith("12 models")


def test_ranks_stand_with_where_they_fall_measured_again():
    ranks = rank_table(RESULTS, STUDY.beyond, 0.95)
    assert ranks.columns == ("Model", "PC1")
    assert ranks.rows[:4] == (
        ("Yi-1.5 6B", "–"),
        ("CyberAgentLM2-7B", "1 (1 to 2)"),
        ("Japanese Stable LM Base Gamma 7B", "2 (1 to 3)"),
        ("Japanese Stable LM Beta 7B", "3 (2 to 4)"),
    )
    assert rank_table(RESULTS, {}, 0.95).rows == ()


def test_figures_of_one_kind_are_folded_after_the_first():
    figures = tuple(figure(name, "Scaling laws") for name in ("scaling_pc1", "scaling_pc2", "scaling_factor1"))
    section = next(s for s in page_of(STUDY, figures).sections if s.title == "Scaling laws")
    assert [shown.folded for shown in section.figures] == [False, True, False]


def test_a_figure_that_the_page_draws_itself_is_linked_and_not_copied():
    figures = (figure("models", "Overview"), figure("pc_scores", "Principal components"))
    page = page_of(STUDY, figures)
    assert "Overview" not in [section.title for section in page.sections]
    html = render_page(page)
    assert html.count("<svg xmlns") == 1
    assert 'href="figures/models.svg"' in html


def test_an_improper_factor_solution_is_named_and_explained():
    fit = pd.DataFrame([(10, 26, 1.79, 0.0, 2, 6712.0, 4, 0.043)], columns=Fit._fields)
    unique = pd.DataFrame({"communality": 0.99, "uniqueness": 0.02, "at_bound": 0}, RESULTS.X.columns)
    unique.loc[["niilc", "triviaqa"], ["uniqueness", "at_bound"]] = [0.005, 1]
    criteria = pd.DataFrame({"criterion": ["parallel analysis", "minimum average partial"], "components": [3, 4]})
    tables = {**STUDY.beyond, "stability_components": criteria}
    study = study_of(replace(RESULTS, factor_fit=fit, uniqueness=unique), CLAIMS, beyond=tables)
    (section,) = [section for section in page_of(study).sections if section.title == "Factors"]
    fitted, improper, converged, rotated = section.notes
    assert fitted.startswith("10 factors were fitted")
    assert "parallel analysis keeps 3" in fitted
    assert "the uniquenesses of NIILC, TriviaQA, 2 of 19, stand at their lower bound, 0.005" in improper
    assert "condition number of the correlation matrix 6,712" in converged
    assert "Kaiser" in rotated
    assert "0.043" in rotated
    assert improper in re.sub(r"<[^>]+>", "", render_page(page_of(study)))


def test_a_proper_factor_solution_is_called_so():
    fit = pd.DataFrame([(3, 26, 1.79, 0.0, 0, 6712.0, 4, 0.043)], columns=Fit._fields)
    unique = pd.DataFrame({"communality": 0.9, "uniqueness": 0.1, "at_bound": 0}, RESULTS.X.columns)
    notes = list(factor_notes(replace(RESULTS, factor_fit=fit, uniqueness=unique), {}))
    assert notes[1].startswith("Proper solution")
    assert list(factor_notes(RESULTS, {})) == []


def test_conclusions_out_of_time_stand_beside_those_of_the_earlier_study():
    tables = {
        **STUDY.beyond,
        "retest": pd.DataFrame(
            [("general", "PC1 is general", "§4", "holds", "cannot be told")],
            columns=["conclusion", "statement", "source", "earlier", "later"],
        ),
        "retest_criteria": pd.DataFrame(
            [
                ("general", "old", "evr.PC1", "holds", 0.65, 0.55, 0.74, 35, 10, np.nan),
                ("general", "new", "evr.PC1", "cannot be told", np.nan, np.nan, np.nan, 0, 0, "no PC1"),
            ],
            columns=[
                "conclusion",
                "variation",
                "statistic",
                "verdict",
                "value",
                "low",
                "high",
                "n",
                "families",
                "reason",
            ],
        ),
        "retest_axes": pd.DataFrame([("PC1", 0.65, 0.7, "PC1", 0.97, 0.95, 0.98)], columns=AXES),
        "skipped_retest": pd.DataFrame({"skipped": ["squad2 lies outside the range of old"]}),
    }
    page = page_of(study_of(RESULTS, CLAIMS, beyond=tables))
    (section,) = [section for section in page.sections if section.title == "Out of time"]
    assert section.notes == ("Squad2 lies outside the range of old.",)
    verdicts, criteria, axes = section.tables
    assert verdicts.columns == ("Conclusion", "old", "new")
    assert verdicts.rows == (("PC1 is general", "holds", "cannot be told"),)
    assert [row[3] for row in criteria.rows] == ["holds", "cannot be told: no PC1"]
    assert axes.rows == (("PC1", "65.0 %", "70.0 %", "PC1", "0.970", "0.950 to 0.980"),)
    assert [section.title for section in page_of(STUDY).sections if section.title == "Out of time"] == []
