"""The nineteen benchmarks as lm-eval tasks: data, prompts, metrics, and the outcome of each answer.

    lm_eval --include_path stages/tasks --tasks jemhopqa --model_args pretrained=MODEL,add_bos_token=False

Each YAML file names one benchmark. How its files are read, its prompts made, answers found and scored stands in one
module of `stages.tasks.families`; `stages.tasks.registry` lists them all. Modules that lm-eval or torch must be
installed for are imported only where they are used.
"""
