"""A table is read exactly, or refused with every problem, where it stands and how to fix it."""

import bz2
import codecs
import csv
import gzip
import io
import json
import lzma
import math
import tracemalloc
import zipfile
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stages.contracts.csv.schema import Column, Table
from stages.contracts.csv.table import LIMIT, missing_rows, read_table
from stages.contracts.study.tables import WAIVERS, benchmarks_table, models_table, scores_table
from tests.contracts.csv.strategies import (
    BENCHMARKS,
    KNOWN,
    MODELS,
    NOTES,
    ROWS,
    SCORES,
    csv_bytes,
    mutated,
    with_cell,
)
from tests.contracts.csv.test_numbers import is_ordinary

WHERE = "metadata/s/scores.csv"
GOOD = csv_bytes(ROWS)
HEADER = GOOD.splitlines(keepends=True)[0]


def problems(data, table=SCORES, known=KNOWN):
    """All problems, each checked to be one bounded line about the file."""
    reading = read_table(data, WHERE, table, known)
    assert all(line.startswith(f"{WHERE}: ") for line in reading.problems)
    assert all("\n" not in line and len(line) < 700 for line in reading.problems)
    if reading.problems:
        assert reading.frame.empty
    return [line.removeprefix(f"{WHERE}: ") for line in reading.problems]


def only(data, table=SCORES, known=KNOWN):
    """The one problem."""
    found = problems(data, table, known)
    assert len(found) == 1, found
    return found[0]


def frame(data, table=SCORES, known=KNOWN):
    reading = read_table(data, WHERE, table, known)
    assert reading.problems == ()
    return reading.frame


class TestAcceptedWithoutAWord:
    def test_types_columns_and_blanks(self):
        read = frame(GOOD)
        assert list(read) == ["model_id", *BENCHMARKS]
        assert read["model_id"].dtype == "str"
        assert all(read[name].dtype == "float64" for name in BENCHMARKS)
        assert list(read["model_id"]) == MODELS
        assert list(read["mgsm_ja"][:2]) == [0.256, 0.064]
        assert math.isnan(read["mgsm_ja"][2])

    @pytest.mark.parametrize(
        "data",
        [
            codecs.BOM_UTF8 + GOOD,
            GOOD.replace(b"\n", b"\r\n"),
            GOOD.replace(b"\n", b"\r"),
            GOOD.rstrip(b"\n"),
            GOOD + b"\n\r\n  \n",
            b'"' + GOOD.rstrip(b"\n").replace(b",", b'","').replace(b"\n", b'"\n"') + b'"',
            GOOD.replace(b"0.8286", b" 0.8286  ").replace(b"0.5", b'".5"'),
            csv_bytes([[row[0], row[3], row[1], row[2]] for row in ROWS]),
        ],
        ids=["BOM", "CRLF", "CR", "no final newline", "blank end", "quoted", "spaces", "column order"],
    )
    def test_the_same_table(self, data):
        pd.testing.assert_frame_equal(frame(data), frame(GOOD))

    def test_row_order_is_kept(self):
        pd.testing.assert_frame_equal(
            frame(csv_bytes([ROWS[0], *ROWS[:0:-1]])), frame(GOOD)[::-1].reset_index(drop=True)
        )

    def test_quotes_commas_and_newlines_inside_quoted_text(self):
        note = 'said "zero",\r\nthen\n0.2 日本語'
        read = frame(csv_bytes([NOTES.names, [MODELS[0], "jsquad", note]]), NOTES)
        assert read["note"][0] == note

    def test_a_header_alone_where_that_is_a_valid_table(self):
        read = frame(csv_bytes([NOTES.names]), replace(NOTES, may_be_empty=True))
        assert read.empty
        assert list(read) == NOTES.names

    def test_optional_columns_flags_and_whole_numbers(self):
        table = models_table(["ja"], ["english"])
        names = [column.name for column in table.columns if column.required]
        values = ["a/b", "B", "7", "scratch", "", "", "", "", "english", "f", ""]
        read = frame(csv_bytes([names, values]), table, {})
        assert list(read) == table.names
        assert read["trust_remote_code"].dtype == "bool"
        assert not read["trust_remote_code"][0]
        assert read["revision"][0] == ""
        rows = [[*names, "trust_remote_code"], [*values, "true"], ["c", *values[1:], "false"], ["d", *values[1:], ""]]
        assert list(frame(csv_bytes(rows), table, {})["trust_remote_code"]) == [True, False, False]

    def test_whole_numbers_in_any_plain_style(self):
        table = Table("t.csv", (Column("k"), Column("n", "integer", blank=True)), ("k",))
        read = frame(b"k,n\na,120\nb,\nc,120.0\nd,1e3\n", table)
        assert read["n"].dtype == "Int64"
        assert read["n"].tolist() == [120, pd.NA, 120, 1000]


