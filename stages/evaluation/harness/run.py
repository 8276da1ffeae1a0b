"""lm-eval: one load of a model for all benchmarks, and the run of one unit as a function of its inputs."""

import datetime
import logging
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from stages.contracts.errors import InputError, raise_all
from stages.contracts.study.model_options import SERVERS
from stages.evaluation.harness.faults import SMALLER, loading_explained, running_explained, unfit
from stages.evaluation.harness.weights import weight_problems
from stages.evaluation.model_source import ModelSource
from stages.evaluation.unit import RunOptions, Unit, versions
from stages.tasks.benchmark import Benchmark
from stages.tasks.registry import SEEDS
from stages.tasks.rows import DataRecord

if TYPE_CHECKING:
    from stages.evaluation.harness.work import Work

CPU_BATCH = 8
"""Batch on a CPU where none is given: trying for the largest that fits would take all its memory."""


@dataclass(frozen=True)
class UnitResult:
    """The result of one unit.

    Attributes:
        score: Entry of the benchmark in scores.json.
        answers: A row for each item.
        provenance: Entry of the benchmark in provenance.json.
    """

    score: dict[str, Any]
    answers: pd.DataFrame
    provenance: dict[str, Any]


def load_model(model: ModelSource, run: RunOptions, dtype: str) -> Any:  # noqa: ANN401  lm-eval has no types
    """Load a model for all its benchmarks.

    Args:
        model: Files of the model.
        run: Backend, device, batch size.
        dtype: Data type of the weights, or "auto".

    Returns:
        A model of lm-eval that is also a `stages.evaluation.harness.asking.Asking`.

    Raises:
        InputError: The backend is not installed, the device is not there, the model does not fit, or its weights do
            not fill it.
    """
    versions(["lm_eval", "torch", "transformers", "accelerate"])
    if run.backend in SERVERS:
        return served_model(model, run)
    if run.backend == "vllm":
        versions(["vllm"])
        from stages.evaluation.harness.vllm import ObservedVLLM

        with loading_explained(model.model_id, run):
            loaded = ObservedVLLM(
                pretrained=model.path,
                dtype=dtype,
                trust_remote_code=model.trust_remote_code,
                batch_size=run.batch_size,
                tensor_parallel_size=gpu_count() if run.device == "all" else 1,
                **run.loading.given,
            )
        return loaded
    from stages.evaluation.harness.hf import ObservedModel

    _quiet()
    with loading_explained(model.model_id, run):
        loaded = ObservedModel(
            pretrained=model.path,
            dtype=dtype,
            trust_remote_code=model.trust_remote_code,
            use_safetensors=all(name.endswith(".safetensors") for name in model.weights),
            **placement(run),
            **run.loading.given,
        )
    raise_all(weight_problems(model.model_id, loaded.loading, model.expected_weights))
    raise_all([f"{model.model_id}: {problem}" for problem in unfit(loaded)])
    spilt = {str(place) for place in getattr(loaded.model, "hf_device_map", {}).values()} & {"cpu", "disk"}
    if spilt and run.device == "all":
        raise InputError([f"{model.model_id} does not fit in the memory of all GPUs: {SMALLER}"])
    return loaded


def served_model(model: ModelSource, run: RunOptions) -> Any:  # noqa: ANN401  lm-eval has no types
    """Return a model that a server runs.

    Args:
        model: From `stages.evaluation.loading.served`.
        run: Backend, server, batch size.

    Raises:
        InputError: The server cannot be reached, or serves another model.
    """
    versions(["tenacity", "aiohttp", "requests"])
    from stages.evaluation.harness.server import BACKENDS

    _quiet()
    name = model.origin.partition(" ")[2]
    batch = 1 if run.batch_size == "auto" else int(run.batch_size)
    with loading_explained(model.model_id, run):
        return BACKENDS[run.backend](name, run.server, model.path, batch, run.loading.given)


def gpu_count() -> int:
    """Return how many GPUs there are."""
    import torch

    return int(torch.cuda.device_count())


def placement(run: RunOptions) -> dict[str, Any]:
    """Return lm-eval's arguments for device and batch size.

    Raises:
        InputError: The device is not there.
    """
    import torch

    gpus = gpu_count()
    device = run.device
    if device == "auto":
        device = "cuda" if gpus else "cpu"
    if device == "mps" and not torch.backends.mps.is_available():
        raise InputError(["evaluate.device is mps, which this machine does not have: write auto or cpu"])
    if device.startswith("cuda") or device == "all":
        wanted = int(device.partition(":")[2] or 0)
        if wanted >= gpus:
            raise InputError(
                [f"evaluate.device is {run.device}, but there are {gpus} GPUs on this machine: write auto or cpu"]
            )
    batch = CPU_BATCH if run.batch_size == "auto" and device == "cpu" else run.batch_size
    if device == "all":
        return {"parallelize": True, "device": "cuda", "batch_size": batch}
    return {"device": device, "batch_size": batch}


def _quiet() -> None:
    """Silence lines that say nothing to a user of the pipeline."""
    for name in ("lm_eval", "transformers", "datasets"):
        logging.getLogger(name).setLevel(logging.ERROR)


