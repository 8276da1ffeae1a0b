"""Stage `ingest`: the CSV files of a study to typed tables, or every reason why not.

Reads   metadata/<study>/
Writes  data/study/{models,benchmarks,scores,corrections,waivers,claims}.parquet, data/study/records/MODEL.json
"""

from stages.evaluation.code_digest import task_digests
from stages.workspace import files as workspace


def main() -> None:
    """Read strictly, check the tables against each other, write."""
    params = workspace.load_params()
    facts = workspace.load_study_facts(params)
    workspace.write_facts(facts)
    workspace.write_records(facts, params.evaluate.models, task_digests())
    workspace.say(
        f"{params.study}: {len(facts.models)} models, {len(facts.benchmarks)} benchmarks, {len(facts.claims)} claims"
    )


if __name__ == "__main__":
    workspace.run_stage(main)