class TestFiles:
    @pytest.mark.parametrize(
        ("data", "what", "how"),
        [
            (GOOD.decode().encode("utf-16"), "UTF-16", "save it as UTF-8"),
            (codecs.BOM_UTF16_BE + GOOD.decode().encode("utf-16-be"), "UTF-16", "save it as UTF-8"),
            (GOOD.decode().encode("utf-16-le"), "UTF-16", "save it as UTF-8"),
            (GOOD.decode().encode("utf-16-be"), "UTF-16", "save it as UTF-8"),
            (GOOD.decode().encode("utf-32"), "UTF-32", "save it as UTF-8"),
            (codecs.BOM_UTF32_BE + GOOD.decode().encode("utf-32-be"), "UTF-32", "save it as UTF-8"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), "Excel workbook (xls)", "save the sheet as CSV"),
            (gzip.compress(GOOD), "gzip", "unpack"),
            (bz2.compress(GOOD), "bzip2", "unpack"),
            (lzma.compress(GOOD), "xz", "unpack"),
            (frame(GOOD).to_parquet(), "Parquet", "export"),
            (b"%PDF-1.7\n...", "PDF", "export"),
            (b"<!DOCTYPE html>\n<html><body><table>", "HTML", "export"),
            (b"\n  <?xml version='1.0'?><x/>", "XML", "export"),
            (json.dumps([{"model_id": "a"}]).encode(), "JSON", "export"),
            (json.dumps({"model_id": ["a"]}).encode(), "JSON", "export"),
            (
                b"version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 12345\n",
                "git-LFS pointer",
                "git lfs pull",
            ),
            (b"sep=;\n" + GOOD, "sep=", "delete that line"),
        ],
    )
    def test_other_kinds_of_file_are_named(self, data, what, how):
        assert what in only(data)
        assert how in only(data)

    @pytest.mark.parametrize(
        ("entries", "what"),
        [
            ({"[Content_Types].xml": "", "xl/workbook.xml": ""}, "an Excel workbook (xlsx)"),
            ({"mimetype": "application/vnd.oasis.opendocument.spreadsheet"}, "an OpenDocument spreadsheet (ods)"),
            ({"scores.csv": "model_id"}, "a zip archive"),
            ({}, "a zip archive"),
        ],
    )
    def test_zip_archives_and_the_spreadsheets_in_them(self, entries, what):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            for name, text in entries.items():
                archive.writestr(name, text)
        assert only(out.getvalue()).startswith(f"is {what}, not CSV text")

    @pytest.mark.parametrize(
        ("text", "codec", "name"),
        [
            ("モデル名は日本語です", "cp932", "Shift-JIS"),
            ("日本語能力", "cp932", "Shift-JIS"),
            ("モデル名は日本語です", "euc_jp", "EUC-JP"),
            ("한국어 모델", "euc_kr", "EUC-KR"),
            ("中文语言模型评测", "gb18030", "GBK"),
            ("café, à la carte, naïve", "latin-1", "Latin-1"),
            ("résumés", "latin-1", "Latin-1"),  # its bytes are kanji in Shift-JIS
            ("“Müller” – 5 €", "cp1252", "Windows-1252"),
        ],
    )
    def test_wrong_encodings_are_named_with_their_line(self, text, codec, name):
        data = csv_bytes([NOTES.names, ["m", "jsquad", text]]).decode().encode(codec)
        problem = only(data, NOTES)
        assert "is not UTF-8" in problem
        assert "in line 2" in problem
        assert name in problem
        assert problem.endswith("save it as UTF-8")

    def test_a_wrong_byte_late_in_a_file_and_a_character_cut_at_its_end(self):
        filler = ("ab" + "あ" * 1000 + "\n").encode() * 1000
        assert "line 1001" in only(filler + b"\xff" + filler)
        assert "line 1001" in only(filler + "あ".encode()[:2])

    @pytest.mark.parametrize("data", [b"", b"\n", b" \r\n\t\n", codecs.BOM_UTF8, codecs.BOM_UTF8 + b"\n" * 9_000])
    def test_empty_files(self, data):
        assert only(data) == "is empty: write a header and the rows"

    def test_nul_bytes(self):
        assert "NUL byte in line 3" in only(GOOD.replace(b"0.064", b"0.0\x0064"))

    def test_merge_conflicts(self):
        lines = GOOD.splitlines(keepends=True)
        data = b"".join([*lines[:2], b"<<<<<<< HEAD\n", lines[2], b"=======\n", lines[3], b">>>>>>> other\n"])
        assert "merge conflict in line 3" in only(data)
        assert "merge conflict in line 1" in only(b"<<<<<<< HEAD\n" + GOOD)

    @pytest.mark.parametrize(
        ("mark", "name"),
        [("\t", "a tab"), (";", "a semicolon"), ("|", "a vertical bar"), ("，", "a full-width comma")],
    )
    @pytest.mark.parametrize("quote", ["", '"'])
    @pytest.mark.parametrize("start", ["", "\ufeff", "# made by hand\n"])
    def test_other_delimiters(self, mark, name, quote, start):
        lines = [mark.join(f"{quote}{cell}{quote}" for cell in row) for row in ROWS]
        problem = only((start + "\n".join(lines)).encode())
        assert f"is separated by {name}" in problem
        assert "commas" in problem

    def test_a_table_drawn_with_bars(self):
        data = "".join("| " + " | ".join(row) + " |\n" for row in ROWS).encode()
        assert "is separated by a vertical bar" in only(data)


