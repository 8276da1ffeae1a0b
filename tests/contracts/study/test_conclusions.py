import pytest
import yaml

from stages.contracts.errors import InputError
from stages.contracts.study.conclusions import parse_conclusions
from stages.contracts.study.info import load_study
from tests.repository import ROOT

BENCHMARKS, BUDGETS, SUBSETS = ["mmlu", "jmmlu", "niilc"], ["ja", "en", "total"], ["all", "scratch"]


def parse(criterion: dict, **top: object):
    content = {"conclusions": [{"id": "any", "statement": "Anything", "criteria": [criterion]}]} | top
    return parse_conclusions(yaml.safe_dump(content), "conclusions.yaml", BENCHMARKS, BUDGETS, SUBSETS)


def problems(criterion: dict, **top: object) -> list[str]:
    with pytest.raises(InputError) as caught:
        parse(criterion, **top)
    return list(caught.value.problems)


GOOD = {"statistic": "rho.PC1.en", "holds": 0.7, "weakens": 0.5}


@pytest.mark.parametrize(
    "criterion",
    [
        GOOD,
        {"statistic": "evr.PC12", "holds": 0.7, "weakens": 0.5},
        {"statistic": "r.mmlu.jmmlu", "holds": 0.7, "weakens": 0.5},
        {"statistic": "outside_r", "benchmarks": ["niilc"], "holds": 0.4, "weakens": 0.5},
        {"statistic": "share.PC2", "benchmarks": ["niilc", "mmlu"], "holds": 0.7, "weakens": 0.5},
    ],
)
def test_every_form_is_read(criterion: dict):
    assert parse(criterion, subsets=["scratch"]).conclusions[0].criteria[0].statistic == criterion["statistic"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"statistic": "rho.PC1.fr"}, "fr: unknown; known: ja, en, total"),
        ({"statistic": "rho.PC0.en"}, "PC0 is not a component"),
        ({"statistic": "slope.PC1.en"}, "slope.PC1.en is not a statistic; the forms are evr.COMPONENT"),
        ({"statistic": "rho.PC1"}, "is not a statistic"),
        ({"statistic": "r.mmlu.jmlu"}, "jmlu: did you mean jmmlu?"),
        ({"statistic": "share.PC1"}, "share.PC1 needs benchmarks"),
        ({"benchmarks": ["niilc"]}, "rho.PC1.en takes no benchmarks"),
        ({"statistic": "least.PC1", "benchmarks": ["NIILC"]}, "differs only by case or whitespace from niilc"),
        ({"holds": 0.5}, "holds and weakens are equal"),
        ({"holds": "much"}, "conclusions.0.criteria.0.holds"),
        ({"extra": 1}, "extra is unknown"),
    ],
)
def test_what_is_wrong_is_named(change: dict, expected: str):
    (line,) = problems(GOOD | change)
    assert expected in line
    assert line.startswith("conclusions.yaml: ")


def test_all_problems_are_told_at_once():
    lines = problems({"statistic": "rho.PX.fr", "holds": 1, "weakens": 0}, subsets=["scrach"])
    assert len(lines) == 3


def test_what_is_wrong_in_several_conclusions_is_one_line():
    criteria = [GOOD | {"statistic": "rho.PC1.fr"}]
    several = [{"id": name, "statement": "Anything", "criteria": criteria} for name in "abc"]
    (line,) = problems(GOOD, conclusions=several)
    assert line.startswith("conclusions.yaml: a: rho.PC1.fr: fr: unknown; known: ja, en, total")
    assert line.endswith("; 2 more of this kind: b, c")
    (line,) = problems(GOOD, conclusions=[{"id": name, "criteria": [GOOD]} for name in "abc"])
    assert line == (
        "conclusions.yaml: conclusions.0.statement is missing: add it; "
        "2 more of this kind: conclusions.1.statement, conclusions.2.statement"
    )


def test_two_conclusions_of_one_id_are_refused():
    twice = [{"id": "any", "statement": "Anything", "criteria": [GOOD]}] * 2
    assert problems(GOOD, conclusions=twice) == ["conclusions.yaml: any stands twice: keep one"]


def test_the_shipped_conclusions_fit_the_shipped_study():
    folder = ROOT / "metadata/japanese-2024"
    info = load_study((folder / "study.yaml").read_text(encoding="utf-8"), "study.yaml")
    lines = (folder / "benchmarks.csv").read_text(encoding="utf-8").splitlines()[1:]
    benchmarks = [line.split(",")[0] for line in lines]
    text = (folder / "conclusions.yaml").read_text(encoding="utf-8")
    found = parse_conclusions(text, "conclusions.yaml", benchmarks, [*info.languages, "total"], SUBSETS)
    assert len(found.conclusions) == 7
