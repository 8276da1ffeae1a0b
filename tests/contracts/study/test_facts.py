"""The tables of a study against each other."""

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import yaml

from stages.contracts.errors import InputError
from stages.contracts.study.facts import FILES, Facts, read_facts, subset_values
from stages.contracts.study.info import field_rows
from stages.contracts.study.tables import IMPORTS
from tests.analysis.study import params
from tests.repository import ROOT

STUDY = ROOT / "metadata/japanese-2024"


def shipped() -> dict[str, bytes]:
    return {name: (STUDY / name).read_bytes() for name in ("study.yaml", *FILES) if (STUDY / name).is_file()}


def read(files: dict[str, bytes], **changes: object) -> Facts:
    return read_facts(files, "metadata/s", params(**changes))


def problems(files: dict[str, bytes], **changes: object) -> list[str]:
    with pytest.raises(InputError) as caught:
        read(files, **changes)
    return list(caught.value.problems)


def edited(name: str, change: Callable[[str], str]) -> dict[str, bytes]:
    files = shipped()
    text = files[name].decode()
    assert change(text) != text
    return files | {name: change(text).encode()}


def without_row(text: str, start: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith(start))


def test_the_shipped_study_is_read_whole():
    facts = read(shipped())
    assert facts.scores.shape == (35, 19)
    assert list(facts.scores.index) == list(facts.models.index)
    assert list(facts.scores.columns) == list(facts.benchmarks.index)
    assert (len(facts.corrections), len(facts.waivers), len(facts.claims)) == (4, 6, 189)


def test_order_of_rows_and_columns_in_scores_changes_nothing():
    frame = pd.read_csv(STUDY / "scores.csv").sample(frac=1, random_state=3)
    shuffled = frame[["model_id", *sorted(frame.columns.drop("model_id"))]]
    files = shipped() | {"scores.csv": shuffled.to_csv(index=False).encode()}
    pd.testing.assert_frame_equal(read(files).scores, read(shipped()).scores)


def test_optional_tables_may_be_missing():
    files = {name: data for name, data in shipped().items() if name not in FILES[3:]}
    facts = read(files)
    assert (len(facts.corrections), len(facts.waivers), len(facts.claims), len(facts.imports)) == (0, 0, 0, 0)
    assert "tolerance" in facts.claims.columns


@pytest.mark.parametrize("name", ["models.csv", "benchmarks.csv", "scores.csv", "study.yaml"])
def test_needed_tables_may_not(name: str):
    files = shipped()
    del files[name]
    assert any(line.startswith(f"metadata/s/{name}: the file is missing") for line in problems(files))


def test_a_model_without_scores_is_named():
    (line,) = problems(edited("scores.csv", lambda text: without_row(text, "01-ai/Yi-1.5-9B")))
    assert line.startswith("metadata/s/scores.csv: a row is missing: add model_id 01-ai/Yi-1.5-9B")


def test_a_model_to_be_evaluated_needs_no_published_scores():
    files = edited("scores.csv", lambda text: without_row(text, "01-ai/Yi-1.5-9B"))
    chosen = params().evaluate.model_copy(update={"models": ["01-ai/Yi-1.5-9B"]})
    assert len(read(files, evaluate=chosen).scores) == 34


def test_a_model_with_imported_scores_needs_no_published_ones():
    files = shipped()
    lines = files["scores.csv"].decode().splitlines(keepends=True)
    model = lines[1].split(",")[0]
    files["scores.csv"] = "".join([lines[0], *lines[2:]]).encode()
    cells = {"model_id": model, "benchmark": "mmlu", "score": "0.5", "protocol": "p", "tool": "t", "file": "f"}
    row = cells | {"place": "a", "sha256": "0"}
    files["imports.csv"] = f"{','.join(IMPORTS.names)}\n{','.join(row.get(n, '') for n in IMPORTS.names)}\n".encode()
    assert read(files).imports["score"].tolist() == [0.5]
    files["imports.csv"] = files["imports.csv"].replace(b"mmlu", b"mmmlu")
    with pytest.raises(InputError, match=r"imports\.csv: benchmark in line 2 is 'mmmlu'.*did you mean mmlu"):
        read(files)