class TestLayout:
    def test_a_header_without_rows(self):
        assert only(HEADER) == "has a header but no rows: write at least one"

    def test_a_file_without_header(self):
        problem = only(csv_bytes(ROWS[1:]))
        assert "line 1 holds values where the header belongs" in problem
        assert "model_id, jsquad, mgsm_ja, humaneval" in problem

    @pytest.mark.parametrize("name", ["c", "the jsquad"])
    def test_a_header_of_another_table(self, name):
        assert "none of the declared columns" in only(f"a,b,{name}\n1,2,3\n".encode())

    @pytest.mark.parametrize("corner", ["model_id", "benchmark", ""])
    @pytest.mark.parametrize("known", [KNOWN, {}])
    def test_a_transposed_table(self, corner, known):
        flipped = [list(column) for column in zip(*ROWS, strict=True)]
        flipped[0][0] = corner
        problem = only(csv_bytes(flipped), known=known)
        assert "is transposed" in problem
        assert "one row for each model_id" in problem

    def test_a_transposed_table_with_other_names_of_benchmarks(self):
        assert "is transposed" in only(csv_bytes([["", *MODELS], ["JSQuAD (EM)", "0.1", "0.2", "0.3"]]))

    @pytest.mark.parametrize("name", ["", "Unnamed: 0", "index", "No."])
    @pytest.mark.parametrize("first", [0, 1])
    def test_an_index_column(self, name, first):
        rows = [[name, *ROWS[0]], *([str(first + i), *row] for i, row in enumerate(ROWS[1:]))]
        problem = only(csv_bytes(rows))
        assert problem.startswith("column 1 ")
        assert "index column" in problem

    def test_columns_without_a_name(self):
        rows = [[*row, "", "0.1"] for row in ROWS]
        rows[0][-1] = ""
        assert only(csv_bytes(rows)).startswith("columns 5, 6: a name is missing in the header")

    def test_what_a_spreadsheet_leaves_at_the_end_is_passed_over(self):
        padded = [[*row, "", ""] for row in ROWS]
        left = csv_bytes([*padded, *[[""] * 6] * 3]) + b"\n,,,\n\n"
        pd.testing.assert_frame_equal(read_table(left, "t.csv", SCORES).frame, read_table(GOOD, "t.csv", SCORES).frame)
        padded[2][5] = "0.2"
        assert only(csv_bytes(padded)).startswith("columns 5, 6: a name is missing in the header")

    def test_a_missing_column(self):
        assert only(csv_bytes([row[:3] for row in ROWS])) == "column is missing: humaneval"
        assert only(csv_bytes([row[:2] for row in ROWS])) == "2 columns are missing: mgsm_ja, humaneval"

    def test_an_unknown_column(self):
        rows = [[*row, "0.1"] for row in ROWS]
        rows[0][-1] = "average"
        declare = "declare the benchmark in benchmarks.csv, or delete the column"
        assert only(csv_bytes(rows)) == f"unknown column 'average': {declare}"
        rows = [[*row, "0.1"] for row in [WAIVERS.names, ["org/a", "b", "zero", "r", "s"]]]
        rows[0][-1] = "average"
        assert only(csv_bytes(rows), WAIVERS, {}) == "unknown column 'average': delete it"

    @pytest.mark.parametrize("name", ["JSQuAD", " jsquad", "jsquad ", "j squad", "\ufeffjsquad", "ｊｓｑｕａｄ"])
    def test_a_column_that_differs_by_case_or_white_space(self, name):
        problem = only(csv_bytes(with_cell(0, 1, name)))
        assert problem.startswith("unknown column ")
        assert problem.endswith("differs only by case or whitespace from jsquad")

    def test_a_misspelt_column(self):
        first, second = problems(csv_bytes(with_cell(0, 2, "mgsm-jp")))
        assert first == "unknown column 'mgsm-jp': did you mean mgsm_ja?"
        assert second == "column is missing: mgsm_ja"

    def test_a_repeated_column(self):
        rows = [[*row, row[1]] for row in ROWS]
        assert only(csv_bytes(rows)) == "column jsquad stands 2 times (columns 2, 5): keep one"

    def test_a_missing_key_column_does_not_hide_problems_of_cells(self):
        rows = [row[1:] for row in with_cell(2, 2, "n/a")]
        missing, cell = problems(csv_bytes(rows))
        assert missing == "column is missing: model_id"
        assert cell.startswith("mgsm_ja in line 3 is 'n/a', ")

    def test_too_many_columns(self):
        assert "100,001 columns" in only(b"model_id" + b",x" * 100_000 + b"\n")


