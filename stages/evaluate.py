"""Stage `evaluate@MODEL`: one model on all benchmarks of the study, by lm-eval, every answer kept.

Reads   data/study/records/MODEL.json
Writes  data/evaluations/MODEL/{scores.json,samples/BENCHMARK.parquet,provenance.json}
"""

import sys

from stages.contracts.errors import InputError
from stages.evaluation import of_model
from stages.workspace.parameters import load_params
from stages.workspace.records import read_record
from stages.workspace.running import run_stage


def main() -> None:
    """Read the record of the model that the command line names, evaluate it."""
    if len(sys.argv) != 2:
        raise InputError(["python -m stages.evaluate MODEL_ID: one model_id of evaluate.models"])
    of_model.evaluate(read_record(sys.argv[1]), load_params().evaluate)


if __name__ == "__main__":
    run_stage(main)
