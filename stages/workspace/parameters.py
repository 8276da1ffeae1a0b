"""params.yaml, read without pandas: DVC starts some stages once for each model."""

from stages.contracts.params import Params, parse_params
from stages.contracts.study.tables import ALL
from stages.workspace.files import read_text
from stages.workspace.paths import PARAMS


def load_params() -> Params:
    """Read params.yaml.

    Raises:
        InputError: It is missing or wrong.
    """
    return parse_params(read_text(PARAMS), str(PARAMS))


def params_of(study: str) -> Params:
    """Return params.yaml for a study: another than that of params.yaml whole and as published.

    A subset of one study means nothing in another, nor do the models that are evaluated for it.
    """
    params = load_params()
    if study == params.study:
        return params
    alone = {"study": study, "subset": ALL, "evaluate": params.evaluate.model_copy(update={"models": []})}
    return params.model_copy(update=alone)