class TestRows:
    @pytest.mark.parametrize(
        ("row", "problem"),
        [
            (b"org/Beta-13b,0.1,0.2", "line 3 has 3 fields, expected 4: an empty cell needs its comma too"),
            (b"org/Beta-13b", "line 3 has 1 field, expected 4: an empty cell needs its comma too"),
            (b"org/Beta-13b,0,7335,0.064,0.0", "line 3 has 5 fields, expected 4: quote a text that has commas"),
            (b"org/Beta-13b,0.7335,0.064,0.0,", "delete commas at the end"),
            (b"", "line 3 is blank: delete it"),
            (b",,,", "line 3 has only empty cells: delete it"),
            (b"# a remark", "line 3 is a comment"),
            (b"#org/Beta-13b,0.7335,0.064,0.0", "line 3 is a comment"),
            (HEADER.strip(), "line 3 repeats the header"),
            (b'"org/Beta-13b"x,0.1,0.2,0.3', "line 3 has characters after a closing quote"),
            (b'"org/"Beta"-13b",0.1,0.2,0.3', "double the quotes"),
        ],
    )
    def test_a_broken_row_is_told_with_its_line_and_reading_goes_on(self, row, problem):
        lines = GOOD.replace(b"0.9,", b"90%,").splitlines()
        lines[2] = row
        first, second = problems(b"\n".join(lines))
        assert problem in first
        assert "jsquad of org/Gamma-70b is '90%'" in second

    def test_line_numbers_count_the_lines_inside_quoted_text(self):
        data = csv_bytes([NOTES.names, [MODELS[0], "jsquad", "two\nlines"], ["m"]])
        assert only(data, NOTES).startswith("line 4 has 1 field")

    def test_a_quote_that_is_never_closed(self):
        problem = only(GOOD.replace(b"org/Beta", b'"org/Beta'))
        assert "line 3 opens a quote that is never closed" in problem
        assert "line 2 opens a quote that is never closed" in only(HEADER + b'"a,0.1')
        assert "line 1 opens a quote that is never closed" in only(b'"' + HEADER)
        rows = GOOD.replace(b"org/Beta", b'"org/Beta') + b"m,0.1,0.2,0.3\n" * 100_000
        assert "line 3 has a field or row too long for a table: is a quote never closed?" in only(rows)

    @pytest.mark.parametrize("start", [b"# made by hand\n", b"#\n# two\n"])
    def test_comments_before_the_header(self, start):
        others = "; 1 more of this kind: line 2" * (start.count(b"\n") - 1)
        assert only(start + GOOD) == f"line 1 is a comment, which CSV does not know: delete it{others}"

    def test_a_header_behind_a_comment_sign(self):
        assert "begins with #: delete that sign" in only(b"# " + GOOD)

    def test_blank_lines_between_rows(self):
        told = only(GOOD.replace(b"\n", b"\n\n\n"))
        assert told == "line 2 is blank: delete it; 2 more of this kind: line 5, line 8"

    def test_a_repeated_row(self):
        assert only(GOOD + GOOD.splitlines()[2]) == "line 5 repeats org/Beta-13b, which stands in line 3: keep one"

    def test_a_key_of_several_columns(self):
        row, other = [MODELS[0], "jsquad", "n"], [MODELS[0], "mgsm_ja", "n"]
        data = csv_bytes([NOTES.names, row, other, row])
        assert only(data, NOTES) == "line 4 repeats org/Alpha-7b / jsquad, which stands in line 2: keep one"

    def test_an_empty_key(self):
        problem = only(csv_bytes(with_cell(2, 0, "")))
        assert problem == "model_id in line 3 is empty, expected a value in every row: fill it in"

    @pytest.mark.parametrize("name", ["ORG/beta-13B", " org/Beta-13b", "org/Beta-13b ", "org/Beta -13b"])
    def test_a_row_that_differs_by_case_or_white_space(self, name):
        problem = only(csv_bytes(with_cell(2, 0, name)))
        assert problem.startswith("model_id in line 3 is ")
        assert problem.endswith("expected a known model_id: differs only by case or whitespace from org/Beta-13b")

    def test_a_misspelt_and_an_unknown_row(self):
        assert only(csv_bytes(with_cell(2, 0, "org/Betta-13b"))).endswith("did you mean org/Beta-13b?")
        assert only(csv_bytes(with_cell(2, 0, "Average"))).endswith(
            "expected a known model_id: correct it, or add it to models.csv"
        )

    def test_white_space_around_text_without_known_names(self):
        problem = only(csv_bytes(with_cell(2, 0, "org/Beta-13b ")), known={})
        assert problem.endswith("is 'org/Beta-13b ', expected no whitespace around it: delete it")

    def test_missing_rows_lists_them_in_one_line(self):
        read = frame(GOOD)
        assert missing_rows(read, WHERE, "model_id", MODELS) == []
        assert missing_rows(read[:2], WHERE, "model_id", MODELS) == [
            f"{WHERE}: a row is missing: add model_id org/Gamma-70b, with empty cells for what is not known, "
            "or list it under evaluate.models in params.yaml"
        ]
        (line,) = missing_rows(read[:0], WHERE, "model_id", [f"m{i}" for i in range(5_000)])
        assert line.startswith(f"{WHERE}: 5000 rows are missing: add model_id m0, m1, ")
        assert "and 4990 more" in line


