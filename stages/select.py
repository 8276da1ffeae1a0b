"""Stage `select`: is there a study of the name in params.yaml? It runs when that name changes.

Reads   the names of the folders in metadata/
Writes  nothing; of the later stages DVC wants the study's folder, and where it is missing names no other
"""

from stages.workspace.parameters import load_params
from stages.workspace.paths import study_folder
from stages.workspace.running import run_stage, say


def main() -> None:
    """Find the folder of the study, or list the studies."""
    params = load_params()
    say(f"study: {study_folder(params.study)}")
    if params.retest.study:
        study_folder(params.retest.study, "retest.study")


if __name__ == "__main__":
    run_stage(main)
