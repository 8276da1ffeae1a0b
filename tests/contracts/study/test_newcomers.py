from hypothesis import given
from hypothesis import strategies as st

from stages.contracts.csv.table import read_table
from stages.contracts.study.newcomers import is_long, long_table, wide_table


def test_benchmarks_of_a_wide_table_may_be_left_out_or_empty():
    data = b"model_id,mmlu,niilc\nnew,0.5,\n"
    reading = read_table(data, "new.csv", wide_table("new.csv", ["mmlu", "niilc", "gsm8k"]))
    assert not reading.problems
    assert reading.frame.iloc[0].isna().tolist() == [False, False, True, True]


def test_an_unknown_benchmark_is_refused():
    reading = read_table(b"model_id,mmul\nnew,0.5\n", "new.csv", wide_table("new.csv", ["mmlu"]))
    assert any("mmul" in line for line in reading.problems)


def test_a_long_table_is_told_by_its_header():
    data = b"model_id,benchmark,score,protocol\nnew,mmlu,0.5,5-shot\n"
    assert is_long(data)
    assert not is_long(b"model_id,mmlu\nnew,0.5\n")
    reading = read_table(data, "new.csv", long_table("new.csv"), {"benchmark": ["mmlu"]})
    assert not reading.problems
    assert reading.frame.loc[0, "protocol"] == "5-shot"


@given(st.binary(max_size=300))
def test_any_bytes_can_be_asked(data: bytes):
    assert is_long(data) in {True, False}