def test_scores_of_a_model_that_models_csv_lacks_are_named():
    found = problems(edited("models.csv", lambda text: without_row(text, "01-ai/Yi-1.5-9B")))
    assert any("scores.csv" in line and "01-ai/Yi-1.5-9B" in line for line in found)


def test_facts_that_are_wrong_in_one_way_are_one_line():
    def change(text: str) -> str:
        head, *rows = text.splitlines()
        place = head.split(",").index("counterpart")
        cells = [row.split(",") for row in rows]
        return "\n".join([head, *(",".join([*row[:place], "nowhere", *row[place + 1 :]]) for row in cells)]) + "\n"

    (line,) = problems(edited("benchmarks.csv", change))
    assert re.fullmatch(
        r"metadata/s/benchmarks\.csv: counterpart of \w+ is nowhere: no such benchmark; 18 more of this kind: "
        r"(nowhere of \w+, ){4}nowhere of \w+ and 13 more",
        line,
    )
    chosen = params().evaluate.model_copy(update={"models": [f"org/{i}xyzzy" for i in range(60)]})
    (line,) = problems(shipped(), evaluate=chosen)
    assert line.startswith("params.yaml: evaluate.models names org/0xyzzy, which is not in models.csv: add its record")
    assert line.endswith("org/5xyzzy and 54 more")


def test_an_unknown_subset_lists_the_known_ones():
    (line,) = problems(shipped(), subset="scrach")
    assert line.startswith("params.yaml: subset is 'scrach': did you mean scratch?; known: all, scratch, continual, ")


def test_an_unknown_model_to_evaluate_is_named():
    chosen = params().evaluate.model_copy(update={"models": ["qwen/qwen2-7b"]})
    (line,) = problems(shipped(), evaluate=chosen)
    assert "evaluate.models names qwen/qwen2-7b, which is not in models.csv" in line
    assert "Qwen/Qwen2-7B" in line


def test_a_correction_of_another_value_than_published_hides_nothing_from_the_gate():
    stale = edited("corrections.csv", lambda text: text.replace(",0.0,0.146", ",0.1,0.146"))
    assert 0.1 in set(read_facts(stale, "metadata/s", params()).corrections["published"])


@pytest.mark.parametrize("name", ["corrections.csv", "waivers.csv"])
def test_a_row_about_a_model_that_the_study_lacks_hides_nothing_from_the_gate(name: str):
    stale = edited(name, lambda text: text.replace("sbintuitions/sarashina2-7b,humaneval", "org/gone,humanevel", 1))
    table = getattr(read(stale), name.removesuffix(".csv"))
    assert list(table.loc[table["model_id"] == "org/gone", "benchmark"]) == ["humanevel"]


def test_a_waiver_names_a_model_a_benchmark_or_a_check():
    for row in ("cyberagent/calm2-7b,,", ",humaneval,", ",,limited"):
        files = edited("waivers.csv", lambda text, row=row: f"{text}{row},known,me\n")
        assert len(read(files).waivers) == 7
    (line,) = problems(edited("waivers.csv", lambda text: f"{text},,,known,me\n"))
    assert line == (
        "metadata/s/waivers.csv: a row without model_id, benchmark and check accepts every finding: give one of them"
    )


def test_names_in_study_yaml_must_exist():
    found = problems(edited("study.yaml", lambda text: text.replace("PC2: niilc", "PC2: NIILC", 1)))
    assert found == ["metadata/s/study.yaml: anchors.PC2 names NIILC: differs only by case or whitespace from niilc"]


def test_an_empty_range_is_refused():
    (line,) = problems(edited("benchmarks.csv", lambda text: text.replace("accuracy,1,0.2,", "accuracy,0,0.2,", 1)))
    assert "jcommonsenseqa ranges from 0 to 0: max_score must be the larger" in line


