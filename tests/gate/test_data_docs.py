import json
import logging
import os
import re
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.contracts.csv.schema import Column, Table
from stages.contracts.study.tables import models_table
from stages.gate import data_docs
from stages.gate.expectations import (
    FINDINGS_COLUMNS,
    Expectation,
    Suite,
    findings_expectations,
    matrix_expectations,
    models_expectations,
)

ROOT = Path(__file__).parents[2]
BENCHMARKS = ["niilc", "jcom", "humaneval"]
NAMES = ["llm-a", "llm-b", "llm-c", "llm-d"]
RANGES = dict.fromkeys(BENCHMARKS, (0.0, 1.0))


def good_matrix():
    frame = pd.DataFrame(np.linspace(0, 1, 12).reshape(4, 3), columns=BENCHMARKS)
    frame.insert(0, "model_id", NAMES)
    return frame


def check(frame, docs, *, allow_missing=False):
    suite = Suite("matrix", frame, matrix_expectations(RANGES, NAMES, allow_missing))
    return data_docs.run_suites([suite], docs, "Gate")


def broken(report):
    """Kind and column of every broken expectation."""
    return {(failure.kind, failure.column) for failure in report.failed}


def sentence(report, kind):
    (text,) = [failure.sentence for failure in report.failed if failure.kind == kind]
    return text


def inside(folder):
    return [path.name for path in folder.iterdir()]


