"""The nineteen benchmarks as lm-eval tasks: data, prompts, metrics, and what each answer came to.

    lm_eval --include_path stages/tasks --tasks jemhopqa --model_args pretrained=MODEL,add_bos_token=False

Each YAML file names one benchmark; its data and its complete prompts come from `stages.tasks.docs.load`, its
metrics from `stages.tasks.scoring`. `stages.tasks.registry` says how each is run and read. Modules that lm-eval
or torch must be installed for are imported only where they are used.
"""
