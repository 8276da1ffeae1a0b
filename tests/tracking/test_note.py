"""What stands first on a run's page in MLflow."""

from pathlib import Path

import pytest

from stages.tracking.note import MOST_ROWS, evaluation_note, group_of, refusal_note, run_note, with_use

METRICS = {
    "compare.reproduced": 101.0,
    "compare.not_reproduced": 5.0,
    "compare.not_computed": 0.0,
    "correlate.pearson.jmmlu.mmlu": 0.909,
    "correlate.pearson.gsm8k.mgsm_ja": 0.939,
    "decompose.n_models": 35.0,
    "decompose.n_benchmarks": 19.0,
    "decompose.explained_variance_ratio.PC1": 0.65152,
    "decompose.explained_variance_ratio.PC2": 0.1542,
    "robustness.conclusions.holds": 4.0,
    "robustness.conclusions.weakens": 2.0,
    "robustness.conclusions.fails": 1.0,
    "robustness.conclusions.cannot_be_told": 0.0,
    "scale.PC1.en.rho": 0.916,
    "scale.PC1.en.n": 27.0,
    "stability.PC1.en.families.low": 0.745,
    "stability.PC1.en.families.high": 0.974,
    "validate.success": 1.0,
    "validate.checks": 89.0,
    "validate.failures": 0.0,
    "validate.warnings": 3.0,
    "validate.waived": 6.0,
    "validate.corrected": 0.0,
}
ROW = {"conclusion": "pc1", "statement": "PC1 | general", "holds": 34, "weakens": 0, "fails": 2, "cannot_be_told": 0}


def test_the_note_answers_in_five_lines_then_shows_the_table_the_gate_and_the_way_back():
    lines = run_note(METRICS, [ROW], 0.95).splitlines()
    assert lines == [
        "- 35 models on 19 benchmarks; explained variance: PC1 65.2 %, PC2 15.4 %",
        "- correlation with training budgets: PC1 and en 0.916 (n = 27; 95 % over families: 0.74 to 0.97)",
        "- benchmarks of one ability in two languages: gsm8k and mgsm_ja 0.94, jmmlu and mmlu 0.91",
        "- conclusions that hold in every variation of the analysis: 4; that weaken in some: 2; that fail in some: 1",
        "- 101 of 106 published numbers reproduce",
        "",
        "| conclusion | holds | weakens | fails | cannot be told |",
        "|---|---:|---:|---:|---:|",
        "| PC1 / general | 34 | 0 | 2 | 0 |",
        "",
        "**Gate: open** (89 checks, 3 warnings, 6 waived, 0 corrected)",
        "",
        lines[-1],
    ]
    assert "`observatory trace scale.PC1.en.rho`" in lines[-1]


def test_a_study_without_budgets_claims_and_conclusions_says_nothing_about_them():
    few = {name: value for name, value in METRICS.items() if name.startswith(("decompose", "validate"))}
    empty = {"compare.reproduced": 0.0, "compare.not_reproduced": 0.0, "robustness.conclusions.holds": 0.0}
    lines = run_note({**few, **empty}, [], 0.95).splitlines()
    assert [line for line in lines if line.startswith(("-", "|"))] == [
        "- 35 models on 19 benchmarks; explained variance: PC1 65.2 %, PC2 15.4 %"
    ]
    assert "`observatory trace decompose.explained_variance_ratio.PC1`" in lines[-1]


def test_a_note_fits_a_tag_of_mlflow():
    note = run_note(METRICS, [{**ROW, "statement": 150 * "x"}] * 300, 0.95)
    assert len(note) < 8000
    assert f"and {300 - MOST_ROWS} more in `tables/robustness_counts.csv`" in note
    assert len(refusal_note("validate", [200 * "x"] * 300)) < 8000


def test_a_note_leads_to_the_evaluations_that_the_state_uses():
    note = run_note(METRICS, [], 0.95, {"org/a": "1f", "org/b": "2f"})
    assert "\nEvaluated here: [org/a](#/runs/1f), [org/b](#/runs/2f).\n" in note
    many = run_note(METRICS, [ROW] * 300, 0.95, {f"{50 * 'x'}/{i}": 32 * "f" for i in range(300)})
    assert f"and {300 - MOST_ROWS} more." in many
    assert len(many) < 8000


def test_the_note_of_an_evaluation_lists_the_states_that_use_it():
    start = evaluation_note("org/a")
    assert "org/a" in start
    once = with_use(start, "study/all 12", "1", "3f")
    assert with_use(once, "study/all 34", "1", "4f").endswith(
        "states:\n- [study/all 12](#/experiments/1/runs/3f)\n- [study/all 34](#/experiments/1/runs/4f)\n"
    )
    assert with_use("", "s", "1", "3f").endswith("states:\n- [s](#/experiments/1/runs/3f)\n")


@pytest.mark.parametrize(
    ("figure", "folder"),
    [
        ("models.png", "1-models"),
        ("pc_scores.svg", "1-models"),
        ("pca_loadings.svg", "2-components"),
        ("pc2_raw.svg", "2-components"),
        ("factor_loadings.svg", "2-components"),
        ("scaling_pc1.svg", "3-scaling"),
        ("stability_scaling.svg", "4-certainty"),
        ("correlation_pearson.svg", "5-benchmarks"),
        ("new.svg", "5-benchmarks"),
    ],
)
def test_figures_go_to_few_folders(figure: str, folder: str):
    assert group_of(Path(figure)) == folder


def test_a_refused_state_says_what_was_wrong():
    note = refusal_note("validate", [f"problem {i}" for i in range(12)])
    assert note.startswith("**Gate: closed** by stage `validate`")
    assert "- problem 9\n- and 2 more\n" in note
    assert "`data_docs/validate/index.html`" in note
