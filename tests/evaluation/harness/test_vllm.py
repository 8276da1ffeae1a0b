"""The vLLM backend against a stand-in for lm-eval's class, which cannot be imported without vLLM and a GPU."""

import importlib
import sys
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace

import pytest

pytest.importorskip("lm_eval")

from lm_eval.api.instance import Instance
from lm_eval.api.model import TemplateLM

from stages.contracts.errors import InputError
from stages.contracts.study.workarounds import PROTOCOL, Setting
from stages.evaluation.harness.finish import Finish

pytestmark = pytest.mark.evaluation


class Dropping:
    """A tokenizer that drops the space at the beginning of a text."""

    bos_token, eos_token, chat_template = "<s>", "</s>", None

    def decode(self, ids, skip_special_tokens=True, clean_up_tokenization_spaces=False):
        return "".join(WORDS[i] for i in ids).removeprefix(" ")


class Stand(TemplateLM):
    """Computes answers in the reverse order of the requests and tells the cache hook, as lm-eval 0.4.13 does."""

    def __init__(self, pretrained: str, **_: object) -> None:
        super().__init__()
        self.tokenizer = Dropping()
        self._config = None
        self.add_bos_token = None

    @property
    def eot_token_id(self):
        return 2

    def _model_generate(self, requests, generate=False, sampling_params=None):
        return [OUTPUTS["abcd"[ids[0]]] for ids in requests]

    def generate_until(self, requests, disable_tqdm=False):
        answers = {}
        for request in reversed(requests):
            prompt = ["abcd".index(request.args[0])]
            (output,) = self._model_generate([prompt], generate=True, sampling_params=[None])
            text = output.outputs[0].text.split("\n")[0]
            self.cache_hook.add_partial("generate_until", (request.args[0], {}), text)
            answers[request.args[0]] = text
        return [answers[request.args[0]] for request in requests]

    def _loglikelihood_tokens(self, requests, **kwargs): ...
    def loglikelihood_rolling(self, requests, **kwargs): ...
    def tok_encode(self, string, **kwargs): ...


def output(text, tokens, finish, stop=None):
    return SimpleNamespace(
        outputs=[SimpleNamespace(text=text, token_ids=tokens, finish_reason=finish, stop_reason=stop)]
    )


WORDS = {0: "a", 1: "b", 2: "", 3: "d", 5: " one", 6: " two", 7: "x", 8: "\n", 9: "y"}
OUTPUTS = {
    "a": output(" one two", [5, 6], "length"),
    "b": output("", [2], "stop"),
    "c": output("x", [7, 8], "stop", "\n"),
    "d": output("y", [9], "stop", "</s>"),
}


@pytest.fixture
def model(monkeypatch) -> Iterator[object]:
    stand = ModuleType("lm_eval.models.vllm_causallms")
    stand.VLLM = Stand
    monkeypatch.setitem(sys.modules, "lm_eval.models.vllm_causallms", stand)
    monkeypatch.delitem(sys.modules, "stages.evaluation.harness.vllm", raising=False)
    module = importlib.import_module("stages.evaluation.harness.vllm")
    yield module.ObservedVLLM(pretrained="x")
    monkeypatch.delitem(sys.modules, "stages.evaluation.harness.vllm", raising=False)


def test_how_answers_end(model):
    model.ask_under(PROTOCOL, False)
    requests = [Instance("generate_until", {}, (p, {}), 0, ("t", i, 1)) for i, p in enumerate("abcd")]
    assert model.generate_until(requests) == ["one two", "", "x", "y"]
    assert [model.finishes["t", i] for i in range(4)] == [
        [Finish("length", 2)], [Finish("eos", 0)], [Finish("stop", 2)], [Finish("eos", 1)]
    ]  # fmt: skip


def test_the_first_space_is_kept_where_an_answer_goes_on_with_its_prompt(model):
    requests = [Instance("generate_until", {}, ("a", {}), 0, ("t", 0, 1))]
    model.ask_under(PROTOCOL, None, continues=True)
    assert model.generate_until(requests) == [" one two"]
    model.ask_under(PROTOCOL, False)
    assert model.generate_until(requests) == ["one two"]


def test_what_vllm_cannot_do_is_one_line(model):
    with pytest.raises(InputError, match="strip: vLLM stops at whitespace"):
        model.ask_under(Setting(strip=True), False)


def test_each_sample_has_a_seed_where_answers_are_drawn(model):
    model.ask_under(PROTOCOL, None)
    given = [model._generation(("a", {"do_sample": True, "temperature": 0.2}), seed)[1]["seed"] for seed in (3, 4)]
    assert given == [3, 4]
    assert "seed" not in model._generation(("a", {"do_sample": False}), 3)[1]
