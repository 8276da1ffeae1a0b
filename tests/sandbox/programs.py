"""Small programs to judge, shared by the tests of the sandbox."""

from pathlib import Path

from stages.sandbox.run import DEFAULT_LIMITS, Limits, Program, run_programs

ROOT = Path(__file__).resolve().parents[2]

ADD = 'def add(a, b):\n    """Return the sum."""\n'
ADD_TEST = "def check(candidate):\n    assert candidate(1, 2) == 3\n    assert candidate(-1, 1) == 0\n"
RIGHT = "    return a + b\n"


def add(completion: str) -> Program:
    return Program(ADD, completion, ADD_TEST, "add")


def look(body: str, test: str) -> Program:
    """A program whose `look()` reports from inside its jail, and an assertion on the report."""
    indented = "".join(f"    {line}\n" for line in body.splitlines())
    return Program("def look():\n", indented, f"def check(candidate):\n    assert {test}\n", "look")


def outcome(program: Program, limits: Limits = DEFAULT_LIMITS) -> str:
    (verdict,) = run_programs([program], limits)
    assert verdict.passed == (verdict.outcome == "passed")
    return verdict.outcome
