"""Published numbers against ours."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from stages.analysis.claims import compare, counts
from stages.analysis.scores.results import Results
from stages.contracts.errors import InputError
from tests.figures.results_factory import planted

COLUMNS = ["claim_id", "location", "quantity", "subset", "published", "tolerance", "note"]


@pytest.fixture(scope="module")
def results() -> Results:
    return planted()


def claims(*rows: tuple[str, float, float], subset: str = "all", note: str = "") -> pd.DataFrame:
    return pd.DataFrame([(c, "Table 1", "any", subset, p, t, note) for c, p, t in rows], columns=COLUMNS)


def test_a_number_within_its_printed_digits_reproduces(results: Results):
    share = 100 * results.explained_variance_ratio["PC1"]
    table = compare(
        claims(
            ("pca.all.evr.pc1", round(share, 1), 0.05),
            ("pca.all.evr.pc2", 99.0, 0.05),
            ("models.n", len(results.X), 0.5),
        ),
        results,
    )
    assert list(table["status"]) == ["reproduced", "not reproduced", "reproduced"]
    assert table["reproduced"][0] == pytest.approx(share)
    assert counts(table) == {"reproduced": 2, "not_reproduced": 1, "not_in_subset": 0}


def test_a_standard_error_needs_the_number_of_items(results: Results):
    name = results.X.columns[0]
    items = pd.array([100, *[pd.NA] * (len(results.benchmarks) - 1)], dtype="Int64")
    known = replace(results, benchmarks=results.benchmarks.loc[[name, *results.X.columns[1:]]].assign(n_items=items))
    table = compare(claims((f"se.{name}", 0.05, 0.001), (f"se.{results.X.columns[1]}", 0.05, 0.001)), known)
    assert list(table["status"]) == ["reproduced", "not reproduced"]
    assert table["note"][1] == f"benchmarks.csv has no n_items of {results.X.columns[1]}"


def test_half_a_unit_of_the_last_digit_is_the_border(results: Results):
    n = len(results.X)
    table = compare(claims(("models.n", n + 0.5, 0.5), ("models.n", n + 0.51, 0.5)), results)
    assert list(table["status"]) == ["reproduced", "not reproduced"]
    assert list(compare(claims(("models.n", n + 0.9, 0.5)), results, factor=2)["status"]) == ["reproduced"]


def test_a_claim_about_another_subset_is_not_computed(results: Results):
    table = compare(claims(("pca.scratch.evr.pc1", 50, 0.05), subset="scratch"), results)
    assert list(table["status"]) == ["not in this subset"]
    assert np.isnan(table["reproduced"][0])


def test_signs_of_an_axis_are_free_but_only_together(results: Results):
    loadings = results.loadings["PC2"]
    rows = [(f"pca.all.loading.pc2.{b}", -value, 0.005) for b, value in loadings.items()]
    assert (compare(claims(*rows), results)["status"] == "reproduced").all()
    big = int(np.argmax(np.abs(loadings.to_numpy())))
    rows[big] = (rows[big][0], -rows[big][1], 0.005)
    table = compare(claims(*rows), results)
    assert (table["status"] == "not reproduced").sum() >= 1


def test_correlations_spreads_and_laws_are_found(results: Results):
    first, second = results.X.columns[:2]
    law = results.laws.iloc[0]
    table = compare(
        claims(
            (f"corr.pearson.{first}.{second}", results.X[first].corr(results.X[second]), 1e-6),
            (f"corr.spearman.{first}.{second}", results.spearman.loc[first, second], 1e-6),
            (f"std.{first}", results.X[first].std(), 1e-6),
            (f"scaling.all.{law['response'].lower()}.{law['language']}.rho", law["rho"], 1e-6),
            (f"scaling.all.{law['response'].lower()}.{law['language']}.n", law["n"], 0.5),
            ("benchmarks.n", results.X.shape[1], 0.5),
        ),
        results,
    )
    assert (table["status"] == "reproduced").all(), table


def test_unknown_claims_are_refused_together_with_the_forms_there_are(results: Results):
    with pytest.raises(InputError) as caught:
        compare(claims(("nonsense.n", 1, 1), ("std.nowhere", 1, 1), ("pca.all.evr", 1, 1)), results)
    lines = caught.value.problems
    assert len(lines) == 3
    assert "unknown kind of claim 'nonsense'; known: models, benchmarks, corr" in lines[0]
    assert "std.nowhere: names nothing of this analysis; the form is one of std.BENCHMARK" in lines[1]


def test_what_this_state_does_not_have_is_not_reproduced_with_the_reason(results: Results):
    table = compare(claims(("pca.all.evr.pc99", 1, 1), ("fa.all.contribution.factor99", 1, 1)), results)
    assert list(table["status"]) == ["not reproduced"] * 2
    assert "components" in table["note"][0]
    assert table["note"][1]


def test_a_claim_about_a_component_that_was_not_asked_for_is_not_computed(results: Results):
    """With n_components: 1 there is no PC2, no sum of the first two, and nothing between its ends."""
    first, second = results.X.columns[:2]
    ratio = results.explained_variance_ratio.iloc[:1]
    one = replace(
        results,
        explained_variance_ratio=ratio,
        loadings=results.loadings[["PC1"]],
        pc_scores=results.pc_scores[["PC1"]],
    )
    ids = ["pca.all.evr.pc2", "pca.all.evr.top2", f"pca.all.loading.pc2.{first}", f"range.{first}.pc2"]
    table = compare(claims(*((name, 1.0, 1e9) for name in ids)), one)
    assert list(table["note"]) == ["this state has 1 component"] * 4
    assert table["reproduced"].isna().all()
    apart = results.pearson.copy()
    apart.loc[first, second] = np.nan
    table = compare(claims((f"corr.pearson.{first}.{second}", 0.5, 1e9)), replace(results, pearson=apart))
    assert list(table["note"]) == [f"too few models have both {first} and {second}"]
