"""`observatory export --csv --parquet --latex`: tables that programs read back and LaTeX takes."""

import re
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.commands.export.latex import LONGEST, as_latex, escaped
from stages.commands.export.tables import frames, pages
from stages.page.tables import table
from tests.figures.results_factory import planted

NAME = "日本語 モデル 7B & 100% [α]_#1 \\x{y}~^<|>$"
CLAIMS = pd.DataFrame(
    [("a.b", "§4, Table 1", "number of models", 35.0, 34.0, -1.0, "not reproduced", "")],
    columns=["claim_id", "location", "quantity", "published", "reproduced", "difference", "status", "note"],
)
COMMANDS = (
    "textbackslash|textasciitilde|textasciicircum|textless|textgreater|textbar|ldots|times|pm|cdot|surd|geq|leq|rho|"
    "rightarrow|nonlatin|providecommand|toprule|midrule|bottomrule|endhead|begin|end"
)


def problems(text: str) -> list[str]:
    """Return what LaTeX would stumble over in a text set in a cell."""
    bare = re.sub(r"\\[\\{}$&%#_]", "", re.sub(rf"\\({COMMANDS})(?![a-zA-Z])", "", text))
    found = [f"stray {letter}" for letter in "\\&%#~^_" if letter in re.sub(r"\$[^$]*\$", "", bare).replace("~", "")]
    found += ["dollars"] * (bare.count("$") % 2)
    depth = 0
    for letter in bare:
        depth += (letter == "{") - (letter == "}")
        if depth < 0:
            found.append("braces")
            break
    return found + ["open braces"] * (depth > 0)


def test_what_latex_reads_as_a_command_is_escaped():
    assert escaped(r"50% of a_b & {c} #1 $2 \x") == r"50\% of a\_b \& \{c\} \#1 \$2 \textbackslash{}x"
    assert escaped("~^<|>") == r"\textasciitilde{}\textasciicircum{}\textless{}\textbar{}\textgreater{}"
    assert escaped("−1.5 × 10⁹, ρ – log₁₀") == r"$-$1.5 $\times$ 10$^9$, $\rho$ -- log$_1$$_0$"
    # a row ends before the cell: LaTeX would look for an argument of the end
    assert escaped("[x]") == "{[}x]"
    assert escaped("*") == "{*}"
    assert escaped("two\nlines") == r"two\textbackslash{}nlines"


def test_letters_beyond_latin_stand_in_a_command_with_the_spaces_between_them():
    assert escaped("日本語 モデル 7B, Göttingen") == r"\nonlatin{日本語 モデル} 7B, Göttingen"
    assert escaped("한국어") == r"\nonlatin{한국어}"


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from("\\{}$&%#_~^[]*日ρ−"))))
def test_no_name_breaks_a_row(name: str):
    assert problems(escaped(name)) == []


def test_the_check_of_rows_sees_what_latex_would_stumble_over():
    assert problems("a & b") == ["stray &"]
    assert problems("a_b") == ["stray _"]
    assert problems("{a") == ["open braces"]
    assert problems(r"\x") == ["stray \\"]
    assert problems("$1") == ["dollars"]


def rows_of(text: str) -> list[str]:
    """Return the rows between \\toprule and \\bottomrule."""
    lines = [line.strip() for line in text.splitlines() if not line.startswith("%")]
    inside = lines[lines.index("\\toprule") + 1 : lines.index("\\bottomrule")]
    return [line.removesuffix(" \\\\") for line in inside if line.endswith(" \\\\")]


def test_every_row_has_a_cell_for_each_column_and_numbers_are_aligned():
    made = table("Odd", ["Name", "Size", "Empty"], ["Size"], [[NAME, "−1.5", ""], ["b", "2e+09", ""]], "100 % sure")
    text = as_latex(made)
    assert r"\begin{tabular}{lr}" in text
    head, first, second = rows_of(text)
    assert head == "Name & Size"
    assert len(re.findall(r"(?<!\\)&", first)) == 1
    assert first.endswith("& $-$1.5")
    assert second == r"b & $2 \times 10^{9}$"
    assert text.startswith("% Odd\n% 100 % sure\n% Needs \\usepackage{booktabs}.\n")
    assert r"\providecommand{\nonlatin}[1]{#1}" in text


def test_the_command_for_other_letters_is_defined_only_where_it_stands():
    assert "nonlatin" not in as_latex(table("Plain", ["Name"], [], [["a"]], ""))


@pytest.mark.parametrize(("rows", "kind"), [(LONGEST, "tabular"), (LONGEST + 1, "longtable")])
def test_a_table_longer_than_a_page_breaks_over_pages(rows: int, kind: str):
    text = as_latex(table("Long", ["Name"], [], [["a"]] * rows, ""))
    assert text.count(f"{{{kind}}}{{l}}") == 1
    assert f"\\end{{{kind}}}" in text
    assert ("\\endhead" in text) == (kind == "longtable") == ("\\usepackage{longtable}" in text)


def odd_results():
    results = planted(n_models=8, factors=2)
    models = results.models.assign(name=[NAME, *results.models["name"][1:]])
    for code in results.info.languages:
        models[f"tokens_{code}_origin"] = "published"
    benchmarks = results.benchmarks.assign(metric="accuracy", max_score=1.0)
    return replace(results, models=models, benchmarks=benchmarks)


def test_the_tables_of_a_study_with_odd_names_are_sound_latex():
    results = odd_results()
    found = {name: as_latex(one) for name, one in pages(results, {}, 0.95, CLAIMS).items()}
    assert set(found) == {"scores", "models", "loadings", "variance", "factors", "laws", "precision", "claims"}
    for text in found.values():
        head, *rows = rows_of(text)
        cells = {len(re.findall(r"(?<!\\)&", row)) for row in (head, *rows)}
        assert len(cells) == 1
        assert [problem for row in rows for cell in re.split(r"(?<!\\)&", row) for problem in problems(cell)] == []
    assert "日本語 モデル" in found["scores"]
    # two claims about one quantity are told apart by their names
    assert [row.partition("&")[0].strip() for row in rows_of(found["claims"])[1:]] == list(CLAIMS["claim_id"])


def test_the_numbers_are_those_of_the_state():
    results = odd_results()
    made = frames(results, CLAIMS)
    assert set(made) == {
        "scores", "cells", "models", "benchmarks", "loadings", "variance", "factors", "laws", "claims"
    }  # fmt: skip
    scores = made["scores"]
    assert list(scores.columns) == ["model_id", "name", *results.X.columns]
    assert scores["name"][0] == NAME
    assert scores.set_index("model_id")[list(results.X.columns)].equals(results.X)
    assert made["variance"]["share"].tolist() == results.explained_variance_ratio.tolist()
    assert made["loadings"]["label"].tolist() == results.benchmarks["label"].tolist()
