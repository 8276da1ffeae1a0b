"""Workarounds are data: read strictly, laid over each other, written as they are read."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from stages.contracts.study.workarounds import (
    PROTOCOL,
    Evidence,
    Outcome,
    Setting,
    Workaround,
    as_yaml,
    read_workarounds,
    setting_for,
)

EVIDENCE = {
    "n_items": 8,
    "before": {"score": 0.0, "empty_rate": 1.0, "failed_rate": 1.0},
    "after": {"score": 0.3, "empty_rate": 0.0, "failed_rate": 0.125},
}
GOOD = {"model_id": "org/a", "benchmark": "niilc", "reason": "r", "source": "s", "strip": True, "evidence": EVIDENCE}
MODELS, BENCHMARKS = ["org/a", "org/b"], ["niilc", "gsm8k"]


def read(*records: object) -> tuple[list[Workaround], list[str]]:
    return read_workarounds(yaml.safe_dump(list(records)).encode(), "w.yaml", MODELS, BENCHMARKS)


def test_a_good_record_is_read():
    records, problems = read(GOOD)
    assert problems == []
    assert records[0].setting == Setting(strip=True)
    assert records[0].evidence.after.failed_rate == 0.125


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"model_id": "org/A"}, "org/A / niilc: no such model in models.csv"),
        ({"benchmark": "nilc"}, "no such benchmark in benchmarks.csv: did you mean niilc"),
        ({"strip": False}, "changes nothing: give one of bos, prompt_end"),
        ({"strip": "yes"}, "0.strip"),
        ({"bos": "sometimes"}, "0.bos"),
        ({"dtype": "float32"}, "dtype holds for a model as a whole: leave benchmark out"),
        ({"colour": "red"}, "0.colour is unknown: known here: bos, prompt_end"),
        ({"evidence": None}, "0.evidence"),
        ({"reason": ""}, "0.reason"),
    ],
)
def test_a_bad_record_is_refused_with_what_is_wrong(change, told):
    records, problems = read({**GOOD, **change})
    assert records == []
    assert any(told in line for line in problems), problems


def test_all_problems_are_named():
    _, problems = read({**GOOD, "model_id": "x"}, {**GOOD, "benchmark": "y"}, GOOD, GOOD)
    assert len(problems) == 3
    assert "org/a / niilc: stands twice" in problems[-1]


@pytest.mark.parametrize(
    ("content", "told"), [(b"a: [", "line 1 is not valid YAML"), (b"a: 1", "expected a list"), (b"\xff", "not UTF-8")]
)
def test_no_yaml_list(content, told):
    assert told in read_workarounds(content, "w.yaml", MODELS, BENCHMARKS)[1][0]


def test_the_record_of_a_benchmark_lies_over_that_of_the_model():
    general = Workaround.model_validate({**GOOD, "benchmark": None, "bos": "never"})
    special = Workaround.model_validate({**GOOD, "strip": False, "bos": "always", "prompt_end": "newline"})
    assert setting_for([general, special], "org/a", "gsm8k") == Setting(strip=True, bos="never")
    assert setting_for([special, general], "org/a", "niilc") == Setting(strip=True, bos="always", prompt_end="newline")
    assert setting_for([general, special], "org/b", "niilc") == PROTOCOL


SETTINGS = st.builds(
    Setting,
    bos=st.sampled_from([None, "always", "never"]),
    prompt_end=st.sampled_from([None, "newline", "space", "bare"]),
    stops=st.none() | st.lists(st.text(min_size=1, max_size=4), max_size=3),
    strip=st.booleans(),
    example=st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.just("\n"), max_size=20),
    chat_template=st.booleans(),
)


@given(SETTINGS.filter(lambda setting: setting.changes()))
def test_what_is_written_is_what_is_read(setting):
    outcome = Outcome(score=0.5, empty_rate=0.25, failed_rate=0.25)
    record = Workaround(
        model_id="org/a",
        reason="r",
        source="s",
        evidence=Evidence(n_items=4, before=outcome, after=outcome),
        **setting.changes(),
    )
    records, problems = read_workarounds(as_yaml(record).encode(), "w.yaml", MODELS, BENCHMARKS)
    assert problems == []
    assert records == [record]


@given(SETTINGS, SETTINGS)
def test_over_takes_each_field_from_where_it_is_set(first, second):
    both = second.over(first)
    assert both.changes() == first.changes() | second.changes()
    assert second.over(PROTOCOL) == second == PROTOCOL.over(second)