class TestCells:
    @pytest.mark.parametrize(
        ("text", "hint"),
        [
            ("46.2%", "delete the percent sign and divide by 100"),
            ("0,5", "write the decimal comma as a point"),
            ("٠.٥", "write it with the digits 0 to 9"),
            ("0.5 ± 0.1", "keep the value only, without its error"),
            ("-", "leave the cell empty when the value is missing"),
            ("nan", "leave the cell empty when the value is missing"),
            ("inf", "an infinite value is not a measurement"),
            ("True", "a truth value is not a number"),
        ],
    )
    def test_a_number_in_another_style_is_told_with_row_and_column(self, text, hint):
        problem = only(csv_bytes(with_cell(2, 2, text)))
        assert problem == f"mgsm_ja of org/Beta-13b is {text!r}, expected a plain number: {hint}"

    def test_all_problems_are_told_at_once(self):
        rows = with_cell(0, 1, "JSQuAD")
        rows[1][2] = "n/a"
        rows[2][0] = "org/beta-13b"
        rows[3][3] = "50%"
        assert len(problems(csv_bytes([*rows, ["x"]]))) == 5

    def test_what_is_wrong_in_many_places_is_one_line_for_each_kind(self):
        rows = [["model_id", "JSQUAD", "x", "y", *BENCHMARKS[1:]]]
        rows += [[f"m{i}", "0.5", "", "", "45 %", "#N/A" if i % 2 else "0.1"] for i in range(8)]
        rows += [["m0", *[""] * 5], ["m1", *[""] * 5], ["m", "1"]]
        declare = "declare the benchmark in benchmarks.csv, or delete the column"
        assert problems(csv_bytes(rows), known={}) == [
            "unknown column 'JSQUAD': differs only by case or whitespace from jsquad",
            f"unknown column 'x': {declare}; 1 more of this kind: 'y'",
            "mgsm_ja of m0 is '45 %', expected a plain number: delete the percent sign and divide by 100; 7 more of "
            "this kind: mgsm_ja of m1, mgsm_ja of m2, mgsm_ja of m3, mgsm_ja of m4, mgsm_ja of m5 and 2 more",
            f"{BENCHMARKS[2]} of m1 is '#N/A' in cell F3, a spreadsheet error: correct its formula, or leave the "
            f"cell empty when the value is missing; 3 more of this kind: {BENCHMARKS[2]} of m3 (F5), "
            f"{BENCHMARKS[2]} of m5 (F7), {BENCHMARKS[2]} of m7 (F9)",
            "line 10 repeats m0, which stands in line 2: keep one; 1 more of this kind: m1 in line 11",
            "line 12 has 2 fields, expected 6: an empty cell needs its comma too",
        ]

    def test_words_that_must_be_known(self):
        table = models_table(["ja"], ["english", "other"])
        row = ["a/b", "B", "7", "Scratch", "", "", "", "", "englsh", "f", "", "", "", "yes", "", *[""] * 8]
        first, second, third = problems(csv_bytes([table.names, row]), table, {})
        assert first == (
            "construction of a/b is 'Scratch', expected scratch or continual: "
            "differs only by case or whitespace from scratch"
        )
        assert second == "group of a/b is 'englsh', expected english or other: did you mean english?"
        assert third == "trust_remote_code of a/b is 'yes', expected true or false"

    @pytest.mark.parametrize(
        ("text", "hint"),
        [
            ("2024", "expected a day as YYYY-MM-DD"),
            ("19.12.2024", "expected a day as YYYY-MM-DD"),
            ("2024-13-01", "expected a day as YYYY-MM-DD"),
            ("20241219", "expected a day as YYYY-MM-DD: write 2024-12-19"),
        ],
    )
    def test_a_day_has_one_style(self, text, hint):
        table = Table("t.csv", (Column("model_id"), Column("released", "date", blank=True)), ("model_id",))
        assert only(csv_bytes([table.names, ["a/b", text]]), table, {}) == f"released of a/b is {text!r}, {hint}"

    def test_a_day_stays_as_it_is_written_and_may_be_missing(self):
        table = Table("t.csv", (Column("model_id"), Column("released", "date", blank=True)), ("model_id",))
        data = csv_bytes([table.names, ["a/b", "2024-12-19"], ["c/d", ""]])
        assert list(read_table(data, WHERE, table).frame["released"]) == ["2024-12-19", ""]

    def test_numbers_out_of_range(self):
        table = models_table(["ja"], ["english"])
        rows = [
            ["a/b", "B", "0", "scratch", "", "", "-1", "-2", "english", "f", *[""] * 13],
            ["c/d", "B", "", "scratch", "", "", "", "", "english", "f", *[""] * 13],
        ]
        assert problems(csv_bytes([table.names, *rows]), table, {}) == [
            "active_params_b of a/b is '0', expected more than 0: correct it, or leave the cell empty when it is not "
            "known",
            "tokens_total_b of a/b is '-1', expected more than 0: looks like a marker, "
            "leave the cell empty when the value is missing",
            "tokens_ja_b of a/b is -2, expected at least 0: correct it",
        ]

    @pytest.mark.parametrize("error", ["#N/A", "#REF!", "#div/0!"])
    def test_an_error_of_a_spreadsheet_is_told_with_its_cell(self, error):
        assert only(csv_bytes(with_cell(2, 2, error))) == (
            f"mgsm_ja of org/Beta-13b is '{error}' in cell C3, a spreadsheet error: correct its formula, or leave the "
            "cell empty when the value is missing"
        )
        assert only(csv_bytes(with_cell(2, 0, error)), known={}) == (
            f"model_id in line 3 is '{error}' in cell A3, a spreadsheet error: correct its formula"
        )

    @pytest.mark.parametrize("word", ["n/a", "-", "-1", "#N/A"])
    def test_no_hint_asks_for_an_empty_cell_where_one_is_refused(self, word):
        table = Table("t.csv", (Column("k"), Column("n", "number", above=0)), ("k",))
        (line,) = problems(csv_bytes([["k", "n"], ["a", word]]), table, {})
        assert "empty" not in line
        (line,) = problems(csv_bytes([["k", "n"], ["a", ""]]), table, {})
        assert line == "n of a is empty, expected a value in every row: fill it in"

    def test_a_table_with_upper_bounds_in_percent(self):
        cells = tuple(Column(name, "number", blank=True, low=0, high=1) for name in BENCHMARKS)
        table = Table("scores.csv", (Column("model_id"), *cells), ("model_id",))
        rows = [ROWS[0], *([row[0], *(f"{100 * float(cell or 0.5):g}" for cell in row[1:])] for row in ROWS[1:])]
        assert "every value of the table is out of range" in only(csv_bytes(rows), table)
        assert only(csv_bytes(with_cell(1, 2, "25.6")), table) == (
            "mgsm_ja of org/Alpha-7b is 25.6, expected 0 to 1: looks like percent, divide by 100"
        )

    @pytest.mark.parametrize(("text", "fine"), [("4.5", False), ("0", False), ("1e300", False), ("4", True)])
    def test_whole_numbers(self, text, fine):
        table = benchmarks_table(["ja"])
        row = ["jsquad", "J", "ja", "qa", "", "em", "1", "0", "", text, "", "generation", ""]
        row += [""] * (len(table.names) - len(row))
        found = problems(csv_bytes([table.names, row]), table, {})
        assert (found == []) is fine
        assert all(problem.startswith("n_items of jsquad is ") for problem in found)

    def test_names_of_columns_and_rows_that_cannot_be_seen_are_escaped(self):
        rows = with_cell(2, 0, "org/Beta-13b\x1b[31m")
        assert "\x1b" not in only(csv_bytes(rows))
        rows[2][1] = "nan\x1b"
        assert "\x1b" not in only(csv_bytes(rows), known={})


