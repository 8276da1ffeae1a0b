"""Sampled answers: drawn for each sample by itself, from the right distribution."""

import os
from collections import Counter

import pytest

pytest.importorskip("lm_eval")

from lm_eval.api.instance import Instance

from stages.contracts.study.model_record import ModelRecord
from stages.contracts.study.workarounds import PROTOCOL
from stages.evaluation.harness import run as harness
from stages.evaluation.harness.finish import Drawn
from stages.evaluation.harness.seeds import seed_of, seeds_of
from stages.evaluation.model_source import locate
from stages.evaluation.unit import RunOptions
from tests.tasks.tiny import save

pytestmark = [pytest.mark.evaluation, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

SAMPLED = {"until": ["\n"], "max_gen_toks": 12, "do_sample": True, "temperature": 0.8, "top_p": 0.95, "top_k": 0}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory):
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    folder = tmp_path_factory.mktemp("models")
    save(folder / "x/tiny")
    return locate(ModelRecord("x/tiny", "", False, "", {}, {}), str(folder))


@pytest.fixture(scope="module")
def models(source):
    return {size: harness.load_model(source, RunOptions(device="cpu", batch_size=size), "float32") for size in (1, 5)}


def asked(prompts: dict[int, str], repeats: int = 3) -> list[Instance]:
    requests = [Instance("generate_until", {}, (p, dict(SAMPLED)), 0, ("t", i, repeats)) for i, p in prompts.items()]
    return [request for request in requests for _ in range(repeats)]


PROMPTS = {0: "a", 1: "def f(x):\n", 2: "東京は", 3: "a"}


@pytest.mark.parametrize("continues", [False, True])
def test_sampled_answers_do_not_depend_on_the_size_of_batches_or_on_other_items(models, continues):
    answers = {}
    for size, model in models.items():
        model.ask_under(PROTOCOL, None, continues=continues)
        answers[size] = model.generate_until(asked(PROMPTS), disable_tqdm=True)
    assert answers[1] == answers[5]
    assert len(set(answers[1])) == 12
    # what was finished before a kill moves nothing that is drawn after it
    rest = models[5].generate_until(asked({2: PROMPTS[2]}), disable_tqdm=True)
    assert rest == answers[1][6:9]


def test_each_sample_has_a_seed_of_its_own_that_is_always_the_same():
    seeds = seeds_of(asked(PROMPTS))
    assert len(set(seeds)) == 12
    assert seeds[4] == seed_of("t", 1, 1)
    assert seed_of("t", 1, 1) != seed_of("u", 1, 1)
    assert all(0 <= seed < 2**31 for seed in seeds)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [0.6, 0.3, 0.1]),
        ({"temperature": 0.5}, [0.36 / 0.46, 0.09 / 0.46, 0.01 / 0.46]),
        ({"top_p": 0.7}, [2 / 3, 1 / 3, 0]),
        ({"top_p": 0.5}, [1, 0, 0]),
        ({"top_k": 2}, [2 / 3, 1 / 3, 0]),
    ],
)
def test_tokens_are_drawn_with_their_probabilities(options, expected):
    import torch

    n = 4000
    scores = torch.log(torch.tensor([[0.1, 0.6, 0.3]])).repeat(n, 1)
    drawn = Drawn(range(n), **options)(torch.zeros(n, 1, dtype=torch.long), scores)
    counts = Counter(drawn.argmax(dim=-1).tolist())
    assert [counts[token] / n for token in (1, 2, 0)] == pytest.approx(expected, abs=0.04)
    assert (torch.isfinite(drawn).sum(dim=-1) == 1).all()


def test_a_row_goes_on_with_its_own_random_numbers():
    import torch

    scores = torch.zeros(2, 50)
    together = Drawn([7, 8])
    rows = [together(scores, scores).argmax(dim=-1).tolist() for _ in range(20)]
    alone = Drawn([8])
    assert [row[1] for row in rows] == [int(alone(scores[:1], scores[:1]).argmax()) for _ in range(20)]
    assert len({row[0] for row in rows}) > 5
