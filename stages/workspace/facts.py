"""The tables of the study: as given under metadata/, and as the stages pass them on."""

from pathlib import Path

import pandas as pd

from stages.contracts.params import Params
from stages.contracts.study.facts import FILES, Facts, read_facts
from stages.contracts.study.info import StudyInfo, load_study
from stages.contracts.study.model_options import FILE as OPTIONS
from stages.contracts.study.prompts import FILE as PROMPTS
from stages.contracts.study.workarounds import FILE as WORKAROUNDS
from stages.workspace.files import read_parquet, read_text, write_parquet
from stages.workspace.paths import FACTS, study_folder

FACT_TABLES = tuple(name.removesuffix(".csv") for name in FILES)


def load_info(study: str) -> StudyInfo:
    """Read study.yaml of a study."""
    path = study_folder(study) / "study.yaml"
    return load_study(read_text(path), str(path))


def load_study_facts(params: Params) -> Facts:
    """Read all tables of the study that params.yaml names, strictly.

    Raises:
        InputError: Something is wrong; every problem is named.
    """
    folder = study_folder(params.study)
    return read_facts(study_files(folder), str(folder), params)


def study_files(folder: Path) -> dict[str, bytes]:
    """Return the files of a study's folder that are facts, by name."""
    names = ("study.yaml", WORKAROUNDS, PROMPTS, OPTIONS, *FILES)
    return {name: (folder / name).read_bytes() for name in names if (folder / name).is_file()}


def write_facts(facts: Facts) -> None:
    """Write the tables of a study as the later stages read them."""
    for name in FACT_TABLES:
        write_parquet(FACTS / f"{name}.parquet", getattr(facts, name))


def read_fact(name: str) -> pd.DataFrame:
    """Read one table that `write_facts` wrote: one of `FACT_TABLES`."""
    return read_parquet(FACTS / f"{name}.parquet")


def read_facts_back(params: Params) -> Facts:
    """Return the tables of the study as `write_facts` left them."""
    tables = {name: read_fact(name) for name in FACT_TABLES}
    return Facts(info=load_info(params.study), workarounds=(), prompts={}, options={}, **tables)
