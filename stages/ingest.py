"""Stage `ingest`: the CSV files of a study to typed tables, or every reason why not.

Reads   metadata/<study>/
Writes  data/study/{models,benchmarks,scores,corrections,waivers,claims}.parquet, data/study/records/MODEL.json
"""

from stages.evaluation import lm_tasks
from stages.evaluation.code_digest import task_digests
from stages.workspace.facts import load_study_facts, write_facts
from stages.workspace.parameters import load_params
from stages.workspace.records import own_choices, write_records
from stages.workspace.running import run_stage, say


def main() -> None:
    """Read strictly, check the tables against each other, write."""
    params = load_params()
    facts = load_study_facts(params)
    write_facts(facts)
    evaluate = params.evaluate
    if evaluate.models:
        own = lm_tasks.digests(own_choices(facts, params.study), evaluate.backend)
        write_records(facts, params.study, evaluate.models, task_digests(evaluate.backend) | own)
    else:
        write_records(facts, params.study, [], {})
    say(f"{params.study}: {len(facts.models)} models, {len(facts.benchmarks)} benchmarks, {len(facts.claims)} claims")


if __name__ == "__main__":
    run_stage(main)
