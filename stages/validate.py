"""Stage `validate`: the gate. Nothing is computed from a matrix that does not pass it.

Reads   data/score_{cells,matrix}.parquet, data/study/{models,benchmarks,scores,corrections,waivers}.parquet
Writes  reports/metrics/validate.json, reports/tables/findings_matrix.csv, reports/data_docs/validate/
"""

from stages.contracts.params import Params
from stages.gate import refusal, verdict
from stages.gate.findings import Judgement
from stages.gate.matrix import Study, judge_matrix
from stages.workspace import paths
from stages.workspace.facts import read_fact
from stages.workspace.files import read_parquet
from stages.workspace.outputs import write_metrics
from stages.workspace.parameters import load_params
from stages.workspace.progress import working
from stages.workspace.running import run_stage


def judged(params: Params) -> Judgement:
    """Judge the matrix of the current state."""
    study = Study(*map(read_fact, Study._fields))
    cells, X = read_parquet(paths.CELLS), read_parquet(paths.MATRIX)
    return judge_matrix(cells, X, study, params, str(paths.study_folder(params.study)))


def main() -> None:
    """Read, check, write the verdict."""
    params = load_params()
    with refusal.logged(params):
        with working("the score matrix checked"):
            judgement = judged(params)
        found = verdict.decide("validate", judgement, params)
    write_metrics("validate", found.counts)


if __name__ == "__main__":
    run_stage(main)
