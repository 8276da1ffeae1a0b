from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.sandbox.run import Program, ProgramResult
from stages.tasks import data, programs
from stages.tasks.families import humaneval
from tests.tasks.places import ITEMS


@given(n=st.integers(1, 8), data=st.data())
def test_pass_at_k_is_the_share_of_subsets_with_a_pass(n, data):
    c = data.draw(st.integers(0, n))
    k = data.draw(st.integers(1, n))
    subsets = list(combinations([True] * c + [False] * (n - c), k))
    assert programs.pass_at_k(n, c, k) == pytest.approx(float(Fraction(sum(any(s) for s in subsets), len(subsets))))


def test_pass_at_k_of_chen_et_al():
    # Equation 1 with n = 10, c = 3: pass@1 is c / n; pass@10 is certain.
    assert programs.pass_at_k(10, 3, 1) == pytest.approx(0.3)
    assert programs.pass_at_k(10, 3, 10) == 1.0
    assert programs.pass_at_k(10, 0, 10) == 0.0


def test_program_counts_passes_and_answers(monkeypatch):
    seen = []

    def fake(jobs):
        seen.extend(jobs)
        return [
            ProgramResult(job.completion == "good", "passed" if job.completion == "good" else "failed", 0.0)
            for job in jobs
        ]

    monkeypatch.setattr(programs, "run_programs", fake)
    doc = {"prompt": "def f():\n", "test": "def check(c): ...", "entry_point": "f"}
    metrics = humaneval.program(doc, [["good", "bad", "", "good"]])
    assert seen[0] == Program("def f():\n", "good", "def check(c): ...", "f")
    assert metrics == {"pass@1": 0.5, "pass@10": 1.0, "answered@10": 1.0}
    assert humaneval.program(doc, [["", "  \n"]]) == {"pass@1": 0.0, "pass@10": 0.0, "answered@10": 0.0}


@pytest.mark.parametrize("benchmark", ["humaneval", "jhumaneval"])
def test_reference_solutions_pass_in_the_sandbox_and_others_do_not(benchmark):
    for row in data.load(benchmark, ITEMS).test:
        completions = [row["canonical_solution"], "    return None\n", "", "    import sys; sys.exit(0)\n"]
        assert programs.passed(row, completions) == [True, False, False, False]
