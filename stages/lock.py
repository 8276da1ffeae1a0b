"""Stage `lock@MODEL`: what the evaluation of a model reads, by checksum, so that DVC sees when weights or data change.

Reads   data/study/records/MODEL.json, and files of the model and of the benchmarks, wherever they are
Writes  data/locks/MODEL.json
"""

import sys

from stages.contracts.errors import InputError
from stages.evaluation import locks
from stages.evaluation.store import store_of
from stages.evaluation.unit import NEEDED, versions
from stages.lineage import state
from stages.workspace.parameters import load_params
from stages.workspace.records import read_record
from stages.workspace.running import run_stage, say


def main() -> None:
    """Take the checksums of the model that the command line names; files that did not change are not read again."""
    if len(sys.argv) != 2:
        raise InputError(["python -m stages.lock MODEL_ID: one model_id of evaluate.models"])
    params, record = load_params().evaluate, read_record(sys.argv[1])
    known = locks.read(record.model_id)
    if known is None or known.revision != record.revision:
        # what is new may have to be fetched
        versions(NEEDED)
    places = state.folders(params.model_dir), state.folders(params.data_dir)
    # DVC runs this before it removes the result of the last evaluation
    store_of(record.model_id, params.store).rescue(record.model_id)
    lock, absent = locks.take(record, *places, known, (params.backend, params.server.url))
    if absent:
        say(f"{record.model_id}: not on this machine, so taken to be as locked: {', '.join(absent)}")
    if lock != known:
        locks.write(record.model_id, lock)
    n_files = len(lock.model) + sum(map(len, lock.data.values()))
    say(
        f"{record.model_id}: {n_files} files, {'as locked' if lock == known else 'locked anew' if known else 'locked'}"
    )


if __name__ == "__main__":
    run_stage(main)
