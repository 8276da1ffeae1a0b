"""params.yaml: every problem in one line, and one model and stage for each section."""

import pytest
import yaml

from stages.contracts.errors import SHOWN, InputError
from stages.contracts.params import known_names, parse_params, sections
from tests.repository import ROOT

SHIPPED = (ROOT / "params.yaml").read_text(encoding="utf-8")


def problems(**changes: object) -> list[str]:
    raw = yaml.safe_load(SHIPPED)
    for name, value in changes.items():
        section, _, key = name.partition("__")
        if key:
            raw[section][key] = value
        elif value is None:
            del raw[section]
        else:
            raw[section] = value
    with pytest.raises(InputError) as caught:
        parse_params(yaml.safe_dump(raw))
    return list(caught.value.problems)


def test_the_shipped_file_is_valid():
    assert parse_params(SHIPPED).study == "japanese-2024"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"decompose__n_components": 0}, "decompose.n_components is 0, expected at least 1"),
        ({"decompose__n_components": "4"}, "decompose.n_components is '4', expected a whole number"),
        ({"validate__suspicious": "maybe"}, "validate.suspicious is 'maybe', expected 'warn' or 'fail'"),
        (
            {"assemble__corections": True},
            "assemble.corections is unknown: did you mean corrections?",
        ),
        ({"subset": None}, "subset is missing: add it"),
        ({"subsett": "all"}, "subsett is unknown: did you mean subset?"),
        ({"factorize__shown": 11}, "shown is 11, more than the n_factors 10 fitted"),
        ({"assemble__corrections": "yes please"}, "assemble.corrections is 'yes please', expected true or false"),
    ],
)
def test_each_problem_says_what_where_and_how(change: dict[str, object], told: str):
    (line,) = problems(**change)
    assert line.startswith("params.yaml: ")
    assert told in line


def test_all_problems_come_at_once():
    assert len(problems(decompose__n_components=0, validate__suspicious="maybe", subset=3)) == 3


def test_text_that_is_no_yaml_names_the_line():
    with pytest.raises(InputError, match="line 2 is not valid YAML"):
        parse_params("study: a\n  subset: [")
    with pytest.raises(InputError, match="expected a mapping"):
        parse_params("- a\n- b\n")


def test_every_section_has_a_model_and_a_stage():
    pipeline = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    raw = yaml.safe_load(SHIPPED)
    in_file = {name for name, value in raw.items() if isinstance(value, dict)}
    top = {name for name in sections() if "." not in name}
    assert in_file == top
    assert top <= set(pipeline)
    used = {str(p).partition(".")[0] for stage in pipeline.values() for p in _params(stage)}
    assert top | {"study", "subset"} == used


def _params(stage: dict) -> list[str]:
    return stage.get("do", stage).get("params", [])


def test_known_names_are_those_of_the_file_and_those_with_a_default():
    raw = yaml.safe_load(SHIPPED)
    assert set(known_names()[""]) == set(raw)
    for section, model in sections().items():
        needed = {name for name, field in model.model_fields.items() if field.is_required()}
        # DVC watches one that has a default, so the file has to state it
        assert needed | ({"server"} if section == "evaluate" else set()) == set(raw.get(section, {}))
        assert needed <= set(known_names()[section])


def test_a_threshold_of_the_suspicion_check_is_a_parameter_with_bounds():
    raw = yaml.safe_load(SHIPPED)
    assert parse_params(yaml.safe_dump(raw)).gate.suspicion.far_z == 4.0
    raw["validate"]["suspicion"] = {"far_z": 6.5}
    changed = parse_params(yaml.safe_dump(raw)).gate.suspicion
    assert (changed.far_z, changed.min_models) == (6.5, 8)
    assert problems(validate__suspicion={"far_z": 0.0, "min_models": 8.5, "farz": 1.0}) == [
        "params.yaml: validate.suspicion.far_z is 0.0, expected more than 0",
        "params.yaml: validate.suspicion.min_models is 8.5, expected a whole number",
        "params.yaml: validate.suspicion.farz is unknown: did you mean far_z?",
    ]


def test_a_flood_of_problems_is_counted_not_printed():
    error = InputError([f"problem {i}" for i in range(SHOWN + 5)])
    assert len(error.lines()) == SHOWN + 1
    assert error.lines()[-1] == "... and 5 more problems"
