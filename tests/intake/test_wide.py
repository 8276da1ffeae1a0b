import json
from pathlib import Path

import pandas as pd
import pytest

from stages.contracts.errors import InputError
from stages.intake.wide import read_grid, read_wide, unit_notes

HEADER = ["model", "arc", "mt"]
ROWS = [["org/a-7b", "0.5", "7.5"], ["org/b-13b", "0.25", "6"]]


def wide(*rows, models=None):
    return read_wide([list(row) for row in rows], "t.csv", models)


def test_models_in_rows_and_in_columns_are_the_same_table():
    rows = wide(HEADER, *ROWS)
    columns = wide(*zip(*[["task", *HEADER[1:]], *ROWS], strict=True))
    assert rows.models == columns.models == ["org/a-7b", "org/b-13b"]
    assert rows.scores == columns.scores == {"arc": ["0.5", "0.25"], "mt": ["7.5", "6"]}
    assert any("models stand in columns" in note for note in columns.notes)


def test_models_in_columns_are_known_by_their_names_alone():
    assert wide(["what", "org/a-7b", "org/b-13b"], ["arc", "0.5", "0.2"]).models == ["org/a-7b", "org/b-13b"]
    assert wide(["what", "x", "y"], ["arc", "0.5", "0.2"], models="columns").models == ["x", "y"]
    # one name of three that looks like a model's is not enough
    assert wide(["what", "org/a", "b", "c"], ["x", "0.5", "0.2", "0.1"]).models == ["x"]


def test_the_unit_of_each_column_is_read_from_its_values_and_told():
    found = wide(
        ["model", "share", "ten", "percent", "mcc"], ["a", "0.2", "9", "61.5", "-0.1"], ["b", "1", "2", "3", "1"]
    )
    assert found.tops == {"share": 1, "ten": 10, "percent": 100, "mcc": 1}
    assert found.lows == {"mcc": -1}
    assert [line.partition(", for ")[2] for line in unit_notes(found, "t.csv")] == [
        "share, mcc",
        "ten",
        "percent",
        "mcc",
    ]


def test_percent_signs_are_a_unit():
    found = wide(["model", "arc"], ["a", "50%"], ["b", "0.5 %"])
    assert (found.scores["arc"], found.tops["arc"]) == (["50", "0.5"], 100)
    assert wide(["model", "arc"], ["a", "0.4%"], ["b", "0.5 %"]).tops == {"arc": 100}


def test_what_is_no_score_is_left_out_and_told():
    found = wide(
        ["model", "Type", "#Params (B)", "Average ⬆️", "likes", "change", "arc"],
        ["a", "chat", "7.2", "0.4", "4000", "-50", "0.4"],
        ["b", "base", "", "0.6", "12", "0.5", "0.6"],
    )
    assert list(found.scores) == ["arc"]
    assert found.parameters == {"a": 7.2}
    told = "\n".join(found.notes)
    assert "Type holds no numbers" in told
    assert "'Average ⬆️' sums up" in told or "Average ⬆️ sums up" in told
    assert "likes goes from 12 to 4000" in told
    assert "change goes from -50 to 0.5" in told


def test_marks_of_missing_scores_are_blank_and_told():
    found = wide(["model", "arc"], ["a", "0.4"], ["b", "-"], ["c", "0.1"])
    assert found.scores["arc"] == ["0.4", "", "0.1"]
    assert any("'-' are blank" in note for note in found.notes)


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("66.82 ± 2.09 / 74.17 ± 1.77", "several numbers in one cell: split it at '±'"),
        ("#N/A", "an error of the spreadsheet"),
        ("0,5", "write the decimal comma as a point"),
    ],
)
def test_a_cell_that_is_no_number_is_named_with_the_fix(cell, words):
    with pytest.raises(InputError, match=words) as error:
        wide(["model", "arc"], ["a", "0.4"], ["b", cell], ["c", "0.2"])
    assert "arc of b is" in str(error.value)


def test_names_that_stand_twice_are_refused_together():
    with pytest.raises(InputError) as error:
        wide(["model", "arc", "arc"], ["a", "0.4", "0.4"], ["a", "0.3", "0.3"])
    assert len(error.value.problems) == 2