def test_problems_of_all_tables_come_at_once():
    files = edited("scores.csv", lambda text: text.replace("0.6604", "0,6604", 1))
    files["models.csv"] = files["models.csv"].replace(b",scratch,", b",scrach,", 1)
    files["claims.csv"] = files["claims.csv"].replace(b"0.91,0.005", b"0.91,", 1)
    found = "\n".join(problems(files, subset="nowhere"))
    for name in ("models.csv", "claims.csv"):
        assert f"metadata/s/{name}" in found


@pytest.mark.parametrize(
    ("broken", "damage"),
    [
        ("models.csv", lambda text: text.replace(",scratch,", ",scrach,", 1)),
        ("benchmarks.csv", lambda text: text.replace(",generation,", ",generating,", 1)),
        ("study.yaml", lambda text: text.replace("licence:", "license:", 1)),
    ],
)
def test_a_problem_of_the_tables_that_declare_names_hides_none_of_those_that_use_them(
    broken: str, damage: Callable[[str], str]
):
    files = edited(broken, damage)
    files["scores.csv"] = files["scores.csv"].decode().replace("cyberagent/calm2-7b,0.", "elyza/X,a.").encode()
    files["corrections.csv"] = files["corrections.csv"].decode().replace(",0.146,", ",14.6%,", 1).encode()
    files["claims.csv"] = files["claims.csv"].decode().replace("all,35", "all,x", 1).encode()
    found = problems(files)
    assert {line.partition(":")[0].removeprefix("metadata/s/") for line in found} >= {
        broken,
        "scores.csv",
        "corrections.csv",
        "claims.csv",
    }
    scores = [line for line in found if "scores.csv" in line]
    assert any("elyza/X" in line and "expected a known model_id" in line for line in scores)
    assert any(" is 'a." in line for line in scores)
    # nothing else is wrong with the other rows
    assert len(scores) == 2


def test_names_that_cannot_be_read_are_not_held_against_the_scores():
    files = edited("models.csv", lambda text: text.replace("model_id", "Model", 1))
    assert all(line.startswith("metadata/s/models.csv") for line in problems(files))


def test_a_name_with_line_breaks_and_control_characters_stays_in_one_line():
    chosen = params().evaluate.model_copy(update={"models": ["a\nb\x1b[2J\u2028c"]})
    (line,) = problems(shipped(), evaluate=chosen)
    assert "names a\\nb\\x1b[2J\\u2028c, which is not in models.csv" in line
    assert InputError(["日本\u3000語\r\n"]).problems == ("日本\u3000語\\r\\n",)


def test_unknown_and_wrong_fields_of_study_yaml_are_named():
    raw = yaml.safe_load(shipped()["study.yaml"])
    raw["langauges"] = raw.pop("languages")
    found = problems(shipped() | {"study.yaml": yaml.safe_dump(raw).encode()})
    assert any("langauges is unknown: did you mean languages?" in line for line in found)
    assert any("languages is missing: add it" in line for line in found)


def test_subset_values_are_constructions_and_groups():
    assert subset_values(read(shipped()).models.reset_index()) == [
        "all", "scratch", "continual", "english", "japanese_continual", "japanese_scratch", "multilingual",
    ]  # fmt: skip


def test_the_data_dictionary_has_the_fields_of_study_yaml_as_the_contract_says():
    dictionary = (STUDY / "README.md").read_text(encoding="utf-8")
    section = dictionary.partition("## study.yaml\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    assert rows == [f"| `{name}` | {holds} | {may} | {meaning} |" for name, holds, may, meaning in field_rows()]


def test_every_column_of_the_shipped_tables_is_in_the_data_dictionary():
    dictionary = (STUDY / "README.md").read_text(encoding="utf-8")
    for name in FILES:
        section = dictionary.split(f"## {name}\n")[1].split("\n## ")[0]
        path = Path(STUDY / name)
        header = path.read_text(encoding="utf-8").splitlines()[0].split(",") if path.is_file() else IMPORTS.names
        if name == "scores.csv":
            header = header[:1]
        for column in header:
            assert f"| `{column}` |" in section, f"{name}: {column}"
