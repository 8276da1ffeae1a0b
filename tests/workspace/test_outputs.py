"""Tables and metrics end where every processor agrees, and come back as they were."""

import json
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.workspace.outputs import as_written, read_metrics, read_table, write_metrics, write_table


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)


def test_tables_come_back_with_empty_text_and_missing_numbers():
    frame = pd.DataFrame({"name": ["a", "b"], "note": ["", ""], "value": [0.1 + 0.2, None]})
    write_table("t", frame)
    assert Path("reports/tables/t.csv").read_text() == "name,note,value\na,,0.3\nb,,\n"
    back = read_table("t", text=("note",))
    assert list(back["note"]) == ["", ""]
    assert back["value"].isna().tolist() == [False, True]


def test_metrics_are_plain_json_with_nine_places():
    write_metrics("m", {"a": {"b": 1 / 3}, "n": 3, "ok": True})
    assert json.loads(Path("reports/metrics/m.json").read_text()) == {"a": {"b": 0.333333333}, "n": 3, "ok": True}
    with pytest.raises(ValueError, match=r"m\.a is nan"):
        write_metrics("m", {"a": float("nan")})


def text_of(name: str, values: list[float]) -> list[str]:
    write_table(name, pd.DataFrame({"v": values}))
    return Path(f"reports/tables/{name}.csv").read_text().splitlines()[1:]


def test_numbers_end_where_processors_still_agree():
    noise = [1.0, 1 / 3, -1e-17, 0.0, 2e-10]
    other = [0.9999999999999999, 1 / 3 + 1e-15, 0.0, -0.0, 2.1e-10]
    assert text_of("t", noise) == text_of("t", other) == ["1", "0.333333333", "0", "0", "0"]
    assert text_of("stability_t", [1 / 3, 12.345678901]) == ["0.33333", "12.34568"]
    assert text_of("t", [1.23456789012e22, 1.0]) == ["1.23456789e+22", "0"]


def test_metrics_are_rounded_like_tables():
    write_metrics("stability", {"rho": 0.1234567891, "n": 27, "far": 123.4567891})
    assert read_metrics("stability") == {"rho": 0.123457, "n": 27, "far": 123.4568}
    write_metrics("decompose", {"ratio": 0.12345678912})
    assert read_metrics("decompose") == {"ratio": 0.123456789}


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=8))
def test_rounding_twice_is_rounding_once(values: list[float]):
    once = as_written("t", pd.DataFrame({"v": values}))
    pd.testing.assert_frame_equal(as_written("t", once), once)