def write(folder: Path, kind: str) -> Path:
    frame = pd.DataFrame({"model": ["a", "b"], "arc": [0.5, None], "likes": [3, 4]})
    path = folder / f"table.{kind}"
    if kind == "parquet":
        frame.to_parquet(path)
    elif kind == "json":
        path.write_text(json.dumps(json.loads(frame.to_json(orient="records"))), encoding="utf-8")
    else:
        frame.to_csv(path, index=False, sep="\t" if kind == "tsv" else ";")
    return path


@pytest.mark.parametrize("kind", ["csv", "tsv", "parquet", "json"])
def test_every_kind_of_file_holds_the_same_table(tmp_path, kind):
    grid = read_grid(write(tmp_path, kind))
    assert [row[:2] for row in grid] == [["model", "arc"], ["a", "0.5"], ["b", ""]]
    assert [float(row[2]) for row in grid[1:]] == [3, 4]


def test_a_workbook_is_read(tmp_path, workbook):
    grid = read_grid(workbook(tmp_path / "t.xlsx", [["model", "arc"], ["a", 0.5], ["b", 2]]))
    assert grid == [["model", "arc"], ["a", "0.5"], ["b", "2"]]


@pytest.mark.parametrize("corner", [None, (0, 0), (2, 4)])
def test_errors_of_a_workbook_are_told_with_their_cells(tmp_path, workbook, corner):
    rows = [["model", "arc", "mt"], ["a", "#N/A", 0.5], ["b", 0.5, "#DIV/0!"], ["c", 0.5, "#REF!"], ["d", 0.1, 0.2]]
    path = workbook(tmp_path / "t.xlsx", rows, corner)
    right, down = corner or (0, 0)
    b, c = ("ABCDEFGH"[right + j] for j in (1, 2))
    with pytest.raises(InputError) as error:
        read_wide(read_grid(path), "t.xlsx", None)
    assert error.value.problems == (
        f"t.xlsx: arc of a is '#N/A' in cell {b}{down + 2}: an error of the spreadsheet: correct its formula, or "
        f"empty the cell; 2 more of this kind in 2 columns: mt of b ({c}{down + 3}), mt of c ({c}{down + 4})",
    )


def test_errors_of_a_text_table_are_told_with_their_cells_beside_other_problems(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("model,arc,mt\n\na,#N/A,0.5\nb,0.5,#div/0!\nc,'0.2,0.3\nd,0.1,0.2\n", encoding="utf-8")
    with pytest.raises(InputError) as error:
        read_wide(read_grid(path), "t.csv", None)
    first, second = error.value.problems
    assert first.startswith("t.csv: arc of a is '#N/A' in cell B3: an error of the spreadsheet: ")
    assert first.endswith("; 1 more of this kind in 2 columns: mt of b (C4)")
    assert "arc of c is" in second


def test_a_name_that_is_an_error_is_refused(tmp_path, workbook):
    path = workbook(tmp_path / "t.xlsx", [["model", "arc", "#REF!"], ["#N/A", 0.5, 0.5], ["b", 0.5, 0.5]])
    with pytest.raises(InputError) as error:
        read_wide(read_grid(path), "t.xlsx", None)
    assert error.value.problems == (
        "t.xlsx: a name is '#REF!' in cell C1: an error of the spreadsheet: correct its formula, or empty the cell; "
        "1 more of this kind: '#N/A' in cell A2",
    )


def test_a_column_of_errors_with_some_scores_is_no_column_without_numbers(tmp_path, workbook):
    path = workbook(tmp_path / "t.xlsx", [["model", "arc"], ["a", "#N/A"], ["b", "#N/A"], ["c", 0.5]])
    with pytest.raises(InputError, match=r"arc of a is '#N/A' in cell B2.*1 more of this kind: arc of b \(B3\)"):
        read_wide(read_grid(path), "t.xlsx", None)


def test_rows_and_columns_of_blanks_at_the_end_are_no_part_of_the_table(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("model,arc,,\na,0.5,,\n,,,\n,,,\n", encoding="utf-8")
    assert read_grid(path) == [["model", "arc"], ["a", "0.5"]]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.csv", ""),
        ("t.csv", 'model,arc\na,"0.5\n' + "b,0.4\n" * 30_000),
        ("t.json", "{"),
        ("t.parquet", "x"),
        ("t.xlsx", "x"),
        ("t.txt", "a"),
    ],
    ids=["empty", "quote", "json", "parquet", "xlsx", "txt"],
)
def test_what_is_no_table_is_one_line(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as error:
        read_grid(path)
    assert len(error.value.problems) == 1
    assert name in error.value.problems[0]