def run_unit(unit: Unit, model: Any) -> UnitResult:  # noqa: ANN401  lm-eval has no types
    """Evaluate one model on one benchmark.

    Args:
        unit: What to run; the result depends on nothing else.
        model: From `load_model` for the same model and dtype.

    Raises:
        InputError: Data, tokenizer or memory are missing, or there is no sandbox.
    """
    from stages.evaluation.harness.records import answer_table, protocol, score_record
    from stages.evaluation.harness.work import prepare

    started, clock = _now(), time.monotonic()
    work = prepare(unit)
    spec = work.spec
    model.label = unit.benchmark
    model.ask_under(unit.setting, spec.add_bos, continues=spec.continues_prompt)
    model.setting, model.turns = work.asked, work.turns
    _require_room(unit, spec.max_gen_toks, model.max_length)
    with running_explained(f"{unit.model.model_id} on {unit.benchmark}", unit.run):
        output = _evaluate(unit, work, model)
    judged = work.judge(output)
    samples = judged.samples
    table = answer_table(spec, judged.items, samples, _known(spec, samples, model))
    score = score_record(judged.score, table, protocol(spec, unit.setting, unit.wording, unit.run.loading.told))
    if unit.task is not None:
        score["task"] = unit.task.task
    n_items = sum(output["n-samples"][name]["original"] for name in work.loaded["tasks"])
    score["limited"] = score["n_items"] < n_items
    seconds = time.monotonic() - clock
    tokens = _tokens(samples, table)
    return UnitResult(
        score,
        table,
        {
            "key": unit.key,
            **unit.identity,
            **_circumstances(unit, spec, model),
            "data": {**_data(unit.data), "n_items": n_items},
            "generation": _generation(spec, samples, unit),
            "start": started,
            "end": _now(),
            "seconds": round(seconds, 3),
            **tokens,
            "tokens_per_second": round(sum(tokens.values()) / seconds, 1),
        },
    )


def _circumstances(unit: Unit, spec: Benchmark, model: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return what was used."""
    return {
        "model": unit.model.described(),
        "procedure": spec.protocol,
        "wording": dict(unit.wording),
        "study_dtype": spec.dtype,
        "batch_size": str(unit.run.batch_size),
        "device": _device(model),
        "weights_dtype": str(getattr(getattr(model, "model", None), "dtype", unit.dtype)).removeprefix("torch."),
        **({"usage": model.usage} if unit.run.backend in SERVERS else {}),
    }


def _require_room(unit: Unit, answer: int, context: int) -> None:
    """Refuse a model whose context has no room for a prompt besides the longest answer, lengths in tokens."""
    if context <= answer:
        raise InputError(
            [
                f"{unit.benchmark}: answers may have {answer} tokens, but the context of {unit.model.model_id} "
                f"has {context}, which leaves none for the prompt"
            ]
        )


def _data(record: DataRecord) -> dict[str, Any]:
    """Return what was read, without the paths of this machine."""
    content = asdict(record)
    content["source"] = record.source if "://" in record.source else "local files"
    content["files"] = {file.name: file.sha256 for file in record.files}
    return content


def _evaluate(unit: Unit, work: "Work", model: Any) -> Mapping[str, Any]:  # noqa: ANN401
    from lm_eval.evaluator import evaluate

    seed_everything()
    output: Mapping[str, Any] = evaluate(
        lm=model,
        task_dict=work.loaded,
        limit=unit.run.limit,
        bootstrap_iters=0,
        confirm_run_unsafe_code=work.spec.runs_code,
        **work.messages,
    )
    return output


def seed_everything() -> None:
    """Set the study's seeds, as `lm_eval.simple_evaluate` does."""
    import torch

    random.seed(SEEDS["random_seed"])
    # libraries under lm-eval draw from numpy's global generator
    np.random.seed(SEEDS["numpy_random_seed"])  # noqa: NPY002
    torch.manual_seed(SEEDS["torch_random_seed"])


def _known(spec: Benchmark, samples: Sequence[Mapping[str, Any]], model: Any) -> list[Any]:  # noqa: ANN401
    """Return what the model remembers of each item."""
    from stages.evaluation.harness.own_outcomes import TASK
    from stages.evaluation.harness.records import Answers

    generates = spec.answer == "generation"
    prompts = [model.sent(sample["arguments"][0][0], generates=generates) for sample in samples]
    lengths = model.count_tokens(prompts)
    room = model.max_length - spec.max_gen_toks
    finishes = model.finishes if generates else {}
    return [
        Answers(prompt, length, length > room, finishes.get((sample[TASK], sample["doc_id"]), []))
        for prompt, length, sample in zip(prompts, lengths, samples, strict=True)
    ]


def _generation(spec: Benchmark, samples: Sequence[Mapping[str, Any]], unit: Unit) -> dict[str, Any]:
    """Return how answers were generated."""
    if spec.answer == "loglikelihood":
        return {"add_bos": spec.add_bos}
    options = dict(samples[0]["arguments"][0][1])
    if unit.setting.stops is not None:
        options["until"] = unit.setting.stops
    return {**options, "add_bos": spec.add_bos, "repeats": spec.repeats}


def _tokens(samples: Sequence[Mapping[str, Any]], table: pd.DataFrame) -> dict[str, int]:
    requests = [len(sample["arguments"]) for sample in samples]
    return {
        "prompt_tokens": int((table["prompt_tokens"] * requests).sum()),
        "output_tokens": int(sum(sum(tokens) for tokens in table["output_tokens"])),
    }


def _device(model: Any) -> str:  # noqa: ANN401
    import torch

    kind = str(getattr(model, "device", None) or "cuda").partition(":")[0]
    if kind != "cuda":
        return kind
    names = {torch.cuda.get_device_name(place) for place in range(torch.cuda.device_count())}
    return f"{torch.cuda.device_count()} x {', '.join(sorted(names))}"


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