class TestLargeFiles:
    WIDE = scores_table([f"b{j}" for j in range(100)])
    TOP = csv_bytes([WIDE.names])
    SIZE, LINES = 20_000_000, 1_000_000

    @pytest.mark.parametrize(
        "tail",
        [
            b"\0",
            b"\n",
            b",",
            b'"',
            b"a",
            b"1",
            b"a\n",
            b"#\n",
            b'"x\n",',
            b'"a"b\n',
            "日本".encode(),
            b"m," + b",".join([b"0.5"] * 100) + b"\n",
            b"m," + b",".join([b"nan"] * 100) + b"\n",
        ],
        ids=ascii,
    )
    @pytest.mark.parametrize("top", [TOP, b""], ids=["header", "bare"])
    def test_junk_is_refused_in_bounded_memory_with_a_bounded_message(self, top, tail):
        n = self.SIZE // len(tail)
        data = top + tail * (min(n, self.LINES) if tail.endswith(b"\n") else n)
        tracemalloc.start()
        found = problems(data, self.WIDE, {"model_id": ["m"]})
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert 1 <= len(found) <= LIMIT + 1
        assert peak < 150_000_000

    def test_one_cell_of_100_mb(self):
        data = GOOD.replace(b"0.064", b"0" * 100_000_000)
        assert "line 3 has a field or row too long" in only(data)

    def test_a_long_cell_is_shown_short(self):
        problem = only(csv_bytes(with_cell(2, 1, "0.5x" * 20_000)))
        assert len(problem) < 200
        assert "it has 80000 characters" in problem
        assert len(only(csv_bytes(with_cell(2, 0, "\u200b" * 100_000)))) < 500

    def test_reading_stops_after_many_problems(self):
        rows = [ROWS[0], *([f"m{i}", "nan", "nan", "nan"] for i in range(LIMIT))]
        line, stopped = problems(csv_bytes(rows), known={})
        assert f"; {LIMIT - 1} more of this kind in 3 columns: mgsm_ja of m0, " in line
        assert stopped == f"reading stopped after {LIMIT:,} problems"

    def test_more_rows_than_a_table_may_have(self):
        table = Table("t.csv", (Column("k"), Column("x", "number")), ("k",))
        rows = [["k", "x"], *([str(i), "1"] for i in range(100_000))]
        assert len(frame(csv_bytes(rows), table)) == 100_000
        assert "beyond the 100,000 rows" in only(csv_bytes([*rows, ["more", "1"]]), table)

    def test_a_large_valid_table_is_read_exactly(self):
        models = [f"m{i}" for i in range(2_500)]
        rows = [
            self.WIDE.names,
            *([m, *(repr((i * 100 + j) / 70_001) for j in range(100))] for i, m in enumerate(models)),
        ]
        read = frame(csv_bytes(rows), self.WIDE, {"model_id": models})
        assert read.shape == (2_500, 101)
        assert read["b99"][2_499] == 249_999 / 70_001


