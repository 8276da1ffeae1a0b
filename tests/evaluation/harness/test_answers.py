"""A model asked as the harness asks: the answers of plain lm-eval, how they ended, and each setting."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("lm_eval")

from lm_eval import simple_evaluate
from lm_eval.api.instance import Instance

from stages.contracts.errors import InputError
from stages.contracts.study.model_record import ModelRecord
from stages.contracts.study.workarounds import PROTOCOL, Setting
from stages.evaluation.harness import run as harness
from stages.evaluation.harness.faults import loading_explained
from stages.evaluation.harness.finish import Finish, Finite, finish_of, without_lead
from stages.evaluation.harness.work import task_manager
from stages.evaluation.model_source import ModelSource, locate
from stages.evaluation.unit import RunOptions, Unit
from stages.tasks import data
from stages.tasks.registry import BENCHMARKS, SEEDS
from tests.tasks.places import ITEMS
from tests.tasks.tiny import save

pytestmark = [pytest.mark.evaluation, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

RUN = RunOptions(device="cpu", batch_size=4, data_dir=str(ITEMS))
SIX = ("jemhopqa", "triviaqa", "squad2", "openbookqa", "xwino", "mmlu")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> ModelSource:
    folder = tmp_path_factory.mktemp("models")
    save(folder / "x/tiny")
    return locate(ModelRecord("x/tiny", "", False, "", {}, {}), str(folder))


@pytest.fixture(scope="module")
def model(source: ModelSource) -> Iterator[object]:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    return harness.load_model(source, RUN, "float32")


def ask(model, prompts, until, tokens=24, setting=PROTOCOL, add_bos=False):
    model.ask_under(setting, add_bos)
    options = {"until": until, "max_gen_toks": tokens, "do_sample": False}
    requests = [Instance("generate_until", {}, (p, options), 0, ("t", i, 1)) for i, p in enumerate(prompts)]
    answers = model.generate_until(requests, disable_tqdm=True)
    return answers, [model.finishes["t", i][0] for i in range(len(prompts))]


@pytest.mark.parametrize("name", SIX)
def test_scores_are_those_of_plain_lm_eval(model, source, name):
    unit = Unit(name, source, PROTOCOL, RUN, data.describe(name, ITEMS))
    ours = harness.run_unit(unit, model)
    plain = simple_evaluate(
        model="hf",
        model_args={"pretrained": source.path, "dtype": "float32", "add_bos_token": False},
        tasks=[name],
        task_manager=task_manager(source, RUN, data.describe(name, ITEMS).sha256),
        device="cpu",
        batch_size=4,
        bootstrap_iters=0,
        **SEEDS,
    )
    results = plain["results"][name]
    spec = BENCHMARKS[name]
    assert ours.score["score"] == pytest.approx(results[spec.metric_key] / spec.scale, abs=1e-12)
    theirs = [sample["resps"][0][0] for sample in plain["samples"][name]]
    if spec.answer == "generation":
        assert [raw[0] for raw in ours.answers["raw"]] == theirs
    else:
        assert [row[0] for row in ours.answers["log_likelihoods"]] == pytest.approx([float(t[0]) for t in theirs])


@pytest.mark.parametrize("name", ["squad2", "openbookqa"])
def test_progress_bars_name_the_benchmark(model, source, name, capfd):
    harness.run_unit(Unit(name, source, PROTOCOL, RUN, data.describe(name, ITEMS)), model)
    shown = capfd.readouterr().err
    assert f"{name}: 100%" in shown
    assert "Running" not in shown


PROMPTS = ["a", "Question: what?\nAnswer:", "東京は", "x" * 50, "def f():\n"]


def test_an_answer_does_not_depend_on_when_the_others_of_its_batch_end(model):
    whole, _ = ask(model, PROMPTS, [])
    stop = whole[0][3]
    together, ends = ask(model, PROMPTS, [stop])
    assert together == [text.split(stop)[0] for text in whole]
    alone = [ask(model, [prompt], [stop]) for prompt in PROMPTS]
    assert [answers[0] for answers, _ in alone] == together
    assert [finishes[0] for _, finishes in alone] == ends


def test_how_answers_end(model):
    whole, ends = ask(model, PROMPTS, [], tokens=24)
    assert {finish.reason for finish in ends} <= {"length", "eos"}
    assert {finish.tokens for finish in ends if finish.reason == "length"} <= {24}
    stop = whole[0][3]
    _, stopped = ask(model, PROMPTS, [stop], tokens=24)
    for text, finish, before in zip(whole, stopped, ends, strict=True):
        assert (finish.reason == "stop") == (stop in text)
        assert finish.tokens <= before.tokens


@pytest.mark.parametrize(
    ("row", "stopped_at", "expected"),
    [
        ([5, 6, 7], 0, Finish("length", 3)),
        ([5, 6, 9, 9], 0, Finish("eos", 2)),
        ([9, 9, 9], 0, Finish("eos", 0)),
        ([5, 6, 9, 9], 2, Finish("stop", 2)),
        ([5, 9, 6], 3, Finish("eos", 1)),
        ([], 0, Finish("length", 0)),
    ],
)
def test_finish_of(row, stopped_at, expected):
    assert finish_of(row, stopped_at, 3, {9}) == expected


def test_leading_white_space_is_counted_in_tokens():
    texts = {0: "\n", 1: " ", 2: "a", 3: " b"}

    def decode(ids):
        return "".join(texts[i] for i in ids)

    assert [without_lead(row, decode) for row in ([2], [0, 2], [0, 1, 3], [0, 0], [])] == [0, 1, 2, 2, 0]


def test_strip_passes_over_white_space_before_it_stops(model, monkeypatch):
    """The model is made to say: newline, newline, A, newline, B."""
    import torch

    said = model.tokenizer.encode("\n\nA\nB", add_special_tokens=False)

    def generate(input_ids, max_length, stopping_criteria, **_):
        ids = input_ids
        for token in (*said, *([said[-1]] * 40)):
            if ids.shape[1] >= max_length:
                break
            ids = torch.cat([ids, torch.full((ids.shape[0], 1), token)], dim=1)
            if bool(stopping_criteria(ids, None).all()):
                break
        return ids

    monkeypatch.setattr(model.model, "generate", generate)
    answers, ends = ask(model, ["p"], ["\n"], tokens=4)
    assert (answers, ends) == ([""], [Finish("stop", 1)])
    answers, ends = ask(model, ["p"], ["\n"], tokens=4, setting=Setting(strip=True))
    assert (answers, ends) == (["A"], [Finish("stop", 2)])
    # the limit counts from the answer on
    answers, ends = ask(model, ["p"], [], tokens=3, setting=Setting(strip=True))
    assert (answers, ends) == (["A\nB"], [Finish("length", 3)])


def test_settings_change_what_is_sent(model):
    model.ask_under(PROTOCOL, False)
    assert model.sent("q: \n") == "q: \n"
    assert model.count_tokens(["abc"]) == [3]
    model.ask_under(Setting(prompt_end="newline"), False)
    assert model.sent("q: ") == "q:\n"
    assert model.sent("q: ", generates=False) == "q: "
    model.ask_under(Setting(prompt_end="bare", example="e\n\n"), False)
    assert model.sent("q: ") == "e\n\nq:"
    model.ask_under(Setting(bos="always"), False)
    assert model.sent("abc") == "<s>abc"
    assert model.count_tokens([model.sent("abc")]) == [4]
    encoded, _ = model.tok_batch_encode([model.sent("abc")])
    assert encoded[0, 0] == model.tokenizer.bos_token_id
    assert encoded.shape == (1, 4)


def test_a_setting_that_the_model_cannot_follow_is_one_line(model):
    with pytest.raises(InputError, match="chat_template: the tokenizer has no chat template"):
        model.ask_under(Setting(chat_template=True), False)
    with pytest.raises(InputError, match="slow_tokenizer: this model has no slow tokenizer"):
        model.ask_under(Setting(slow_tokenizer=True), False)


def test_other_stops_replace_those_of_the_task(model, source):
    unit = Unit(
        "triviaqa",
        source,
        Setting(stops=["\n"]),
        RunOptions(**{**vars(RUN), "limit": 2}),
        data.describe("triviaqa", ITEMS),
    )
    result = harness.run_unit(unit, model)
    assert result.provenance["generation"]["until"] == ["\n"]
    assert result.score["protocol"] == 'exact match, 4-shot, generation, stops ["\\n"]'
    assert result.score["limited"]


def test_a_long_prompt_is_counted_as_truncated(source):
    short = harness.load_model(source, RUN, "float32")
    short._max_length = 400
    unit = Unit("squad2", source, PROTOCOL, RUN, data.describe("squad2", ITEMS))
    result = harness.run_unit(unit, short)
    assert result.score["truncated_rate"] == 1
    assert (result.answers["prompt_tokens"] > 400 - 256).all()


def _overflown(source):
    import torch

    broken = harness.load_model(source, RUN, "float32")
    torch.nn.init.constant_(broken.model.lm_head.weight, float("nan"))
    return broken


@pytest.mark.parametrize("name", ["openbookqa", "xwino", "mmlu", "jemhopqa", "squad2", "humaneval"])
@pytest.mark.parametrize("setting", [PROTOCOL, Setting(strip=True)])
def test_numbers_that_are_not_finite_are_failed_items(source, name, setting):
    unit = Unit(name, source, setting, RUN, data.describe(name, ITEMS))
    result = harness.run_unit(unit, _overflown(source))
    assert result.score["failed_rate"] == 1
    assert (result.answers["failed"] == 1).all()
    if BENCHMARKS[name].answer == "loglikelihood":
        assert result.score["score"] == 0
    else:
        assert {reason for row in result.answers["finish"] for reason in row} == {"broken"}


def test_one_broken_row_leaves_the_others_of_its_batch_alone():
    import torch

    finite = Finite({9, 2}, start=1, rows=3)
    nan = float("nan")
    ids = torch.tensor([[0, 5], [0, 5], [0, 9]])
    scores = torch.tensor([[1.0, 2, 3], [nan, 2, 3], [nan, nan, nan]])
    after = finite(ids, scores)
    assert after[0].tolist() == [1, 2, 3]
    assert after[1].argmax() == 2
    # the third had ended before
    assert finite.broken == [False, True, False]
    ruled_out = torch.tensor([[1.0, -torch.inf, 2]] * 3)
    assert finite(ids, ruled_out) is ruled_out


def test_a_context_without_room_for_a_prompt_is_one_line(source):
    short = harness.load_model(source, RUN, "float32")
    short._max_length = 256
    unit = Unit("squad2", source, PROTOCOL, RUN, data.describe("squad2", ITEMS))
    with pytest.raises(InputError, match="squad2: answers may have 256 tokens, but the context of x/tiny has 256"):
        harness.run_unit(unit, short)


def test_a_device_that_is_not_there_is_one_line():
    with pytest.raises(InputError, match=r"evaluate.device is cuda:7, but there are \d+ GPUs on this machine"):
        harness.placement(RunOptions(device="cuda:7"))
    assert harness.placement(RunOptions(device="cpu")) == {"device": "cpu", "batch_size": harness.CPU_BATCH}


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (MemoryError(), "out of memory with batch size auto: set evaluate.dtype to bfloat16"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), "out of memory"),
        (
            ValueError("requires you to execute ... `trust_remote_code=True`"),
            "write trust_remote_code and trust_reason",
        ),
        (OSError("no file named\nmodel.safetensors"), "no file named model.safetensors"),
    ],
)
def test_what_a_user_can_mend_is_one_line(error, told):
    with pytest.raises(InputError) as caught, loading_explained("org/a", RunOptions()):
        raise error
    assert told in caught.value.problems[0]


def test_a_mistake_of_ours_stays_a_traceback():
    with pytest.raises(RuntimeError, match="shape"), loading_explained("org/a", RunOptions()):
        raise RuntimeError("shape mismatch")


def test_the_cuda_kind_of_memory_error(monkeypatch):
    import torch

    with (
        pytest.raises(InputError, match="out of memory with batch size 64"),
        loading_explained("m", RunOptions(batch_size=64)),
    ):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")


def test_a_missing_backend_is_one_line(source):
    with pytest.raises(InputError, match="vllm not installed here: install vllm"):
        harness.load_model(source, RunOptions(backend="vllm"), "auto")


def test_own_folder_of_items_is_the_source(source, model):
    unit = Unit("openbookqa", source, PROTOCOL, RUN, data.describe("openbookqa", ITEMS))
    provenance = harness.run_unit(unit, model).provenance
    assert provenance["data"]["source"] == "local files"
    assert str(Path(ITEMS)) not in str(provenance)
