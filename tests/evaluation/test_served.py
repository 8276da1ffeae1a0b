"""Models behind a real, if small, OpenAI-compatible server."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("lm_eval")

from lm_eval.api.instance import Instance

from stages.contracts.errors import InputError
from stages.contracts.evaluate_params import ServerParams
from stages.contracts.study.model_record import ModelRecord
from stages.contracts.study.workarounds import PROTOCOL, Setting
from stages.evaluation import lm_tasks, loading
from stages.evaluation.harness import run as harness
from stages.evaluation.of_model import asked
from stages.evaluation.unit import RunOptions, Unit
from stages.tasks import data
from tests.evaluation.own import write_tasks
from tests.evaluation.served import NAME, Behaviour, Model, serving
from tests.evaluation.test_own_tasks import choice
from tests.tasks.places import ITEMS
from tests.tasks.tiny import save

pytestmark = [pytest.mark.evaluation, pytest.mark.filterwarnings("ignore")]

KEY = "sk-not-to-be-told"
FAST = {"retries": 2, "concurrent": 4, "timeout": 60.0}
RECORD = ModelRecord("x/tiny", "", False, "", {}, {}, served_as=NAME)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    save(folder / "x/tiny")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    return folder


@pytest.fixture(scope="module")
def tiny(models: Path) -> Model:
    return Model(models / "x/tiny")


@pytest.fixture
def behaviour() -> Behaviour:
    return Behaviour()


@pytest.fixture
def url(tiny: Model, behaviour: Behaviour) -> Iterator[str]:
    with serving(tiny, behaviour) as address:
        yield address


def unit_of(benchmark: str, url: str, models, backend="local-completions", setting=PROTOCOL, **run) -> Unit:
    options = RunOptions(
        backend=backend, data_dir=str(ITEMS), server=ServerParams(url=url, **{**FAST, **run.pop("server", {})}), **run
    )
    source = loading.served(RECORD, backend, url, str(models))
    chosen = asked(setting.changes(), backend)
    return Unit(benchmark, source, chosen, options, data.describe(benchmark, ITEMS))


def run(unit: Unit):
    return harness.run_unit(unit, harness.load_model(unit.model, unit.run, "auto"))


@pytest.fixture(scope="module")
def local(models: Path):
    """The same model on this machine."""
    source = loading.locate(RECORD, str(models))
    options = RunOptions(device="cpu", batch_size=1, data_dir=str(ITEMS))
    return source, options, harness.load_model(source, options, "float32")


@pytest.mark.parametrize("benchmark", ["jemhopqa", "openbookqa"])
def test_a_served_model_scores_as_the_same_model_here(url, models, local, benchmark):
    there = run(unit_of(benchmark, url, models))
    source, options, model = local
    here = harness.run_unit(Unit(benchmark, source, PROTOCOL, options, data.describe(benchmark, ITEMS)), model)
    assert there.score["score"] == pytest.approx(here.score["score"])
    assert there.score["protocol"] == here.score["protocol"]
    assert there.score["capped_rate"] == here.score["capped_rate"]
    assert [list(row) for row in there.answers["raw"]] == [list(row) for row in here.answers["raw"]]
    assert there.answers["prompt_tokens"].tolist() == here.answers["prompt_tokens"].tolist()
    for one, other in zip(there.answers["log_likelihoods"], here.answers["log_likelihoods"], strict=True):
        assert list(one) == pytest.approx(list(other), abs=1e-4)


def test_what_it_cost_is_recorded_and_the_key_nowhere(url, models, behaviour, monkeypatch, capfd, caplog):
    behaviour.key = KEY
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with caplog.at_level("DEBUG"):
        result = run(unit_of("jemhopqa", url, models))
    spent = result.provenance["usage"]
    assert spent["requests"] == result.score["n_items"]
    assert spent["prompt_tokens"] == result.answers["prompt_tokens"].sum()
    assert spent["completion_tokens"] == sum(tokens[0] for tokens in result.answers["output_tokens"])
    out, err = capfd.readouterr()
    assert KEY not in json.dumps([result.provenance, result.score]) + out + err + caplog.text
    assert KEY not in result.answers.to_json()


def test_a_wrong_key_is_one_line_without_the_key(url, models, behaviour, monkeypatch):
    behaviour.key = "another"
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with pytest.raises(InputError, match="the server refuses the key, which OPENAI_API_KEY holds: 401") as caught:
        run(unit_of("jemhopqa", url, models))
    [line] = caught.value.problems
    assert KEY not in line
    assert "***" in line


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_asked_again(url, models, behaviour, status):
    unit = unit_of("jemhopqa", url, models)
    model = harness.load_model(unit.model, unit.run, "auto")
    behaviour.failures = [status, status]
    result = harness.run_unit(unit, model)
    assert result.provenance["usage"]["retries"] == 2
    assert result.score["n_items"] == len(data.load("jemhopqa", ITEMS).test)


def test_a_server_that_stays_busy_is_one_line(url, models, behaviour):
    unit = unit_of("jemhopqa", url, models, server={"retries": 1})
    model = harness.load_model(unit.model, unit.run, "auto")
    behaviour.failures = [429] * 100
    with pytest.raises(InputError, match=r"/v1/completions: the server returned an error: 429 .*busy"):
        harness.run_unit(unit, model)


def test_a_server_that_is_not_there_or_has_another_model_is_one_line(url, models):
    with pytest.raises(InputError, match="cannot be reached"):
        run(unit_of("jemhopqa", "http://127.0.0.1:9/v1", models, server={"retries": 0}))
    unit = unit_of("jemhopqa", url, models)
    other = replace(unit.model, origin=f"{url} x/other")
    with pytest.raises(InputError, match=rf"serves {NAME}, not x/other: write served_as in models.yaml"):
        harness.load_model(other, unit.run, "auto")
    with pytest.raises(InputError, match=r"evaluate.server.url"):
        loading.served(RECORD, "local-completions", "", "")


def test_requests_a_minute_are_spaced(url, models, monkeypatch):
    from stages.evaluation.harness import transport

    waited = []
    monkeypatch.setattr(transport.time, "sleep", waited.append)
    monkeypatch.setattr(transport.time, "monotonic", lambda: 0.0)
    sender = transport.Transport(ServerParams(url=url, requests_per_minute=120))
    for _ in range(3):
        sender.get("models")
    assert waited == [0.0, 0.5, 1.0]


def test_likelihoods_are_refused_with_the_reason(url, models, behaviour, tmp_path):
    behaviour.logprobs = False
    with pytest.raises(
        InputError, match=r"cannot score log-likelihoods: asked with echo and logprobs, it returned 0 for the"
    ):
        run(unit_of("openbookqa", url, models))
    with pytest.raises(InputError, match="log-likelihoods need the tokenizer: put its files into MODEL_DIR"):
        run(unit_of("openbookqa", url, tmp_path))
    with pytest.raises(InputError, match="a chat API returns none for the tokens of a prompt"):
        run(unit_of("openbookqa", url, models, "local-chat-completions"))


def test_a_chat_gets_messages_and_its_protocol_says_so(url, models, behaviour):
    setting = Setting(chat_template=True, system_prompt="Be brief.")
    result = run(unit_of("jemhopqa", url, models, "local-chat-completions", setting))
    told = ', chat template, system prompt "Be brief."'
    assert result.score["protocol"].endswith(told)
    messages = [content["messages"] for path, content in behaviour.seen if path == "/v1/chat/completions"]
    assert len(messages) == result.score["n_items"]
    assert all([m["role"] for m in each] == ["system", "user"] for each in messages)
    assert {each[0]["content"] for each in messages} == {"Be brief."}
    assert all(len(each[1]["content"]) > 50 for each in messages)


def test_examples_are_turns_where_the_model_wants_them_so(url, models, behaviour):
    setting = Setting(chat_template=True, fewshot_as_turns=True)
    result = run(unit_of("jemhopqa", url, models, "local-chat-completions", setting))
    assert result.score["protocol"].endswith(", chat template, examples as turns")
    for _, content in behaviour.seen:
        assert [m["role"] for m in content["messages"]] == ["user", "assistant"] * 4 + ["user"]


def test_without_a_tokenizer_prompts_go_as_text(url, tmp_path, behaviour):
    result = run(unit_of("jemhopqa", url, tmp_path))
    sent = [content["prompt"] for path, content in behaviour.seen if path == "/v1/completions"]
    assert sorted(sent) == sorted(result.answers["prompt"])
    assert (result.answers["prompt_tokens"] > 0).all()


def test_each_sample_has_a_seed_of_its_own_however_many_are_asked_for_at_a_time(url, models, behaviour):
    options = {"until": ["\n"], "max_gen_toks": 8, "do_sample": True, "temperature": 0.8, "top_p": 0.95}
    answers = []
    for concurrent in (1, 4):
        unit = unit_of("jemhopqa", url, models, server={"concurrent": concurrent})
        model = harness.load_model(unit.model, unit.run, "auto")
        model.ask_under(PROTOCOL, None)
        requests = [Instance("generate_until", {}, (p, options), 0, ("t", i, 3)) for i, p in enumerate("ab")]
        answers.append(model.generate_until([request for request in requests for _ in range(3)]))
    assert answers[0] == answers[1]
    assert len(set(answers[0])) > 2
    seeds = [content["seed"] for path, content in behaviour.seen if path == "/v1/completions"]
    assert len(set(seeds)) == 6
    assert sorted(seeds[:6]) == sorted(seeds[6:])


def replace_server(unit: Unit, **changes) -> ServerParams:
    return unit.run.server.model_copy(update=changes)


def test_a_studys_own_task_on_a_served_chat_has_its_examples_as_turns(url, models, behaviour, tmp_path):
    folder = write_tasks(tmp_path / "tasks")
    sums = choice(folder, "sums", "right", "number")
    unit = unit_of(
        "jemhopqa", url, models, "local-chat-completions", Setting(chat_template=True, fewshot_as_turns=True)
    )
    result = run(replace(unit, benchmark="bench", data=lm_tasks.describe("bench", sums), task=sums))
    _, content = behaviour.seen[0]
    assert [m["role"] for m in content["messages"]] == ["user", "assistant", "user", "assistant", "user"]
    assert "examples as turns" in result.score["protocol"]


def test_the_key_of_a_unit_names_server_and_model_but_not_how_fast(url, models):
    unit = unit_of("jemhopqa", url, models)
    fast = replace(unit, run=replace(unit.run, server=replace_server(unit, concurrent=2, retries=9)))
    assert fast.key == unit.key
    elsewhere = loading.served(RECORD, "local-completions", "http://elsewhere/v1", str(models))
    other = loading.served(replace(RECORD, served_as="tiny-v3"), "local-completions", url, str(models))
    keys = {
        unit.key,
        replace(unit, model=elsewhere).key,
        replace(unit, model=other).key,
        replace(unit, run=replace(unit.run, backend="local-chat-completions")).key,
        replace(unit, setting=Setting(chat_template=True, system_prompt="x")).key,
    }
    assert len(keys) == 5


@pytest.mark.parametrize("setting", [Setting(strip=True), Setting(bos="always"), Setting(slow_tokenizer=True)])
def test_what_only_a_model_here_can_follow_is_one_line(url, models, setting):
    with pytest.raises(InputError, match="decided by the server"):
        run(unit_of("jemhopqa", url, models, setting=setting))