@settings(deadline=None)
@given(st.data())
def test_no_mutation_of_a_cell_is_read_as_something_else(data):
    row, column = data.draw(st.integers(1, 2)), data.draw(st.integers(1, 3))
    text = data.draw(mutated(ROWS[row][column]))
    reading = read_table(csv_bytes(with_cell(row, column, text), csv.QUOTE_ALL), WHERE, SCORES, KNOWN)
    expected = is_ordinary(text)
    if expected is None:
        (problem,) = reading.problems
        assert problem.startswith(f"{WHERE}: {BENCHMARKS[column - 1]} of {MODELS[row - 1]} is ")
    else:
        assert reading.problems == ()
        assert reading.frame[BENCHMARKS[column - 1]][row - 1] == expected


@settings(deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=3, max_size=3))
def test_every_double_is_read_back_exactly(values):
    rows = [ROWS[0], *([name, repr(value), "", ""] for name, value in zip(MODELS, values, strict=True))]
    assert list(frame(csv_bytes(rows))["jsquad"]) == values


@settings(deadline=None)
@given(st.permutations(range(3)), st.permutations(range(4)))
def test_order_of_rows_and_columns_does_not_matter(rows, columns):
    shuffled = [[row[j] for j in columns] for row in [ROWS[0], *(ROWS[1 + i] for i in rows)]]
    read = frame(csv_bytes(shuffled)).set_index("model_id").loc[MODELS].reset_index()
    pd.testing.assert_frame_equal(read, frame(GOOD))


