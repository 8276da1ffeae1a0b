"""Where things lie, relative to the current directory.

That is the repository root or, inside `dvc exp run --temp`, a copy of it.
"""

from pathlib import Path

from stages.contracts.errors import InputError

PARAMS = Path("params.yaml")
METADATA = Path("metadata")
FACTS = Path("data/study")
MODELS = Path("data/models.parquet")
RECORDS = FACTS / "records"
LOCKS = Path("data/locks")
EVALUATIONS = Path("data/evaluations")
IMPORTS = Path("data/imports")
CELLS = Path("data/score_cells.parquet")
MATRIX = Path("data/score_matrix.parquet")
TABLES = Path("reports/tables")
METRICS = Path("reports/metrics")
FIGURES = Path("reports/figures")
DATA_DOCS = Path("reports/data_docs")
TRACKED = Path("mlruns/state.txt")
PAGE = Path("reports/index.html")
PIPELINE = Path("dvc.yaml")
LOCK = Path("dvc.lock")


def study_folder(study: str, parameter: str = "study") -> Path:
    """Return the folder of a study.

    Args:
        study: Its name.
        parameter: Parameter of params.yaml that names it.

    Raises:
        InputError: There is no study of that name; the known ones are listed.
    """
    folder = METADATA / study
    if not study or Path(study).name != study or not folder.is_dir():
        known = ", ".join(known_studies()) or "none"
        raise InputError(
            [f"params.yaml: {parameter} is {study!r}, but there is no folder {folder}; studies here: {known}"]
        )
    return folder


def known_studies() -> list[str]:
    """Return the names of the folders under metadata/ that hold a study.yaml."""
    return sorted(path.parent.name for path in METADATA.glob("*/study.yaml"))


def table_names() -> list[str]:
    """Return the names of the tables under reports/tables/, sorted."""
    return sorted(path.stem for path in TABLES.glob("*.csv"))