def tree(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


BETWEEN = "ExpectColumnValuesToBeBetween"
FILLED = "ExpectColumnValuesToNotBeNull"
ORDER = "ExpectTableColumnsToMatchOrderedList"
COUNT = "ExpectTableRowCountToEqual"
UNIQUE = "ExpectColumnValuesToBeUnique"
KNOWN = "ExpectColumnValuesToBeInSet"
PRESENT = "ExpectColumnDistinctValuesToContainSet"
TYPED = "ExpectColumnValuesToBeInTypeList"


class TestMatrix:
    def test_a_good_matrix_passes_with_both_bounds_reached(self, tmp_path):
        report = check(good_matrix(), tmp_path / "docs")
        assert report.success
        assert report.failed == ()
        # columns, rows, and of model_id: filled, unique, present, known; of 3 benchmarks: filled, typed, range
        assert report.n_expectations == 2 + 4 + 3 * 3
        assert (tmp_path / "docs" / "index.html").is_file()

    def test_the_order_of_rows_and_their_index_are_free(self, tmp_path):
        frame = good_matrix().iloc[::-1].set_axis(["w", "x", "x", "z"], axis="index")
        assert check(frame, tmp_path / "docs").success

    def test_the_offending_row_is_named_whatever_the_index(self, tmp_path):
        frame = good_matrix()
        frame.loc[2, "jcom"] = -0.01
        report = check(frame.iloc[::-1], tmp_path / "docs")
        assert sentence(report, BETWEEN).endswith("found: -0.01 in llm-c")

    @pytest.mark.parametrize("value", [-0.01, 1.0000001, -np.inf, np.inf, 38.2])
    def test_a_score_outside_its_range_is_refused(self, tmp_path, value):
        frame = good_matrix()
        frame.loc[2, "jcom"] = value
        report = check(frame, tmp_path / "docs")
        assert not report.success
        assert broken(report) == {(BETWEEN, "jcom")}
        assert report.failed[0].suite == "matrix"
        assert report.failed[0].sentence == (
            f"matrix: column jcom: expected: every score lies in [0, 1]; found: {value} in llm-c"
        )

    def test_a_missing_score_is_refused_unless_allowed(self, tmp_path):
        frame = good_matrix()
        frame.loc[1, "niilc"] = np.nan
        report = check(frame, tmp_path / "docs")
        assert broken(report) == {(FILLED, "niilc")}
        assert sentence(report, FILLED).endswith("no score is missing; found: nothing in llm-b")
        assert check(frame, tmp_path / "docs", allow_missing=True).success

    def test_a_missing_row_is_named(self, tmp_path):
        report = check(good_matrix().iloc[[0, 2, 3]], tmp_path / "docs")
        assert broken(report) == {(COUNT, None), (PRESENT, "model_id")}
        assert sentence(report, PRESENT).endswith("found: missing llm-b")

    def test_missing_rows_are_named_in_declared_order(self, tmp_path):
        report = check(good_matrix().iloc[[2]], tmp_path / "docs")
        assert sentence(report, PRESENT).endswith("found: missing llm-a, llm-b, llm-d")

    def test_an_extra_row_is_named(self, tmp_path):
        frame = good_matrix()
        frame.loc[4] = ["llm-e", 0.1, 0.2, 0.3]
        report = check(frame, tmp_path / "docs")
        assert broken(report) == {(COUNT, None), (KNOWN, "model_id")}
        assert sentence(report, KNOWN).endswith("found: llm-e")
        assert sentence(report, COUNT).endswith("found: 5")

    def test_a_repeated_row_is_refused_even_in_place_of_another(self, tmp_path):
        frame = good_matrix()
        frame.loc[3, "model_id"] = "llm-a"
        report = check(frame, tmp_path / "docs")
        assert broken(report) == {(UNIQUE, "model_id"), (PRESENT, "model_id")}

    def test_a_missing_column_is_named(self, tmp_path):
        report = check(good_matrix().drop(columns="jcom"), tmp_path / "docs")
        assert broken(report) == {(ORDER, None), (FILLED, "jcom"), (TYPED, "jcom"), (BETWEEN, "jcom")}
        assert sentence(report, ORDER).endswith("found: missing jcom")
        assert sentence(report, BETWEEN).endswith("found: no such column")

    def test_an_extra_column_is_named(self, tmp_path):
        report = check(good_matrix().assign(average=0.5), tmp_path / "docs")
        assert broken(report) == {(ORDER, None)}
        assert sentence(report, ORDER).endswith("found: unknown average")

    def test_a_repeated_column_is_refused(self, tmp_path):
        frame = good_matrix()
        report = check(pd.concat([frame, frame[["jcom"]]], axis="columns"), tmp_path / "docs")
        assert (ORDER, None) in broken(report)
        assert sentence(report, ORDER).endswith("found: repeated jcom")

    def test_another_order_of_columns_is_refused(self, tmp_path):
        frame = good_matrix()[["model_id", "jcom", "niilc", "humaneval"]]
        report = check(frame, tmp_path / "docs")
        assert broken(report) == {(ORDER, None)}
        assert sentence(report, ORDER).endswith("found: another order")

    def test_booleans_and_text_are_no_scores(self, tmp_path):
        frame = good_matrix().assign(niilc=[True, False, True, False], jcom=["0.1", "0.2", "0.3", "0.4"])
        assert {(TYPED, "niilc"), (TYPED, "jcom")} <= broken(check(frame, tmp_path / "docs"))

    def test_an_empty_matrix_is_refused(self, tmp_path):
        report = check(good_matrix().iloc[:0], tmp_path / "docs")
        assert broken(report) == {(COUNT, None), (PRESENT, "model_id")}

    def test_all_problems_come_at_once_and_long_lists_are_counted(self, tmp_path):
        models = [f"llm-{i}" for i in range(40)]
        frame = pd.DataFrame({"model_id": models, "niilc": -1.0, "jcom": np.nan})
        expectations = matrix_expectations({"niilc": (0, 1), "jcom": (0, 1)}, models, allow_missing=False)
        report = data_docs.run_suites([Suite("m", frame, expectations)], tmp_path / "docs", "Gate")
        assert broken(report) == {(BETWEEN, "niilc"), (FILLED, "jcom")}
        assert sentence(report, FILLED).endswith(
            "nothing in llm-0, nothing in llm-1, nothing in llm-2, nothing in llm-3, nothing in llm-4 and 35 more"
        )

    @settings(max_examples=8, deadline=None)
    @given(
        st.integers(0, 3),
        st.sampled_from(BENCHMARKS),
        st.one_of(st.just(np.nan), st.floats(max_value=-1e-9), st.floats(min_value=1 + 1e-9)),
    )
    def test_no_single_cell_outside_the_contract_passes(self, row, benchmark, value):
        frame = good_matrix()
        frame.loc[row, benchmark] = value
        with tempfile.TemporaryDirectory() as folder:
            report = check(frame, Path(folder, "docs"))
        assert not report.success
        assert {column for _, column in broken(report)} == {benchmark}


def good_models():
    table = models_table(["en", "ja"], ["japanese", "multilingual"])
    frame = pd.DataFrame(
        {
            "model_id": ["llm-a", "llm-b"],
            "name": ["A", "B"],
            "active_params_b": [1.3, 7.0],
            "construction": ["scratch", "continual"],
            "base_model_id": [np.nan, "llm-a"],
            "corpus": [np.nan, np.nan],
            "tokens_total_b": [300.0, np.nan],
            "tokens_en_b": [0.0, np.nan],
            "tokens_ja_b": [150.0, 100.0],
            "group": ["japanese", "multilingual"],
            "family": ["a", "b"],
            "reference": ["", np.nan],
        }
    )
    return table, frame.astype({"corpus": object})


class TestModels:
    def run(self, frame, docs):
        table, _ = good_models()
        suite = Suite("models", frame, models_expectations(table, list(frame.columns)))
        return data_docs.run_suites([suite], docs, "Budget")

    def test_a_good_table_passes_in_any_order_of_columns(self, tmp_path):
        _, frame = good_models()
        report = self.run(frame[sorted(frame.columns)], tmp_path / "docs")
        assert report.failed == ()

    @pytest.mark.parametrize(
        ("column", "value", "kind"),
        [
            ("active_params_b", 0.0, BETWEEN),
            ("active_params_b", np.inf, BETWEEN),
            ("tokens_ja_b", -1.0, BETWEEN),
            ("construction", "merged", KNOWN),
            ("group", np.nan, FILLED),
            ("name", " ", "ExpectColumnValuesToMatchRegex"),
            ("model_id", "llm-b", UNIQUE),
        ],
    )
    def test_a_bad_cell_is_refused(self, tmp_path, column, value, kind):
        _, frame = good_models()
        frame.loc[0, column] = value
        assert broken(self.run(frame, tmp_path / "docs")) == {(kind, column)}

    def test_a_missing_and_an_unknown_column_are_named(self, tmp_path):
        _, frame = good_models()
        report = self.run(frame.rename(columns={"family": "familie"}), tmp_path / "docs")
        assert sentence(report, "ExpectTableColumnsToMatchSet").endswith("found: missing family; unknown familie")

    def test_a_repeated_joint_key_is_refused(self, tmp_path):
        table = Table("t.csv", (Column("model_id"), Column("benchmark"), Column("reason")), ("model_id", "benchmark"))
        frame = pd.DataFrame([["a", "b", "r"], ["a", "b", "s"], ["a", "c", "s"]], columns=table.names)
        suite = Suite("t", frame, models_expectations(table, table.names))
        report = data_docs.run_suites([suite], tmp_path / "docs", "Gate")
        assert broken(report) == {("ExpectCompoundColumnsToBeUnique", None)}
        assert report.failed[0].sentence.endswith("no two rows share a key; found: a, a")


class TestFindings:
    def run(self, rows, docs):
        frame = pd.DataFrame(rows, columns=list(FINDINGS_COLUMNS))
        suite = Suite("findings", frame, findings_expectations(["range", "zeros"]))
        return data_docs.run_suites([suite], docs, "Gate")

    def test_warnings_and_waivers_pass(self, tmp_path):
        rows = [["range", "Ranges", 0, 3, 0, 1, ""], ["zeros", "Zeros", 0, 0, 6, 0, "six waived"]]
        assert self.run(rows, tmp_path / "docs").success

    def test_an_error_is_refused_and_its_check_named(self, tmp_path):
        rows = [["range", "Ranges", 0, 0, 0, 0, ""], ["zeros", "Zeros", 2, 0, 0, 0, ""]]
        report = self.run(rows, tmp_path / "docs")
        assert broken(report) == {(KNOWN, "errors")}
        assert sentence(report, KNOWN).endswith("no error is left; found: 2 in zeros")

    def test_a_check_that_did_not_run_is_refused(self, tmp_path):
        report = self.run([["range", "Ranges", 0, 0, 0, 0, ""]], tmp_path / "docs")
        assert (PRESENT, "check") in broken(report)


def bad_suites():
    """Two suites with every sort of evidence; a name with markup in it."""
    matrix = good_matrix().drop(columns="humaneval")
    matrix.loc[0, "niilc"] = -0.01
    matrix.loc[1:, "model_id"] = "<i>llm</i>"
    findings = pd.DataFrame([["zeros", "Zeros", 2, 0, 0, 0, ""]], columns=list(FINDINGS_COLUMNS))
    return [
        Suite("matrix", matrix, matrix_expectations(RANGES, NAMES, allow_missing=False)),
        Suite("findings", findings, findings_expectations(["range", "zeros"])),
    ]


@pytest.fixture(scope="module")
def bad_docs(tmp_path_factory):
    docs = tmp_path_factory.mktemp("reports") / "docs"
    report = data_docs.run_suites(bad_suites(), docs, "Gate of the scores")
    assert not report.success
    return docs, report


class TestDocs:
    def test_every_suite_has_its_pages_and_nothing_else_is_written(self, bad_docs):
        docs, _ = bad_docs
        names = sorted(path.name for path in docs.rglob("*") if path.is_file())
        assert names == [
            "findings-findings.html",
            "findings.html",
            "index.html",
            "matrix-matrix.html",
            "matrix.html",
        ]

    def test_all_links_resolve(self, bad_docs):
        docs, _ = bad_docs
        for page in docs.rglob("*.html"):
            text = page.read_text("utf-8")
            links = re.findall(r'href="([^"]*)"', text)
            assert links
            for link in links:
                path, _, anchor = link.partition("#")
                target = (page.parent / unquote(path)).resolve() if path else page
                assert target.is_file()
                assert target.is_relative_to(docs.resolve())
                assert not anchor or f'id="{anchor}"' in target.read_text("utf-8")

    def test_every_page_is_reached_from_the_index(self, bad_docs):
        docs, _ = bad_docs
        links = set(re.findall(r'href="([^"]*)"', (docs / "index.html").read_text("utf-8")))
        pages = {path.relative_to(docs).as_posix() for path in docs.rglob("*.html")}
        assert pages == {unquote(link) for link in links} | {"index.html"}

    def test_pages_need_no_other_host_and_no_script(self, bad_docs):
        docs, _ = bad_docs
        for page in docs.rglob("*.html"):
            text = page.read_text("utf-8")
            assert not re.search(r"https?:|//[a-z]|<script|<link|<img|\bsrc=|@import|url\(", text)

    def test_pages_hold_no_time_and_no_path_of_this_machine(self, bad_docs):
        docs, _ = bad_docs
        now = datetime.now()
        for page in docs.rglob("*.html"):
            text = page.read_text("utf-8")
            for form in ("%Y-%m-%d", "%Y%m%d", "2000-01-01", "Traceback", str(docs.parent), str(ROOT), sys.prefix):
                assert now.strftime(form) not in text

    def test_the_index_shows_title_and_every_broken_rule(self, bad_docs):
        docs, report = bad_docs
        text = (docs / "index.html").read_text("utf-8")
        assert "Gate of the scores" in text
        assert "found: -0.01 in llm-a" in text
        assert text.count("<li>") == len(report.failed)

    def test_the_page_of_a_suite_shows_the_broken_column(self, bad_docs):
        docs, _ = bad_docs
        (page,) = docs.glob("validations/matrix/*/*/*.html")
        sections = page.read_text("utf-8").split('class="ge-section')
        (section,) = [section for section in sections[1:] if re.search(r"<h5[^>]*>\s*niilc\s*</h5>", section)]
        assert "text-danger" in section
        assert "-0.01" in section

    def test_markup_in_a_name_is_shown_as_text(self, bad_docs):
        docs, _ = bad_docs
        pages = [page.read_text("utf-8") for page in docs.rglob("*.html")]
        assert not any("<i>llm" in text for text in pages)
        assert sum("&lt;i&gt;llm" in text for text in pages) == 2

    def test_a_long_list_of_offenders_does_not_swell_a_page(self, tmp_path):
        models = [f"llm-{i}" for i in range(3000)]
        frame = pd.DataFrame({"model_id": models, "niilc": -1 - np.arange(3000.0)})
        suite = Suite("m", frame, [Expectation(BETWEEN, "niilc", {"min_value": 0}, "is positive")])
        data_docs.run_suites([suite], tmp_path / "docs", "Gate")
        (page,) = (tmp_path / "docs").glob("validations/m/*/*/*.html")
        assert page.stat().st_size < 30_000

    def test_all_green_docs_name_nothing_broken(self, tmp_path):
        check(good_matrix(), tmp_path / "docs")
        text = (tmp_path / "docs" / "index.html").read_text("utf-8")
        assert "text-success" in text
        assert "What is broken" not in text
        assert 'class="fas fa-times' not in text


def test_a_page_that_could_not_be_rendered_is_an_error(tmp_path, monkeypatch, caplog):
    def failing(self, *arguments, **options):
        raise ValueError("no template")

    monkeypatch.setattr(data_docs.OfflinePageView, "render", failing)
    with (
        caplog.at_level(logging.CRITICAL),
        pytest.raises(RuntimeError, match=r"no page index\.html, matrix\.html"),
    ):
        check(good_matrix(), tmp_path / "docs")


def test_nothing_is_printed(tmp_path, capfd):
    data_docs.run_suites(bad_suites(), tmp_path / "docs", "Gate")
    assert capfd.readouterr() == ("", "")


def test_the_table_is_left_as_it_was(tmp_path):
    frame = good_matrix()
    check(frame, tmp_path / "docs")
    pd.testing.assert_frame_equal(frame, good_matrix())


def test_telemetry_is_off():
    assert os.environ["GX_ANALYTICS_ENABLED"] == "false"
    assert data_docs.open_context().variables.analytics_enabled is False


SCRIPT = """
import json, sys

def refuse(event, arguments):
    if event in {"socket.connect", "socket.getaddrinfo", "socket.sendto"}:
        raise RuntimeError(f"{event} {arguments}")

sys.addaudithook(refuse)
from pathlib import Path
from stages.gate import data_docs as gx
from tests.gate.test_data_docs import bad_suites
report = gx.run_suites(bad_suites(), Path(sys.argv[1]), "Gate")
print(json.dumps([failure.sentence for failure in report.failed]))
"""


def run_elsewhere(folder, environment):
    """Run the same suites in a new process, with its own home and working directory."""
    home, work = folder / "home", folder / "work"
    home.mkdir(parents=True)
    work.mkdir()
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    finished = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(Path("out", "docs"))],
        cwd=work,
        env={**variables, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    assert finished.stderr == ""
    assert inside(home) == []
    assert inside(work) == ["out"]
    assert inside(work / "out") == ["docs"]
    return json.loads(finished.stdout), tree(work / "out" / "docs")


def test_two_processes_write_the_same_bytes_and_touch_nothing_else(tmp_path):
    first = run_elsewhere(tmp_path / "a", {"PYTHONHASHSEED": "1", "TZ": "UTC", "LC_ALL": "C"})
    second = run_elsewhere(
        tmp_path / "b" / "deeper", {"PYTHONHASHSEED": "77", "TZ": "Asia/Tokyo", "LC_ALL": "C.UTF-8"}
    )
    assert first == second
