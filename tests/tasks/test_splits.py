import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.contracts.errors import InputError
from stages.tasks import splits
from stages.tasks.families import llm_jp_eval


def rows(n):
    return [{"id": str(number), "text": f"row {number}"} for number in range(n)]


def test_shuffled_is_random_shuffle_under_seed_42():
    random.seed(42)
    expected = rows(30)
    random.shuffle(expected)
    assert splits.shuffled(rows(30)) == expected


def test_fixed_pool_is_nine_tenths():
    assert llm_jp_eval.fixed_pool(rows(25)) == splits.shuffled(rows(25))[:22]


def test_jmmlu_split_halves_each_subject_and_moves_sixteen():
    subjects = {name: [{"id": f"{name}{n}"} for n in range(size)] for name, size in (("a", 41), ("b", 30))}
    pool, test = llm_jp_eval.jmmlu_split(subjects)
    assert len(pool) == 20 + 15
    assert len(test) == 21 + 15 - 16
    everything = {row["id"] for rows_ in subjects.values() for row in rows_}
    used = {row["id"] for row in [*pool, *test]}
    assert len(used) == len(pool) + len(test)
    assert used < everything


@given(n=st.integers(2, 12), k=st.integers(0, 3), seed=st.integers(0, 99))
def test_draw_others_never_gives_the_item_itself(n, k, seed):
    pool = rows(n)
    k = min(k, n - 1)
    generator = random.Random(seed)
    for row in pool:
        drawn = splits.draw_others(row, pool, k, generator)
        assert len(drawn) == k
        assert row not in drawn


def test_draw_others_replaces_duplicates_of_the_item():
    pool = [*({"id": str(n), "text": "same"} for n in range(5)), *rows(3)]
    drawn = splits.draw_others(pool[0], pool, 3, random.Random(0))
    assert sorted(row["text"] for row in drawn) == ["row 0", "row 1", "row 2"]


@pytest.mark.evaluation
@pytest.mark.parametrize("extra", [0, 1])
def test_draw_each_draws_as_the_harness_does(extra):
    from lm_eval.api.samplers import ContextSampler

    pool = rows(40)
    sampler = ContextSampler(pool, rnd=splits.DRAW_SEED)
    # An item that is not in the pool makes the harness draw one more and drop the last.
    expected = [sampler.sample(4, eval_doc={"id": "item"} if extra else None) for _ in range(20)]
    assert splits.draw_each(20, pool, 4, extra) == expected


@pytest.mark.evaluation
def test_draw_others_draws_as_the_harness_does():
    from lm_eval.api.samplers import ContextSampler

    pool = rows(12)
    sampler = ContextSampler(pool, rnd=splits.DRAW_SEED)
    generator = random.Random(splits.DRAW_SEED)
    for row in pool:
        assert splits.draw_others(row, pool, 4, generator) == sampler.sample(4, eval_doc=row)


def test_enough_counts():
    splits.enough("gsm8k", rows(4), 4)
    with pytest.raises(InputError, match="gsm8k: 3 examples to draw from, expected at least 4"):
        splits.enough("gsm8k", rows(3), 4)
