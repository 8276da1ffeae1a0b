"""The conclusions that a study states."""

from stages.analysis.scaling.laws import TOTAL
from stages.contracts.params import Params
from stages.contracts.study.conclusions import FILE, Conclusions, parse_conclusions
from stages.contracts.study.facts import subset_values
from stages.workspace.facts import read_fact
from stages.workspace.files import read_text
from stages.workspace.paths import study_folder


def read_conclusions(params: Params, languages: list[str]) -> Conclusions | None:
    """Read the study's conclusions; None where it has no such file.

    Raises:
        InputError: The file is wrong; every problem is named.
    """
    path = study_folder(params.study) / FILE
    if not path.is_file():
        return None
    benchmarks = [str(name) for name in read_fact("benchmarks").index]
    subsets = subset_values(read_fact("models"))
    return parse_conclusions(read_text(path), str(path), benchmarks, [*languages, TOTAL], subsets)