@settings(deadline=None)
@given(st.binary(max_size=300), st.sampled_from([b"", HEADER, GOOD, codecs.BOM_UTF8]))
@example(b'"', b"")
@example(b"\r\r\n", HEADER)
def test_random_bytes_never_raise(junk, start):
    reading = read_table(start + junk, WHERE, SCORES, KNOWN)
    assert reading.problems or not reading.frame.empty


DAMAGE = st.sampled_from([",", "\n", '"', ";", "\r", "#", "%", "e", "", " ", "\t", "\0", "９", "−"])


@settings(deadline=None)
@given(st.integers(0, len(GOOD) - 1), DAMAGE)
def test_damage_to_one_byte_never_changes_a_number_silently(at, junk):
    """Python's csv and float read the damaged bytes to the same numbers, or the bytes are refused."""
    damaged = GOOD[:at] + junk.encode() + GOOD[at + 1 :]
    reading = read_table(damaged, WHERE, SCORES, KNOWN)
    if not reading.problems:
        header, *rows = [row for row in csv.reader(io.StringIO(damaged.decode(), newline="")) if row]
        for name, *cells in zip(header, *rows, strict=True):
            if name != "model_id":
                values = [float(cell) if cell else math.nan for cell in cells]
                pd.testing.assert_series_equal(reading.frame[name], pd.Series(values, name=name))
