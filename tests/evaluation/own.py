"""A study's own tasks of lm-eval, with a local data set, for tests."""

import json
from pathlib import Path

SUMS = [
    {"q": f"{i} plus {i}", "a": str(2 * i), "options": [str(2 * i), str(2 * i + 1), "no number"]} for i in range(1, 7)
]

GENERATION = """\
task: sums
dataset_path: json
dataset_kwargs:
  data_files:
    test: {folder}/sums.jsonl
test_split: test
output_type: generate_until
doc_to_text: "Q: {{{{q}}}}\\nA:"
doc_to_target: a
num_fewshot: 2
fewshot_split: test
fewshot_config:
  sampler: first_n
generation_kwargs:
  until: ["\\n"]
  max_gen_toks: 6
  do_sample: false
filter_list:
  - name: number
    filter:
      - function: regex
        regex_pattern: "([0-9]+)"
      - function: take_first
process_results: !function scoring.right
metric_list:
  - metric: right
    aggregation: mean
    higher_is_better: true
"""
SAMPLED = """\
include: sums.yaml
task: sampled
generation_kwargs:
  until: ["\\n"]
  max_gen_toks: 6
  do_sample: true
  temperature: 0.8
  top_p: 0.95
"""
SCORING = """\
def right(doc, results):
    return {"right": float(results[0] == doc["a"])}
"""
CHOICE = """\
include: _shared
task: pick_sum
"""
SHARED = """\
dataset_path: json
dataset_kwargs:
  data_files:
    test: {folder}/sums.jsonl
test_split: test
output_type: multiple_choice
doc_to_text: "{{{{q}}}} is"
doc_to_choice: options
doc_to_target: 0
metric_list:
  - metric: acc
    aggregation: mean
    higher_is_better: true
"""
GROUP = """\
group: all_sums
task:
  - pick_sum
  - pick_sum_again
aggregate_metric_list:
  - metric: acc
    weight_by_size: true
"""


def write_tasks(folder: Path, place: str = "") -> Path:
    """Write four tasks and a group of two of them; their YAML names the data at `place`, default the folder."""
    place = place or str(folder)
    folder.mkdir(parents=True)
    texts = {
        "sums.yaml": GENERATION.format(folder=place),
        "sampled.yaml": SAMPLED,
        "scoring.py": SCORING,
        "pick_sum.yaml": CHOICE,
        "pick_sum_again.yaml": CHOICE + "task_alias: again\n",
        "_shared": SHARED.format(folder=place),
        "all_sums.yaml": GROUP,
        "sums.jsonl": "".join(json.dumps(row) + "\n" for row in SUMS),
    }
    for name, text in texts.items():
        (folder / name).write_text(text.replace("task: pick_sum\ntask_alias", "task: pick_sum_again\ntask_alias"))
    return folder
